"""The parts of the Explore page around the sheet: flags, findings, map, answers."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from alas_core.figures import cross_layer_figure, map_figure
from alas_core.figures.map import Colour
from alas_core.figures.views import Fold
from alas_core.findings import findings
from alas_core.types import Analysis, FloatArray
from alas_core.ui import controls, details, guide, orders, share
from alas_core.ui.sheet import sheet
from alas_core.ui.text import plain

_FOLDS: dict[Fold, str] = {"time": "Layers × time", "words": "Layers × words"}
_COLOURS: dict[Colour, str] = {
    "modality": "Modality",
    "word": "Word",
    "time": "Time",
    "correct": "Finds its word",
}
_LAYERS = {"cka": "CKA", "layer_correlation": "Correlation"}
_MAPS = {"pca": "PCA", "pca3": "PCA in 3-D", "umap": "UMAP"}


def explore(analysis: Analysis) -> None:
    """All of the page below its status line."""
    view = controls.view()
    layer, word = view.layer_of(analysis), view.word_of(analysis)
    with st.container(key="picture"):
        flags(analysis)
        what_this_says(analysis, view.score)
        sheet_panel(analysis, layer, word, view.score)
        left, right = st.columns([3, 2], gap="large")
        with left:
            map_panel(analysis, layer, word)
        with right:
            answers(analysis)
            layers_panel(analysis, layer)
        details.details(analysis, layer)


def sheet_panel(analysis: Analysis, layer: int, word: int | None, score: str) -> None:
    """The sheet, with the switch of its layers' columns and its help."""
    with st.container(horizontal=True, vertical_alignment="center"):
        fold = st.segmented_control(
            "Fold",
            list(_FOLDS),
            format_func=_FOLDS.__getitem__,
            required=True,
            key="fold",
            label_visibility="collapsed",
        )
        guide.about_sheet(score)
    sheet(
        analysis,
        layer=layer,
        word=word,
        score=score,
        fold=fold or "time",
        theme=theme(),
        on_event=controls.follow,
    )


def theme() -> Literal["light", "dark"]:
    """How the browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def flags(analysis: Analysis) -> None:
    """What a reader must know before believing the picture."""
    for warning in (*analysis.warnings, *orders.store().notes):
        st.warning(plain(warning), icon=":material/flag:")


def what_this_says(analysis: Analysis, score: str) -> None:
    """The findings in sentences; each leads to the layer or word that it is about."""
    with st.container(border=True, key="findings", gap="xxsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.markdown("**What this says**")
            share.menu(analysis, score)
        for index, finding in enumerate(findings(analysis)):
            sentence, link = st.columns([15, 1], vertical_alignment="center")
            sentence.markdown(plain(finding.text))
            if finding.layer is not None or finding.word is not None:
                link.button(
                    "Show",
                    key=f"finding_{index}",
                    type="tertiary",
                    help="Choose this layer and word below",
                    on_click=controls.choose,
                    args=[finding.layer, finding.word],
                )


def map_panel(analysis: Analysis, layer: int, word: int | None) -> None:
    """Frames and tokens of one layer as points: PCA at once, UMAP when it is ready."""
    st.markdown(f"**Map of audio frames and text tokens, layer {layer}**")
    with st.container(horizontal=True, vertical_alignment="center"):
        kind = st.segmented_control(
            "Projection",
            list(_MAPS),
            format_func=_MAPS.__getitem__,
            required=True,
            key="projection",
            label_visibility="collapsed",
        )
        colour = st.segmented_control(
            "Colour",
            list(_COLOURS),
            format_func=_COLOURS.__getitem__,
            required=True,
            key="map_colour",
            label_visibility="collapsed",
        )
        lines = st.toggle("Lines", key="map_lines")
        guide.about_map()
    points = _points(analysis, layer, kind or "pca")
    figure = map_figure(
        analysis,
        points,
        layer=layer,
        word=word,
        colour=colour or "modality",
        lines=lines,
        theme=theme(),
    )
    st.plotly_chart(figure, theme=None, key="map", config={"displaylogo": False})


def _points(analysis: Analysis, layer: int, kind: str) -> FloatArray:
    principal: FloatArray = analysis.coords[layer, :, : 3 if kind == "pca3" else 2]
    if kind != "umap":
        orders.warm_umap()
        return principal
    state = orders.ask_umap(analysis, layer)
    if state.result is not None:
        return state.result
    if state.error:
        text = f"there is a defect, log id {state.error}" if state.defect else state.error
        st.caption(plain(f"PCA is shown, since UMAP cannot be: {text}"))
    else:
        _wait_for_umap(state.key)
    return principal


@st.fragment(run_every=1.0)
def _wait_for_umap(key: str) -> None:
    state = orders.maps.look(key)
    if state is None or state.finished or state.result is not None:
        st.rerun()
    else:
        st.caption(f"Showing PCA meanwhile: {state.stage} …")


def answers(analysis: Analysis) -> None:
    """What the model says to the sound and to the words; a difference weakens a comparison."""
    st.markdown("**The model's answers**")
    if not analysis.answers:
        st.caption("They come after the null; greedy decoding, both runs with one instruction.")
        return
    if analysis.utterance.instruction:
        st.caption(plain(f"Instruction: {analysis.utterance.instruction}", 300))
    for name, text in analysis.answers.items():
        st.caption(f"To the {plain(name)}")
        st.text(text or "(nothing)")


def layers_panel(analysis: Analysis, layer: int) -> None:
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
    figure = cross_layer_figure(
        analysis, score=score or next(iter(known)), layer=layer, theme=theme()
    )
    st.plotly_chart(figure, theme=None, key="layers", config={"displaylogo": False})
