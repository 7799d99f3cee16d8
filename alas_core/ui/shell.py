"""The pages of the app, and their way back to it."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from alas_core import frontend
from alas_core.mode import readonly
from alas_core.resources import asset_path
from alas_core.ui import url

_PAGES = Path(__file__).resolve().parents[2] / "pages"
_inside: ContextVar[bool] = ContextVar("inside", default=False)
OWN_SIDEBAR = ("corpus", "runs", "training")
"""Pages that do not look at one utterance: the shared selectors are not drawn there."""

_ENTERING = "entering_the_app"
_ALL = (
    ("explore", "Explore", "graphic_eq"),
    ("compare", "Compare", "compare"),
    ("training", "Training", "timeline"),
    ("runs", "Runs", "playlist_play"),
    ("corpus", "Data set", "dataset"),
    ("models", "Models", "memory"),
    ("method", "Method", "function"),
)
"""File, title and icon of each page, in the order of the navigation."""

_NOT_IN_A_GALLERY = ("runs", "models")

_history = component("alas_history", js=frontend.script("history"), isolate_styles=False)


def frame() -> None:
    """Title, icon, spacing and way back of every page."""
    st.set_page_config("ALAS Explorer", _icon(), layout="wide")
    st.logo(str(asset_path("logo.svg")), size="large", icon_image=_icon())
    st.html(Path(__file__).with_name("style.css"))
    _history(key="history")


@cache
def _icon() -> str:
    """Within the page itself: a file that Streamlit serves may be gone while sessions rerun."""
    packed = base64.b64encode(asset_path("icon.png").read_bytes()).decode()
    return f"data:image/png;base64,{packed}"


@contextlib.contextmanager
def inside() -> Iterator[None]:
    """Around app.py: pages that run in here know that they are not alone."""
    st.session_state.pop(_ENTERING, None)
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


def navigation() -> Any:
    """The page that the URL asks for."""
    return st.navigation([_page(*row) for row in _ALL], position="top")


def _page(name: str, title: str, icon: str) -> Any:
    looks: dict[str, Any] = {"title": title, "icon": f":material/{icon}:"}
    if readonly() and name in _NOT_IN_A_GALLERY:  # no entry, but links from elsewhere are answered
        return st.Page(_not_here, url_path=name, visibility="hidden", **looks)
    return st.Page(_PAGES / f"{name}.py", default=name == "explore", **looks)


def _not_here() -> None:
    st.info(
        "This server is a gallery of kept analyses: it loads no models and starts no runs. "
        "Explore, Compare and Data set show what it keeps; ALAS Explorer on your own machine "
        "does the rest.",
        icon=":material/inventory_2:",
    )


def enter() -> None:
    """First line of each page: go through app.py if Streamlit has started the page without it.

    With a folder `pages`, Streamlit runs the page of a fresh server's first link by itself, until
    `st.navigation` is called for the first time. Where there is no app.py (a page under test),
    one attempt is made and the page runs alone.
    """
    if _inside.get():
        return
    if st.session_state.pop(_ENTERING, False):
        url.settle()  # the page runs alone
        return
    st.session_state[_ENTERING] = True
    frame()  # without an icon of the app's, the browser fetches the page's from the network
    navigation()
    st.rerun()
