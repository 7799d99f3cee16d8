"""The one `DataSet` behind all layouts: a list of entries, checked once; sound read on demand.

A layout is a generator of `Entry` and `Problem`: it says what stands where. What makes an entry
usable (an id of its own, words in the transcript, a file inside the folder) is checked here.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from alas_core import audio
from alas_core.datasets.base import Problem, Row, path_inside, read_sentences
from alas_core.errors import InputError
from alas_core.resources import asset_path
from alas_core.types import Utterance, content_sha
from alas_core.words import check_transcript

Meta = Mapping[str, str | float | bool]

MIN_POOL = 20
"""With fewer sentences of its own, a data set borrows the bundled ones for the null."""

_MAX_POOL = 2_000
_UNREADABLE = frozenset({".m4a", ".mp4", ".aac", ".wma", ".amr", ".webm", ".sph"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One utterance as a layout describes it, unchecked.

    Parameters
    ----------
    where : for messages, such as "line 7".
    id
    audio : path of the sound relative to the data set's folder, or what reads its bytes.
    transcript
    task, instruction, choices, answer : as in `Utterance`.
    speaker : who speaks, if known.
    reference : path of a file of word times relative to the folder.
    meta : whatever else the data set tells.
    """

    where: str
    id: str
    audio: str | Callable[[], bytes]
    transcript: str
    task: str = "transcribe"
    instruction: str = ""
    choices: tuple[str, ...] = ()
    answer: str | None = None
    speaker: str = ""
    reference: str | None = None
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True)
class _Checked:
    """What is there, what was left out, and of that what has an id of its own."""

    entries: dict[str, Entry]
    problems: tuple[Problem, ...]
    refused: dict[str, Problem]


class Listed:
    """A data set made of entries; implements `DataSet`.

    Parameters
    ----------
    name : what people call it.
    root : no entry may name a file outside this folder.
    entries : yields the entries, and problems of rows that cannot even be read. Called once, when
        the list is first needed.
    columns : what the data set calls the fields `id`, `audio`, `transcript`, for messages; empty
        for what stands in no column.

    Raises
    ------
    InputError
        From any method but the constructor, if there is no list to read at all.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        entries: Callable[[], Iterable[Entry | Problem]],
        columns: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.root = root
        self._read = entries
        self._columns = columns

    def ids(self) -> tuple[Row, ...]:
        """One light row an utterance, in the data set's order."""
        return self._rows

    def problems(self) -> tuple[Problem, ...]:
        """The rows that were left out, in the data set's order."""
        return self._checked.problems

    def load(self, utterance_id: str) -> Utterance:
        """Read an utterance and decode its sound."""
        entry = self.entry(utterance_id)
        if isinstance(entry.audio, str):
            path = path_inside(self.root, entry.audio, f"utterance '{utterance_id}'")
            sound = audio.decode(path, name=entry.audio)
        else:
            sound = audio.decode(entry.audio(), name=utterance_id)
        speaker: Meta = {"speaker": entry.speaker} if entry.speaker else {}
        return Utterance(
            id=utterance_id,
            audio=sound,
            transcript=entry.transcript,
            task=entry.task,
            instruction=entry.instruction,
            choices=entry.choices,
            answer=entry.answer,
            meta=MappingProxyType({**speaker, **entry.meta}),
        )

    def pool(self) -> tuple[str, ...]:
        """Lines of `sentences.txt`, else the transcripts if there are enough, else bundled ones."""
        own = self.root / "sentences.txt"
        if own.is_file():
            return read_sentences(own)
        spoken = tuple(dict.fromkeys(entry.transcript for entry in self._checked.entries.values()))
        if len(spoken) < MIN_POOL:
            return plain_sentences()
        return spoken[:: math.ceil(len(spoken) / _MAX_POOL)]

    def reference_path(self, utterance_id: str) -> Path | None:
        """The file of word times that came with an utterance, for `reference.get_aligner`."""
        entry = self.entry(utterance_id)
        if entry.reference is None:
            return None
        path = path_inside(self.root, entry.reference, f"utterance '{utterance_id}'")
        return path if path.is_file() else None

    def stamp(self, utterance_id: str) -> str:
        """Size and time of the files of sound and word times; empty for sound that is no file."""
        entry = self.entry(utterance_id)
        if not isinstance(entry.audio, str):
            return ""
        told = []
        for name in filter(None, (entry.audio, entry.reference)):
            with contextlib.suppress(OSError, ValueError):
                state = (self.root / name).stat()
                told.append(f"{state.st_size} {state.st_mtime_ns}")
        return ", ".join(told)

    @functools.cached_property
    def _rows(self) -> tuple[Row, ...]:
        return tuple(_row(entry) for entry in self._checked.entries.values())

    @functools.cached_property
    def _checked(self) -> _Checked:
        checked = _Checked({}, (), {})
        problems: list[Problem] = []
        for found in self._read():
            problem = found if isinstance(found, Problem) else self._problem(found, checked.entries)
            if problem is not None:
                problems.append(problem)
            if isinstance(found, Entry) and problem is None:
                checked.entries[found.id] = found
            elif isinstance(found, Entry) and problem is not None:
                checked.refused.setdefault(found.id, problem)
        # An id is a name only while no row that can be used has it.
        named = (replace(p, id="") if p.id in checked.entries else p for p in problems)
        return replace(checked, problems=tuple(named))

    def _problem(self, entry: Entry, before: Mapping[str, Entry]) -> Problem | None:
        """Why an entry cannot be used, or None."""
        try:
            field_name = "id"
            _check_id(entry, before)
            field_name = "transcript"
            check_transcript(entry.transcript)
            field_name = "audio"
            if isinstance(entry.audio, str):
                check_sound(self.root, entry.audio, "the row")
        except InputError as error:
            column = self._columns.get(field_name, field_name)
            own_id = "" if field_name == "id" else entry.id
            return Problem(entry.where, column, str(error), own_id)
        return None

    def entry(self, utterance_id: str) -> Entry:
        """What the list says of an utterance.

        Raises
        ------
        InputError
            If there is no such utterance, or its row was left out; then with why.
        """
        entries, refused = self._checked.entries, self._checked.refused
        if utterance_id in entries:
            return entries[utterance_id]
        if utterance_id in refused:
            raise InputError(
                f"{self.name} left the utterance {utterance_id!r} out: {refused[utterance_id]}"
            )
        first = next(iter(entries), "none at all")
        raise InputError(
            f"{self.name} has no utterance {utterance_id!r}, expected one of its "
            f"{len(entries)} names such as {first!r}; choose one from the list"
        )


