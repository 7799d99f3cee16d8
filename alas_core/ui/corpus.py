"""The Data set page: what a run says in words, and one view at a time below it."""

from __future__ import annotations

import streamlit as st

from alas_core.batch.roots import Found, runs_root
from alas_core.numerals import counted
from alas_core.ui import (
    controls,
    corpus_answers,
    corpus_files,
    corpus_going,
    corpus_lists,
    corpus_maps,
    corpus_overview,
    corpus_scope,
    corpus_words,
    guard,
)
from alas_core.ui.choice import one_of
from alas_core.ui.corpus_scope import Scope
from alas_core.ui.linked import library
from alas_core.ui.sentences import sentence
from alas_core.ui.text import plain

VIEWS = {
    "utterances": "Utterances",
    "profiles": "Groups",
    "words": "Words",
    "accuracy": "Accuracy",
    "filter": "Filter",
    "map": "Map",
    "layers": "Layers",
    "download": "Download",
}

_DRAWN = {
    "utterances": corpus_overview.utterances,
    "profiles": corpus_overview.profiles,
    "words": corpus_words.words,
    "accuracy": corpus_answers.accuracy,
    "filter": corpus_answers.response_filter,
    "map": corpus_maps.pooled_map,
    "layers": corpus_maps.layers,
    "download": corpus_files.download,
}


def page() -> None:
    """All of the page."""
    with st.container(gap=None):
        st.header("Data set")
        library("plotly")  # the browser unpacks it while the tables are read
    found = corpus_scope.choose_run()
    if found is None:
        _no_runs()
        return
    if found.problem:
        st.error(plain(found.problem), icon=":material/error:")
        _how_to_run()
        return
    looked = corpus_scope.scope(found)
    _status(looked, found)
    corpus_going.say(found, looked.run)
    corpus_lists.follow()
    if not len(looked.run):
        corpus_going.nothing_yet(found)
    elif not len(looked.rows):
        st.info("No utterance passes the filters: open *Which utterances* in the sidebar.")
    else:
        # The figure goes to the browser first; the sentences take their place above it.
        box = st.container(border=True, key="run_findings", gap="xxsmall")
        _views(looked)
        with box:
            _what_this_says(looked)


def _views(looked: Scope) -> None:
    if st.session_state.get("run_view") not in VIEWS:
        st.session_state["run_view"] = "utterances"
    chosen = one_of("View", "run_view", VIEWS)
    with st.container(key="run_panel"):
        _panel(looked, chosen)


@st.fragment
def _panel(looked: Scope, view: str) -> None:
    """A control of a view draws that view anew and nothing else; the address follows."""
    with guard.guarded(VIEWS[view]):
        _DRAWN[view](looked)
    controls.publish("corpus")


def _what_this_says(looked: Scope) -> None:
    """The findings in sentences; each leads to the view that shows it."""
    st.markdown("**What this run says**")
    for index, finding in enumerate(corpus_scope.findings(looked)):
        view = finding.view
        sentence(
            finding.text,
            key=f"run_finding_{index}",
            tip=f"Go to {VIEWS.get(view)}",
            show=_show if view in VIEWS else None,
            args=[view],
        )


def _show(view: str) -> None:
    st.session_state["run_view"] = view


def _status(looked: Scope, found: Found) -> None:
    """One line: what is looked at, how much of it, and what was left out."""
    info, run = found.info, looked.run
    n = f"{len(looked.rows)} of " if looked.filtered else ""
    size = f"{n}{counted(len(run), 'utterance')} × {run.n_layers + 1} layers"
    skipped = len(run.skipped)
    parts = [
        f"{info.get('model', 'unknown model')} ({info.get('dtype', '')})",
        size if len(run) else "",
        f"{skipped} skipped" if skipped else "",
        f"task {info.get('task') or 'of each utterance'}",
        f"reference {info.get('reference_name') or info.get('reference', '')}",
        "n shown beside every mean; intervals: 95 %, bootstrap over utterances" if len(run) else "",
    ]
    with st.container(key="run_status"):
        st.caption(plain(" · ".join(part for part in parts if part)))


def _no_runs() -> None:
    with st.container(border=True):
        st.markdown("#### :material/dataset: No run yet")
        st.markdown(
            "This page shows a data set that was run through a model, utterance by utterance."
        )
        _how_to_run()


def _how_to_run() -> None:
    st.markdown("To make one, use the **Runs** page or the command line:")
    command = f"python -m alas_core run demo --model demo --out {runs_root()}/my-run"
    st.code(command, language="bash", wrap_lines=True)
    st.caption(
        "Instead of the demo recordings name a folder or a table of your own "
        "(python -m alas_core run --help). Runs below ALAS_RUNS are listed in the sidebar."
    )
