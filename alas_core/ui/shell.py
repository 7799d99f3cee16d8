"""The pages of the app, and their way back to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_PAGES = Path(__file__).resolve().parents[2] / "pages"
_INSIDE = "inside_the_app"


def navigation() -> Any:
    """The page that the URL asks for; called by app.py in each run."""
    st.session_state[_INSIDE] = True
    return _navigation()


def _navigation() -> Any:
    return st.navigation(
        [
            st.Page(
                _PAGES / "explore.py", title="Explore", icon=":material/graphic_eq:", default=True
            ),
            st.Page(_PAGES / "method.py", title="Method", icon=":material/function:"),
        ],
        position="top",
    )


def enter() -> None:
    """First line of each page: go through app.py if Streamlit has started the page alone.

    With a folder `pages`, Streamlit runs the page of a fresh server's first link without app.py,
    until `st.navigation` is called for the first time. A page that a test runs alone stays alone.
    """
    if not st.session_state.get(_INSIDE):
        st.session_state[_INSIDE] = True
        _navigation()
        st.rerun()
