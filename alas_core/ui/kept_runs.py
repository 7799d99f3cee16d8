"""Utterances of runs as recordings of the Explore page: those that this session has opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from alas_core.errors import StoreError
from alas_core.mode import readonly
from alas_core.types import Analysis
from alas_core.ui import catalogue, url
from alas_core.ui.text import cut, told_apart

if TYPE_CHECKING:
    from alas_core.corpus.run import Run

RUN = "run"
_OPENED = "opened_from_runs"
_BETWEEN = "/"


def labels() -> dict[str, str]:
    """Id (run / utterance) to label; the newest first, with the one that the link names."""
    known: dict[str, str] = dict(st.session_state.get(_OPENED, {}))
    linked = st.session_state.get("utterance")
    if st.session_state.get("data") == RUN and linked and linked not in known:
        known[linked] = linked
        st.session_state[_OPENED] = known
    return dict(reversed(told_apart(known).items()))


def read(utterance_id: str) -> Analysis:
    """The analysis that a run keeps; knows nothing of the session.

    Raises
    ------
    AlasError
        If there is no such run or utterance, or the run keeps no analyses.
    """
    from alas_core.corpus.listing import listed_runs
    from alas_core.corpus.opening import analysis_of
    from alas_core.corpus.run import open_run

    name, _, utterance = utterance_id.partition(_BETWEEN)
    found = listed_runs().get(name)
    if found is None:
        raise StoreError(
            f"this server has no run '{name[:100]}', expected one of those on the Data set page; "
            "open the utterance from there"
        )
    return analysis_of(open_run(found.url), utterance)


def look_at(name: str, run: Run, utterance: str, layer: int | None) -> str:
    """Make the utterance the one that Explore shows (before a run's widgets are drawn).

    Returns
    -------
    str
        Why it cannot be; empty if it can.
    """
    from alas_core.corpus.opening import has_bundle

    state = st.session_state
    if has_bundle(run, utterance):
        chosen = f"{name}{_BETWEEN}{utterance}"
        transcript = str(run.utterances["transcript"][int(run.rows([utterance])[0])] or "")
        state.setdefault(_OPENED, {})[chosen] = f"{cut(transcript, 60)} · {cut(chosen, 60)}"
        state["data"], state["utterance"] = RUN, chosen
    elif readonly():
        return (
            f"'{utterance}' cannot be opened: the run keeps no analysis of it, and this server "
            "computes none. Kept analyses are on the Explore page."
        )
    elif run.info.get("source") == "demo" and utterance in catalogue.demo_utterances():
        state["data"], state["utterance"] = "demo", utterance
        model = run.info.get("model")
        if model in catalogue.models():
            state["model"] = model
            state.pop("linked_model", None)  # no link's word counts any more
    else:
        return (
            f"'{utterance}' cannot be opened: the run keeps no analysis of it. Run the data set "
            "again with bundles, or add the recording on the Explore page."
        )
    state["layer"] = layer
    url.forget_choice()
    return ""


def invitation() -> None:
    """What the sidebar says where nothing was opened yet."""
    if not labels():
        st.caption("Click an utterance on the Data set page: it opens here.")
