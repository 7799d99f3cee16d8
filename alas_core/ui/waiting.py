"""Who waits for a job, and what the page says of it meanwhile."""

from __future__ import annotations

import uuid
from typing import Any

import streamlit as st

from alas_core.models.watching import WAITING
from alas_core.ui.jobs import State
from alas_core.ui.text import plain
from alas_core.ui.workshop import workshop


def session() -> str:
    """A name for this browser session."""
    name: str = st.session_state.setdefault("session", uuid.uuid4().hex)
    return name


def progress(state: State[Any]) -> None:
    """A bar with the stage of a job that is not finished."""
    share = min(state.done / state.total, 1.0) if state.total else 0.0
    st.progress(share, text=progress_text(state))


def progress_text(state: State[Any]) -> str:
    """The stage in plain words, how far, and who is before."""
    if state.ahead:
        return f"Waiting: {state.ahead} before you"
    stage = state.stage[:1].upper() + state.stage[1:]
    if stage == WAITING and (run := workshop.busy()):
        return f"{stage}, which the run {plain(run)} has for one of its recordings …"
    count = f", {state.done} of {state.total}" if state.total > 1 else ""
    return f"{plain(stage)}{count} …"
