"""The runs of a server: folders below one root, each with its state as it really is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from alas_core.batch import schema
from alas_core.batch.compact import records
from alas_core.batch.folder import read_info
from alas_core.batch.lock import owner_of
from alas_core.batch.plan import SKIPPED, RunOrder
from alas_core.batch.progress import Progress
from alas_core.errors import InputError, StoreError
from alas_core.place import Place

VARIABLE = "ALAS_RUNS"
INTERRUPTED = "interrupted"
"""State of a run that says it is going although nobody works on it: it was killed."""

MAX_LOG = 200
_NAME = re.compile(r"[\w][\w.+-]{0,99}", re.ASCII)


@dataclass(frozen=True)
class Found:
    """A run below the root.

    Parameters
    ----------
    name : of its folder
    url : of its folder
    info : `run.json`; empty if it cannot be read
    state : what the run wrote last, or `INTERRUPTED`
    owner : who works on it, as the lock says; None if nobody does
    problem : why it cannot be read; empty if it can
    """

    name: str
    url: str
    info: Mapping[str, Any]
    state: str = ""
    owner: Mapping[str, Any] | None = None
    problem: str = ""

    @property
    def stamp(self) -> str:
        """Another one whenever the run has gone on; its time alone has whole seconds only."""
        return "/".join(str(self.info.get(name, "")) for name in ("updated", "state", "counts"))

    @property
    def took_s(self) -> float | None:
        """Seconds from its first start to its last word, pauses included; None if not told."""
        try:
            first, last = (datetime.fromisoformat(self.info[at]) for at in ("created", "updated"))
            return (last - first).total_seconds()
        except (KeyError, TypeError, ValueError):
            return None

    @property
    def progress(self) -> Progress:
        """How far it is, as it last wrote."""
        counts = self.info["counts"]
        return Progress(
            self.state,
            "Analysing",
            counts["total"],
            counts["done"],
            counts["skipped"],
            self.info.get("rate_per_s"),
        )


def runs_root() -> str:
    """Where this server's runs lie: `ALAS_RUNS` (a folder or fsspec URL), else the user's data."""
    named = os.environ.get(VARIABLE, "")
    if named:
        return named.rstrip("/")
    import platformdirs

    return os.path.join(platformdirs.user_data_dir("alas-explorer"), "runs")  # noqa: PTH118 - URL


def run_url(name: str) -> str:
    """The address of the run of that name below the root.

    Raises
    ------
    InputError
        If the name could lead anywhere else.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"a run cannot be called {name[:100]!r}, expected letters, digits and . + - _, at most "
            "100 of them, the first a letter or digit; choose another name"
        )
    return f"{runs_root()}/{name}"


def new_name(order: RunOrder) -> str:
    """A name that says what is run, and when."""
    source = PurePath(order.source.partition("?")[0].rpartition(":")[2]).name
    model = PurePath(order.model).name
    what = "-".join(dict.fromkeys((source, model)))  # the demo's are both called so
    text = f"{what}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return re.sub(r"[^\w.+-]+", "-", text, flags=re.ASCII).lstrip("-.+")[-100:]


def found_runs() -> list[Found]:
    """The runs below the root, the one that was changed last first."""
    root = Place(runs_root())
    runs = [run for name in root.names("") if _NAME.fullmatch(name) and (run := _found(name))]
    return sorted(runs, key=lambda run: str(run.info.get("updated", "")), reverse=True)


def _found(name: str) -> Found | None:
    url = run_url(name)
    try:
        place = Place(url)
        raw = place.read(schema.RUN_FILE)
        if raw is None:
            return None
        info = read_info(raw, url)
        owner = owner_of(place)
    except StoreError as error:
        return Found(name, url, {}, problem=str(error))
    going = info["state"] in ("running", "paused")
    return Found(name, url, info, INTERRUPTED if going and not owner else info["state"], owner)


def skipped_log(url: str) -> list[dict[str, str]]:
    """What was skipped so far, read from the parts: the tables are made at the end only."""
    place = Place(url)
    names = [name for name in place.names(schema.PARTS) if name.endswith(SKIPPED)]
    found = records(place, names[:MAX_LOG])
    return [{"utterance": record.utterance, **record.skipped} for record in found]
