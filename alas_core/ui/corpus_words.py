"""The best and the worst words of a run, and each time they are heard."""

from __future__ import annotations

import polars as pl
import streamlit as st

from alas_core.corpus import words as queries
from alas_core.corpus.run import Run
from alas_core.errors import AlasError
from alas_core.figures.corpus_views import lengths_figure, words_figure
from alas_core.numerals import number
from alas_core.types import IntArray
from alas_core.ui import corpus_guide, corpus_lists
from alas_core.ui.chart import chart
from alas_core.ui.corpus_scope import Scope
from alas_core.ui.look import theme
from alas_core.ui.text import plain

_SHOWN = 25
_PLAYED = 4
"""Players on the page at a time: each holds its sound."""


@st.cache_data(max_entries=8, show_spinner=False)
def _placed(key: str, _run: Run, _rows: IntArray) -> pl.DataFrame:
    del key
    return queries.placed_words(_run, _rows)


@st.cache_data(max_entries=64, show_spinner=False)
def _ranked(key: str, _words: pl.DataFrame, worst: bool, least: int) -> pl.DataFrame:
    del key
    return queries.ranked_words(_words, worst=worst, min_utterances=least, limit=_SHOWN)


@st.cache_data(max_entries=32, show_spinner=False)
def _by_length(key: str, _words: pl.DataFrame, length: str) -> pl.DataFrame:
    del key
    return queries.by_length(_words, length)


def words(looked: Scope) -> None:
    """Words by their mean, by their length, and to hear."""
    placed = _placed(looked.key, looked.run, looked.rows)
    if not len(placed):
        st.info("This run holds no word with a place in the audio.")
        return
    overall = float(placed["alas"].mean() or 0)  # type: ignore[arg-type]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control("Words", ["worst", "best"], required=True, key="run_words")
        least = st.number_input(
            "Heard in at least … utterances",
            1,
            1000,
            max(queries.MIN_UTTERANCES, len(looked.rows) // 200),
            key="run_words_least",
            width=240,
            help="Rare words are the worst and the best by luck alone.",
        )
        length = _length()
        corpus_guide.about("words", "alas")
    table = _ranked(looked.key, placed, which == "worst", int(least))
    st.caption(
        f"{len(placed)} words, mean ALAS {number(overall)} (dashed line), each word at the best "
        "layer of its utterance. An even spread over the tokens would be 0."
    )
    left, right = st.columns(2, gap="large")
    with left:
        if len(table):
            figure = words_figure(table, overall, theme=theme())
            chart(figure, key="run_words_figure", filename=f"{looked.name}-words")
        else:
            st.info(f"No word is heard in {least} utterances: ask for fewer.")
    with right:
        by_length = _by_length(looked.key, placed, length)
        figure = lengths_figure(by_length, overall, length, theme=theme())
        chart(figure, key="run_lengths_figure", filename=f"{looked.name}-word-lengths")
        if len(table):
            _hear(looked, placed, table)


def _length() -> str:
    if st.session_state.get("run_words_length") not in queries.LENGTHS:
        st.session_state.pop("run_words_length", None)
    return st.selectbox("Length in", list(queries.LENGTHS), key="run_words_length", width=160)


def _hear(looked: Scope, placed: pl.DataFrame, table: pl.DataFrame) -> None:
    """The moments at which a word is spoken, the worst first."""
    names = table["word"].to_list()
    if st.session_state.get("run_word") not in names:
        st.session_state["run_word"] = names[0]
    word = st.selectbox("Hear a word", names, key="run_word", width=260)
    moments = queries.heard(placed, str(word))
    for row in moments.head(_PLAYED).iter_rows(named=True):
        told = (
            f"{row['utterance']} · {row['start_s']:.2f} s – {row['end_s']:.2f} s · "
            f"ALAS {number(row['alas'])} at layer {row['layer']}"
        )
        _moment(looked, row, told)
    if len(moments) > _PLAYED:
        st.caption(f"The {_PLAYED} worst of {len(moments)} moments.")
    corpus_lists.follow()


def _moment(looked: Scope, row: dict[str, object], told: str) -> None:
    from alas_core.corpus.opening import word_sound

    player, text, link = st.columns([5, 6, 2], vertical_alignment="center")
    try:
        start_s, end_s = float(str(row["start_s"])), float(str(row["end_s"]))
        sound = word_sound(looked.run, str(row["utterance"]), start_s, end_s)
        player.audio(sound, format="audio/wav")
    except AlasError as error:
        player.caption(plain(error, 200))
    text.caption(plain(told))
    link.button(
        "Open",
        key=f"run_moment_{row['row']}_{row['index']}",
        type="tertiary",
        on_click=corpus_lists.open_utterance,
        args=[looked, row["row"]],
    )
