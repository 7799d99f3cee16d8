"""The lower half of the sidebar: how the picture is looked at (layer, score, settings)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from alas_core.definitions import SCORES
from alas_core.types import Analysis
from alas_core.ui import settings, source_list, sources
from alas_core.ui.controls import choose, select, view

if TYPE_CHECKING:
    from alas_core.ui.sheet import SheetEvent

_SHOWN_LAYER, _SLIDER = "shown_layer", "layer_slider"


def layer_and_score(analysis: Analysis | None, slider: bool = False) -> None:
    """The lower half of the sidebar; the layers are those of the analysis on the screen.

    Parameters
    ----------
    slider : for a page whose figures have none of their own
    """
    with st.sidebar:
        if analysis is not None and analysis.n_layers > 0:
            if slider:
                _layer_slider(analysis)
            _layer(analysis)
        select(
            "Score",
            "score",
            {name: score.label for name, score in SCORES.items()},
            help="Every score of the profile; each is drawn with its own baseline.",
        )
        score = SCORES[view().score]
        st.caption(f"{score.plain} Baseline: {score.baseline}.")
        if sources.source(source_list.chosen()).finished:
            st.caption("Model and settings are those the analysis was kept with: see Details.")
        else:
            settings.drawer()


def _layer_slider(analysis: Analysis) -> None:
    st.session_state[_SLIDER] = view().layer_of(analysis)
    st.slider(
        "Layer",
        0,
        analysis.n_layers,
        key=_SLIDER,
        on_change=lambda: choose(st.session_state[_SLIDER], view().word),
        help="0 is the input of the first block, the last number the output of the last block.",
    )


def _layer(analysis: Analysis) -> None:
    """The way back to the best layer; the layer itself is chosen on the views that show it."""
    best = analysis.best_layer
    st.session_state[_SHOWN_LAYER] = view().layer_of(analysis)
    following = view().layer is None
    st.button(
        f"Best layer of ALAS: {best}",
        key="best_layer",
        on_click=_follow_best,
        disabled=following,
        icon=":material/my_location:",
        type="tertiary",
        help="Go to the layer with the highest ALAS, in each utterance anew.",
    )


def _follow_best() -> None:
    st.session_state.pop("layer", None)


def follow(event: SheetEvent) -> None:
    """Take over what a reader chose in any view (called before the page runs again)."""
    following_best = view().layer is None and event.layer == st.session_state.get(_SHOWN_LAYER)
    choose(None if following_best else event.layer, event.word, event.frame, event.token)
