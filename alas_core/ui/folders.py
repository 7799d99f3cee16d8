"""Data sets in the server's folders (`ALAS_DATA_ROOTS`), and of the Hugging Face hub, as sources.

A list of a corpus takes seconds, one from the hub minutes: both are read by a `Runner`, and the
page shows how far it is. A key of such a source is a place below a root with the layout's options,
so a link leads nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from alas_core import datasets
from alas_core.datasets import DataSet, Found, Row
from alas_core.errors import InputError
from alas_core.ui import columns, url
from alas_core.ui.jobs import Runner, State, Step
from alas_core.ui.source import Reading
from alas_core.ui.text import cut, plain, told_apart

HUB = "hf:"
MAX_LISTED = 500
"""Utterances in the list to choose from; a search field narrows down a longer one."""

_MAX_PROBLEMS = 500
_FOUND_S = 10.0
_GRACE_S = 1.0
_POLL_S = 0.4

listings: Runner[DataSet] = Runner("data sets", max_kept=8)
downloads: Runner[DataSet] = Runner("data sets of the hub", max_kept=4)
"""Apart, so that nobody waits for another user's download to see a folder."""


@st.cache_resource(ttl=_FOUND_S, max_entries=1, show_spinner=False)
def _found(roots: tuple[str, ...]) -> dict[str, Found]:  # noqa: ARG001 - the roots are the key
    return {found.place: found for found in datasets.discover(datasets.data_roots())}


def places() -> dict[str, Found]:
    """What lies in the server's folders now; at most ten seconds old."""
    return _found(tuple(map(str, datasets.data_roots())))


@dataclass(frozen=True)
class FolderSource:
    """One data set on the server or the hub; implements `Source`.

    Parameters
    ----------
    key : the place of a `Found` data set, or a hub id behind `HUB`, with options behind a "?".
    held : the session's name for the key: where a choice of other options goes.
    """

    key: str
    held: str = "data"
    finished = False

    @property
    def label(self) -> str:
        place, options = self.place, self.options
        found = places().get(place)
        more = f" ({', '.join(f'{k} {v}' for k, v in options.items())})" if options else ""
        return (found.label if found else f"{place} · Hugging Face") + more

    @property
    def place(self) -> str:
        return self.key.partition("?")[0]

    @property
    def options(self) -> dict[str, str]:
        return dict(parse_qsl(self.key.partition("?")[2], keep_blank_values=True))

    @property
    def layout(self) -> str:
        found = places().get(self.place)
        return found.spec.layout if found else "hf"

    @property
    def path(self) -> Path:
        found = places().get(self.place)
        return Path(found.spec.path) if found else Path()

    def with_options(self, options: dict[str, str]) -> str:
        """The key of the same data set under other options."""
        return f"{self.place}?{urlencode(options)}" if options else self.place

    def take(self, key: str) -> None:
        """Look at the same place read in another way; its utterances are named alike."""
        st.session_state[self.held] = key
        st.session_state.setdefault("typed_data", set()).add(key)  # a person chose it
        if self.held == "data":
            url.forget_choice()

    def spec(self) -> str:
        """What `datasets.open_source` opens; for runs.

        Raises
        ------
        InputError
            If this server has no such place.
        """
        found = places().get(self.place)
        if found is None and not self.key.startswith(HUB):
            raise InputError(
                f"this server has no data set at {self.place!r}, expected one of its folders "
                "(ALAS_DATA_ROOTS); choose one from the list"
            )
        query = f"?{urlencode(self.options)}" if self.options else ""
        return self.key if found is None else f"{found.spec.layout}:{found.spec.path}{query}"

    @property
    def runner(self) -> Runner[DataSet]:
        return downloads if self.key.startswith(HUB) else listings

    def state(self) -> State[DataSet]:
        """How far its list is; asked for if need be, with a moment's patience for a short one."""
        known = self.runner.look(self.key) is not None
        state = self.runner.ask(self.key, self._steps, reader=self.key)
        if not known:
            state = self.runner.wait(self.key, _GRACE_S, finished=True) or state
        return state

    def _steps(self) -> Iterator[Step[DataSet]]:
        yield Step("reading the list of utterances")
        yield Step("done", result=self._open())

    def _open(self) -> DataSet:
        data = datasets.open_source(self.spec(), datasets.data_roots())
        data.ids()
        return data

    def read(self, utterance_id: str) -> Reading:
        state = self.runner.look(self.key)
        data = state.result if state is not None and state.result is not None else self._open()
        return Reading(data.load(utterance_id), data.pool(), data.reference_path(utterance_id))

    def utterances(self) -> dict[str, str]:
        """Id to label of those that fit the search; the one that is looked at stays in the list."""
        data = self.state().result
        if data is None:
            return {}
        sought = str(st.session_state.get("find_utterance") or "").casefold().split()
        looked_at = st.session_state.get("utterance")
        labels: dict[str, str] = {}
        for row in data.ids():
            label = _label(row)
            fits = len(labels) < MAX_LISTED and all(word in label.casefold() for word in sought)
            if fits or row.id == looked_at:
                labels[row.id] = label
        return told_apart(labels)

    def tools(self) -> None:
        if not (self.layout == "manifest" and self.state().error):
            columns.options(self)
        _show_state(self)

    def invite(self) -> None:
        state = self.state()
        if state.error:
            st.markdown("#### :material/folder_off: This data set cannot be read as it is")
            _say_error(state)
            if self.layout == "manifest":
                columns.table(self)
        elif state.result is None:
            with st.container(border=True):
                st.markdown("#### :material/hourglass_top: Reading the list of utterances")
                st.markdown("A large data set takes a while the first time.")
        else:
            st.markdown("#### :material/rule: No utterance of this data set can be used")
            _table_of(state.result)


