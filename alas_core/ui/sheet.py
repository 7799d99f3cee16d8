"""The sheet on a page: drawn, played and followed in the browser, its choices told to Python.

What a reader chooses in any linked view reaches Python through the sheet alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from alas_core import frontend
from alas_core.figures.cells import Cells
from alas_core.figures.palette import Theme
from alas_core.figures.payload import holds_all_layers, sheet_name, sheet_payload
from alas_core.figures.sheet import HEIGHT
from alas_core.figures.views import Fold
from alas_core.types import Analysis
from alas_core.ui import opening
from alas_core.ui.linked import figure_data, library

_BARS, _WORDS, _LINE, _KEYS = 2 * 36, 40, 22, 40
SHEET_HEIGHT = HEIGHT + _BARS + _WORDS + _LINE + _KEYS
"""Pixels; the same for every analysis, so that a skeleton of this height never makes a jump."""


@dataclass(frozen=True)
class SheetEvent:
    """What a reader chose; frame and token only where a cell or point of theirs was clicked."""

    layer: int
    word: int | None = None
    frame: int | None = None
    token: int | None = None


_sheet = component(
    "alas_sheet",
    html='<div class="alas-sheet" tabindex="0" role="group" aria-label="Alignment sheet. '
    "Arrow up and down change the layer, left and right the word, space plays, R plays the "
    "chosen word again."
    '"></div>',
    css=frontend.style("range", "sheet"),
    js=frontend.script("sheet"),
    isolate_styles=False,  # Plotly sees no clicks inside a shadow root
)


@st.cache_resource(max_entries=16, show_spinner=False)
def _payload(
    name: str, _analysis: Analysis, layer: int, score: str, fold: Fold, cells: Cells, theme: Theme
) -> bytes:
    del name  # the cache's key: it says all that the payload depends on
    return sheet_payload(_analysis, layer=layer, score=score, fold=fold, cells=cells, theme=theme)


def sheet(
    analysis: Analysis,
    *,
    layer: int,
    word: int | None = None,
    frame: int | None = None,
    token: int | None = None,
    score: str = "alas",
    fold: Fold = "time",
    cells: Cells = "cosine",
    theme: Theme = "light",
    key: str = "sheet",
    live: bool = True,
    on_event: Callable[[SheetEvent], None] | None = None,
) -> SheetEvent | None:
    """Mount the sheet and return what the reader has just chosen on it, if anything.

    Parameters
    ----------
    layer, word, frame, token : the choice to show in this and every linked view; `word` is an
        index into `analysis.words`; None where none is chosen.
    score, fold, cells, theme : see `alas_core.figures.sheet.sheet_figure`.
    live : whether choices are told. Those on a picture that stays while another analysis is asked
        for are not: its fifth word is not the other one's.
    on_event : called with the event before the script reruns, as the callbacks of Streamlit's
        widgets are: here the state of widgets with a key (a layer slider) may still be set.

    Raises
    ------
    InputError
        If the layer, the word or the score does not exist in this analysis.
    """
    drawn = layer if not holds_all_layers(analysis) else analysis.best_layer
    name = sheet_name(analysis, layer=drawn, score=score, fold=fold, cells=cells, theme=theme)
    payload = _payload(name, analysis, drawn, score, fold, cells, theme)
    seen_key, bounds = f"{key}_seen", _bounds(analysis)

    # Streamlit keeps this function as long as the session, drawn or not: it holds no analysis.
    def on_pick() -> None:
        raw = st.session_state[key].get("pick")
        if isinstance(raw, Mapping):
            st.session_state[seen_key] = raw.get("nonce", 0)
        event = _event(raw, bounds)
        if event is not None and on_event is not None:
            on_event(event)

    with st.container(gap=None):
        choice = {"id": name, "layer": layer, "word": word, "frame": frame, "token": token}
        told = {"seen": st.session_state.get(seen_key, 0), "awaited": opening.waiting()}
        told["live"] = live
        result = _sheet(
            key=key,
            data={**choice, **told},
            height=SHEET_HEIGHT,
            on_pick_change=on_pick,
            on_drawn_change=opening.drawn,
        )
        figure_data(payload, key)
        library("plotly")
        library("wavesurfer")
    return _event(result.pick, bounds)


def _bounds(analysis: Analysis) -> tuple[str, Mapping[str, int]]:
    """The analysis's name, and how many of each there are to choose."""
    return analysis.key.digest, {
        "layer": analysis.n_layers + 1,
        "word": len(analysis.words),
        "frame": analysis.n_frames,
        "token": analysis.n_tokens,
    }


def _event(raw: Any, bounds: tuple[str, Mapping[str, int]]) -> SheetEvent | None:
    """The event if it fits the analysis; a browser may send anything, or speak of the last one."""
    digest, sizes = bounds
    if not isinstance(raw, Mapping) or raw.get("analysis") != digest:
        return None
    chosen = {
        name: value
        for name, size in sizes.items()
        if isinstance(value := raw.get(name), int) and 0 <= value < size
    }
    return SheetEvent(**chosen) if "layer" in chosen else None
