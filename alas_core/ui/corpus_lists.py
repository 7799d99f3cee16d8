"""Utterances of a run as a list: choose one and it opens in Explore."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from alas_core.corpus.choosing import listed
from alas_core.types import IntArray
from alas_core.ui import kept_runs
from alas_core.ui.corpus_scope import Scope
from alas_core.ui.text import plain

_GO, _PROBLEM = "run_go", "run_problem"
MAX_ROWS = 300
_WORDS_PX = 300


def open_utterance(looked: Scope, row: int) -> None:
    """Have Explore show an utterance next; called before the page runs (in a callback)."""
    utterance = str(looked.run.utterances["utterance"][int(row)])
    layer = None if "run_layer" not in st.session_state else looked.layer
    problem = kept_runs.look_at(looked.name, looked.run, utterance, layer)
    st.session_state[_PROBLEM if problem else _GO] = problem or True


def follow() -> None:
    """Go to Explore if an utterance was just chosen; say so if it cannot be opened."""
    if st.session_state.pop(_GO, False):
        st.switch_page("pages/explore.py")
    problem = st.session_state.pop(_PROBLEM, "")
    if problem:
        st.warning(plain(problem), icon=":material/info:")


def utterance_list(looked: Scope, rows: IntArray, key: str) -> None:
    """A table of utterances; a row that is chosen opens in Explore."""
    shown = rows[:MAX_ROWS]
    table = listed(looked.run, shown, looked.score, looked.layer)

    def on_select() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if chosen and chosen[0] < len(shown):
            open_utterance(looked, int(shown[chosen[0]]))

    st.dataframe(
        table,
        key=key,
        hide_index=True,
        placeholder="",
        on_select=on_select,
        selection_mode="single-row",
        height=min(38 + 35 * max(len(table), 1), 330),
        column_config=_columns(table),
    )
    more = f"; the first {MAX_ROWS} are listed" if len(rows) > MAX_ROWS else ""
    st.caption(f"{len(rows)} utterances{more}. Tick a row to open it in Explore.")


def _columns(table: pl.DataFrame) -> dict[str, Any]:
    """Two significant digits for whatever is no whole number; words never push the rest away."""
    return {"words": st.column_config.TextColumn(width=_WORDS_PX)} | {
        name: st.column_config.NumberColumn(format="%.2g")
        for name, kind in table.schema.items()
        if kind.is_float()
    }
