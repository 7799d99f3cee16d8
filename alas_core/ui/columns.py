"""How a data set of the server is read: the columns of a table, and a layout's few choices."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import streamlit as st

from alas_core.datasets.manifest import FIELDS, Preview, preview
from alas_core.datasets.opening import LAYOUTS
from alas_core.datasets.records import SEPARATORS
from alas_core.errors import InputError
from alas_core.ui.text import plain

_FIELD_LABELS = {
    "audio": "Sound (a path)",
    "text": "What is said",
    "id": "Id",
    "task": "Task",
    "question": "Question",
    "answer": "Expected answer",
    "choices": "Options or labels",
    "speaker": "Speaker",
    "reference": "File of word times",
}
_OPTION_LABELS = {
    "case": "Capitals of the transcript",
    "excited": 'Label "excited"',
    "subset": "Part of the benchmark",
}
_TYPED_LABELS = {
    "hf": {
        "split": "Split",
        "config": "Configuration",
        "audio": "Column of the sound",
        "text": "Column of the words",
    }
}
"""Options of a layout that are typed, since nothing is known of them before it is read."""

_NONE = "(none)"


class Read(Protocol):
    """A data set as it is read now, and under which key it would be read otherwise."""

    @property
    def place(self) -> str: ...
    @property
    def layout(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def options(self) -> dict[str, str]: ...

    def with_options(self, options: dict[str, str]) -> str: ...
    def take(self, key: str) -> None: ...


def options(source: Read) -> None:
    """Draw what can be chosen of a layout; a choice is part of the data set's name."""
    if source.layout == "manifest":
        if st.button("Columns …", icon=":material/view_column:", type="tertiary"):
            _dialog(source)
        return
    for name, values in LAYOUTS[source.layout].options.items():
        if values:
            _option(source, name, values)
    if source.layout in _TYPED_LABELS:
        _typed(source, _TYPED_LABELS[source.layout])


@st.dialog("Columns of the table", width="large")
def _dialog(source: Read) -> None:
    table(source)


def _option(source: Read, name: str, values: tuple[str, ...]) -> None:
    chosen = source.options.get(name, values[0])
    key = f"option_{name}"
    st.session_state[key] = chosen
    st.selectbox(
        _OPTION_LABELS.get(name, name), values, key=key, on_change=_take_option, args=[source, name]
    )


def _take_option(source: Read, name: str) -> None:
    value = st.session_state[f"option_{name}"]
    rest = {key: old for key, old in source.options.items() if key != name}
    default = LAYOUTS[source.layout].options[name][0]
    source.take(source.with_options(rest if value == default else rest | {name: value}))


def _typed(source: Read, labels: Mapping[str, str]) -> None:
    """One field an option; nothing is read anew before the button."""
    keys = {name: f"typed_{name}_{source.with_options(source.options)}" for name in labels}
    with (
        st.expander("Split and columns", icon=":material/view_column:"),
        st.form("typed_options", border=False),
    ):
        for name, label in labels.items():
            known = source.options.get(name, "")
            st.text_input(label, known, key=keys[name], placeholder="the only one, or a guess")
        st.form_submit_button("Use these", on_click=_take_typed, args=[source, keys])


def _take_typed(source: Read, keys: Mapping[str, str]) -> None:
    typed = {name: st.session_state[key].strip() for name, key in keys.items()}
    rest = {name: value for name, value in source.options.items() if name not in typed}
    source.take(source.with_options({k: v for k, v in typed.items() if v} | rest))


def table(source: Read) -> None:
    """The first rows of a table, and what each column means: guessed, or chosen here."""
    separator = None
    if source.path.suffix.lower() in (".csv", ".tsv"):
        separator = _separator(source)
    try:
        seen = preview(source.path, separator)
    except InputError as error:
        st.error(plain(error), icon=":material/error:")
        return
    st.caption("The first rows:")
    st.dataframe(list(seen.rows), hide_index=True)
    _mapping(source, seen)


def _separator(source: Read) -> str | None:
    st.session_state["separator"] = source.options.get("separator")
    st.selectbox(
        "Parted by",
        list(SEPARATORS),
        key="separator",
        placeholder="what the file's ending says",
        index=None,
        on_change=_take_separator,
        args=[source],
    )
    return source.options.get("separator")


def _take_separator(source: Read) -> None:
    chosen = st.session_state["separator"]
    source.take(source.with_options({"separator": chosen} if chosen else {}))


def _mapping(source: Read, seen: Preview) -> None:
    """One choice a field, what was guessed filled in; nothing happens before the button."""
    mapping = dict(seen.guess) | source.options
    names = [_NONE, *seen.columns]
    with st.form("columns", border=False):
        for field, place in zip(FIELDS, itertools.cycle(st.columns(3)), strict=False):
            now = mapping.get(field, _NONE)
            place.selectbox(
                _FIELD_LABELS[field],
                names,
                index=names.index(now) if now in names else 0,
                key=_key(source, field),
            )
        st.text_input(
            "Folder of the sounds",
            value=source.options.get("root", ""),
            placeholder="the table's own",
            key=_key(source, "root"),
            help="Relative to the table; paths in the table start there and must stay inside.",
        )
        st.form_submit_button(
            "Use these columns",
            type="primary",
            on_click=_take_mapping,
            args=[source, tuple(seen.guess)],
        )


def _key(source: Read, field: str) -> str:
    return f"column_{field}_{source.place}"


def _take_mapping(source: Read, guessed: tuple[str, ...]) -> None:
    chosen = {field: st.session_state[_key(source, field)] for field in FIELDS}
    named = {field: name for field, name in chosen.items() if name != _NONE}
    # A field that was guessed and is not there is named as empty, or it is guessed again.
    named |= {field: "" for field in guessed if field not in named}
    named |= {k: v for k, v in source.options.items() if k == "separator"}
    root = st.session_state[_key(source, "root")].strip()
    source.take(source.with_options(named | ({"root": root} if root else {})))
