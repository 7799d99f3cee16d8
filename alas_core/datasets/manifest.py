"""A list of recordings in a table: CSV, TSV, JSONL, JSON or Parquet, its columns mapped by name.

The columns are guessed from the names that people use (NeMo's and Common Voice's, those of the
Hugging Face hub), and each can be named instead.
"""

from __future__ import annotations

import ast
import functools
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from alas_core import tasks
from alas_core.datasets.base import Problem
from alas_core.datasets.listing import Entry, Listed
from alas_core.datasets.records import Numbered, Record, column_names, flat_meta, no_text, records
from alas_core.errors import InputError

FIELDS = (
    *("audio", "text", "id", "task", "question", "answer", "choices", "speaker", "reference"),
)
"""What a column can mean, in the order in which it is asked for."""

_GUESSES: Mapping[str, str] = {
    "audio": "audio audio_filepath audio_path audio_file file_name filename file path wav wav_path "
    "speech_path audio_id sound clip",
    "text": "text transcript transcription sentence normalized_text raw_text words",
    "id": "id utterance_id utterance utt_id uid key segment_id",
    "task": "task",
    "question": "question prompt instruction query",
    "answer": "answer expected reference_answer gold target label emotion emo",
    "choices": "choices options candidates",
    "speaker": "speaker speaker_id spk spk_id client_id voice",
    "reference": "textgrid alignment word_times",
}
_EMOTION = ("emotion", "emo")
_PREVIEW_ROWS = 5


@dataclass(frozen=True)
class Preview:
    """The first rows of a table, and what its columns seem to mean.

    Parameters
    ----------
    columns : their names.
    rows : the first few, as text.
    guess : field of `FIELDS` to column, for those that were recognised.
    """

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    guess: Mapping[str, str]


