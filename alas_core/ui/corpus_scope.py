"""What the Data set page looks at: a run, some of its utterances, a score, a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from alas_core.batch.roots import Found
from alas_core.corpus import choosing
from alas_core.corpus.listing import is_example, listed_runs
from alas_core.corpus.profiles import BestLayer, best_of
from alas_core.corpus.run import Run, open_run
from alas_core.corpus.says import CorpusFinding, corpus_findings
from alas_core.definitions import SCORES
from alas_core.types import IntArray
from alas_core.ui.parameters import FILTERED
from alas_core.ui.text import cut, plain

_LISTED_S = 5.0
"""How long a list of the runs serves: one view of the page asks several times."""

_MAX_VALUES = 200
"""A column with more values is filtered by typing, not from a list."""


@dataclass(frozen=True)
class Scope:
    """One run and how it is looked at.

    Parameters
    ----------
    key : says the run's content and the utterances chosen; what is cached is cached under it
    name : of the run, as lists and links call it
    rows : of the utterances that pass the filters
    layer : chosen, or the best over these utterances
    """

    key: str
    name: str
    run: Run
    rows: IntArray
    score: str
    layer: int
    best: BestLayer | None

    @property
    def filtered(self) -> bool:
        return len(self.rows) < len(self.run)


@st.cache_resource(ttl=_LISTED_S, max_entries=1, show_spinner=False)
def runs() -> dict[str, Found]:
    """The runs of this server by name."""
    return listed_runs()


@st.cache_resource(max_entries=4, show_spinner="Reading the run's tables …")
def _opened(url: str, stamp: str) -> Run:
    del stamp  # the cache's key: a run that has gone on is read anew
    return open_run(url)


def opened(found: Found) -> Run:
    """The run with its tables.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    return _opened(found.url, found.stamp)


def choose_run() -> Found | None:
    """The sidebar's list of runs; None if there is none."""
    known = runs()
    if st.session_state.get("run") not in known:  # a link from a run that has just ended
        runs.clear()
        known = runs()
    if not known:
        return None
    if st.session_state.get("run") not in known:
        st.session_state["run"] = _first(known)
    st.sidebar.selectbox(
        "Run",
        list(known),
        format_func=lambda name: _label(known[name]),
        key="run",
        on_change=_forget_run,
        help="Data sets that were run through a model: those in the folder or address that "
        "ALAS_RUNS names, and the example that comes with the program.",
    )
    return known[st.session_state["run"]]


def _first(known: Mapping[str, Found]) -> str:
    done = (name for name, found in known.items() if not found.problem and found.info)
    return next(done, next(iter(known)))


def _label(found: Found) -> str:
    if found.problem:
        return f"{found.name} · cannot be opened"
    model = str(found.info.get("model", "")).rstrip("/").rpartition("/")[2]
    name = "Example: the demo recordings" if is_example(found) else found.name
    state = "" if found.state == "finished" else f" · {found.state}"
    return f"{cut(name, 60)} · {cut(model, 40)}{state}"


def _forget_run() -> None:
    filters = [f"run_only_{column}" for column in FILTERED]
    for name in ("run_layer", "run_text", "run_kept", "run_threshold", *filters):
        st.session_state.pop(name, None)


def scope(found: Found) -> Scope:
    """Draw the rest of the sidebar and read it.

    Raises
    ------
    AlasError
        If the run cannot be read.
    """
    run = opened(found)
    with st.sidebar:
        place = st.container()
        rows, told = _filters(run)
        score = _score(run, place)
        key = f"{found.url} {found.stamp} {told}"
        best = _best(key, run, rows, score)
        layer = _layer(run, best, score, place)
    return Scope(key, found.name, run, rows, score, layer, best)


def _score(run: Run, place: st.delta_generator.DeltaGenerator) -> str:
    options = run.scores or ("alas",)
    if st.session_state.get("score") not in options:
        st.session_state["score"] = options[0]
    place.selectbox(
        "Score",
        options,
        format_func=lambda name: SCORES[name].label,
        key="score",
        help="Of the heatmap, the profiles and the scatter; each stands beside its own baseline.",
    )
    score = SCORES[st.session_state["score"]]
    place.caption(f"{plain(score.plain)} Baseline: {plain(score.baseline)}.")
    return score.name


def _layer(
    run: Run, best: BestLayer | None, score: str, place: st.delta_generator.DeltaGenerator
) -> int:
    """The chosen layer, else the best; the slider follows."""
    fallback = best.layer if best else 0
    chosen = st.session_state.get("run_layer")
    layer = chosen if isinstance(chosen, int) and 0 <= chosen <= run.n_layers else fallback
    if run.n_layers == 0:
        return 0
    st.session_state["run_layer_slider"] = layer
    place.slider(
        "Layer",
        0,
        run.n_layers,
        key="run_layer_slider",
        on_change=_take_layer,
        help="0 is the input of the first block, the last number the output of the last block.",
    )
    place.button(
        f"Best layer of {SCORES[score].label}: {fallback}",
        key="run_best_layer",
        on_click=lambda: st.session_state.pop("run_layer", None),
        disabled=chosen is None,
        icon=":material/my_location:",
        type="tertiary",
        help="The layer with the best mean over the utterances that are looked at.",
    )
    return layer


def _take_layer() -> None:
    st.session_state["run_layer"] = st.session_state["run_layer_slider"]


def _filters(run: Run) -> tuple[IntArray, str]:
    """Which utterances, and the filters as a text."""
    wanted: dict[str, list[object]] = {}
    with st.expander("Which utterances", icon=":material/filter_alt:"):
        text = st.text_input(
            "Words or id", key="run_text", max_chars=200, placeholder="part of a transcript or id"
        )
        kept = st.toggle(
            "Only pairs that pass the response filter",
            key="run_kept",
            help="Leaves out utterances whose answers to sound and to words differ.",
        )
        for column in choosing.group_columns(run):
            values = run.utterances[column].drop_nulls().unique().sort().to_list()
            if column in FILTERED and len(values) <= _MAX_VALUES:
                wanted[column] = _only(column, {str(value): value for value in values})
    told = repr((text, kept, sorted((name, str(values)) for name, values in wanted.items())))
    return choosing.matching(run, wanted, text, kept), told


def _only(column: str, known: Mapping[str, object]) -> list[object]:
    """The values of a column that are let through; links and the session hold them as texts."""
    key = f"run_only_{column}"
    st.session_state[key] = [text for text in st.session_state.get(key, ()) if text in known]
    chosen = st.multiselect(
        choosing.label(column),
        list(known),
        format_func=lambda text: choosing.value_label(column, known[text]),
        key=key,
        placeholder="all",
    )
    return [known[text] for text in chosen]


@st.cache_data(max_entries=64, show_spinner=False)
def _best(key: str, _run: Run, _rows: IntArray, score: str) -> BestLayer | None:
    del key
    return best_of(_run, _rows, score)


@st.cache_data(max_entries=32, show_spinner="Weighing the utterances …")
def _findings(key: str, _scope: Scope, layer: int) -> list[CorpusFinding]:
    del key
    return corpus_findings(_scope.run, _scope.rows, layer)


def findings(looked: Scope) -> list[CorpusFinding]:
    """What the run says of the utterances that are looked at."""
    return _findings(looked.key, looked, looked.layer)
