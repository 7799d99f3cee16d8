"""A draft of what is said in a new recording, written by Whisper and corrected by its user."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from alas_core.reference.base import DEFAULT_CHECKPOINTS
from alas_core.types import content_sha
from alas_core.ui import loading, references, runners, waiting
from alas_core.ui.jobs import Step
from alas_core.ui.shelf import Recording
from alas_core.ui.stepping import stepping
from alas_core.ui.text import plain

_KEY, _OF, _TEXT, _TAKEN = "draft_key", "draft_of", "draft_text", "draft_taken"
_POLL_S = 0.4


def checkpoint() -> str:
    """The Whisper that is used: the one chosen as reference, else one on this machine."""
    reference = references.chosen()
    if reference.startswith("whisper:"):
        return reference.removeprefix("whisper:")
    return next(iter(references.local("whisper")), DEFAULT_CHECKPOINTS["whisper"])


def button() -> bool:
    """Draw the button (inside a form) and what it needs; True in the run after it was pressed.

    It says so where it would download Whisper first: to press it is to agree.
    """
    name = checkpoint()
    missing = loading.must_ask(name, revision="")
    pressed = st.form_submit_button(
        "Download and transcribe" if missing else "Transcribe with Whisper",
        icon=":material/hearing:",
        width="stretch",
        help=f"Whisper ({plain(references.short_name(name), 80)}) writes what it hears. "
        "Correct it before you analyse.",
    )
    if missing:
        st.caption(
            f"{plain(name, 80)} is not on this machine: the button downloads it from the Hugging "
            "Face hub (large-v3: 3 GB). Or choose another one in *Settings*, under *Reference "
            "alignment*."
        )
    return pressed


def begin(recording: Recording) -> None:
    """Have the recording listened to in the background."""
    name = checkpoint()
    loading.agree(name)
    key = f"draft:{content_sha(recording.name, recording.data, name)}"
    known = runners.accelerator.look(key)
    if known is not None and known.error:
        runners.accelerator.forget(key)
    reader = f"{waiting.session()} draft"
    runners.ask_aligner(key, lambda: _steps(recording, name), name, reader, recording.id)
    st.session_state[_KEY], st.session_state[_OF] = key, recording.id
    st.session_state.pop(_TAKEN, None)


def take(target: str) -> None:
    """Put a finished draft into the text field of that key; call it before the field is drawn."""
    text = st.session_state.pop(_TEXT, None)
    if text is not None:
        st.session_state[target] = text


def progress(recording: Recording | None) -> None:
    """How far the draft of this recording is, or why there is none; nothing of another one's."""
    if recording is None or recording.id != st.session_state.get(_OF):
        return
    key = st.session_state.get(_KEY)
    state = runners.accelerator.look(key) if key else None
    if state is None:
        st.session_state.pop(_KEY, None)
    elif state.error:
        st.error(plain(state.problem))
    elif state.result is None:
        _poll(state.key)
    elif st.session_state.get(_TAKEN) != key:
        st.session_state[_TAKEN], st.session_state[_TEXT] = key, state.result
        st.rerun()
    else:
        st.caption("This is what Whisper heard: correct it, then press *Analyse*.")


@st.fragment(run_every=_POLL_S)
def _poll(key: str) -> None:
    state = runners.accelerator.look(key)
    if state is None or state.finished:
        st.rerun()
    else:
        waiting.progress(state)


def _steps(recording: Recording, name: str) -> Iterator[Step[str]]:
    yield Step("reading the recording")
    from alas_core import audio

    sound = audio.decode(recording.data, name=recording.name)
    yield Step("loading the libraries for Whisper")
    from alas_core.models import registry
    from alas_core.models.watching import Load
    from alas_core.reference.transcription import transcribe

    with registry.device_lock:
        heard = Load(lambda report: transcribe(sound, name, report))
        text = yield from stepping(heard.watch())
    yield Step("done", result=text)
