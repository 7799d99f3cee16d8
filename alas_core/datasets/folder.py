"""A folder of recordings with what is said in each beside it: `talk.wav` and `talk.txt`.

The words come from `.txt`, `.lab` (as the Montreal Forced Aligner or HTK write it) or, where
neither is there, from the TextGrid; a TextGrid, CTM or JSON beside the sound is its reference.
"""

from __future__ import annotations

import functools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath

from alas_core.datasets.base import Problem, path_inside
from alas_core.datasets.listing import Entry, Listed
from alas_core.errors import AlasError, InputError
from alas_core.reference.formats import READERS, SILENCES

AUDIO = frozenset(
    ".wav .flac .ogg .oga .opus .mp3 .aiff .aif .caf .w64 .m4a .mp4 .aac .wma .sph".split()
)
"""Endings that mean sound, lower-case, the ones that cannot be decoded here included."""

NO_COLUMNS: Mapping[str, str] = dict.fromkeys(("id", "audio", "transcript"), "")
"""What `Listed` calls the fields of files that lie side by side."""

_WORDS = (".txt", ".lab", ".textgrid")
_HTK_LABEL = re.compile(r"\s*\d+\s+\d+\s+(\S+)")
_TOO_MANY = 1_000_000

Files = Mapping[str, Callable[[], bytes]]


def audio_folder(root: Path) -> Listed:
    """The data set of a folder, its subfolders included; ids are paths without their ending."""
    return Listed(root.name or "folder", root, lambda: _on_disk(root), NO_COLUMNS)


def _on_disk(root: Path) -> Iterator[Entry | Problem]:
    files = {
        name: functools.partial(_read, root, name)
        for name in walk(root)
        if PurePath(name).suffix.lower() in AUDIO | {*_WORDS, *READERS}
    }
    return entries(files, root)


def _read(root: Path, name: str) -> bytes:
    path = path_inside(root, name, "the folder")  # words are shown: no link may lead elsewhere
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"'{path.name}' cannot be read ({error.strerror or error})") from error


def walk(root: Path) -> list[str]:
    """Files below a folder, sorted, as paths relative to it; hidden ones are left out.

    Raises
    ------
    InputError
        If there is no such folder, or it holds a million files.
    """
    if not root.is_dir():
        raise InputError(f"'{root}' is no folder, expected one with recordings; check the path")
    found: list[str] = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        inside = Path(folder).relative_to(root)
        found += [(inside / name).as_posix() for name in names if not name.startswith(".")]
        if len(found) > _TOO_MANY:
            raise InputError(
                f"'{root}' holds more than {_TOO_MANY} files, expected a data set; choose a "
                "folder inside it"
            )
    return sorted(found)


def entries(files: Files, root: Path | None = None) -> Iterator[Entry | Problem]:
    """Recordings among some files, each with its words.

    Parameters
    ----------
    files : path to what reads it.
    root : where the paths lead to if they are files on disk; None keeps the readers (uploads).
    """
    by_lower = {name.lower(): name for name in files}
    heard = [name for name in files if PurePath(name).suffix.lower() in AUDIO]
    stems = [PurePath(name).with_suffix("").as_posix() for name in heard]
    shared = Counter(stems)
    for name, stem in zip(heard, stems, strict=True):
        beside = {
            suffix: by_lower[f"{stem}{suffix}".lower()]
            for suffix in (*_WORDS, *READERS)
            if f"{stem}{suffix}".lower() in by_lower
        }
        # Two recordings may share a stem: talk.wav and talk.flac keep their endings.
        own_id = stem if shared[stem] == 1 else name
        yield _entry(name, own_id, beside, files, on_disk=root is not None)


def _entry(
    name: str, own_id: str, beside: Mapping[str, str], files: Files, on_disk: bool
) -> Entry | Problem:
    where = f"'{name}'"
    source = next((beside[suffix] for suffix in _WORDS if suffix in beside), None)
    if source is None:
        stem = PurePath(name).stem
        return Problem(
            where,
            "",
            f"no words stand beside it, expected '{stem}.txt', '{stem}.lab' or '{stem}.TextGrid' "
            "with what is said; add one of them",
            own_id,
        )
    try:
        transcript = read_words(files[source](), source)
    except AlasError as error:
        return Problem(where, "", f"its words cannot be read: '{source}': {error}", own_id)
    reference = next((beside[suffix] for suffix in READERS if suffix in beside), None)
    return Entry(
        where=where,
        id=own_id,
        audio=name if on_disk else files[name],
        transcript=transcript,
        reference=reference,
        meta={"file": name},
    )


def read_words(raw: bytes, name: str) -> str:
    """The transcript in a file of words, on one line.

    Raises
    ------
    AlasError
        If it is no UTF-8 text, or no TextGrid.
    """
    if name.lower().endswith(".textgrid"):
        timed = READERS[".textgrid"][1](raw, "")
        labels = [word.word.strip() for word in timed]
        return " ".join(label for label in labels if label and label.lower() not in SILENCES)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"it is no UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    labels = [match[1] for line in text.splitlines() if (match := _HTK_LABEL.fullmatch(line))]
    if labels and len(labels) == len([line for line in text.splitlines() if line.strip()]):
        return " ".join(label for label in labels if label.lower() not in SILENCES)
    return " ".join(text.split())
