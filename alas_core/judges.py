"""Whether an answer is right: one pure judge a task, its rule stated in `tasks.TASKS`.

Judges compare words without case and punctuation. They are rules, not readers: an answer that
denies what it names ("not happy") counts as naming it.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from alas_core import tasks
from alas_core.words import split_words

MAX_WORD_ERROR = 0.1
"""A transcription is right up to this word error rate."""

MIN_SIMILARITY = 0.7
"""Two answers mean the same from this cosine of their sentence embeddings on (arXiv 2505.19937)."""

MIN_F1 = 0.5

_SAME_LABEL = (
    frozenset({"anger", "angry", "mad", "furious"}),
    frozenset({"happiness", "happy", "joy", "joyful", "glad"}),
    frozenset({"sadness", "sad", "unhappy", "sorrow"}),
    frozenset({"neutrality", "neutral", "calm"}),
    frozenset({"fear", "afraid", "fearful", "scared"}),
    frozenset({"surprise", "surprised"}),
    frozenset({"disgust", "disgusted"}),
    frozenset({"excitement", "excited"}),
    frozenset({"frustration", "frustrated"}),
)
"""Words for one emotion, as models and data sets use them."""

_LETTER = re.compile(
    r"^\W*([A-Za-z])\W*$"  # nothing but a letter
    r"|^\W*([A-Z])\s*[.):\]]"  # "B." or "(B)" before the text
    r"|\b(?i:answer|option|choice)(?:\s+is)?\s*:?\s*[(\[]?(A(?!\s+[a-z])|[B-Z])\b"  # not "a man"
)


@dataclass(frozen=True)
class Verdict:
    """What a judge says of one answer.

    Parameters
    ----------
    correct
    score : 1 - word error rate, F1 of the words, similarity, or 1 and 0 for labels; in [0, 1].
    reason : in a few words.
    """

    correct: bool
    score: float
    reason: str


def judge(
    task: str,
    answer: str,
    expected: str,
    choices: Sequence[str] = (),
    similarity: float | None = None,
) -> Verdict:
    """Judge an answer by the rule of its task.

    Parameters
    ----------
    task : as in `Utterance.task`.
    answer : what the model said.
    expected : the right answer; for a choice its letter or its text, for a transcription the words.
    choices : labels or options, if the task has any.
    similarity : cosine of answer and expected answer, if a sentence encoder is there.
    """
    kind = tasks.task_of(task).name
    if kind == tasks.TRANSCRIBE:
        return _transcription(answer, expected)
    if kind in (tasks.EMOTION, tasks.CHOICE) or choices:
        return _choice(answer, expected, choices or [expected])
    return _open(answer, expected, similarity)


def plain_words(text: str) -> list[str]:
    """Words as judges compare them: no case, no punctuation, one apostrophe, hyphens apart."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return [word.word for word in split_words(folded.replace("-", " "))]


def word_error_rate(answer: str, expected: str) -> float:
    """Word error rate (jiwer) of plain words; may exceed 1.

    >>> word_error_rate("The cat sat.", "the cat sat down")
    0.25
    """
    import jiwer

    said, wanted = " ".join(plain_words(answer)), " ".join(plain_words(expected))
    if not wanted:
        return float(bool(said))
    return float(jiwer.wer(wanted, said))


def _transcription(answer: str, expected: str) -> Verdict:
    error = word_error_rate(answer, expected)
    reason = f"word error rate {error:.2g}"
    return Verdict(error <= MAX_WORD_ERROR, max(1 - error, 0.0), reason)


def _choice(answer: str, expected: str, choices: Sequence[str]) -> Verdict:
    named = named_choices(answer, choices)
    wanted = named_choices(expected, choices) or {expected}
    if len(named) == 1:
        correct = named == wanted
        understood = ", ".join(choice for choice in choices if choice in named)
        return Verdict(correct, float(correct), f"names '{understood}'")
    reason = "names several of the options" if named else "names none of the options"
    return Verdict(False, 0.0, reason)


def named_choices(answer: str, choices: Sequence[str]) -> set[str]:
    """The options that an answer names, by letter or by text.

    A text inside a longer one that is named does not count: "an old man" does not name "man".

    >>> named_choices("(B) Two women.", ["A man", "Two women"])
    {'Two women'}
    """
    words = plain_words(answer)
    spans = {
        (start, start + len(form)): choice
        for choice in choices
        for form in _forms(choice, choices)
        for start in range(len(words) - len(form) + 1)
        if words[start : start + len(form)] == form
    }
    named = {
        choice
        for (start, end), choice in spans.items()
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in spans)
    }
    letter = _LETTER.search(answer.strip())
    if letter:
        # A letter that is itself an option's text ("A" among A, B, C) was found above.
        index = string.ascii_uppercase.index(next(filter(None, letter.groups())).upper())
        if index < len(choices):
            named.add(choices[index])
    return named


def _forms(choice: str, choices: Sequence[str]) -> list[list[str]]:
    """The words that name an option: its own, and others for the same emotion that no option is."""
    own = plain_words(choice)
    if not own:
        return []
    others = next((group for group in _SAME_LABEL if own == [own[0]] and own[0] in group), ())
    taken = [plain_words(other) for other in choices]
    return [own, *([other] for other in sorted(others) if [other] not in taken)]


def _open(answer: str, expected: str, similarity: float | None) -> Verdict:
    said, wanted = plain_words(answer), plain_words(expected)
    if not said or not wanted:
        return Verdict(False, 0.0, "says nothing")
    if _holds(said, wanted):
        return Verdict(True, 1.0, "holds the expected answer")
    if similarity is not None:
        reason = f"similarity {similarity:.2g} to the expected answer"
        return Verdict(similarity >= MIN_SIMILARITY, max(similarity, 0.0), reason)
    score = word_f1(said, wanted)
    return Verdict(score >= MIN_F1, score, f"shares words with the expected answer, F1 {score:.2g}")


def _holds(said: Sequence[str], wanted: Sequence[str]) -> bool:
    width = len(wanted)
    return any(list(said[k : k + width]) == list(wanted) for k in range(len(said) - width + 1))


def word_f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of words, as in SQuAD (arXiv 1606.05250)."""
    shared = sum((Counter(said) & Counter(wanted)).values())
    return 2 * shared / (len(said) + len(wanted)) if shared else 0.0
