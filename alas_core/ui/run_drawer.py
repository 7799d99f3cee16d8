"""The drawers of a new run: score, how the model is loaded, what is kept, which machines work."""

from __future__ import annotations

import importlib.util
from typing import Any

import streamlit as st

from alas_core.mode import clusters
from alas_core.types import Settings
from alas_core.ui import loading, settings, url

PREFIX = "run_"
"""Of the keys under which the session keeps what is chosen for a run."""

_HERE = "This server"


def drawer(model_id: str) -> None:
    """Draw the drawers; read them with `chosen` and `workers`."""
    default = {name: getattr(Settings(), name) for name in settings.CHANGES_A_SCORE}
    for name, value in {**default, "answers": True, "bundles": True}.items():
        url.keep(f"{PREFIX}{name}", value)
    with st.expander("Settings of the score", icon=":material/function:"):
        settings.score_settings(PREFIX)
    with st.expander("Loading, files, machines", icon=":material/tune:"):
        st.caption(
            "By default: number format and device auto, full weights, the cached revision or else "
            "the newest, LoRA on; answers and analyses are kept; this server does the work."
        )
        loading.options(model_id, [st.container()] * 5, PREFIX)
        st.toggle(
            "Have the model answer",
            key="run_answers",
            help="To the sound and to the words, for right and wrong and the response filter. "
            "Default: on. Off is faster.",
        )
        st.toggle(
            "Keep each analysis",
            key="run_bundles",
            help="So that an utterance opens in Explore and its words can be heard and mapped: "
            "some MB each with a large model. Default: on. Off keeps the tables only.",
        )
        _machines()


def _machines() -> None:
    offered = clusters() if importlib.util.find_spec("ray") else ()
    st.selectbox(
        "Workers",
        [_HERE, *offered],
        format_func=lambda name: name if name == _HERE else f"Ray: {name}",
        key="run_workers",
        disabled=not offered,
        help="Ray clusters that the server's owner names in ALAS_RAY (addresses or auto, with "
        "commas between them; Ray is in requirements-extras.txt). A run that is resumed goes to "
        "what is chosen here. The command line takes any: --ray ADDRESS.",
    )
    if st.session_state.get("run_workers", _HERE) != _HERE:
        st.number_input(
            "Cores of each worker",
            1,
            256,
            key="run_cpus",
            help="Where the cluster has no GPU; with GPUs each worker has one. Default: 1.",
        )


def chosen() -> dict[str, Any]:
    """The fields of a `RunOrder` that the drawers decide, with the number of wrong transcripts.

    Raises
    ------
    AlasError
        If a device was typed that cannot be, or a setting cannot be used.
    """
    state = st.session_state
    return {
        "settings": settings.settings(PREFIX),
        "loading": loading.chosen(PREFIX),
        "answers": bool(state.get("run_answers", True)),
        "bundles": bool(state.get("run_bundles", True)),
    }


def workers() -> dict[str, Any]:
    """Who is to work, as `Workshop.start` takes it."""
    where = st.session_state.get("run_workers") or _HERE
    return {
        "ray": None if where == _HERE else str(where),
        "cpus": int(st.session_state.get("run_cpus") or 1),
    }