def _label(row: Row) -> str:
    parts = (cut(row.transcript, 60), row.task, row.voice, row.condition, cut(row.id, 60))
    return " · ".join(part for part in parts if part)


def _show_state(source: FolderSource) -> None:
    state = source.state()
    if state.error:
        _say_error(state)
        st.button("Read again", on_click=source.runner.forget, args=[source.key])
    elif state.result is None:
        _wait(source)
    else:
        _show_list(source, state.result)


@st.fragment(run_every=_POLL_S)
def _wait(source: FolderSource) -> None:
    state = source.runner.look(source.key)
    if state is None or state.finished:
        st.rerun()
    else:
        st.progress(0.0, text=f"{plain(state.stage.capitalize())} …")


def _show_list(source: FolderSource, data: DataSet) -> None:
    n_rows = len(data.ids())
    if n_rows > MAX_LISTED:
        st.text_input(
            f"Search in {n_rows:,} utterances",
            key="find_utterance",
            placeholder="words, speaker, id",
            help=f"All words must occur. The list above shows the first {MAX_LISTED} that fit.",
        )
    else:
        st.caption("1 utterance" if n_rows == 1 else f"{n_rows} utterances")
    n_problems = len(data.problems())
    label = f"{n_problems:,} {'row' if n_problems == 1 else 'rows'} left out …"
    if n_problems and st.button(label, icon=":material/rule:", type="tertiary"):
        _dialog(data)
    st.button(
        "Read again",
        key="read_again",
        on_click=source.runner.forget,
        args=[source.key],
        type="tertiary",
        icon=":material/refresh:",
        help="Look at the files again, after you have changed them.",
    )


def _say_error(state: State[DataSet]) -> None:
    st.error(plain(state.problem), icon=":material/error:")


@st.dialog("Rows that were left out", width="large")
def _dialog(data: DataSet) -> None:
    _table_of(data)


def _table_of(data: DataSet) -> None:
    problems = data.problems()
    st.dataframe(
        [
            {"Where": problem.where, "Column": problem.column, "Why": problem.reason}
            for problem in problems[:_MAX_PROBLEMS]
        ],
        hide_index=True,
        placeholder="",
        column_config={"Why": st.column_config.TextColumn(width="large")},
    )
    if len(problems) > _MAX_PROBLEMS:
        st.caption(f"The first {_MAX_PROBLEMS} of {len(problems):,} are shown.")
