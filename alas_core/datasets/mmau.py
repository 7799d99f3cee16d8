"""MMAU (arXiv 2410.19168): questions with options about sound; here those about speech.

The published JSON has `audio_id`, `question`, `choices`, `answer` (missing in the test set) and
`task` ("speech", "sound" or "music"), but no transcripts: the words must come from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from alas_core import tasks
from alas_core.datasets.base import Problem, path_inside
from alas_core.datasets.folder import read_words
from alas_core.datasets.listing import Entry, Listed
from alas_core.datasets.manifest import as_text, read_choices
from alas_core.datasets.records import Record, as_id, flat_meta, no_text, read_json, records
from alas_core.errors import InputError

SUBSETS = ("speech", "sound", "music", "all")
_WORDS = ("transcript", "transcription", "text")
_OWN_FIELDS = {"id", "audio_id", "question", "choices", "answer", "task", *_WORDS}


def mmau(
    path: Path,
    transcripts: Path | None = None,
    root: Path | None = None,
    subset: str = "speech",
) -> Listed:
    """The data set of an MMAU JSON.

    Parameters
    ----------
    path : such as `mmau-test-mini.json`.
    transcripts : a JSON object from id to words; without it they are looked for in the fields
        transcript, transcription and text, and in a .txt beside the sound.
    root : folder that `audio_id` is relative to; the JSON's by default.
    subset : one of `SUBSETS`.

    Raises
    ------
    InputError
        If there is no such subset. The files are first read by who goes through the entries.
    """
    if subset not in SUBSETS:
        raise InputError(
            f"subset is {subset!r}, expected one of {', '.join(SUBSETS)}; choose one of them"
        )
    base = root or path.parent
    return Listed(
        f"{path.stem} ({subset})",
        base,
        lambda: _entries(path, base, transcripts, subset),
        {"audio": "audio_id"},
    )


def _entries(
    path: Path, root: Path, transcripts: Path | None, subset: str
) -> Iterator[Entry | Problem]:
    known = {} if transcripts is None else read_json(transcripts)
    if not isinstance(known, dict):
        raise InputError(
            f"'{transcripts}' holds {type(known).__name__}, expected a JSON object from id to "
            "words; write it as one"
        )
    for where, record in records(path):
        if isinstance(record, Problem):
            yield record
        elif subset in ("all", record.get("task")):
            yield _entry(where, record, root, known)


def _entry(where: str, record: Record, root: Path, known: Mapping[str, object]) -> Entry | Problem:
    for field in ("audio_id", "question"):
        if not isinstance(record.get(field), str):
            return Problem(
                where, field, no_text(record.get(field), "entry"), as_id(record.get("id"))
            )
    audio = PurePosixPath(record["audio_id"]).as_posix()
    own_id = as_text(record.get("id")) or PurePosixPath(audio).stem
    words = as_text(known.get(own_id)) or _words(record, root, audio)
    if not words:
        return Problem(
            where,
            "transcript",
            f"MMAU has no transcripts, and none was given for {own_id}; write one in a .txt "
            "beside the sound, or name a JSON from id to words with transcripts=FILE",
            own_id,
        )
    choices = read_choices(record.get("choices"))
    task = tasks.TASKS[tasks.CHOICE if choices else tasks.QUESTION]
    rest = {key: value for key, value in record.items() if key not in _OWN_FIELDS}
    about = {"question": record["question"], "domain": record.get("task")}
    return Entry(
        where=where,
        id=own_id,
        audio=audio,
        transcript=words,
        task=task.name,
        instruction=tasks.instruction(task.template, record["question"], choices),
        choices=choices,
        answer=as_text(record.get("answer")) or None,
        meta=flat_meta(about | rest),
    )


def _words(record: Record, root: Path, audio: str) -> str:
    named = next((as_text(record[key]) for key in _WORDS if record.get(key)), "")
    beside = (root / audio).with_suffix(".txt")
    if named or not beside.is_file():
        return named
    try:
        return read_words(path_inside(root, str(beside), audio).read_bytes(), beside.name)
    except (InputError, OSError):
        return ""
