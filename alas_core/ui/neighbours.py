"""To the utterance before and to the one after, in the order of the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from alas_core import frontend
from alas_core.types import content_sha
from alas_core.ui import url

_KEY = "neighbours"
_HEIGHT = 36
"""Pixels."""

_steps = component(
    "alas_steps",
    html='<div class="alas-steps" role="group" aria-label="Neighbours in the list"></div>',
    css=frontend.style("steps"),
    js=frontend.script("steps"),
    isolate_styles=False,
)


def buttons(known: Sequence[str]) -> None:
    """Draw them; the session's utterance is one of the known."""
    if len(known) < 2:
        return
    place, of = known.index(st.session_state["utterance"]), content_sha(*known)

    def follow() -> None:
        to = chosen(st.session_state.get(_KEY), known, of)
        if to is not None:
            st.session_state["utterance"] = to
            url.forget_choice()

    data = {"place": place, "count": len(known), "id": of}
    _steps(key=_KEY, data=data, height=_HEIGHT, on_to_change=follow)


def chosen(sent: Any, known: Sequence[str], of: str) -> str | None:
    """The utterance that a browser's message names, if it is one of this list; it may send any."""
    told = sent.get("to") if isinstance(sent, Mapping) else None
    if not isinstance(told, Mapping) or told.get("id") != of:
        return None
    place = told.get("place")
    if not isinstance(place, int) or not 0 <= place < len(known):
        return None
    return known[place]
