"""Alignment against right answers, and the response filter with its threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from alas_core.corpus import accuracy as queries
from alas_core.corpus import answers
from alas_core.corpus.accuracy import Correlation, Pairs
from alas_core.corpus.profiles import can_beat
from alas_core.corpus.says import with_interval
from alas_core.definitions import SCORES
from alas_core.figures.corpus_views import accuracy_figure, filter_figure, means_figure
from alas_core.types import IntArray
from alas_core.ui import corpus_guide, corpus_lists, url
from alas_core.ui.chart import chart, webgl_chart
from alas_core.ui.corpus_scope import Scope
from alas_core.ui.look import theme
from alas_core.ui.text import plain

_SELECTED = "points chosen in the figure"


@st.cache_data(max_entries=64, show_spinner=False)
def _correlation(key: str, _found: Pairs) -> Correlation:
    del key
    return queries.correlation(_found)


def accuracy(looked: Scope) -> None:
    """A scatter with its correlation, and the utterances that disagree."""
    sides = queries.outcomes(looked.run)
    if not sides:
        st.info(
            "This run knows no right answers and no similarity of answers: run a data set with "
            "expected answers, or a task with a judge (python -m alas_core run --help)."
        )
        return
    if st.session_state.get("run_side") not in sides:
        st.session_state["run_side"] = sides[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        side = st.selectbox(
            "Against", sides, format_func=queries.SIDES.__getitem__, key="run_side", width=280
        )
        corpus_guide.about("accuracy", looked.score)
    found = queries.pairs(looked.run, looked.rows, looked.layer, side, looked.score)
    binary = side != "answer_similarity"
    threshold = 0.5 if binary else answers.stored_threshold(looked.run)
    key = f"{looked.key} {looked.layer} {side} {looked.score}"
    _say_correlation(looked, _correlation(key, found), binary)
    labels = _labels(looked, found.rows)
    figure = accuracy_figure(
        found,
        labels,
        score=looked.score,
        outcome=queries.SIDES[side],
        binary=binary,
        theme=theme(),
    )
    event = webgl_chart(
        figure,
        key="run_scatter",
        filename=f"{looked.name}-accuracy",
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
    )
    _disagreeing(looked, found, threshold, _chosen(event))


def _labels(looked: Scope, rows: IntArray) -> list[str]:
    chosen = looked.run.utterances[rows]
    pairs = zip(chosen["utterance"], chosen["transcript"].fill_null(""), strict=True)
    return [f"{key} · {text}" for key, text in pairs]


def _say_correlation(looked: Scope, measured: Correlation, binary: bool) -> None:
    if measured.reason:
        st.info(plain(f"No correlation: {measured.reason}."))
        return
    name = "point-biserial r" if binary else "Pearson r"
    label = SCORES[looked.score].label
    st.markdown(
        plain(
            f"{label} at layer {looked.layer}: {name} = {with_interval(measured.pearson)}; "
            f"Spearman ρ = {with_interval(measured.spearman)}. No relation would be 0."
        )
    )


def _chosen(event: Any) -> IntArray:
    points = event["selection"]["points"] if event else []
    rows = [point["customdata"][0] for point in points if point.get("customdata")]
    return np.array(rows, dtype=np.int64)


def _disagreeing(looked: Scope, found: Pairs, threshold: float, chosen: IntArray) -> None:
    parts = queries.quadrants(found, threshold)
    options = {name: f"{name} ({len(rows)})" for name, rows in parts.items()}
    if len(chosen):
        parts[_SELECTED] = chosen
        options = {_SELECTED: f"{_SELECTED} ({len(chosen)})"} | options
    key = f"run_quadrant_{len(chosen) > 0}"
    filled = (name for name in options if len(parts[name]))
    st.session_state.setdefault(key, next(filled, next(iter(options))))
    shown = st.radio(
        "List",
        list(options),
        format_func=options.__getitem__,
        horizontal=True,
        key=key,
        help="Grounded: ALAS at this layer beats the utterance's own "
        f"{looked.run.null_name} (p ≤ 0.05).",
    )
    if not can_beat(looked.run):
        st.caption(
            f"{looked.run.n_null} {plain(looked.run.null_name)} for each utterance are too few for "
            "any of them to beat: who is grounded cannot be told in this run."
        )
    if len(parts[shown]):
        corpus_lists.utterance_list(looked, parts[shown], "run_quadrant_list")
    else:
        st.caption("None.")
    corpus_lists.follow()


def response_filter(looked: Scope) -> None:
    """Which pairs of answers are alike enough, and what the means are with and without them."""
    if not answers.compared(looked.run, looked.rows).any():
        st.info(
            "No answers of these utterances could be compared: run the data set with answers (the "
            "default), and for open answers with the sentence encoder installed."
        )
        return
    counts, edges = answers.histogram(looked.run, looked.rows)
    threshold = answers.stored_threshold(looked.run)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if counts.sum():
            threshold = _threshold(threshold)
        corpus_guide.about("filter", looked.score)
    found = answers.filtered(looked.run, looked.rows, threshold, looked.layer, looked.score)
    st.markdown(plain(_what_is_kept(looked, found)))
    left, right = st.columns(2, gap="large")
    with left:
        if counts.sum():
            figure = filter_figure(counts, edges, threshold, theme=theme())
            chart(figure, key="run_filter", filename=f"{looked.name}-answers")
        else:
            st.caption(
                "These answers are labels or options: a pair is kept if both name the same one, "
                "so there is no similarity to draw."
            )
    with right:
        rows = [
            ("all", found.all_mean),
            ("kept", found.kept_mean),
            ("left out", found.left_mean),
        ]
        figure = means_figure(rows, looked.score, theme=theme())
        chart(figure, key="run_filter_means", filename=f"{looked.name}-filter")
    _answer_table(looked, found)


def _threshold(stored: float) -> float:
    url.keep("run_threshold", stored)
    chosen: float = st.slider(
        "Threshold of similarity", 0.0, 1.0, step=0.01, key="run_threshold", width=420,
        help="Cosine of the sentence embeddings of both answers. The run itself used "
        f"{stored:g}; changing it here changes the means below, not the run.",
    )  # fmt: skip
    return chosen


def _what_is_kept(looked: Scope, found: answers.Filtered) -> str:
    label = SCORES[looked.score].label
    text = (
        f"{len(found.kept)} of {len(found.kept) + len(found.left_out)} pairs are kept: "
        f"{with_interval(found.share, '%')}. Mean {label} at layer {looked.layer}: kept "
        f"{with_interval(found.kept_mean)}, all {with_interval(found.all_mean)}."
    )
    if len(found.unknown):
        why = "" if looked.run.info.get("encoder") else ": the run had no sentence encoder"
        text += f" {len(found.unknown)} more could not be compared{why}."
    return text


def _answer_table(looked: Scope, found: answers.Filtered) -> None:
    options = {"left out": found.left_out, "kept": found.kept}
    if len(found.unknown):
        options["not compared"] = found.unknown
    if st.session_state.get("run_pairs") not in (None, *options):
        del st.session_state["run_pairs"]
    which = st.segmented_control("Answers of pairs", list(options), required=True, key="run_pairs")
    rows = options[which or "left out"]
    table = answers.answer_pairs(looked.run, rows)
    st.dataframe(
        table.head(corpus_lists.MAX_ROWS),
        hide_index=True,
        placeholder="",
        key="run_pair_table",
        column_config={
            "answer_similarity": st.column_config.NumberColumn("similarity", format="%.2g"),
            "answer_audio": "answer to the sound",
            "answer_text": "answer to the words",
        },
    )
    st.caption(f"{len(table)} pairs, the least alike first.")