def preview(path: Path, separator: str | None = None) -> Preview:
    """Look at a table before it is used.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    first = list(itertools.islice(records(path, separator), _PREVIEW_ROWS))
    columns = column_names(first)
    rows = tuple(
        {name: as_text(row.get(name)) for name in columns}
        for _, row in first
        if not isinstance(row, Problem)
    )
    return Preview(tuple(columns), rows, guess(columns))


def guess(columns: Sequence[str]) -> dict[str, str]:
    """Which column holds which field, by its name; a column serves once."""
    found: dict[str, str] = {}
    by_name = {name.casefold().replace(" ", "_"): name for name in reversed(columns)}
    for field, names in _GUESSES.items():
        for name in names.split():
            if name in by_name and by_name[name] not in found.values():
                found[field] = by_name[name]
                break
    return found


def manifest(
    path: Path,
    mapping: Mapping[str, str] | None = None,
    root: Path | None = None,
    separator: str | None = None,
) -> Listed:
    """The data set of a table.

    Parameters
    ----------
    path : of the table.
    mapping : field of `FIELDS` to column; the fields left out are guessed, those with an empty
        column are not there. `task` may also be the name of a task that all rows share.
    root : folder that the sounds' paths are relative to, and must stay in; the table's by default.
    separator : a name in `records.SEPARATORS`, for CSV and TSV.
    """
    chosen = dict(mapping or {})

    def read() -> Iterator[Entry | Problem]:
        rows = functools.partial(records, path, separator)
        return table_entries(rows, chosen, path.name, f"manifest:{path}")

    columns = {"transcript": chosen.get("text", "text"), "audio": chosen.get("audio", "audio")}
    return Listed(path.stem, root or path.parent, read, columns | {"id": chosen.get("id", "id")})


def table_entries(
    rows: Callable[[], Iterator[Numbered]], chosen: dict[str, str], name: str, spec: str
) -> Iterator[Entry | Problem]:
    """Entries of a table; `chosen` is completed by what its first rows let one guess.

    `spec` is how a user names the table, for messages that show how a column is named.

    Raises
    ------
    InputError
        If a column is named that is not there, or there is none for the sound or the words.
    """
    columns = column_names(itertools.islice(rows(), 50))
    if not columns:
        raise InputError(f"'{name}' holds no row, expected a header and one row an utterance")
    absent = {field for field, column in chosen.items() if not column}
    for field in absent:
        del chosen[field]
    shared_task = _check_mapping(chosen, columns, name)
    for field, column in guess(columns).items():
        if column not in chosen.values() and field not in absent:
            chosen.setdefault(field, column)
    for field in ("audio", "text"):
        if field not in chosen:
            raise InputError(
                f"'{name}' has no column that looks like {field!r} (its columns: "
                f"{', '.join(columns)[:120]}), expected one; name it, as in {spec}?{field}=COLUMN"
            )
    mapped = _Mapped(chosen, shared_task, _labels(rows, chosen, shared_task))
    ids: dict[str, int] = {}
    for where, row in rows():
        yield row if isinstance(row, Problem) else _entry(where, row, mapped, ids)


def _check_mapping(chosen: dict[str, str], columns: Sequence[str], name: str) -> str | None:
    """Refuse columns that are not there; the task that all rows share, if it is named."""
    shared = chosen.get("task")
    if shared in tasks.TASKS:  # even where a column is called so: it holds answers, not tasks
        del chosen["task"]
    else:
        shared = None
    for field, column in chosen.items():
        if field not in FIELDS:
            raise InputError(
                f"there is no field {field!r}, expected one of {', '.join(FIELDS)}; correct it"
            )
        if column not in columns:
            raise InputError(
                f"'{name}' has no column {column!r} for {field!r}, expected one of "
                f"{', '.join(columns)[:120]}; choose one of them"
            )
    return shared


@dataclass(frozen=True)
class _Mapped:
    """What the columns of a table mean: field to column, the task of all, emotions that occur."""

    chosen: Mapping[str, str]
    task: str | None
    labels: tuple[str, ...]


def _labels(
    rows: Callable[[], Iterator[Numbered]], chosen: Mapping[str, str], task: str | None
) -> tuple[str, ...]:
    """The emotions to choose from where a table of emotions has no column of options."""
    answer = chosen.get("answer", "")
    emotional = task == tasks.EMOTION or answer.casefold() in _EMOTION
    if not answer or not emotional or "choices" in chosen:
        return ()
    found = {as_text(row.get(answer)) for _, row in rows() if not isinstance(row, Problem)} - {""}
    return tuple(sorted(found)) if len(found) > 1 else tasks.EMOTIONS


def _entry(where: str, row: Record, mapped: _Mapped, ids: dict[str, int]) -> Entry | Problem:
    chosen = mapped.chosen
    values = {field: row.get(column) for field, column in chosen.items()}
    for field in ("audio", "text"):
        if not isinstance(values[field], str):
            own_id = as_text(values.get("id"))
            return Problem(where, chosen[field], no_text(values[field], "row"), own_id)
    question = as_text(values.get("question"))
    choices = read_choices(values.get("choices"))
    named = mapped.task or as_text(values.get("task"))
    if not question and not tasks.is_known(named):
        return Problem(
            where,
            chosen.get("task", ""),
            f"it is {named[:40]!r} and nothing is asked, expected one of {', '.join(tasks.TASKS)}; "
            "correct it or name the column of the question",
        )
    task = named or _implied_task(question, choices, chosen)
    if tasks.task_of(task).name == tasks.EMOTION:
        choices = choices or mapped.labels or tasks.EMOTIONS
    template = tasks.task_of(task).template
    rest = {key: value for key, value in row.items() if key not in chosen.values()}
    # Where nothing was asked, the column is a label: no transcription is judged by it.
    unasked = not named and task == tasks.TRANSCRIBE
    column = chosen.get("answer", "")
    if column.casefold() in (*_EMOTION, "label"):
        rest.setdefault("label", values["answer"])  # the utterances can be grouped by it
    elif column and unasked:
        rest[column] = values["answer"]
    return Entry(
        where=where,
        id=as_text(values.get("id")) if "id" in chosen else _own_id(str(values["audio"]), ids),
        audio=str(values["audio"]).strip(),
        transcript=" ".join(str(values["text"]).split()),
        task=task,
        instruction=tasks.instruction(template, question, choices),
        choices=choices,
        answer=None if unasked else as_text(values.get("answer")) or None,
        speaker=as_text(values.get("speaker")),
        reference=as_text(values.get("reference")) or None,
        meta=flat_meta(({"question": question} if question else {}) | rest),
    )


def _own_id(audio: str, ids: dict[str, int]) -> str:
    """The sound's path without its ending; numbered where rows share a recording."""
    stem = PurePath(audio).with_suffix("").as_posix() if audio.strip() else "row"
    ids[stem] = ids.get(stem, 0) + 1
    return stem if ids[stem] == 1 else f"{stem}#{ids[stem]}"


def _implied_task(question: str, choices: Sequence[str], chosen: Mapping[str, str]) -> str:
    if choices and question:
        return tasks.CHOICE
    if question:
        return tasks.QUESTION
    emotional = chosen.get("answer", "").casefold() in _EMOTION
    return tasks.EMOTION if emotional else tasks.TRANSCRIBE


def read_choices(value: Any) -> tuple[str, ...]:
    """Options from a list, an object of letters, either written in a cell, or parted by bars."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        value = _written(value)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, str):
        value = value.split("|")
    if not isinstance(value, Iterable):
        return ()
    return tuple(text for item in value if (text := as_text(item)))


def _written(cell: str) -> Any:
    """A list or an object as JSON or, as some tables of the hub have it, as Python prints it."""
    for read in (json.loads, ast.literal_eval):  # neither runs anything
        try:
            return read(cell.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return [cell]


def as_text(value: Any) -> str:
    """A cell as text: nothing for a missing one, no ".0" after whole numbers."""
    if value is None:
        return ""
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() else repr(float(value))
    return str(value).strip()
