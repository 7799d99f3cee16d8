"""What a model is asked to do: an instruction, a form of answer, and (in `judges`) a judge.

The instructions are the authors' (arXiv 2505.19937) where they gave one. A template may hold
`{question}`, `{choices}` (comma-separated) and `{options}` (one a line, lettered).
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from alas_core.errors import InputError
from alas_core.types import Utterance

TRANSCRIBE, QUESTION, EMOTION, CHOICE = "transcribe", "question", "emotion", "choice"

EMOTIONS = ("anger", "happiness", "sadness", "neutrality")
"""The four usual classes of IEMOCAP, in the authors' words."""


@dataclass(frozen=True)
class Task:
    """One kind of task.

    Parameters
    ----------
    name : as in `Utterance.task`.
    label : what people call it.
    template : its instruction; empty for the model's own.
    rule : when an answer counts as right.
    """

    name: str
    label: str
    template: str
    rule: str


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            Task(
                TRANSCRIBE,
                "Transcription",
                "",
                "right if at most one word in ten is wrong (word error rate, letters and digits "
                "only, case ignored)",
            ),
            Task(
                QUESTION,
                "Spoken question answering, open",
                "{question} Answer the question as short as possible (in 10-15 words).",
                "right if it holds the expected answer's words in order, or if the two mean the "
                "same to the sentence encoder (cosine at least 0.7), or, without an encoder, if "
                "they share half of their words (F1 at least 0.5)",
            ),
            Task(
                EMOTION,
                "Emotion of the speaker",
                "classify the emotion of the speaker in only one word including {choices}.",
                "right if it names the expected label and no other",
            ),
            Task(
                CHOICE,
                "Multiple choice",
                "{question}\n{options}\nAnswer with the letter of the right option.",
                "right if it names the expected option, by letter or text, and no other",
            ),
        )
    }
)

_MARKS = re.compile(r"\{(?:question|choices|options)\}")
_ALIASES = {
    "asr": TRANSCRIBE,
    "transcription": TRANSCRIBE,
    "qa": QUESTION,
    "sqa": QUESTION,
    "er": EMOTION,
    "mcq": CHOICE,
    "multiple choice": CHOICE,
    "multiple_choice": CHOICE,
}


def task_of(name: str) -> Task:
    """The task of an utterance's `task`, which may be a data set's own word for it.

    A word that is not known (the demo's "color", "place") is a question with a short answer.
    """
    known = name.strip().casefold()
    return TASKS.get(_ALIASES.get(known, known), TASKS[QUESTION])


def is_known(name: str) -> bool:
    """Whether a data set's word names one of the tasks; no word at all names none wrongly."""
    known = name.strip().casefold()
    return not known or _ALIASES.get(known, known) in TASKS


def named_task(name: str) -> Task:
    """The task that a user names.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    known = _ALIASES.get(name.strip().casefold(), name.strip().casefold())
    if known not in TASKS:
        raise InputError(
            f"there is no task {name!r}, expected one of {', '.join(TASKS)}; choose one"
        )
    return TASKS[known]


def instruction(template: str, question: str = "", choices: Sequence[str] = ()) -> str:
    """The template filled in for one utterance.

    >>> instruction("{question} One of {choices}.", "Who speaks?", ["a man", "a woman"])
    'Who speaks? One of a man, a woman.'
    """
    filled = {
        "{question}": question.strip(),
        "{choices}": ", ".join(choices),
        "{options}": "\n".join(f"{letter}. {text}" for letter, text in lettered(choices)),
    }
    # One pass over the template: braces in a question stay what they are.
    return _MARKS.sub(lambda mark: filled[mark[0]], template).strip()


def lettered(choices: Sequence[str]) -> list[tuple[str, str]]:
    """The options with the letters A, B, C ... before them."""
    return list(zip(string.ascii_uppercase, choices, strict=False))


def instruction_for(utterance: Utterance, template: str) -> str:
    """The instruction that a user's template makes for an utterance.

    Its question is the data set's (`meta["question"]`), else the utterance's own instruction.
    """
    question = str(utterance.meta.get("question") or utterance.instruction)
    return instruction(template, question, utterance.choices)
