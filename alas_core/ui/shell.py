"""The pages of the app, and their way back to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from alas_core.resources import asset_path

_PAGES = Path(__file__).resolve().parents[2] / "pages"
_INSIDE = "inside_the_app"


def frame() -> None:
    """Title, icon and spacing of every page."""
    st.set_page_config("ALAS Explorer", str(asset_path("icon.png")), layout="wide")
    st.logo(str(asset_path("logo.svg")), size="large", icon_image=str(asset_path("icon.png")))
    st.html(Path(__file__).with_name("style.css"))


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
