"""The view in the address: every choice that changes what is on the screen, by its id.

Streamlit's own binding writes a choice's label into the URL and forgets what a page does not draw;
here labels are sentences and pages share their choices, so both are done by hand. A choice at its
default stays out of the URL (see `parameters`). The values are kept in the session under the same
names, which are the keys of the widgets: a widget of that table takes its default from there
(`settle`), not from an argument.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import streamlit as st

from alas_core.ui.parameters import CHOICE, PARAMETERS, PART, Value, written

_PUBLISHED = "url_published"
_SUPERSEDED = "url_superseded"

LINKED, LOST = "linked_utterance", "lost_utterance"
"""A recording that an address names, until it is looked for; and one that was not found."""

_STALE_S = 5.0
"""A browser that is just being told a new URL may still send the one before."""


def settle() -> None:
    """Keep every choice, also those whose widgets this run does not draw, or set its default.

    Streamlit forgets the choice of a widget that a run leaves out; one that is written anew stays.
    """
    for name, parameter in PARAMETERS.items():
        value = st.session_state.get(name, parameter.default)
        if value is not None:
            st.session_state[name] = value


def keep(name: str, default: Value) -> None:
    """Write a widget's choice, or its default, into the session: in every run before it is drawn.

    A default that only the first run writes can be lost: where the second follows before the
    browser has seen the first, the widget starts empty there, and tells so.
    """
    st.session_state[name] = st.session_state.get(name, default)


def forget_choice() -> None:
    """Another recording is looked at: its words, frames, tokens and parts are others."""
    for name in (*CHOICE, *PART, LOST):
        st.session_state.pop(name, None)


def adopt() -> None:
    """Take over what the URL says where it differs from what was last written there.

    So a fresh link fills the view, and the browser's back button works, except to a view all at
    its defaults: a URL without any of the parameters says nothing, since Streamlit empties it when
    the page changes. Neither does a value that has only just been replaced: it is older than the
    reader's last choice.
    """
    told = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    if not told:
        return
    known: list[Mapping[str, str]] = [st.session_state.get(_PUBLISHED, {}), *_just_superseded()]
    for name in PARAMETERS:
        if all(told.get(name) != state.get(name) for state in known):
            _set(name, told.get(name))


def beside_view(own: Mapping[str, str]) -> dict[str, str]:
    """What a link to another page says: the choices that pages share, and `own` of that page.

    One that left the shared choices out would withdraw them (see `adopt`). On a page's first run
    the URL is still empty, and what was last written there holds.
    """
    told = st.query_params.to_dict() or st.session_state.get(_PUBLISHED, {})
    shared = {name: told[name] for name in PARAMETERS if name in told and not PARAMETERS[name].page}
    return {**shared, **own}


def _just_superseded() -> list[Mapping[str, str]]:
    now = time.monotonic()
    kept = [(at, old) for at, old in st.session_state.get(_SUPERSEDED, []) if now - at < _STALE_S]
    st.session_state[_SUPERSEDED] = kept
    return [old for _, old in kept]


def _set(name: str, text: str | None) -> None:
    if name == "data":  # an address has its source's own instruction beside it: none is swapped
        st.session_state.pop("instruction_of", None)
    # Which model is loaded is not for a link to say: the sidebar looks at it first.
    place = "linked_model" if name == "model" else name
    if text is None:
        for told in (name, place):
            st.session_state.pop(told, None)
        return
    value = PARAMETERS[name].read(text)
    if value is not None:
        st.session_state[place] = value
        if name == "utterance":
            st.session_state[LINKED] = value


def publish(values: Mapping[str, Value | None], page: str = "explore") -> None:
    """Write the view into the URL.

    Parameters
    ----------
    values : of parameters that are not simply their widget's; None leaves one out
    page : whose own parameters are written beside the shared ones
    """
    wanted = {}
    for name, parameter in PARAMETERS.items():
        if parameter.page in ("", page):
            value = values[name] if name in values else st.session_state.get(name)
            if value is not None and value != parameter.default:
                wanted[name] = written(value)
    told = st.query_params.to_dict()
    telling = {name: text for name, text in told.items() if name not in PARAMETERS} | wanted
    if told != telling:
        # All at once: each message to the browser is an entry that its back button stops at.
        st.query_params.from_dict(telling)
    before = st.session_state.get(_PUBLISHED, {})
    if wanted != before:
        st.session_state.setdefault(_SUPERSEDED, []).append((time.monotonic(), before))
        st.session_state[_PUBLISHED] = wanted
