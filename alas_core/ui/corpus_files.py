"""A run's tables and figures to take away."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl
import streamlit as st

from alas_core.corpus import exports
from alas_core.files import file_stem
from alas_core.ui.corpus_scope import Scope

_PROFILE = "profiles"


def download(looked: Scope) -> None:
    """One table at a time, as CSV or Parquet, of the utterances that are looked at."""
    options = {**exports.TABLES, _PROFILE: "Mean profile: what the figure shows, by layer"}
    name = st.selectbox(
        "Table", list(options), format_func=options.__getitem__, key="run_table", width=460
    )
    stem = file_stem(f"{looked.name}-{name}", "run")
    with st.container(horizontal=True):
        for label, suffix, mime, make in (
            ("CSV", "csv", "text/csv", exports.to_csv),
            ("Parquet", "parquet", "application/vnd.apache.parquet", exports.to_parquet),
        ):
            st.download_button(
                label,
                partial(_file, make, looked, str(name)),
                file_name=f"{stem}.{suffix}",
                mime=mime,
                on_click="ignore",
                icon=":material/download:",
                key=f"run_download_{suffix}",
            )
    which = "the utterances that pass the filters" if looked.filtered else "all utterances"
    st.caption(
        f"Of {which}, with all digits. In CSV a text cell that a spreadsheet would run as a "
        "formula starts with an apostrophe. Below each figure of this page are buttons that save "
        "it as SVG, PNG or JSON (Plotly's, with the numbers in it)."
    )


def _file(make: Callable[[pl.DataFrame], bytes], looked: Scope, name: str) -> bytes:
    return make(exports.chosen_table(looked.run, name, looked.rows, looked.score))