def _row(entry: Entry) -> Row:
    duration_s = entry.meta.get("duration_s")
    return Row(
        id=entry.id,
        transcript=entry.transcript,
        task=entry.task,
        voice=str(entry.meta.get("voice") or entry.speaker),
        condition=str(entry.meta.get("condition") or ""),
        duration_s=duration_s if isinstance(duration_s, float | int) else None,
        details=content_sha(
            entry.instruction,
            repr(entry.choices),
            repr(entry.answer),
            repr(sorted(entry.meta.items())),
        ),
    )


def _check_id(entry: Entry, before: Mapping[str, Entry]) -> None:
    if not entry.id.strip():
        raise InputError("the id is empty, expected a name of its own; give the row one")
    if entry.id in before:
        raise InputError(
            f"the id {entry.id!r} is already that of {before[entry.id].where}, expected each once; "
            "rename one of them"
        )


def check_sound(root: Path, relative: str, owner: str) -> None:
    """Whether a file of sound is there, inside the folder, and of a kind that can be decoded.

    Raises
    ------
    InputError
        If not.
    """
    path = path_inside(root, relative, owner)
    if not relative.strip() or not path.is_file():
        raise InputError(
            f"the file {relative!r} does not exist in '{root}', expected a recording; correct the "
            "name, or leave the row out"
        )
    if path.stat().st_size == 0:
        raise InputError(f"the file {relative!r} is empty (0 bytes); record or export it again")
    if path.suffix.lower() in _UNREADABLE:
        raise InputError(
            f"the file {relative!r} is {path.suffix[1:]}, which the decoder here (libsndfile) does "
            f"not read, expected {audio.READABLE}; convert it, for example with "
            f"'ffmpeg -i {path.name} {path.stem}.wav'"
        )


def plain_sentences() -> tuple[str, ...]:
    """A few hundred plain English sentences: wrong words for the null of a single recording."""
    return read_sentences(asset_path("sentences.txt"))
