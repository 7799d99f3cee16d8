"""Which alignment says when each word is spoken: the choice, and the aligner that it means.

A choice is a string, part of an order: "pocketsphinx", "whisper:CHECKPOINT", "ctc:CHECKPOINT",
"qwen3:CHECKPOINT", `OWN` for the alignment that came with the recording, or `FILE` and the place of
an uploaded file on the shelf, with ":" and a tier if one was picked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from alas_core.errors import AlasError, InputError
from alas_core.reference.base import CHECKPOINT_KINDS, DEFAULT_CHECKPOINTS, FILE_SUFFIXES
from alas_core.types import Audio, Reference
from alas_core.ui import loading, parameters
from alas_core.ui.shelf import MAX_UPLOAD_MB, Recording, on_shelf, shelf
from alas_core.ui.text import cut, plain, told_apart

if TYPE_CHECKING:
    from alas_core.reference import Aligner

POCKETSPHINX = "pocketsphinx"
OWN = "own"
FILE = "file:"
KINDS = {
    POCKETSPHINX: "PocketSphinx (English)",
    "whisper": "Whisper checkpoint",
    "ctc": "CTC checkpoint",
    "qwen3": "Qwen3 forced aligner",
    OWN: "Came with the recording",
    FILE: "My own file",
}
_EXAMPLES = {
    "whisper": DEFAULT_CHECKPOINTS["whisper"],
    "ctc": "facebook/wav2vec2-base-960h",
    "qwen3": "a Qwen3 aligner's hub id or folder",
}


def choice(label: str, key: str = "reference", help: str | None = None) -> str:  # noqa: A002 - Streamlit's word
    """Draw the choice and what belongs to it; the session's keys start with `key`."""
    kind = st.selectbox(label, list(KINDS), format_func=KINDS.__getitem__, key=key, help=help)
    if kind in CHECKPOINT_KINDS:
        _checkpoint(kind, key)
    elif kind == FILE:
        _upload(key)
    return chosen(key)


def keep() -> None:
    """Keep the choices in a run that does not draw them (another page)."""
    for key in ("reference", "second"):
        for name in (key, *(f"{key}_{kind}" for kind in (*CHECKPOINT_KINDS, "tier"))):
            if st.session_state.get(name) is not None:
                st.session_state[name] = st.session_state[name]


def linked(key: str = "reference") -> str | None:
    """The choice as a link may carry it: no file of a person's, no checkpoint to load."""
    kind: str = st.session_state.get(key, POCKETSPHINX)
    return kind if kind in parameters.LINKED_REFERENCES else None


def chosen(key: str = "reference") -> str:
    """The choice as the session has it; PocketSphinx where something is still missing."""
    state = st.session_state
    kind = state.get(key, POCKETSPHINX)
    if kind in CHECKPOINT_KINDS:
        checkpoint = (state.get(f"{key}_{kind}") or DEFAULT_CHECKPOINTS.get(kind, "")).strip()
        return f"{kind}:{checkpoint}" if checkpoint else POCKETSPHINX
    if kind == FILE:
        tier = state.get(f"{key}_tier") or ""
        placed = state.get(f"{key}_id")
        return f"{FILE}{placed}:{tier}".rstrip(":") if placed else POCKETSPHINX
    return kind if kind in KINDS else POCKETSPHINX


def _checkpoint(kind: str, key: str) -> None:
    default = DEFAULT_CHECKPOINTS.get(kind)
    options = list(dict.fromkeys([*local(kind), *([default] if default else [])]))
    names = told_apart({name: short_name(name) for name in options})
    named = st.selectbox(
        "Checkpoint",
        options,
        index=0 if options else None,
        key=f"{key}_{kind}",
        format_func=lambda name: names.get(name, short_name(name)),
        accept_new_options=True,
        placeholder=_EXAMPLES[kind],
        help="A hub id or the path of a folder: type it and press Enter. Safetensors weights only; "
        "no code of a checkpoint is ever run.",
    )
    if not named:
        st.caption("Until a checkpoint is named, PocketSphinx is used.")
    elif loading.must_ask(named, revision=""):
        st.caption(f"{plain(named, 80)} is not on this machine.")
        loading.ask_download(named, f"{key}_", "")


