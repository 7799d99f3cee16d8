"""The form that starts a run: what to run, and one button."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import streamlit as st

from alas_core.batch.plan import OWN_REFERENCE, RunOrder
from alas_core.batch.roots import new_name
from alas_core.datasets import data_roots, open_source
from alas_core.errors import AlasError
from alas_core.keys import Settings
from alas_core.tasks import TASKS
from alas_core.ui import catalogue
from alas_core.ui.mode import readonly
from alas_core.ui.text import plain
from alas_core.ui.workshop import workshop

_OWN_TASK = "own"
_REFERENCES = {
    "pocketsphinx": "PocketSphinx: places the words itself (English)",
    OWN_REFERENCE: "The data set's own word times",
    "whisper": "Whisper large-v3 (needs its checkpoint)",
}


def sidebar(taken: Collection[str]) -> None:
    """Draw the form in the sidebar; `taken` are the names of the runs that there are."""
    with st.sidebar:
        st.markdown("#### New run")
        if readonly():
            st.caption("On this server runs can be looked at, not started.")
            return
        asked = _what() | _task() | _how_much()
        name = st.text_input(
            "Name of the run",
            key="run_name",
            placeholder="made of data set, model and time",
            help="Letters, digits and . + - _; the run's folder is called so.",
        )
        busy = workshop.busy()
        pressed = st.button(
            "Start",
            type="primary",
            icon=":material/play_arrow:",
            key="run_start",
            width="stretch",
            disabled=bool(busy),
            help=f"One run at a time on this server: {plain(busy)} is going." if busy else None,
        )
        if pressed:
            _start((name or "").strip(), taken, asked)


def _what() -> dict[str, Any]:
    models = catalogue.models()
    source = st.selectbox(
        "Data set",
        _sources(),
        key="run_source",
        accept_new_options=True,
        help="demo, or a path in the folders that this server opens (ALAS_DATA_ROOTS): a folder of "
        "recordings, a table, or LAYOUT:PATH. Press Enter after typing.",
    )
    model = st.selectbox(
        "Model",
        list(models),
        format_func=lambda name: models.get(name, name),
        key="run_model",
        accept_new_options=True,
    )
    reference = st.selectbox(
        "Word times",
        list(_REFERENCES),
        format_func=lambda name: _REFERENCES.get(name, name),
        key="run_reference",
        accept_new_options=True,
        help="What places the words in the sound; ALAS is measured against it.",
    )
    return {
        "source": source or "demo",
        "model": model or next(iter(models), "demo"),
        "reference": reference or "pocketsphinx",
    }


def _task() -> dict[str, Any]:
    task = st.selectbox(
        "Task",
        [_OWN_TASK, *TASKS],
        format_func=lambda name: TASKS[name].label if name in TASKS else "Each utterance's own",
        key="run_task",
        on_change=_take_template,
        help="Its instruction goes to the model beside the audio and beside the transcript.",
    )
    text = st.text_area(
        "Instruction",
        key="run_instruction",
        height=80,
        placeholder="the utterance's own, else the model's",
        help="{question}, {choices} and {options} are filled in for each utterance. It is kept "
        "with the run.",
    )
    return {
        "task": task if task in TASKS else None,
        "instruction": (text or "").strip() or None,
    }


def _take_template() -> None:
    task = st.session_state["run_task"]
    st.session_state["run_instruction"] = TASKS[task].template if task in TASKS else ""


def _how_much() -> dict[str, Any]:
    limit = st.number_input(
        "Utterances",
        min_value=1,
        value=None,
        key="run_limit",
        placeholder="all",
        help="The first so many; empty runs all of them.",
    )
    n_null = st.number_input(
        "Wrong transcripts",
        0,
        199,
        Settings().n_null,
        key="run_null",
        help="The null of each utterance; 0 permutes its words only, which is faster and less "
        "strict.",
    )
    return {"limit": limit, "settings": Settings(n_null=n_null)}


def _sources() -> list[str]:
    roots = data_roots()
    folders = [path for root in roots for path in sorted(root.iterdir()) if path.is_dir()]
    return ["demo", *map(str, roots), *map(str, folders)]


def _start(name: str, taken: Collection[str], asked: dict[str, Any]) -> None:
    try:
        order = RunOrder(**asked)
        open_source(order.source, data_roots())
        name = name or new_name(order)
        if name in taken:
            st.error(f"There is a run called {plain(name)}: resume it, or take another name.")
            return
        workshop.start(name, order)
    except AlasError as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.session_state["run_started"] = name
        st.rerun()
