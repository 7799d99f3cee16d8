"""Runs: a data set through a model, started here or on the command line, watched and resumed."""

import streamlit as st

from alas_core.batch.roots import found_runs, runs_root
from alas_core.ui import new_run, runs, shell
from alas_core.ui.text import plain

shell.enter()
st.title("Runs")
st.caption(
    "A run takes every utterance of a data set through a model. It goes on when this tab is "
    "closed, lets analyses on the Explore page go first, and repeats nothing when it is resumed."
)
known = found_runs()
new_run.sidebar([run.name for run in known])
runs.list_runs(known)
st.caption(f"Runs are kept in {plain(runs_root())}; `alas run --out` there adds to this list.")
