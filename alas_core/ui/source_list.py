"""The sidebar's list of sources: the known ones, and a data set that a person types."""

from __future__ import annotations

import streamlit as st

from alas_core.errors import InputError
from alas_core.mode import readonly
from alas_core.ui import recordings, sources, url
from alas_core.ui.text import plain

_HELP = (
    "Choose one. Or type a data set of the Hugging Face hub, such as hf:owner/name?split=test, and "
    "press Enter. Folders of the server are listed if ALAS_DATA_ROOTS names them."
)


def chosen() -> str:
    """The key of the source that the session looks at; the first one where it names none."""
    known = sources.known()
    wanted = st.session_state.get("data")
    if isinstance(wanted, str) and wanted not in known and _may_open(wanted):
        try:
            sources.source(wanted)
        except InputError:
            return next(iter(known))
        return wanted
    return wanted if wanted in known else next(iter(known))


def own_recording() -> str | None:
    """The id of the recording that is looked at, if it is one that the reader brought along."""
    wanted = st.session_state.get("utterance")
    return wanted if chosen() == sources.YOURS and wanted in recordings.mine() else None


def draw() -> None:
    """The list of sources; one that a person types is added, one that a link made up is not."""
    labels = {key: source.label for key, source in sources.known().items()}
    if len(labels) < 2:
        return
    state = st.session_state
    wanted = state.get("data")
    if wanted is not None and wanted not in labels:
        try:
            found = sources.source(wanted)
            state["data_problem"] = f"The link names {wanted}. Type it under Recordings to open it."
        except InputError as error:
            state["data_problem"] = str(error)
        else:
            if _may_open(wanted):
                labels[wanted] = found.label
                state.pop("data_problem")
    if state.get("data") not in labels:
        state.pop("data", None)
    st.selectbox(
        "Recordings",
        list(labels),
        format_func=lambda key: labels.get(key, key),
        key="data",
        accept_new_options=not readonly(),
        on_change=_note_typed,
        help=None if readonly() else _HELP,
    )
    if "data_problem" in state:
        st.warning(plain(state["data_problem"]))


def _note_typed() -> None:
    st.session_state.setdefault("typed_data", set()).add(st.session_state.get("data"))
    for name in ("find_utterance", "data_problem"):
        st.session_state.pop(name, None)
    url.forget_choice()


def _may_open(key: str) -> bool:
    return not sources.needs_a_person(key) or key in st.session_state.get("typed_data", ())
