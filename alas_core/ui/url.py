"""The parts of the view that a link carries: model, data set, utterance, layer, score, word.

Streamlit's own binding writes a choice's label into the URL; here labels are sentences, so ids
are written by hand. A value that is the default stays out of the URL.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import streamlit as st

PARAMETERS = ("model", "data", "utterance", "layer", "score", "word")
_PUBLISHED = "url_published"
_SUPERSEDED = "url_superseded"

_STALE_S = 5.0
"""A browser that is just being told a new URL may still send the one before."""


def adopt() -> None:
    """Take over what the URL says where it differs from what was last written there.

    So a fresh link fills the view, and the browser's back button works. A URL without any of the
    parameters says nothing (Streamlit empties it when the page changes), and neither does a value
    that has only just been replaced: it is older than the reader's last choice.
    """
    told = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    if not told:
        return
    known: list[Mapping[str, str]] = [st.session_state.get(_PUBLISHED, {}), *_just_superseded()]
    for name in PARAMETERS:
        if all(told.get(name) != state.get(name) for state in known):
            _set(name, told.get(name))


def _just_superseded() -> list[Mapping[str, str]]:
    now = time.monotonic()
    kept = [(at, old) for at, old in st.session_state.get(_SUPERSEDED, []) if now - at < _STALE_S]
    st.session_state[_SUPERSEDED] = kept
    return [old for _, old in kept]


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
    before = st.session_state.get(_PUBLISHED, {})
    if wanted != before:
        st.session_state.setdefault(_SUPERSEDED, []).append((time.monotonic(), before))
        st.session_state[_PUBLISHED] = wanted