def short_name(checkpoint: str) -> str:
    """A hub id as it is; of a folder its name alone."""
    return Path(checkpoint).name if Path(checkpoint).is_absolute() else checkpoint


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def local(kind: str) -> tuple[str, ...]:
    """Checkpoints of a kind that are on this machine; looked for once a minute."""
    from alas_core.reference.checkpoints import local_checkpoints

    return local_checkpoints(kind)


def _upload(key: str) -> None:
    uploaded = st.file_uploader(
        "Alignment file",
        type=[suffix.removeprefix(".") for suffix in FILE_SUFFIXES],
        key=f"{key}_file",
        max_upload_size=MAX_UPLOAD_MB,
        on_change=_take_upload,
        args=[key],
        help="A Praat TextGrid, a CTM, a wdseg, or JSON with word, start_s and end_s; its words "
        "must be those of the transcript, its times seconds of this recording.",
    )
    recording = shelf.get(st.session_state.get(f"{key}_id", ""))
    if recording is None:
        st.session_state.pop(f"{key}_id", None)
        st.caption("Until a file is there, PocketSphinx is used.")
        return
    if uploaded is None:  # the field is empty again after a page that does not draw it
        st.caption(f"{plain(recording.name, 80)} is in use; another file takes its place.")
    tiers = _tiers(recording)
    if st.session_state.get(f"{key}_tier") not in tiers or len(tiers) < 2:
        st.session_state.pop(f"{key}_tier", None)
    if len(tiers) > 1:
        usual = next((k for k, name in enumerate(tiers) if name.strip().lower() == "words"), 0)
        st.selectbox(
            "Tier",
            tiers,
            index=0 if f"{key}_tier" in st.session_state else usual,
            format_func=lambda name: cut(name, 60),
            key=f"{key}_tier",
            help="The tier that holds the words, one interval each.",
        )


def _take_upload(key: str) -> None:
    """A file was chosen, or taken away."""
    uploaded = st.session_state.get(f"{key}_file")
    if uploaded is None:
        st.session_state.pop(f"{key}_id", None)
    else:
        placed = shelf.put(Recording(uploaded.name, uploaded.getvalue()))
        st.session_state[f"{key}_id"] = placed


def _tiers(recording: Recording) -> tuple[str, ...]:
    """None for a file that cannot be read: the analysis says why."""
    from alas_core.reference import tier_names

    try:
        return tier_names(recording.data, recording.name)
    except AlasError:
        return ()


def aligner(reference: str, own: Path | Recording | None = None) -> Aligner:
    """The aligner that a choice means; `own` is the file that came with the recording.

    Raises
    ------
    AlasError
        If there is no such file, aligner or checkpoint.
    """
    from alas_core.reference import get_aligner

    if reference.startswith(FILE):
        shelf_id, _, tier = reference.removeprefix(FILE).partition(":")
        return _Uploaded(on_shelf(shelf_id, "reference file"), tier)
    if reference != OWN:
        return get_aligner(reference)
    if own is None:
        raise InputError(
            "no alignment came with this recording, expected one beside it in its data set; "
            "choose another reference in the settings"
        )
    return _Uploaded(own) if isinstance(own, Recording) else get_aligner(str(own))


@dataclass(frozen=True)
class _Uploaded:
    """An `Aligner` that reads what the user uploaded."""

    recording: Recording
    tier: str = ""

    @property
    def name(self) -> str:
        from alas_core.reference.files import reference_name

        return reference_name(self.recording.data, self.recording.name, self.tier)

    def align(self, audio: Audio, transcript: str) -> Reference:
        from alas_core import reference

        recording = self.recording
        return reference.from_file(
            recording.data, recording.name, transcript, audio.duration_s, self.tier
        )
