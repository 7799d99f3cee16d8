"""A Plotly figure whose cells can be clicked, if asked for: the cell reaches Python.

Streamlit's own chart does not report clicks on heatmaps. This one draws with the library that the
page holds already and reports row and column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from alas_core import frontend
from alas_core.types import Analysis
from alas_core.ui.linked import library


@dataclass(frozen=True)
class Cell:
    """A cell of a heatmap that a reader clicked."""

    row: int
    column: int


@dataclass(frozen=True)
class Link:
    """How a figure takes part in the page's selection, without the server.

    Parameters
    ----------
    analysis : whose layers and words are chosen
    words : index of each column's word, () where columns are no words; shapes named "word" follow
        the chosen one, as shapes named "layer" follow the layer
    """

    analysis: Analysis
    words: Sequence[int] = ()


_BAR = 30
"""Pixels of the line of buttons below a figure."""

_chart = component(
    "alas_chart",
    html='<div class="alas-chart"></div>',
    css=frontend.style("chart"),
    js=frontend.script("chart"),
    isolate_styles=False,  # Plotly sees no clicks inside a shadow root
)

_save_bar = component(
    "alas_save_bar",
    html='<div class="alas-save"></div>',
    css=frontend.style("chart"),
    js=frontend.script("save_bar"),
    isolate_styles=False,
)


def chart(
    figure: Any,
    *,
    key: str,
    filename: str,
    on_pick: Callable[[Cell], None] | None = None,
    rows: Sequence[float] = (),
    link: Link | None = None,
) -> None:
    """Mount a figure.

    Parameters
    ----------
    figure : a plotly figure; a heatmap's `meta` may hold `rows` and `columns`, the labels that
        become its `customdata` in the browser
    filename : of what the buttons below the figure save (SVG, PNG, JSON), without its suffix;
        its words are the figure's name for those who cannot see it
    on_pick : called with the cell before the script reruns; without it a click does nothing
    rows : where the layers lie on the vertical axis: a click anywhere in a panel then chooses the
        nearest one; () for a heatmap, whose cells are clicked, or where rows are no layers
    link : takes the place of `on_pick` on a page with a sheet: what is chosen here is chosen there
    """
    json = figure.to_json()
    name = hashlib.sha256(json.encode()).hexdigest()[:16]
    seen = f"{key}_seen"

    def on_change() -> None:
        raw = st.session_state[key].get("pick")
        if isinstance(raw, Mapping) and isinstance(raw.get("nonce"), int):
            st.session_state[seen] = raw["nonce"]
        cell = _cell(raw, "rows" if rows else name)
        if cell is not None and on_pick is not None:
            on_pick(cell)

    with st.container(gap=None):
        data: dict[str, Any] = {"id": name, "figure": json, "filename": filename}
        data["label"] = _label(filename)
        data["nonce"] = st.session_state.get(seen, 0)
        data["picks"] = on_pick is not None
        data["rows"] = [float(row) for row in rows]
        data["link"] = link and {"analysis": link.analysis.key.digest, "words": list(link.words)}
        height = int(figure.layout.height) + _BAR
        _chart(key=key, data=data, height=height, on_pick_change=on_change)
        library("plotly")


def webgl_chart(figure: Any, *, key: str, filename: str, **options: Any) -> Any:
    """Streamlit's own chart, for thousands of points, with the same buttons below it.

    Parameters
    ----------
    options : of `st.plotly_chart`, whose event is returned
    """
    with st.container(gap=None):
        config = {"displaylogo": False, "modeBarButtonsToRemove": ["toImage"]}
        event = st.plotly_chart(figure, theme=None, key=key, config=config, **options)
        data = {"figure": key, "filename": filename, "label": _label(filename)}
        _save_bar(key=f"{key}_save", data=data, height=_BAR)
        library("plotly")
    return event


def _label(filename: str) -> str:
    """A figure's name for those who cannot see it."""
    return f"Figure: {filename.removeprefix('alas-').replace('-', ' ')}"


def _cell(raw: Any, name: str) -> Cell | None:
    """The cell, if the click was on the figure that is drawn now; a browser may send anything."""
    if not isinstance(raw, Mapping) or raw.get("id") != name:
        return None
    row, column = raw.get("row"), raw.get("column")
    if not (isinstance(row, int) and isinstance(column, int)) or min(row, column) < 0:
        return None
    return Cell(row, column)
