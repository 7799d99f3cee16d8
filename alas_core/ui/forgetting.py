"""The button that takes one of the reader's own recordings off the server again."""

from __future__ import annotations

import streamlit as st

from alas_core.ui import jobs, picture, recordings, source_list, url
from alas_core.ui.shelf import Recording, shelf


def button() -> None:
    """In the sidebar, where one of the reader's own recordings is looked at."""
    recording_id = source_list.own_recording()
    if recording_id is None:
        return
    st.sidebar.button(
        "Remove this recording",
        key="forget_recording",
        icon=":material/delete:",
        type="tertiary",
        on_click=_forget,
        args=[recording_id],
        help="Its sound and its analyses leave this server's memory, and links to it end. Nothing "
        "of it is on the server's disk.",
    )


def _forget(recording_id: str) -> None:
    held = shelf.get(recording_id)
    untold = Recording(held.name, held.data).id if held else recording_id  # as its draft knows it

    def is_of_it(used_id: str) -> bool:
        return used_id == untold or used_id.startswith(recording_id)  # its changed sounds, too

    recordings.forget(recording_id)
    jobs.drop_everywhere(is_of_it)
    picture.forget(is_of_it)
    # Reports, bundles and figures hold the sound. They are kept by names that say nothing of the
    # recording, so all go: it costs the others a moment to make theirs again.
    st.cache_resource.clear()
    st.session_state.pop("utterance", None)
    url.forget_choice()
