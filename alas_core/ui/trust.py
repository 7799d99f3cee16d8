"""What lies under the sheet: read-out, controls, centering, sensitivity, one of them at a time."""

from __future__ import annotations

import time

import streamlit as st
from streamlit.components.v2 import component
from streamlit.delta_generator import DeltaGenerator

from alas_core import frontend
from alas_core.figures.palette import Theme
from alas_core.findings import Finding
from alas_core.types import Analysis
from alas_core.ui import controls, parameters
from alas_core.ui.choice import one_of
from alas_core.ui.readout_panel import readout_panel
from alas_core.ui.trial_panels import centering_panel, controls_panel, sensitivity_panel
from alas_core.ui.waiting import session

_LABELS = ("Read-out", "Controls", "Centering and sinks", "Sensitivity")
VIEWS = dict(zip(parameters.VIEWS, _LABELS, strict=True))
_PLACES = {
    "sheet": ".alas-sheet",
    "answers": ".st-key-answers",
} | dict.fromkeys(VIEWS, ".st-key-trust_panel")

_scroll = component("alas_scroll", js=frontend.script("scroll"), isolate_styles=False)


def trust_panel(analysis: Analysis, layer: int, word: int | None, theme: Theme) -> None:
    """The chosen one of the views; the others cost nothing."""
    with st.container(key="trust_panel"):
        view = one_of("Can it be trusted?", "trust", VIEWS)
        with _fresh(view):
            if view == "readout":
                readout_panel(analysis, layer, word, theme)
            elif view == "controls":
                controls_panel(analysis, layer, theme, session())
            elif view == "centering":
                centering_panel(analysis, layer, theme, session())
            else:
                sensitivity_panel(analysis, layer, theme)
    place, nonce = st.session_state.get("scroll_to", ("", 0))
    _scroll(key="scroll", data={"to": place, "nonce": nonce})


def _fresh(view: str | None) -> DeltaGenerator:
    """Where a view is drawn: at another place than the one before it, whose place is emptied.

    In the same place what the last view drew stands, and takes room, until the new one is complete.
    """
    drawn, turn = st.session_state.get("trust_drawn", ("", 0))
    turn = turn if drawn == view else 1 - turn
    st.session_state["trust_drawn"] = (view, turn)
    if turn:
        st.empty()
        return st.container()
    body = st.container()
    st.empty()
    return body


def show(finding: Finding) -> None:
    """Choose what a finding speaks of and bring its view into sight (before the page reruns)."""
    layer = controls.view().layer if finding.layer is None else finding.layer
    controls.choose(layer, finding.word)
    if finding.view in VIEWS:
        st.session_state["trust"] = finding.view
    st.session_state["scroll_to"] = (_PLACES[finding.view], time.time_ns() // 1_000_000)
