"""The runs that a server shows: those in the folders of `ALAS_RUNS`, and the shipped example."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from alas_core.batch import schema
from alas_core.batch.folder import read_info
from alas_core.errors import InputError, StoreError
from alas_core.place import Place
from alas_core.resources import asset_path

VARIABLE = "ALAS_RUNS"
MAX_LISTED = 500
"""More folders in one root are not looked at."""

EXAMPLE = "demo"
"""Name of the shipped run of the demo recordings."""

_BETWEEN = re.compile(rf"{re.escape(os.pathsep)}(?!//)")
"""Separates addresses as PATH does, but leaves "s3://bucket" whole."""


@dataclass(frozen=True)
class FoundRun:
    """A run, by what its `run.json` says.

    Parameters
    ----------
    name : what lists and links call it; no two have the same
    url : where it lies
    info : content of `run.json`; empty where there is a problem
    problem : why it cannot be opened; empty if it can
    """

    name: str
    url: str
    info: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def n_done(self) -> int:
        """Utterances analysed so far."""
        counts = self.info.get("counts")
        done = counts.get("done") if isinstance(counts, dict) else None
        return done if isinstance(done, int) else 0


def roots() -> tuple[str, ...]:
    """Folders and addresses that `ALAS_RUNS` names: each a run, or a folder of runs."""
    return tuple(part for part in _BETWEEN.split(os.environ.get(VARIABLE, "")) if part)


def found_runs() -> tuple[FoundRun, ...]:
    """Every run of this server, the newest first, the example last."""
    listed = [run for root in roots() for run in _below(root)]
    listed.sort(key=lambda run: str(run.info.get("created", "")), reverse=True)
    names: dict[str, int] = {}
    runs = []
    for run in (*listed, *_example()):
        count = names[run.name] = names.get(run.name, 0) + 1
        name = run.name if count == 1 else f"{run.name}-{count}"
        runs.append(FoundRun(name, run.url, run.info, run.problem))
    return tuple(runs)


def _example() -> Iterator[FoundRun]:
    try:
        path = asset_path("demo", "run")
    except InputError:
        return
    found = _run_in(EXAMPLE, str(path))
    if found is not None:
        yield found


def _below(root: str) -> list[FoundRun]:
    """The run in a folder, or the runs one level below it."""
    own = _run_in(_last(root), root)
    if own is not None:
        return [own]
    try:
        names = _folders(Place(root))
    except StoreError as error:
        return [FoundRun(_last(root), root, problem=str(error))]
    found = (_run_in(name, f"{root.rstrip('/')}/{name}") for name in names[:MAX_LISTED])
    return [run for run in found if run is not None]


def _folders(place: Place) -> list[str]:
    try:
        listed = place.filesystem.ls(place.path(""), detail=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(
            f"'{place.url}' cannot be listed ({error.strerror or error}), expected a folder of "
            f"runs; mend that, or change {VARIABLE}"
        ) from error
    return sorted(_last(entry["name"]) for entry in listed if entry["type"] == "directory")


def _run_in(name: str, url: str) -> FoundRun | None:
    try:
        raw = Place(url).read(schema.RUN_FILE)
        return None if raw is None else FoundRun(name, url, read_info(raw, url))
    except StoreError as error:
        return FoundRun(name, url, problem=str(error))


def _last(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2] or url
