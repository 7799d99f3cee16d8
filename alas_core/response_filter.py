"""Whether a model says the same to the sound as to the words, and whether it is right.

Pairs of answers that differ are kept out of data-set means (arXiv 2505.19937): the two runs then
did not do the same, and a comparison of their states says little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alas_core import tasks
from alas_core.judges import MIN_SIMILARITY, Verdict, judge, named_choices, plain_words
from alas_core.types import FloatArray, Utterance

Encode = Callable[[Sequence[str]], FloatArray]
"""Texts to sentence embeddings, (n_texts, width)."""

NOT_COMPUTED = (
    "not computed: no sentence encoder is installed (pip install -r requirements-extras.txt)"
)


@dataclass(frozen=True)
class AnswerAgreement:
    """Whether two answers are the same for the filter.

    Parameters
    ----------
    kept : None if it could not be told.
    similarity : cosine of the answers' embeddings; 1 for equal words; None if not computed.
    reason : in a few words.
    """

    kept: bool | None
    similarity: float | None
    reason: str


@dataclass(frozen=True)
class Judged:
    """Both answers of one utterance: right or wrong, and whether they agree.

    Parameters
    ----------
    audio, text : None without an expected answer.
    agreement
    """

    audio: Verdict | None
    text: Verdict | None
    agreement: AnswerAgreement


def judge_answers(
    utterance: Utterance,
    answers: Mapping[str, str],
    encode: Encode | None = None,
    threshold: float = MIN_SIMILARITY,
) -> Judged | None:
    """Judge the answers to the audio run and to the text run.

    Parameters
    ----------
    utterance : its task, choices and expected answer are used; the transcript is what is expected
        of a transcription without an answer of its own.
    answers : "audio" and "text", as in `Analysis.answers`.
    encode : a sentence encoder, if there is one.
    threshold : least similarity of two open answers that count as the same.

    Returns
    -------
    Judged or None
        None if the model was not asked.
    """
    if not {"audio", "text"} <= set(answers):
        return None
    expected = expected_answer(utterance)
    agreement = compare(
        utterance.task, answers["audio"], answers["text"], utterance.choices, encode, threshold
    )
    if not expected:
        return Judged(None, None, agreement)
    audio, text = (_verdict(utterance, answers[run], expected, encode) for run in ("audio", "text"))
    return Judged(audio, text, agreement)


def expected_answer(utterance: Utterance) -> str | None:
    """The right answer: the data set's, else, of a transcription, the transcript."""
    if utterance.answer is None and tasks.task_of(utterance.task).name == tasks.TRANSCRIBE:
        return utterance.transcript
    return utterance.answer


def _verdict(utterance: Utterance, answer: str, expected: str, encode: Encode | None) -> Verdict:
    free = tasks.task_of(utterance.task).name == tasks.QUESTION and not utterance.choices
    near = cosine(encode, answer, expected) if free and encode and answer.strip() else None
    return judge(utterance.task, answer, expected, utterance.choices, near)


def compare(
    task: str,
    audio_answer: str,
    text_answer: str,
    choices: Sequence[str] = (),
    encode: Encode | None = None,
    threshold: float = MIN_SIMILARITY,
) -> AnswerAgreement:
    """Whether the two answers pass the response filter.

    Labels and options: both answers must name the same one. Free answers and transcriptions: equal
    words pass, others need a cosine of at least the threshold.
    """
    heard, read = plain_words(audio_answer), plain_words(text_answer)
    if not heard or not read:
        return AnswerAgreement(False, None, "one of the answers is empty")
    labelled = bool(choices) and tasks.task_of(task).name != tasks.TRANSCRIBE
    if labelled:
        named = [named_choices(answer, choices) for answer in (audio_answer, text_answer)]
        if any(named):
            same = named[0] == named[1]
            return AnswerAgreement(same, None, "the same label" if same else "different labels")
    if heard == read:
        return AnswerAgreement(True, 1.0, "the same words")
    if encode is None:
        return AnswerAgreement(None, None, NOT_COMPUTED)
    near = cosine(encode, audio_answer, text_answer)
    relation = "at least" if near >= threshold else "below"
    return AnswerAgreement(
        near >= threshold, near, f"similarity {near:.2g}, {relation} {threshold:g}"
    )


def cosine(encode: Encode, one: str, other: str) -> float:
    """Cosine of the embeddings of two texts, in [-1, 1]."""
    a, b = encode([one, other])
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.clip(a @ b / scale, -1, 1)) if scale else 0.0
