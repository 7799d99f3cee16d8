"""Which analysis is on the screen, and what the user is told while another one is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from alas_core.errors import AlasError
from alas_core.numerals import counted
from alas_core.types import Analysis
from alas_core.ui import controls, orders, parts, runners, source_list
from alas_core.ui.jobs import State
from alas_core.ui.sheet import SHEET_HEIGHT
from alas_core.ui.shelf import shelf
from alas_core.ui.text import plain
from alas_core.ui.waiting import progress, session

_SHOWN, COMPARED, _MAIN = "shown_analysis", "compared_analysis", "status"
_GRACE_S = 0.25
"""How long a page run waits for a stored result before it shows a skeleton."""

_POLL_S = 0.4


@dataclass(frozen=True)
class Picture:
    """What there is to draw.

    Parameters
    ----------
    analysis : the newest that can be shown; None before the first one.
    fresh : whether it is the one that was asked for, or an older one kept in the meantime.
    state : of the job that was asked for; None if nothing could be asked for.
    problem : why nothing could be asked for; empty if there was no problem.
    """

    analysis: Analysis | None
    fresh: bool = False
    state: State[Analysis] | None = None
    problem: str = ""


def current() -> Picture:
    """Ask for what the session wants; the picture shown before stays until that is there."""
    return pictured(controls.order)


def pictured(wanted: Callable[[], orders.Order | None], slot: str = _SHOWN) -> Picture:
    """Ask for an order; `slot` is where the session keeps the picture that was shown before."""
    shown: Analysis | None = st.session_state.get(slot)
    try:
        order = wanted()
    except AlasError as error:
        return Picture(shown, problem=str(error))
    if order is None:
        return Picture(None)
    known = runners.analyses.look(order.digest) is not None
    state = orders.ask(order, reader=session() + slot)
    if not known:
        state = runners.analyses.wait(order.digest, _GRACE_S) or state
    if state.result is None:
        return Picture(shown, state=state)
    st.session_state[slot] = state.result
    return Picture(state.result, fresh=True, state=state)


def on_screen() -> Analysis | None:
    """The analysis that was drawn last in this session."""
    analysis: Analysis | None = st.session_state.get(_SHOWN)
    return analysis


def forget(unwanted: Callable[[str], bool]) -> None:
    """Show an analysis that was drawn last no more, by the id of its utterance."""
    for slot in (_SHOWN, COMPARED):
        if slot in st.session_state and unwanted(st.session_state[slot].utterance.id):
            del st.session_state[slot]


def busy(picture: Picture) -> bool:
    """Whether its job is still running."""
    return picture.state is not None and not picture.state.finished


def status(picture: Picture, key: str = _MAIN) -> None:
    """One line, always in the same place: what is being computed, or what was, or what failed."""
    with st.container(key=key):
        state = picture.state
        if picture.problem:
            _complain(picture, picture.problem)
        elif state is None:
            return
        elif state.error:
            _failed(picture, state, key)
        elif not state.finished:
            _poll(state.key, state.version)
            if not picture.fresh:
                dim("picture")
        elif state.result is not None:
            st.caption(_summary(state.result))
            if key == _MAIN:
                parts.words(state.result.utterance.transcript)


def _failed(picture: Picture, state: State[Analysis], key: str) -> None:
    _complain(picture, state.problem)
    st.button("Try again", f"{key}_again", on_click=runners.analyses.forget, args=[state.key])
    if key != _MAIN:
        return
    own = source_list.own_recording()
    held = shelf.get(own) if own else None
    if held is not None:  # whether sound and words belong together is first of all heard
        st.audio(held.data)
        st.caption(f"The transcript that came with it: {plain(held.transcript, 300)}")
    if state.offer:
        parts.offer(state.offer)
    else:
        parts.words(None)


def dim(container: str, opacity: float = 0.4) -> None:
    """Show the container of that key as one that is out of date."""
    st.html(f"<style>.st-key-{container} {{opacity: {opacity};}}</style>")


def _complain(picture: Picture, text: str) -> None:
    kept = ""
    if picture.analysis is not None and not picture.fresh:
        kept = f"\n\nBelow is still: {plain(picture.analysis.utterance.transcript, 80)}"
        dim("picture", 0.6)
    st.error(plain(text) + kept, icon=":material/error:")


@st.fragment(run_every=_POLL_S)
def _poll(key: str, version: int) -> None:
    state = runners.analyses.look(key)
    if state is None or state.finished or state.version != version:
        st.rerun()
    else:
        progress(state)


def _summary(analysis: Analysis) -> str:
    null = analysis.main_null
    model = analysis.model
    return plain(
        f"{model.title} on {model.device} · {analysis.n_frames} audio frames × "
        f"{counted(analysis.n_tokens, 'text token')} × {analysis.n_layers + 1} layers · "
        f"reference {analysis.reference.name} · null: {len(null.samples)} {null.name}"
    )


def placeholder(picture: Picture) -> None:
    """What stands where the sheet will be: a skeleton, or what to do next."""
    if picture.state is not None and not picture.state.finished:
        st.skeleton(SHEET_HEIGHT)
    elif picture.state is None and not picture.problem:
        controls.invite()
