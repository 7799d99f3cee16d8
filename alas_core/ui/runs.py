"""Runs on a page: watch them, pause, cancel and resume them, see what they skipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from alas_core.batch import control
from alas_core.batch.command import duration, progress_text
from alas_core.batch.plan import order_of
from alas_core.batch.roots import INTERRUPTED, MAX_LOG, Found, found_runs, skipped_log
from alas_core.errors import AlasError
from alas_core.mode import readonly
from alas_core.numerals import number
from alas_core.reference.base import checkpoint_of
from alas_core.ui import guard, loading, run_drawer, url
from alas_core.ui.text import plain
from alas_core.ui.workshop import wish, workshop

_EVERY_S = 1.0
_LISTED = 12
"""Runs that are drawn; older ones are named only."""

_LOOKS: Mapping[str, tuple[str, str, str]] = {
    "running": ("Running", ":material/play_arrow:", "blue"),
    "paused": ("Paused", ":material/pause:", "orange"),
    "cancelled": ("Cancelled", ":material/stop:", "gray"),
    "finished": ("Finished", ":material/check:", "green"),
    "failed": ("Failed", ":material/error:", "red"),
    INTERRUPTED: ("Interrupted", ":material/power_off:", "orange"),
}
_CORPUS = Path(__file__).resolve().parents[2] / "pages" / "corpus.py"


def list_runs(runs: Sequence[Found]) -> None:
    """Every run of this server; the list renews itself while one is going."""
    _say_what_failed(runs)
    if not runs and not workshop.busy():
        st.info(
            "No run yet. Choose a data set and a model in the sidebar and press Start: the demo's "
            "48 recordings take a minute or two on a laptop.",
            icon=":material/info:",
        )
    going = _going(runs)
    st.fragment(_list, run_every=_EVERY_S if going else None)(going)


def _say_what_failed(runs: Sequence[Found]) -> None:
    """A run that this session started and that never came to have a folder."""
    started = st.session_state.get("run_started", "")
    problem = workshop.problem(started)
    if problem and all(run.name != started for run in runs):
        st.error(f"{plain(started)}: {plain(problem)}", icon=":material/error:")


def _going(runs: Sequence[Found]) -> bool:
    return bool(workshop.busy()) or any(run.owner for run in runs)


def _list(was_going: bool) -> None:
    with guard.guarded("the list of runs"):  # a fragment of its own, outside of its page's guard
        runs = found_runs()
        if was_going and not _going(runs):
            st.rerun()  # the last one has ended: no need to look every second
        if workshop.busy() and all(run.name != workshop.busy() for run in runs):
            with st.container(border=True):
                st.progress(0.0, text=f"{plain(workshop.busy())}: reading the data set …")
        for run in runs[:_LISTED]:
            with st.container(border=True, key=f"run {run.name}"):  # no name has a space
                _card(run)
        if len(runs) > _LISTED:
            st.caption(f"Older: {plain(', '.join(run.name for run in runs[_LISTED:]))}")


def _card(run: Found) -> None:
    if run.problem:
        st.markdown(f"**{plain(run.name)}**")
        st.error(plain(run.problem), icon=":material/error:")
        return
    label, icon, colour = _LOOKS.get(run.state, (run.state, ":material/help:", "gray"))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(run.name)}**", width="content")
        st.badge(plain(label), icon=icon, color=colour)  # type: ignore[arg-type]
        st.space("stretch")
        _ways_on(run)
        _buttons(run)
    st.caption(plain(_what(run)))
    _how_far(run)
    problem = workshop.problem(run.name)
    if run.state == "failed":
        problem = problem or str(run.info.get("message", ""))
    if problem:
        st.error(plain(problem), icon=":material/error:")
    if run.progress.skipped:
        _skipped(run)


def _what(run: Found) -> str:
    info = run.info
    parts = [
        f"data set {info.get('source')}",
        f"model {info.get('model')}",
        f"task: {info.get('task') or 'each its own'}",
        f"reference (word times): {info.get('reference_name')}",
        f"{info.get('settings', {}).get('n_null')} wrong transcripts",
    ]
    if run.owner:
        parts.append(f"process {run.owner['pid']} on {run.owner['host']}")
    return " · ".join(parts)


def _how_far(run: Found) -> None:
    progress = run.progress
    share = (progress.done + progress.skipped) / max(progress.total, 1)
    if run.state in ("running", "paused"):
        st.progress(min(share, 1.0), text=plain(progress_text(progress)))
    else:
        told = [
            f"{progress.done} of {progress.total} utterances analysed, {progress.skipped} skipped"
        ]
        if run.state == "finished" and run.took_s is not None:
            told.append(f"{duration(run.took_s)} from start to end")
        st.caption(plain(" · ".join(told)))
        if result := run.info.get("result"):
            st.markdown(plain(_result(run, result)))


def _result(run: Found, result: Mapping[str, Any]) -> str:
    """The run in one sentence, with what its wrong words come to."""
    null = "wrong transcripts" if run.info["settings"].get("n_null") else "permuted words"
    reach = result.get("null_high")
    return (
        f"Mean ALAS {number(result['alas'])} at its best layer, {result['layer']} of "
        f"{run.info.get('n_layers')} (n = {result['n']})"
        + ("." if reach is None else f"; {null} reach {number(reach)} there.")
    )


def _skipped(run: Found) -> None:
    with st.expander(f"Skipped: {run.progress.skipped}", icon=":material/warning:"):
        log = _log(run.url, run.stamp)
        st.dataframe(log, hide_index=True, width="stretch")
        if run.progress.skipped > MAX_LOG:
            st.caption(f"The first {MAX_LOG}; all are in skipped.parquet when the run has ended.")


@st.cache_resource(max_entries=32, show_spinner=False)
def _log(url: str, stamp: str) -> list[dict[str, str]]:
    del stamp  # a part of the key: the log grows, and begins anew when skipped ones are tried
    return skipped_log(url)


def _ways_on(run: Found) -> None:
    if run.progress.done and not run.owner:
        st.page_link(
            _CORPUS,
            label="Data set",
            icon=":material/dataset:",
            query_params=url.beside_view({"run": run.name}),
        )


def _buttons(run: Found) -> None:
    if readonly():
        return
    if run.owner:
        if run.state == "running":
            _wish("Pause", ":material/pause:", run, control.PAUSE)
        elif run.state == "paused":
            _wish("Resume", ":material/play_arrow:", run, control.GO)
        _wish("Cancel", ":material/stop:", run, control.CANCEL)
    elif run.state != "finished":
        _restart("Resume", ":material/play_arrow:", run, False)
    elif run.progress.skipped:
        _restart("Try skipped again", ":material/replay:", run, True)


def _wish(label: str, icon: str, run: Found, wanted: str) -> None:
    st.button(label, icon=icon, key=f"{run.name}-{wanted}", on_click=_ask, args=[run.name, wanted])


def _ask(name: str, wanted: str) -> None:
    try:
        wish(name, wanted)
    except AlasError as error:
        st.toast(plain(error), icon=":material/error:")


def _restart(label: str, icon: str, run: Found, retry_skipped: bool) -> None:
    """The button that goes on with a run; where it would download, it says so first."""
    missing, note = _missing(run), None
    if missing:
        label, icon = f"Download and {label.lower()}", ":material/download:"
        note = f"Not on this machine: {plain(' and '.join(missing))}."
    busy = bool(workshop.busy())
    if st.button(label, icon=icon, key=f"{run.name}-start", disabled=busy, help=note):
        for name in missing:
            loading.agree(name)
        try:
            order = order_of(run.info)
            workshop.start(run.name, order, retry_skipped=retry_skipped, **run_drawer.workers())
        except AlasError as error:
            st.toast(plain(error), icon=":material/error:")
        else:
            st.rerun()


def _missing(run: Found) -> list[str]:
    """The checkpoints that going on would download, and that this session has not agreed to."""
    try:
        order = order_of(run.info)
    except AlasError:  # said when it is to go on
        return []
    needed = ((order.model, order.loading.revision), (checkpoint_of(order.reference), ""))
    return [name for name, revision in needed if loading.must_ask(name, revision=revision)]
