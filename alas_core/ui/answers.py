"""What the model answers to the sound and to the words: right or wrong, the same or not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import streamlit as st

from alas_core import tasks
from alas_core.encoder import default_name
from alas_core.judges import MIN_SIMILARITY, Verdict
from alas_core.mode import readonly
from alas_core.response_filter import (
    NOT_COMPUTED,
    AnswerAgreement,
    Judged,
    expected_answer,
    judge_answers,
)
from alas_core.types import Analysis, content_sha
from alas_core.ui import guide
from alas_core.ui.jobs import Runner, State, Step
from alas_core.ui.text import plain

_POLL_S = 1.0
_HELP = f"""
The model is asked twice, with one instruction: once it hears the recording, once it reads the
words. Decoding is greedy. Each answer is judged by the rule of its task.

**Response filter.** Pairs of answers that differ are kept out of data-set means: the two runs then
did not do the same. Labels and options must be equal; free answers need a similarity of at least
{MIN_SIMILARITY:g}.
"""
_DEFINITION = (
    "similarity = cosine of the sentence embeddings of the two answers (all-MiniLM-L6-v2, or what "
    f"ALAS_SENTENCE_ENCODER names); kept if at least {MIN_SIMILARITY:g}. arXiv 2505.19937"
)
_IN_A_GALLERY = "not computed: this server is a gallery and runs no sentence encoder"

meanings: Runner[Judged] = Runner("answers", max_kept=64)


def answers(analysis: Analysis) -> None:
    """Both answers with their verdicts; a difference weakens a comparison of the two runs."""
    st.markdown("**The model's answers**")
    judged = judge_answers(analysis.utterance, analysis.answers)
    if judged is None:
        st.caption("They come after the null; greedy decoding, both runs with one instruction.")
        return
    meaning = _by_meaning(analysis) if _needs_meaning(analysis, judged) else None
    if meaning is not None and meaning.result is not None:
        judged = meaning.result
    _asked(analysis)
    _answer("To the sound", analysis.answers["audio"], judged.audio)
    _answer("To the words", analysis.answers["text"], judged.text)
    if meaning is None or meaning.result is not None:
        _agreement(judged.agreement)
    elif meaning.error:
        st.caption(plain(f"The answers cannot be compared by meaning: {meaning.problem}", 300))
    else:
        _wait(meaning.key)
    task = tasks.task_of(analysis.utterance.task)
    text = f"{_HELP}\n**{plain(task.label)}:** {plain(task.rule)}."
    guide.about("How are answers judged?", text, _DEFINITION)


def _asked(analysis: Analysis) -> None:
    instruction = analysis.provenance.get("instruction") or analysis.utterance.instruction
    if instruction:
        st.caption(plain(f"Instruction: {instruction}", 300))
    expected = expected_answer(analysis.utterance)
    if expected:
        st.caption(plain(f"Expected: {expected}", 300))


def _answer(label: str, text: str, verdict: Verdict | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(label, width="content")
        if verdict is not None and verdict.correct:
            st.badge("Right", icon=":material/check:", color="green")
        elif verdict is not None:
            st.badge("Wrong", icon=":material/close:", color="orange")
        if verdict is not None:
            st.caption(plain(verdict.reason, 120), width="content")
    st.text(text or "(nothing)")


def _agreement(found: AnswerAgreement) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Response filter", width="content")
        if found.kept is None:
            st.badge("Not computed", icon=":material/question_mark:", color="gray")
        elif found.kept:
            st.badge("Kept", icon=":material/equal:", color="green")
        else:
            st.badge("Filtered out", icon=":material/filter_alt:", color="orange")
        in_a_gallery = readonly() and found.reason == NOT_COMPUTED
        st.caption(plain(_IN_A_GALLERY if in_a_gallery else found.reason), width="content")


def _needs_meaning(analysis: Analysis, judged: Judged) -> bool:
    """Whether a sentence encoder may be used that would say more than equal words do."""
    if readonly() or default_name() is None:  # a gallery loads no model, not even a small one
        return False
    utterance = analysis.utterance
    free = tasks.task_of(utterance.task).name == tasks.QUESTION and not utterance.choices
    verdicts = (judged.audio, judged.text)
    doubtful = free and any(found is not None and not found.correct for found in verdicts)
    return judged.agreement.kept is None or doubtful


def _by_meaning(analysis: Analysis) -> State[Judged]:
    """The verdicts with the encoder's help, as far as it is."""
    utterance = analysis.utterance
    asked = [utterance.task, expected_answer(utterance), utterance.choices, dict(analysis.answers)]
    key = content_sha(json.dumps(asked))
    return meanings.ask(key, lambda: _steps(analysis), of=utterance.id)


def _steps(analysis: Analysis) -> Iterator[Step[Judged]]:
    yield Step("comparing the answers by meaning")
    from alas_core.encoder import default_encoder

    judged = judge_answers(analysis.utterance, analysis.answers, default_encoder())
    yield Step("done", result=judged)


@st.fragment(run_every=_POLL_S)
def _wait(key: str) -> None:
    state = meanings.look(key)
    if state is None or state.finished:
        st.rerun()
    else:
        st.caption("Response filter: comparing the answers by meaning …")
