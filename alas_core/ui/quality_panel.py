"""How good is the reference? Against a second one, and with its boundaries moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st

from alas_core.definitions import FIGURES
from alas_core.figures.palette import Theme
from alas_core.fingerprint import fingerprint
from alas_core.mode import readonly
from alas_core.reference.base import checkpoint_of
from alas_core.types import Analysis, content_sha
from alas_core.ui import guide, loading, references, runners, source_list, sources, waiting
from alas_core.ui.chart import Link, chart
from alas_core.ui.jobs import Runner, State, Step
from alas_core.ui.share import file_stem
from alas_core.ui.stepping import stepping
from alas_core.ui.text import plain

if TYPE_CHECKING:
    from alas_core.quality import Quality

qualities: Runner[Quality] = Runner("reference quality", max_kept=32)

_POLL_S = 0.4
_NOT_OF_THIS = (
    "The word times that came with a recording are those of all of it, not of a part or a kept "
    "analysis: choose another second reference."
)
_ABOUT = """
Every score here leans on the reference: the times at which each word is said to be spoken. Two
questions show how far it can be leaned on.

**Would another aligner say the same?** Each bar is one word: how much later (up) or earlier (down)
the second reference has it begin. Inside the grey band the difference is below one audio frame, so
it can hardly matter.

**Would errors matter?** Every boundary is moved at random, twenty times over, by up to 20, 40 and
80 ms; each dot is ALAS with one such reference. A line that stays flat and above the grey band says
that the result does not hang on exact boundaries.

Nearly all aligners place onsets within 20 to 50 ms of a careful listener on clean speech.
"""


def quality_panel(analysis: Analysis, layer: int, word: int | None, theme: Theme) -> None:
    """A switch; what is behind it is computed only when it is on."""
    with st.container(key="quality_panel", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            wanted = st.toggle("How good is the reference?", key="quality")
            guide.about(guide.WHAT, _ABOUT, FIGURES["quality"])
        if not wanted:
            return
        second = _second(analysis)
        state = ask(analysis, second)
        if state.error:
            st.error(plain(state.problem))
            st.button("Try again", key="quality_again", on_click=_again, args=[state.key])
        elif state.result is None:
            _poll(state.key)
        if state.result is None and second:
            state = ask(analysis, "")  # what is known without it stays
            if not state.finished:
                _poll(state.key)
        if state.result is not None:
            _figures(analysis, state.result, layer, word, theme)


def _second(analysis: Analysis) -> str:
    """The second reference as the session has it; "" for none, or for one that cannot be had."""
    if readonly():
        return ""
    with st.container(key="quality_second"):
        compared = st.toggle(
            "Compare with a second reference",
            key="quality_compare",
            help="Another aligner, or your own file, for the same recording and transcript.",
        )
        chosen = references.choice("Second reference", "second") if compared else ""
        if chosen and chosen == references.chosen():
            st.caption("This is the reference that the analysis has: the two can only agree.")
        if chosen == references.OWN and not _source_of(analysis):
            st.caption(_NOT_OF_THIS)
            return ""
        # Until its download is agreed to, the first one is measured alone.
        return "" if loading.must_ask(checkpoint_of(chosen), revision="") else chosen


def _source_of(analysis: Analysis) -> str:
    """The source that has the whole of this very recording; "" if none has."""
    data = source_list.chosen()
    whole = analysis.utterance.id == st.session_state.get("utterance")
    return data if whole and not sources.source(data).finished else ""


def _figures(
    analysis: Analysis, quality: Quality, layer: int, word: int | None, theme: Theme
) -> None:
    from alas_core.figures.quality import agreement_figure, jitter_figure
    from alas_core.quality import agreement_sentence, jitter_sentence

    both = quality.agreement is not None
    left, right = st.columns(2, gap="large") if both else (st.container(), None)
    with left:
        st.markdown(plain(jitter_sentence(analysis, quality, layer)))
        figure = jitter_figure(analysis, quality, layer=layer, theme=theme)
        chart(figure, key="jitter", filename=f"{file_stem(analysis)}-jitter")
    if quality.agreement is None or right is None:
        return
    with right:
        st.markdown(plain(agreement_sentence(analysis, quality, layer)))
        st.caption(plain(f"First: {quality.agreement.first}. Second: {quality.agreement.second}."))
        figure = agreement_figure(analysis, quality.agreement, word=word, theme=theme)
        link = Link(analysis, words=range(len(analysis.words)))
        chart(figure, key="agreement", filename=f"{file_stem(analysis)}-agreement", link=link)


def ask(analysis: Analysis, second: str) -> State[Quality]:
    """The job that measures this reference, started if need be; `second` is "" for none."""
    data = _source_of(analysis) if second == references.OWN else ""
    key = f"quality:{content_sha(fingerprint(analysis, early=True), second, data)}"
    checkpoint = checkpoint_of(second)
    if checkpoint:
        return runners.ask_aligner(
            key,
            lambda: _steps_of_a_model(analysis, second),
            checkpoint,
            f"{waiting.session()} quality",
            analysis.utterance.id,
        )
    return qualities.ask(key, lambda: _steps(analysis, second, data), of=analysis.utterance.id)


def _again(key: str) -> None:
    for runner in (qualities, runners.accelerator):
        runner.forget(key)


def _steps(analysis: Analysis, second: str, data: str) -> Iterator[Step[Quality]]:
    yield Step("moving the boundaries")
    from alas_core.quality import reference_quality

    if not second:
        yield Step("done", result=reference_quality(analysis))
        return
    yield Step("asking the second reference")
    utterance = analysis.utterance
    own = sources.source(data).read(utterance.id).reference if data else None
    found = references.aligner(second, own).align(utterance.audio, utterance.transcript)
    yield Step("done", result=reference_quality(analysis, found))


def _steps_of_a_model(analysis: Analysis, second: str) -> Iterator[Step[Quality]]:
    yield Step("loading the libraries for the second reference")
    from alas_core.models import registry
    from alas_core.quality import reference_quality
    from alas_core.reference import preparing

    aligner = references.aligner(second)
    with registry.device_lock:
        yield from stepping(preparing(aligner))
        yield Step("asking the second reference")
        found = aligner.align(analysis.utterance.audio, analysis.utterance.transcript)
    yield Step("moving the boundaries")
    yield Step("done", result=reference_quality(analysis, found))


@st.fragment(run_every=_POLL_S)
def _poll(key: str) -> None:
    state = qualities.look(key) or runners.accelerator.look(key)
    if state is None or state.finished:
        st.rerun()
    else:
        waiting.progress(state)
