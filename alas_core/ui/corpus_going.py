"""The Data set page of a run that has not ended: how far it is, and how much of it is shown."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from alas_core.batch.command import progress_text
from alas_core.batch.roots import Found
from alas_core.batch.standing import MOST
from alas_core.corpus.run import Run
from alas_core.numerals import counted
from alas_core.ui import corpus_scope, guard, url
from alas_core.ui.text import plain

_EVERY_S = 3.0
_RUNS = Path(__file__).resolve().parents[2] / "pages" / "runs.py"


def say(found: Found, run: Run) -> None:
    """Of a run that is not finished: how far it is, and that what is below is not all of it."""
    if found.state == "finished":
        return
    every_s = _EVERY_S if found.owner else None
    st.fragment(_say, run_every=every_s)(found.name, _so_far(found), len(run) + len(run.skipped))


def _so_far(found: Found) -> int:
    return found.progress.done + found.progress.skipped


def _say(name: str, before: int, shown: int) -> None:
    """`before` were done when the page was drawn, `shown` of these can be seen on it."""
    with guard.guarded("the progress of the run"):  # a fragment of its own, outside of the page's
        found = corpus_scope.runs().get(name)
        if found is None or found.problem or found.state == "finished":
            st.rerun()
        now = _so_far(found)
        if not shown and before < now <= MOST:
            st.rerun()  # there is something to show by now
        with st.container(border=True, key="run_going", gap="xsmall"):
            _how_far(found, now)
            with st.container(horizontal=True, vertical_alignment="center"):
                if shown and found.owner:
                    st.caption(
                        f"Below: the first {shown} done, as of when this page was drawn.",
                        width="content",
                    )
                    if now > before and st.button("Show those done since", key="run_look_again"):
                        st.rerun()
                st.page_link(
                    _RUNS,
                    label="To the Runs page",
                    icon=":material/playlist_play:",
                    query_params=url.beside_view({}),
                )


def _how_far(found: Found, now: int) -> None:
    progress = found.progress
    if found.owner:
        share = min(now / max(progress.total, 1), 1.0)
        word = "paused" if found.state == "paused" else "going"
        st.progress(share, text=f"This run is {word}: {plain(progress_text(progress))}")
        return
    all_of_it = counted(progress.total, "utterance")
    st.markdown(plain(f"This run is {found.state}, with {now} of {all_of_it} done."))


def nothing_yet(found: Found) -> None:
    """Where no utterance can be shown: when that will be otherwise."""
    now = _so_far(found)
    if not now and found.owner:
        title = "No utterance is done yet"
        text = "The first ones are shown here as soon as they are done."
    elif found.owner:
        title = "This run has no tables yet"
        text = (
            f"Up to {MOST} utterances are shown while a run is going. The tables of a larger one "
            "are written when it ends or is cancelled; then all of them are shown here."
        )
    elif found.progress.done:
        title = "This run has no tables"
        text = (
            f"Its state is {found.state}, {counted(now, 'utterance')} done. Start it again on the "
            "Runs page: it goes on where it stopped, repeats nothing and makes its tables."
        )
    else:
        title = "This run has nothing to show"
        text = f"Its state is {found.state}, no utterance is analysed. The Runs page says why."
    with st.container(border=True):
        st.markdown(f"#### :material/hourglass: {title}")
        st.markdown(plain(text))
