"""Figures that take part in the page's selection: layer, word, frame and token without the server.

Little travels at each rerun: a library and a figure's file (`alas_core.figures.linked`) are
messages that stay the same while a reader changes layer or word, which Streamlit then sends as a
mere hash. What is chosen goes from view to view in the browser (frontend/selection.js).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.components.v2 import component
from streamlit.errors import StreamlitDuplicateElementKey

from alas_core import frontend

_loaders: dict[str, Callable[..., Any]] = {
    name: component(f"alas_{name}", js=frontend.script(name), isolate_styles=False)
    for name in frontend.LIBRARIES
}
_data = component("alas_sheet_data", js=frontend.script("data"), isolate_styles=False)
_linked = component(
    "alas_linked",
    html='<div class="alas-linked"></div>',
    css=frontend.style("range", "linked"),
    js=frontend.script("linked"),
    isolate_styles=False,  # Plotly sees no clicks inside a shadow root
)


def library(name: str) -> None:
    """Send a library to the page, once for all figures that need it."""
    # Raised for the second figure of a run: the first has sent it.
    with contextlib.suppress(StreamlitDuplicateElementKey):
        _loaders[name](key=f"library_{name}", data=frontend.packed(name))


def figure_data(payload: bytes, key: str) -> None:
    """Send a file made by `alas_core.figures.linked.pack` to the page."""
    _data(key=f"{key}_data", data=payload)


def linked_figure(
    payload: bytes, name: str, *, key: str, height: int, library_name: str = "plotly"
) -> None:
    """Mount a figure that follows what is chosen on the page, and lets a reader choose on it.

    Parameters
    ----------
    payload, name : a file of `alas_core.figures.linked.pack` and the name it was packed under.
        Beside `figure` and `changes` its head has `analysis` (the key's digest) and may have
        `titles` and `notes` (one, and a list, for each layer); without titles, a `label` for
        readers who hear the page.
    height : of the element in pixels, whatever is in it, so that nothing jumps.
    """
    with st.container(gap=None):
        _linked(key=key, data={"id": name, "library": library_name}, height=height)
        figure_data(payload, key)
        library(library_name)
