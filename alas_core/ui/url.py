"""The parts of the view that a link carries: model, data set, utterance, layer, score, word.

Streamlit's own binding writes a choice's label into the URL; here labels are sentences, so ids
are written by hand. A value that is the default stays out of the URL.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

PARAMETERS = ("model", "data", "utterance", "layer", "score", "word")
_PUBLISHED = "url_published"


def adopt() -> None:
    """Take over what the URL says where it differs from what was last written there.

    So a fresh link fills the view, and the browser's back button works. A URL without any of the
    parameters says nothing (Streamlit empties it when the page changes).
    """
    told = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    published = st.session_state.get(_PUBLISHED, {})
    if not told or told == published:
        return
    for name in PARAMETERS:
        if told.get(name) != published.get(name):
            _set(name, told.get(name))


def _set(name: str, value: str | None) -> None:
    if value is None:
        st.session_state.pop(name, None)
    elif name == "model":
        st.session_state["linked_model"] = value
    elif name not in ("layer", "word"):
        st.session_state[name] = value
    elif value.isascii() and value.isdigit() and len(value) < 5:
        st.session_state[name] = int(value)


def publish(values: Mapping[str, str | int | None]) -> None:
    """Write the view into the URL; None leaves a parameter out."""
    wanted = {name: str(value) for name, value in values.items() if value is not None}
    for name in PARAMETERS:
        if name in wanted:
            if st.query_params.get(name) != wanted[name]:
                st.query_params[name] = wanted[name]
        elif name in st.query_params:
            del st.query_params[name]
    st.session_state[_PUBLISHED] = wanted
