"""The sheet first: on the first page of a session, what stands below it waits until it is drawn.

A browser that is told of the whole page at once fetches and builds tables, map and read-out before
it gets to the one picture that the reader came for.
"""

from __future__ import annotations

import time

import streamlit as st

PATIENCE_S = 2.0
"""After this long the rest comes all the same: a slow browser, or one that cannot draw."""

_STEP_S = 0.1
_OPENED = "sheet_was_drawn"


def waiting() -> bool:
    """Whether the browser is to say when the sheet is drawn."""
    return _OPENED not in st.session_state


def drawn() -> None:
    """The browser has said so (before the page runs again)."""
    st.session_state[_OPENED] = True


def after_the_sheet() -> None:
    """Hold the page's run here until the sheet is drawn; a rerun by `drawn` ends the run."""
    if not waiting():
        return
    below = st.empty()
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        below.skeleton(height=400)  # where Streamlit ends a run that another one waits for
        time.sleep(_STEP_S)
    below.empty()
    drawn()
