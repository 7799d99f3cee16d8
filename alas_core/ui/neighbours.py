"""Two buttons: to the utterance before and to the one after, in the order of the list."""

from __future__ import annotations

import streamlit as st

from alas_core.ui import url


def buttons(known: list[str]) -> None:
    """Draw them; the session's utterance is one of the known."""
    if len(known) < 2:
        return
    place = known.index(st.session_state["utterance"])
    with st.container(horizontal=True):
        for name, icon, to in (
            ("Previous", ":material/chevron_left:", place - 1),
            ("Next", ":material/chevron_right:", place + 1),
        ):
            there = 0 <= to < len(known)
            st.button(
                name, key=f"{name.lower()}_utterance", icon=icon, type="tertiary",
                disabled=not there, on_click=_go_to, args=[known[to] if there else ""],
            )  # fmt: skip


def _go_to(utterance: str) -> None:
    st.session_state["utterance"] = utterance
    url.forget_choice()
