"""The button that takes one of the reader's own recordings off the server again."""

from __future__ import annotations

import streamlit as st

from alas_core.types import Analysis
from alas_core.ui import picture, recordings, runners, source_list, url
from alas_core.ui.sources import YOURS


def button() -> None:
    """In the sidebar, where one of the reader's own recordings is looked at."""
    recording_id = st.session_state.get("utterance")
    if source_list.chosen() != YOURS or recording_id not in recordings.mine():
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
    def is_of_it(made: object) -> bool:
        # Its changed sounds, too; drafts and checks of models wait in the same queue.
        return isinstance(made, Analysis) and made.utterance.id.startswith(recording_id)

    recordings.forget(recording_id)
    runners.analyses.drop(is_of_it)
    picture.forget(is_of_it)
    st.session_state.pop("utterance", None)
    url.forget_choice()
