"""What data sets lie in some folders: looked for from the top, a few levels deep."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from alas_core.datasets.folder import AUDIO
from alas_core.datasets.manifest import guess
from alas_core.datasets.opening import LAYOUTS, Spec, recognise
from alas_core.datasets.records import SUFFIXES

_MAX_DEPTH = 4
_MAX_FOUND = 200
_MAX_ENTRIES = 2_000
"""A folder with more entries holds recordings, not data sets: only its first ones are looked at."""

_ROOM = frozenset({"librispeech", "librisqa", "iemocap", "mmau", "utterances", "hf"})
"""Layouts that a folder or file shows by itself; in such a folder nothing else is looked for."""

_HEAD_BYTES = 20_000
_ROWS = re.compile(r'\s*(?:\[\s*\{|\{\s*"[^"\n]*"\s*:\s*\{|\{[^\n]*\}\s*\n\s*\{)')
_TEXT = re.compile(r'"([^"\n]*)"\s*:\s*"([^"\n]*)"')


@dataclass(frozen=True)
class Found:
    """A data set that was found.

    Parameters
    ----------
    place : where, as people see it: the root's name and the path in it. Names it in a link.
    spec : what `opening.open_source` opens.
    """

    place: str
    spec: Spec

    @property
    def label(self) -> str:
        """For a list to choose from."""
        return f"{self.place} · {LAYOUTS[self.spec.layout].label}"


def discover(roots: Sequence[Path]) -> tuple[Found, ...]:
    """Data sets in the roots, by place; of two roots with one name the second is left out."""
    found: dict[str, Found] = {}
    for root in roots:
        for layout, path in _look(root, _MAX_DEPTH):
            inside = path.relative_to(root).as_posix()
            place = root.name if inside == "." else f"{root.name}/{inside}"
            found.setdefault(place, Found(place, Spec(layout, str(path))))
            if len(found) >= _MAX_FOUND:
                return tuple(found.values())
    return tuple(found.values())


def _look(folder: Path, depth: int) -> Iterator[tuple[str, Path]]:
    """What lies in a folder; what may not be read is passed over: a disk's root has lost+found."""
    try:
        yield from _found(folder, depth)
    except OSError:
        return


def _found(folder: Path, depth: int) -> Iterator[tuple[str, Path]]:
    layout = recognise(folder)
    # Of LibriSpeech each split is a data set; what holds a split may hold other things beside it.
    above = layout == "librispeech" and not any(folder.glob("*/*/*.trans.txt"))
    if layout in _ROOM and not above:
        yield layout, folder
        return
    entries = sorted(folder.iterdir())[:_MAX_ENTRIES]
    visible = [entry for entry in entries if not entry.name.startswith(".")]
    if any(entry.suffix.lower() in AUDIO for entry in visible):
        yield "folder", folder
    for entry in visible:
        if entry.is_dir() and not entry.is_symlink() and depth > 1:
            yield from _look(entry, depth - 1)
        elif entry.is_file() and entry.suffix.lower() in SUFFIXES:
            try:
                kind = recognise(entry)
            except OSError:
                continue
            # Most JSON files list something else.
            if entry.suffix.lower() != ".json" or kind in _ROOM or _lists_sound(entry):
                yield kind, entry


def _lists_sound(path: Path) -> bool:
    """Whether a JSON begins as rows, one with a name of sound where a guess looks for it.

    Rows are a list of objects, an object of objects, or (NeMo's) one object a line.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace")
    if not _ROWS.match(head):
        return False
    named = [
        match[1] for match in _TEXT.finditer(head) if PurePath(match[2]).suffix.lower() in AUDIO
    ]
    return "audio" in guess(named)
