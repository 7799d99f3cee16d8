"""The parts of the Explore page around the sheet: flags, findings, map, answers."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from alas_core.figures.cells import Cells
from alas_core.figures.layers import LAYERS_HEIGHT, cross_layer_payload
from alas_core.figures.views import Fold
from alas_core.findings import Finding, findings
from alas_core.types import Analysis
from alas_core.ui import (
    answers,
    controls,
    details,
    guide,
    layer_choice,
    opening,
    orders,
    share,
    trust,
)
from alas_core.ui.choice import one_of
from alas_core.ui.linked import linked_figure
from alas_core.ui.look import theme
from alas_core.ui.map_panel import map_panel
from alas_core.ui.quality_panel import quality_panel
from alas_core.ui.sentences import sentence
from alas_core.ui.sheet import sheet
from alas_core.ui.text import plain

_FOLDS: dict[Fold, str] = {"time": "Layers × time", "words": "Layers × words"}
_CELLS: dict[Cells, str] = {"cosine": "Cosine", "share": "Share of mass"}
_LAYERS = {"cka": "CKA", "layer_correlation": "Correlation"}


def explore(analysis: Analysis, fresh: bool = True) -> None:
    """All of the page below its status line; `fresh` unless another analysis was asked for."""
    view = controls.view()
    layer, word = view.layer_of(analysis), view.word_of(analysis)
    with st.container(key="picture"):
        flags(analysis)
        said = findings(analysis)
        headline(said, analysis, view.score, layer, word)
        sheet_panel(analysis, view, fresh)
        opening.after_the_sheet()
        what_this_says(said)
        trust.trust_panel(analysis, layer, word, theme())
        map_panel(analysis, layer, theme())
        left, right = st.columns(2, gap="large")
        with left:
            layers_panel(analysis)
        with right, st.container(key="answers"):
            answers.answers(analysis)
        quality_panel(analysis, layer, word, theme())
        details.details(analysis, layer)


def sheet_panel(analysis: Analysis, view: controls.View, fresh: bool) -> None:
    """The sheet, with the switch of its layers' columns and its help."""
    with st.container(horizontal=True, vertical_alignment="center"):
        fold = one_of("Fold", "fold", _FOLDS)
        cells = one_of("Tokens × time shows", "cells", _CELLS)
        guide.about_sheet(view.score)
    sheet(
        analysis,
        layer=view.layer_of(analysis),
        word=view.word_of(analysis),
        frame=view.frame_of(analysis),
        token=view.token_of(analysis),
        score=view.score,
        fold=fold,
        cells=cells,
        theme=theme(),
        live=fresh,
        on_event=layer_choice.follow,
    )


def flags(analysis: Analysis) -> None:
    """What a reader must know before believing the picture: one box, however much it is."""
    notes = [plain(note) for note in (*analysis.warnings, *orders.store().notes)]
    if notes:
        listed = "\n".join(f"- {note}" for note in notes)
        st.warning(listed if len(notes) > 1 else notes[0], icon=":material/flag:")


def headline(
    said: Sequence[Finding], analysis: Analysis, score: str, layer: int, word: int | None
) -> None:
    """The first finding above the sheet, so that the sheet itself is seen without scrolling."""
    with st.container(border=True, key="headline", gap="xxsmall"):
        sentence, menu = st.columns([6, 1], vertical_alignment="center")
        with sentence:
            _finding(0, said[0])
        with menu:
            share.menu(analysis, score, layer, word)


def what_this_says(said: Sequence[Finding]) -> None:
    """The other findings in sentences, under the sheet that they speak of."""
    with st.container(border=True, key="findings", gap="xxsmall"):
        st.markdown("**What this says**")
        for index, finding in enumerate(said):
            if index:
                _finding(index, finding)


def _finding(index: int, finding: Finding) -> None:
    """A sentence that leads to the view that shows it, with its layer and word."""
    sentence(
        finding.text,
        key=f"finding_{index}",
        tip="Go to the view that shows it, with this layer and word chosen",
        show=trust.show,
        args=[finding],
    )


def layers_panel(analysis: Analysis) -> None:
    """Every audio layer against every text layer."""
    known = {name: label for name, label in _LAYERS.items() if name in analysis.cross_layer}
    if not known:
        return
    if st.session_state.get("cross_layer") not in known:
        st.session_state["cross_layer"] = next(iter(known))
    st.markdown("**Layers of hearing against layers of reading**")
    with st.container(horizontal=True, vertical_alignment="center"):
        score = st.segmented_control(
            "Likeness",
            list(known),
            format_func=known.__getitem__,
            required=True,
            key="cross_layer",
            label_visibility="collapsed",
        )
        guide.about_layers()
    name, payload = cross_layer_payload(analysis, score=score or next(iter(known)), theme=theme())
    linked_figure(payload, name, key="layers", height=LAYERS_HEIGHT)
