"""A long recording is looked at part by part: the offer of its parts, and the choice among them."""

from __future__ import annotations

import streamlit as st

from alas_core.ui.parameters import CHOICE
from alas_core.ui.shelf import shelf

_OFFERED = "parts_offered"
WHOLE = ""
MAX_TRANSCRIPT = 5_000


def chosen() -> str:
    """The part that the session looks at, as `alas_core.parts.Part` is written; empty for all."""
    return str(st.session_state.get("part") or WHOLE)


def said() -> str:
    """The words that were typed for the part; empty for those that the reference places there."""
    return str(st.session_state.get("said") or "").strip() if chosen() else ""


def _place() -> tuple[object, object]:
    """Which recording the session looks at."""
    return st.session_state.get("data"), st.session_state.get("utterance")


def chooser() -> None:
    """In the sidebar, while a part is looked at or parts were offered: which of them, or all."""
    of, offered = st.session_state.get(_OFFERED, (None, ()))
    if of != _place():
        offered = ()
    if not offered and not chosen():
        return
    st.session_state["part"] = chosen()
    st.selectbox(
        "Part",
        list(dict.fromkeys((WHOLE, *offered, chosen()))),
        format_func=_label,
        key="part",
        on_change=_forget_words,
        help="The recording is longer than the model hears. Its words are placed in the whole "
        "recording, and each part gets those that are spoken in it.",
    )


def offer(spans: tuple[str, ...]) -> None:
    """Below the message that a recording is too long: the way to its parts."""
    if st.session_state.get(_OFFERED) != (_place(), spans):
        st.session_state[_OFFERED] = (_place(), spans)
        st.rerun()  # the sidebar lists them, too
    start_s, _, end_s = spans[0].partition("-")
    start = f"the first {end_s} s" if start_s == "0" else f"{start_s} to {end_s} s"
    st.button(
        f"Use {start}, up to the pause there",
        key="use_first_part",
        type="primary",
        icon=":material/content_cut:",
        on_click=_choose,
        args=[spans[0]],
    )
    st.caption("Sound and words are cut together. The other parts stand in the sidebar: Part.")


def words(transcript: str | None) -> None:
    """The words of the chosen part, to be corrected; None where they could not be had."""
    if not chosen():
        return
    if transcript is None:
        whole = shelf.get(st.session_state.get("utterance") or "")
        transcript, expanded = said() or (whole.transcript if whole else ""), True
    else:
        expanded = False
    key = f"words_of_part {chosen()} {expanded}"
    with (
        st.expander("Words of this part", icon=":material/edit:", expanded=expanded),
        st.form(f"form of {key}", border=False),
    ):
        st.text_area(
            "What is said in this part",
            value=transcript,
            max_chars=MAX_TRANSCRIPT,
            key=key,
            placeholder="the words of this part alone, in order",
        )
        st.form_submit_button("Analyse this part", on_click=_say, args=[key])


def _say(key: str) -> None:
    _forget_words()
    st.session_state["said"] = st.session_state[key]


def _choose(part: str) -> None:
    st.session_state["part"] = part
    _forget_words()


def _forget_words() -> None:
    for name in ("said", *CHOICE):
        st.session_state.pop(name, None)


def _label(part: str) -> str:
    start_s, _, end_s = part.partition("-")
    return f"{start_s} to {end_s} s" if part else "Whole recording"
