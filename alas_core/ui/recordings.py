"""Bring your own recording: upload or microphone, and the words that are spoken in it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from alas_core.audio import decode
from alas_core.errors import InputError
from alas_core.ui import drafting, gallery, several
from alas_core.ui.parts import MAX_TRANSCRIPT
from alas_core.ui.shelf import MAX_UPLOAD_MB, Recording, shelf
from alas_core.ui.text import plain

FORMATS = ["wav", "flac", "ogg", "opus", "mp3", "caf", "w64", "aiff", "aif"]
_MINE = "my_recordings"


def mine() -> dict[str, str]:
    """Ids and labels of the recordings this session knows, the newest first."""
    known: list[str] = list(st.session_state.get(_MINE, []))
    linked = st.session_state.get("utterance")
    if linked and linked not in known and _is_recording(linked):
        known.append(linked)
    st.session_state[_MINE] = known
    return shelf.labels(known)


def _is_recording(shelf_id: str) -> bool:
    return shelf.get(shelf_id) is not None and not gallery.is_bundle(shelf_id)


def add_recording(expanded: bool) -> None:
    """The form: a file or the microphone, a transcript or a draft of it, and a button."""
    drafting.take("transcript")
    with st.expander("Add a recording", icon=":material/mic:", expanded=expanded):
        way = st.segmented_control(
            "From",
            ["Upload", "Record", "Several"],
            default="Upload",
            required=True,
            key="recording_way",
        )
        if way == "Several":
            several.form(FORMATS, _add)
            return
        with st.form("add_recording", border=False, enter_to_submit=False):
            source = _source(way or "Upload")
            transcript = st.text_area(
                "What is said",
                key="transcript",
                height=80,
                max_chars=MAX_TRANSCRIPT,
                placeholder="the words, in order, as they are spoken",
            )
            trouble = st.container()  # above the buttons: below them it may be out of sight
            sent = st.form_submit_button("Analyse", type="primary", width="stretch")
            heard = drafting.button()
        if sent:
            with trouble:
                _accept(source, transcript or "")
        elif heard and source is None:
            trouble.error("There is no sound yet: choose a file or record, then press Transcribe.")
        elif heard and source is not None:
            drafting.begin(source)
        drafting.progress(source)


def _source(way: str) -> Recording | None:
    if way == "Record":
        spoken = st.audio_input("Microphone", key="microphone")
        return None if spoken is None else Recording("microphone.wav", spoken.getvalue())
    uploaded = st.file_uploader(
        f"Audio file, up to {MAX_UPLOAD_MB} MB",
        key="audio_file",  # of any type: what is none of ours is told what would be, below
        max_upload_size=MAX_UPLOAD_MB,
        help=f"{', '.join(FORMATS[:-2])} or aiff; any rate and number of channels; mixed to one "
        "channel and resampled to 16 kHz. It stays in this server's memory.",
    )
    return None if uploaded is None else Recording(uploaded.name, uploaded.getvalue())


def _accept(source: Recording | None, transcript: str) -> None:
    if source is None:
        st.error("There is no sound yet: choose a file or record, then press Analyse.")
        return
    if not any(letter.isalnum() for letter in transcript):
        st.error(
            "The transcript holds no word: type what is said in "
            f"{plain(source.name, 60)}, then press Analyse."
        )
        return
    try:
        decode(source.data, name=source.name)
    except InputError as error:  # what cannot be heard would stay in the list for good
        st.error(plain(error))
        return
    _add([shelf.put(Recording(source.name, source.data, transcript.strip()))])


def _add(recording_ids: Sequence[str]) -> None:
    """List recordings of the shelf as this session's own, and look at the first."""
    known: list[str] = st.session_state.setdefault(_MINE, [])
    known += [recording_id for recording_id in recording_ids if recording_id not in known]
    st.session_state["pending_utterance"] = recording_ids[0]
    st.rerun()


def forget(recording_id: str) -> None:
    """Take a recording, and the file of word times that came with it, off list and server."""
    held = shelf.get(recording_id)
    st.session_state[_MINE] = [one for one in st.session_state[_MINE] if one != recording_id]
    for one in (recording_id, held.reference if held else ""):
        shelf.drop(one)


def invite() -> None:
    """What stands on the page while there is no recording yet."""
    with st.container(border=True):
        st.markdown("#### :material/mic: No recording yet")
        st.markdown(
            "In the sidebar, under **Add a recording**:\n\n"
            f"1. choose an audio file (up to {MAX_UPLOAD_MB} MB) or record yourself;\n"
            "2. type the words that are spoken, in order;\n"
            "3. press **Analyse**.\n\n"
            "PocketSphinx (English) places the words in the sound. Under *Settings* you can have "
            "it done by a Whisper or CTC checkpoint or Qwen3's aligner, or give your own TextGrid, "
            "CTM or JSON. Or go back to the *Demo recordings*."
        )
