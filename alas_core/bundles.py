"""Folders of bundles: what lies in them, told from the heads of the files alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alas_core.bundle import MAX_BYTES, SUFFIX, loads, read_head
from alas_core.errors import AlasError, InputError, StoreError
from alas_core.resources import asset_path
from alas_core.types import Analysis

VARIABLE = "ALAS_BUNDLES"
MAX_LISTED = 2000
"""More files in the folders are not listed: a selector is no file manager."""


@dataclass(frozen=True)
class Kept:
    """A bundle in a folder; `problem` says why it cannot be opened, if it cannot.

    `id` is the folder's name and the path below it: what a link may name.
    """

    id: str
    path: Path
    transcript: str = ""
    utterance: str = ""
    model: str = ""
    problem: str = ""


def roots() -> tuple[Path, ...]:
    """The folders that `ALAS_BUNDLES` names (as PATH does), then the demo model's training."""
    named = os.environ.get(VARIABLE, "").split(os.pathsep)
    return (*(Path(name).expanduser() for name in named if name), *_shipped())


def _shipped() -> tuple[Path, ...]:
    try:
        return (asset_path("demo", "checkpoints"),)
    except InputError:
        return ()


def listed(folders: Iterable[Path]) -> dict[str, Kept]:
    """Every bundle below the folders by its id: the last folder first, as names sort.

    Parameters
    ----------
    folders : those that do not exist are passed over; links out of a folder are not followed.
    """
    found: dict[str, Kept] = {}
    for name, root in named(folders):
        found |= {kept.id: kept for kept in below(name, root, MAX_LISTED - len(found))}
    return found


def named(folders: Iterable[Path]) -> list[tuple[str, Path]]:
    """The folders with the names that their bundles' ids begin with; a second "x" is "x-2"."""
    names: dict[str, int] = {}
    found = []
    for root in folders:
        count = names[root.name] = names.get(root.name, 0) + 1
        found.append((root.name if count == 1 else f"{root.name}-{count}", root))
    return found


def below(name: str, root: Path, limit: int = MAX_LISTED) -> list[Kept]:
    """The bundles below one folder, at most so many."""
    return [
        _kept(f"{name}/{path.relative_to(root).with_suffix('').as_posix()}", path)
        for path in _files(root)[:limit]
    ]


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    inside = root.resolve()
    files = [
        path
        for path in root.rglob(f"*{SUFFIX}")
        if path.is_file() and path.resolve().is_relative_to(inside)
    ]
    files.sort(key=lambda path: path.name)
    files.sort(key=lambda path: path.parent.as_posix(), reverse=True)  # stable
    return files


def _kept(name: str, path: Path) -> Kept:
    try:
        about = path.stat()
        head = _head(path, about.st_mtime_ns, about.st_size)
    except (OSError, StoreError) as error:
        return Kept(name, path, problem=str(error))
    return Kept(
        name,
        path,
        transcript=str(head["transcript"]),
        utterance=str(head["utterance"]),
        model=str(head["model"]),
    )


@lru_cache(maxsize=2 * MAX_LISTED)
def _head(path: Path, mtime_ns: int, size: int) -> Mapping[str, Any]:
    del mtime_ns, size  # the cache's key: a file that has changed is read anew
    with path.open("rb") as stream:
        head = read_head(stream)
    try:
        utterance, model = head["utterance"], head["model"]
        return {
            "transcript": utterance["transcript"],
            "utterance": utterance["id"],
            "model": str(model["model_id"]).rstrip("/").rsplit("/", 1)[-1],
        }
    except (KeyError, TypeError) as error:
        raise StoreError(
            f"the head of '{path.name}' lacks {error}, expected the head of a bundle; it is "
            "damaged: compute it anew"
        ) from error


def open_bundle(path: Path) -> Analysis:
    """The analysis in a file.

    Raises
    ------
    StoreError
        If it cannot be read, is no bundle, is damaged, or was written by a newer version.
    """
    try:
        size = path.stat().st_size
        raw = b"" if size > MAX_BYTES else path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"'{path.name}' cannot be read ({error.strerror or error}), expected a bundle; check "
            "the file"
        ) from error
    if size > MAX_BYTES:
        raise StoreError(
            f"'{path.name}' has {size / 2**20:.0f} MB, expected at most {MAX_BYTES // 2**20} MB; "
            "it is none of ours: choose another file"
        )
    return read_bundle(raw, path.name)


def read_bundle(raw: bytes, name: str) -> Analysis:
    """The analysis in the bytes of a file called `name`.

    Raises
    ------
    StoreError
        As `open_bundle`.
    """
    try:
        return loads(raw)
    except AlasError as error:
        raise StoreError(f"'{name}': {error}") from error
