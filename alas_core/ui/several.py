"""Several files at once: recordings with their words, and perhaps their times, beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from alas_core.audio import decode
from alas_core.datasets import uploaded
from alas_core.errors import InputError
from alas_core.ui.parts import MAX_TRANSCRIPT
from alas_core.ui.shelf import MAX_SHELF_BYTES, MAX_UPLOAD_MB, Recording, shelf
from alas_core.ui.text import plain

BESIDE = ["txt", "lab", "TextGrid", "ctm", "json", "wdseg"]
_PROBLEMS = "several_problems"


def form(formats: Sequence[str], add: Callable[[Sequence[str]], None]) -> None:
    """Draw the form; `add` takes the places on the shelf of what was brought along."""
    with st.form("add_several", border=False, clear_on_submit=True):
        files = st.file_uploader(
            f"Files, up to {MAX_UPLOAD_MB} MB each",
            type=[*formats, *BESIDE],
            key="several_files",
            accept_multiple_files=True,
            max_upload_size=MAX_UPLOAD_MB,
            help="Sound, and beside each recording what is said in it under the same name: "
            "talk.wav with talk.txt (or .lab), or talk.TextGrid, whose times then serve as "
            "reference. They stay in this server's memory.",
        )
        sent = st.form_submit_button("Add them", type="primary", width="stretch")
    if sent and files:
        ids, problems = take({file.name: file.getvalue() for file in files})
        st.session_state[_PROBLEMS] = problems
        if ids:
            add(ids)
    elif sent:
        st.error("There are no files yet: choose some, then press Add them.")
    for problem in st.session_state.get(_PROBLEMS, ()):
        st.warning(plain(problem, 300), icon=":material/rule:")


def take(files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
    """Put the recordings of some files on the shelf.

    Returns
    -------
    list of str
        Their places, in the order of the names.
    list of str
        What was left out, and why.
    """
    size = sum(map(len, files.values()))
    if size > MAX_SHELF_BYTES:
        return [], [
            f"the files have {size / 2**20:.0f} MB together, expected at most "
            f"{MAX_SHELF_BYTES / 2**20:.0f} MB at once; add them in parts"
        ]
    data = uploaded(files)
    ids, unheard = [], []
    for row in data.ids():
        entry = data.entry(row.id)
        name = str(entry.meta["file"])
        try:
            _check_length(name, entry.transcript)
            decode(files[name], name=name)
        except InputError as error:
            unheard.append(str(error))
            continue
        times = ""
        if entry.reference is not None:
            times = shelf.put(Recording(entry.reference, files[entry.reference]))
        ids.append(shelf.put(Recording(name, files[name], entry.transcript, times)))
    problems = [*map(str, data.problems()), *unheard]
    if not ids and not problems:
        return [], ["none of the files is sound, expected at least one recording with its words"]
    return ids, problems


def _check_length(name: str, transcript: str) -> None:
    if len(transcript) > MAX_TRANSCRIPT:
        raise InputError(
            f"the transcript of '{name}' has {len(transcript):,} characters, expected at most "
            f"{MAX_TRANSCRIPT:,}; cut the recording into parts, each with its own words"
        )
