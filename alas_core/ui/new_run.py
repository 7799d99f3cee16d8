"""The form that starts a run: what to run, and one button."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import streamlit as st

from alas_core.batch.plan import OWN_REFERENCE, RunOrder
from alas_core.batch.roots import new_name
from alas_core.errors import AlasError
from alas_core.mode import readonly
from alas_core.reference.base import checkpoint_of
from alas_core.tasks import TASKS
from alas_core.types import Settings
from alas_core.ui import catalogue, columns, loading, run_drawer
from alas_core.ui.folders import HUB, FolderSource, places
from alas_core.ui.text import plain
from alas_core.ui.workshop import check_opened, workshop

_OWN_TASK = "own"
_SOURCE = "run_source"
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
        run_drawer.drawer(asked["model"])
        name = st.text_input(
            "Name of the run",
            key="run_name",
            placeholder="made of data set, model and time",
            help="Letters, digits and . + - _; the run's folder is called so.",
        )
        trouble = st.container()  # above the button: below it it may be out of sight
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
            with trouble:
                _start((name or "").strip(), taken, asked)


def _what() -> dict[str, Any]:
    models = catalogue.models()
    source = _source()
    model = st.selectbox(
        "Model",
        _with_typed(list(models), "run_model"),
        format_func=lambda name: models.get(name, name),
        key="run_model",
        accept_new_options=True,
    )
    loading.ask_download(model or "", run_drawer.PREFIX)
    reference = st.selectbox(
        "Reference (word times)",
        _with_typed(list(_REFERENCES), "run_reference"),
        format_func=lambda name: _REFERENCES.get(name, name),
        key="run_reference",
        accept_new_options=True,
        help="What places the words in the sound; ALAS is measured against it.",
    )
    reference = reference or "pocketsphinx"
    loading.ask_download(checkpoint_of(reference), "run_reference_", "")
    return {
        "source": source,
        "model": model or next(iter(models), "demo"),
        "reference": reference,
    }


def _source() -> str:
    """What `open_source` opens: a data set of the list as its layout and columns say, or a path."""
    name = str(
        st.selectbox(
            "Data set",
            _with_typed(_sources(), _SOURCE),
            format_func=_source_label,
            key=_SOURCE,
            accept_new_options=True,
            help="The demo, a data set in the folders that this server opens (ALAS_DATA_ROOTS), "
            "or a path in them: a folder of recordings, a table, or LAYOUT:PATH. Press Enter "
            "after typing.",
        )
        or "demo"
    )
    listed = FolderSource(name, _SOURCE)
    if listed.place not in places() and not name.startswith(HUB):
        return name
    columns.options(listed)
    return listed.spec()


def _sources() -> list[str]:
    return ["demo", *places()]


def _with_typed(names: list[str], key: str) -> list[str]:
    """The names to choose from, and what the session has typed instead."""
    typed = st.session_state.get(key)
    return names if typed is None or typed in names else [*names, typed]


def _source_label(name: str) -> str:
    if name == "demo":
        return "Demo recordings"
    listed = FolderSource(name)
    return listed.label if listed.place in places() else name


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
    st.number_input(
        "Wrong transcripts",
        0,
        199,
        Settings().n_null,
        key="run_n_null",
        help="The null of each utterance; 0 permutes its words only, which is faster and less "
        "strict.",
    )
    return {"limit": limit}


def _start(name: str, taken: Collection[str], asked: dict[str, Any]) -> None:
    try:
        order = RunOrder(**asked, **run_drawer.chosen())
        loading.check_download(order.model, run_drawer.PREFIX)
        place = "Reference in the sidebar"
        loading.check_download(checkpoint_of(order.reference), revision="", place=place)
        check_opened(order)
        name = name or new_name(order)
        if name in taken:
            st.error(f"There is a run called {plain(name)}: resume it, or take another name.")
            return
        workshop.start(name, order, **run_drawer.workers())
    except AlasError as error:
        st.error(plain(error), icon=":material/error:")
    else:
        st.session_state["run_started"] = name
        st.rerun()
