"""The map on the Explore page: PCA at once, UMAP layer by layer, both of all layers."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from alas_core.figures.map import MAP_HEIGHT, Colour, map_figure
from alas_core.figures.map_payload import map_payload
from alas_core.figures.palette import Theme
from alas_core.fingerprint import fingerprint
from alas_core.layouts import Layout, pca_layout
from alas_core.types import Analysis
from alas_core.ui import guide, orders, runners
from alas_core.ui.choice import one_of
from alas_core.ui.jobs import State
from alas_core.ui.linked import linked_figure
from alas_core.ui.text import cut, plain, told_apart

_METHODS = {"pca": "PCA", "umap": "UMAP"}
_DIMENSIONS = {"2-D": "2-D", "3-D": "3-D"}
_COLOURS: dict[Colour, str] = {
    "modality": "Modality",
    "word": "Word",
    "time": "Time",
    "correct": "Finds its word",
}
_PARTS = {"lines": "Lines", "hulls": "Outlines"}
_TITLE_HEIGHT = 28


def map_panel(analysis: Analysis, layer: int, theme: Theme) -> None:
    """Frames and tokens as points, with what to show of them and how far to trust it."""
    with st.container(key="map_panel", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            method = one_of("Projection", "projection", _METHODS)
            dimensions = 3 if one_of("Dimensions", "dimensions", _DIMENSIONS) == "3-D" else 2
            colour = one_of("Colour", "map_colour", _COLOURS)
            parts = st.pills(
                "Parts",
                list(_PARTS),
                format_func=_PARTS.__getitem__,
                selection_mode="multi",
                key="map_parts",
                label_visibility="collapsed",
            )
            trails = _trails(analysis)
            guide.about_map()
        state = orders.ask_map(analysis, method, dimensions, layer)
        layout = state.result or pca_layout(analysis, dimensions)
        name = _name(analysis, layout, colour, parts, trails, theme)
        payload = _payload(name, analysis, layout, colour, parts, trails, theme)
        linked_figure(
            payload,
            name,
            key="map",
            height=_TITLE_HEIGHT + MAP_HEIGHT,
            library_name="plotly3d" if dimensions == 3 else "plotly",
        )
        _progress(state)
    if method == "pca":
        orders.warm_umap()


def as_shown(analysis: Analysis, layer: int, word: int | None) -> go.Figure:
    """The map as it is chosen in the panel, as a figure of its own."""
    held = st.session_state
    dimensions = 3 if held.get("dimensions") == "3-D" else 2
    state = orders.ask_map(analysis, held.get("projection") or "pca", dimensions, layer)
    parts = held.get("map_parts") or ()
    return map_figure(
        analysis,
        state.result or pca_layout(analysis, dimensions),
        layer=layer,
        word=word,
        colour=held.get("map_colour") or "modality",
        lines="lines" in parts,
        hulls="hulls" in parts,
        trails=tuple(int(place) for place in held.get("trails", ())),
    )


def _trails(analysis: Analysis) -> tuple[int, ...]:
    """Words whose way through the layers is to be seen, besides the chosen one's."""
    words = told_apart({str(k): cut(word.word, 30) for k, word in enumerate(analysis.words)})
    known = st.session_state.get("trails", [])
    st.session_state["trails"] = [place for place in known if place in words]
    with st.popover("Trails", icon=":material/timeline:", type="tertiary"):
        chosen = st.pills(
            "Also follow these words from layer 0 to the last; sound solid, text dashed",
            list(words),
            format_func=lambda place: plain(words[place]),
            selection_mode="multi",
            key="trails",
            help="Solid: the middle of the word's frames. Dashed: the middle of its tokens. The "
            "chosen word's own trail is always there.",
        )
    return tuple(int(place) for place in chosen)


def _name(
    analysis: Analysis,
    layout: Layout,
    colour: Colour,
    parts: list[str],
    trails: tuple[int, ...],
    theme: Theme,
) -> str:
    made = f"{layout.name}{layout.dimensions}.{layout.version}"
    shown = "-".join((colour, *sorted(parts), *map(str, trails)))
    return "/".join((fingerprint(analysis, early=True), "map", made, shown, theme))


@st.cache_resource(max_entries=16, show_spinner=False)
def _payload(
    name: str,
    _analysis: Analysis,
    _layout: Layout,
    colour: Colour,
    parts: list[str],
    trails: tuple[int, ...],
    theme: Theme,
) -> bytes:
    return map_payload(
        _analysis,
        _layout,
        colour=colour,
        lines="lines" in parts,
        hulls="hulls" in parts,
        trails=trails,
        theme=theme,
        name=name,
    )


def _progress(state: State[Layout]) -> None:
    """One line, always there: what is still being computed, or why it cannot be."""
    with st.container(key="map_status"):
        if state.error:
            st.caption(plain(f"PCA is shown, since UMAP cannot be: {state.problem}"))
        elif not state.finished:
            _wait(state.key, state.version)
        else:
            st.caption("&nbsp;")  # an empty container would be left out, and the page jump


@st.fragment(run_every=0.8)
def _wait(key: str, version: int) -> None:
    state = runners.maps.look(key)
    if state is None or state.finished or state.version != version:
        st.rerun()
    else:
        count = f", layer {state.done} of {state.total}" if state.total else ""
        st.caption(plain(f"{state.stage[:1].upper()}{state.stage[1:]}{count} …"))
