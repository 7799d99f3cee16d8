"""LibriSQA (arXiv 2308.10390): questions about LibriSpeech, open (part I) or with options (II).

The published JSON names `.wav` files where LibriSpeech has FLAC, with or without "LibriSpeech/"
before the split. After its card on the hub, part I has `question` and `answer`; part II has
`question_and_option` (the four options written after the question), `answer` (a letter) and
`answer_and_analysis`. Copies of part II are also read whose options are a list, an object or
fields A to D, and whose answer is an option or has its reasons after it.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from alas_core import tasks
from alas_core.datasets.base import Problem
from alas_core.datasets.librispeech import CASES, check_case
from alas_core.datasets.listing import Entry, Listed
from alas_core.datasets.manifest import as_text, read_choices
from alas_core.datasets.records import Record, flat_meta, no_text, records

_QUESTIONS, _ANALYSIS = ("question", "question_and_option"), "answer_and_analysis"
_OWN_FIELDS = {*_QUESTIONS, "answer", _ANALYSIS, "text", "speech_path", "options", "choices"}
_LETTER = re.compile(r"\s*\(?([A-F])(?:[.):]|\s*$)\s*")
_IN_QUESTION = re.compile(r"(?:^|\s)\(?([A-D])[.):]\s*")


def librisqa(path: Path, root: Path | None = None, case: str = "as-is") -> Listed:
    """The data set of a LibriSQA JSON.

    Parameters
    ----------
    path : such as `LibriSQA-PartI-test.json`.
    root : the folder that holds LibriSpeech's splits, or its parent; the JSON's by default.
    case : a name in `librispeech.CASES`.
    """
    check_case(case)
    base = root or path.parent
    columns = {"audio": "speech_path", "transcript": "text"}
    return Listed(path.stem, base, lambda: _entries(path, base, case), columns)


def _entries(path: Path, root: Path, case: str) -> Iterator[Entry | Problem]:
    seen: Counter[str] = Counter()
    for where, record in records(path):
        entry = record if isinstance(record, Problem) else _entry(where, record, root, case, seen)
        yield entry


def _entry(
    where: str, record: Record, root: Path, case: str, seen: Counter[str]
) -> Entry | Problem:
    asked = next((name for name in _QUESTIONS if name in record), _QUESTIONS[0])
    for field in ("speech_path", "text", asked):
        if not isinstance(record.get(field), str):
            return Problem(where, field, no_text(record.get(field), "entry"))
    audio = locate(root, record["speech_path"])
    stem = PurePosixPath(audio).stem
    seen[stem] += 1
    question, choices = _options(record, record[asked].strip())
    task = tasks.TASKS[tasks.CHOICE if choices else tasks.QUESTION]
    rest = {key: value for key, value in record.items() if key not in _OWN_FIELDS}
    told, analysis = (as_text(record.get(name)) for name in ("answer", _ANALYSIS))
    answer, reasons = _answer(told or analysis, choices)
    if analysis:
        named, after = _answer(analysis, choices)
        reasons = analysis if named == analysis else after
    rest |= {"reasons": reasons} if reasons else {}
    return Entry(
        where=where,
        id=stem if seen[stem] == 1 else f"{stem}#{seen[stem]}",
        audio=audio,
        transcript=CASES[case](" ".join(record["text"].split())),
        task=task.name,
        instruction=tasks.instruction(task.template, question, choices),
        choices=choices,
        answer=answer or None,
        speaker=stem.partition("-")[0],
        reference=PurePosixPath(audio).with_suffix(".TextGrid").as_posix(),
        meta=flat_meta({"question": question} | rest),
    )


def _answer(told: str, choices: tuple[str, ...]) -> tuple[str, str]:
    """The option that an answer of part II names, and the reasons that may follow it.

    The reasons often speak of the other options too, so they are no part of the right answer.
    """
    named = _LETTER.match(told)
    if not named or ord(named[1]) - ord("A") >= len(choices):
        return told, ""
    choice = choices[ord(named[1]) - ord("A")]
    reasons = told[named.end() :].strip()
    if reasons.casefold().startswith(choice.casefold()):
        reasons = reasons[len(choice) :]
    return choice, reasons.strip(" .,;:-\n")


def locate(root: Path, named: str) -> str:
    """Where a sound lies below the root, whatever ending and first folder its list gives it."""
    inner = PurePosixPath(named.strip())
    if inner.parts[:1] == ("LibriSpeech",):
        inner = PurePosixPath(*inner.parts[1:])
    for folder in (inner, "LibriSpeech" / inner):
        for suffix in (inner.suffix, ".flac", ".wav"):
            found = folder.with_suffix(suffix)
            if (root / found).is_file():
                return found.as_posix()
    return inner.as_posix()


def _options(record: Mapping[str, Any], question: str) -> tuple[str, tuple[str, ...]]:
    """The question without its options, and the options without their letters."""
    choices = read_choices(record.get("options") or record.get("choices"))
    choices = choices or tuple(
        as_text(record[letter]) for letter in string.ascii_uppercase[:6] if record.get(letter)
    )
    if not choices:
        head, *parts = _IN_QUESTION.split(question)
        if parts[::2] == list(string.ascii_uppercase[: len(parts) // 2]) and len(parts) > 2:
            question, choices = head, tuple(parts[1::2])
            question = re.sub(r"\s*\b(?:Options|Choices)\s*:?\s*$", "", question)
    unlettered = (re.sub(r"^\(?[A-F][.):]\s*", "", choice.strip()) for choice in choices)
    return question.strip(), tuple(choice.strip(" ,;\n") for choice in unlettered)
