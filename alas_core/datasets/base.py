"""What a data set is: light rows to choose from, utterances on demand, words for the null."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from alas_core.errors import InputError
from alas_core.types import Utterance


@dataclass(frozen=True)
class Row:
    """What a list shows of an utterance before its sound is read.

    `details` is a digest of what it does not show: instruction, options, answer and labels.
    """

    id: str
    transcript: str
    task: str = "transcribe"
    voice: str = ""
    condition: str = ""
    duration_s: float | None = None
    details: str = field(default="", compare=False)


@dataclass(frozen=True)
class Problem:
    """A row that is left out: where it stands, the column that is wrong, and why.

    Parameters
    ----------
    where : as a person finds it again, such as "line 7" or "'talk.wav'".
    column : what the data set calls the field; empty if it is the whole row.
    reason : what, got, expected, remedy.
    id : the row's own, where it has one that no other row has; empty if not.
    """

    where: str
    column: str
    reason: str
    id: str = ""

    def __str__(self) -> str:
        column = f", column '{self.column}'" if self.column else ""
        return f"{self.where}{column}: {self.reason}"

    @property
    def name(self) -> str:
        """What a table calls the row: its id, or else where it stands, without quotes."""
        return self.id or (self.where[1:-1] if self.where.startswith("'") else self.where)

    @property
    def told(self) -> str:
        """Why, for a reader who sees `name` already: where it stands only if that says more."""
        if self.id and f"'{self.id}" not in self.where:
            return str(self)
        return f"column '{self.column}': {self.reason}" if self.column else self.reason


class DataSet(Protocol):
    """Utterances under names. Reading one never changes another; no sound is kept."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def ids(self) -> tuple[Row, ...]:
        """One light row an utterance, in the data set's order."""
        ...

    def load(self, utterance_id: str) -> Utterance:
        """One utterance with its sound.

        Raises
        ------
        InputError
            If there is no such utterance, or its sound cannot be used.
        """
        ...

    def pool(self) -> tuple[str, ...]:
        """Sentences that wrong transcripts are cut from, for the null."""
        ...

    def reference_path(self, utterance_id: str) -> Path | None:
        """The file of word times that came with an utterance, if one did."""
        ...

    def stamp(self, utterance_id: str) -> str:
        """Another one once the files of an utterance may have changed: size and time of each.

        Empty where no file of its own holds the sound, or it cannot be looked at.
        """
        ...

    def problems(self) -> tuple[Problem, ...]:
        """The rows that were left out. Sound is decoded by `load` alone, so it may fail later."""
        ...


def path_inside(root: Path, relative: str, owner: str) -> Path:
    """Path of a file that a data set names, never outside the data set's folder.

    Parameters
    ----------
    root : Path
    relative : str
        As written in the data set; links are followed before the check.
    owner : str
        What the message calls the entry that names it.

    Raises
    ------
    InputError
        If the path is absolute, or leads out of `root`.
    """
    try:
        resolved = (root / relative).resolve()
        inside = resolved.is_relative_to(_resolved(root))
    except (OSError, ValueError, RuntimeError):  # a loop of links, a null character
        inside = False
    if not inside:
        raise InputError(
            f"{owner} names the file {relative!r}, expected a path inside '{root}', links "
            "followed; keep the file itself in that folder and write paths relative to it"
        )
    return resolved


@functools.lru_cache(maxsize=16)
def _resolved(root: Path) -> Path:
    """A corpus asks once a row."""
    return root.resolve()


def read_text(path: Path) -> str:
    """A small UTF-8 file, or `InputError`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{path}' cannot be read: its byte {error.start} is no UTF-8, expected a UTF-8 text "
            "file; save it again as UTF-8 (in a spreadsheet, 'CSV UTF-8')"
        ) from error
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be read ({error.strerror or error}), expected a UTF-8 text file; "
            "check that it is there and that you may read it"
        ) from error


def read_sentences(path: Path) -> tuple[str, ...]:
    """Lines of a text file without the empty ones and those that start with '#'."""
    lines = (line.strip() for line in read_text(path).splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
