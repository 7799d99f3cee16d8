"""The run itself: plan, lock, feed, count, stop, and make the tables.

Every utterance is committed by itself, as one object that is whole or not there. So a run that is
killed at any moment and started again does what is not there, and nothing else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from alas_core import __version__
from alas_core.assembly import packages
from alas_core.batch import compact, control, schema
from alas_core.batch.folder import read_info
from alas_core.batch.held import Committed, committed, ordered, outgrown
from alas_core.batch.lock import RunLock
from alas_core.batch.plan import (
    OWN_REFERENCE,
    SKIPPED,
    Item,
    Outcome,
    RunOrder,
    check_limit,
    check_same,
    known_rows,
    plan_items,
)
from alas_core.batch.pooled import write_pooled
from alas_core.batch.progress import Progress, Tally
from alas_core.batch.worker import Worker
from alas_core.datasets import DataSet, open_source
from alas_core.encoder import default_name
from alas_core.errors import AlasError, StoreError
from alas_core.judges import MIN_SIMILARITY
from alas_core.keys import RESULTS
from alas_core.models import registry
from alas_core.place import Place
from alas_core.reference import get_aligner

RUNNING, PAUSED, CANCELLED = "running", "paused", "cancelled"
FINISHED, FAILED = "finished", "failed"

_SAVE_LOCAL_S = 1.0
_SAVE_FAR_S = 10.0
_PAUSE_S = 0.3


class Pool(Protocol):
    """Does items: one after another here, or many at once elsewhere."""

    def prepare(self) -> dict[str, Any]:
        """Load the model; what `run.json` says of it (as who works has it) and of who works."""
        ...

    def outcomes(self, feed: Iterator[Item | None]) -> Iterator[Outcome | None]:
        """The outcome of each item as it is done, and None whenever the feed gives None."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class Here:
    """The pool of one worker: this thread."""

    def __init__(self, order: RunOrder, url: str) -> None:
        self._worker = Worker(order, url)

    def prepare(self) -> dict[str, Any]:
        info = self._worker.warm()
        return {"n_layers": info.n_layers, "devices": [info.device], "dtype": info.dtype}

    def outcomes(self, feed: Iterator[Item | None]) -> Iterator[Outcome | None]:
        for item in feed:
            yield None if item is None else self._worker(item)

    def close(self) -> None:
        """Nothing: the registry keeps the model."""


class Run:
    """One start of a run; drain `steps`.

    Parameters
    ----------
    order : RunOrder
    url : str
        Where it is written: a folder or an fsspec URL. An interrupted run of the same order there
        is taken up where it stands.
    pool : callable
        Makes the pool from order and URL.
    gate : callable, optional
        Called before each item; it returns when the item may start.
    retry_skipped : bool
        Do those again that were skipped before.
    """

    def __init__(
        self,
        order: RunOrder,
        url: str,
        *,
        pool: Callable[[RunOrder, str], Pool] = Here,
        gate: Callable[[], None] | None = None,
        retry_skipped: bool = False,
    ) -> None:
        self._order, self._pool, self._gate = order, pool, gate
        self._retry = retry_skipped
        self._place = Place(url)
        self._info: dict[str, Any] = {}
        self._saved = 0.0
        self._state = RUNNING
        self._known: frozenset[str] = frozenset()
        self._listener: control.Listener

    def steps(self) -> Iterator[Progress]:
        """Do the run and report on the way; the last progress says how it ended.

        Raises
        ------
        AlasError
            If it cannot be started or written. What was finished is kept.
        """
        info = _described(self._order)
        source = open_source(self._order.source)
        items = plan_items(source, self._order.limit)
        self._check_before(info, len(items))
        with RunLock(self._place) as lock:
            info |= self._check_before(info, len(items))
            self._info = info
            self._listener = control.Listener(self._place)  # before files are looked at: that lasts
            held = self._tidied(source, items)
            self._known = known_rows(source)
            # Results of rows that are gone are kept, but are none of what is being done.
            parts = {item.part for item in items}
            counts = (len(parts & kept.keys()) for kept in (held.done, held.skipped))
            tally = Tally(len(items), *counts)
            try:
                yield from self._work(items, held, tally, lock)
            except (KeyboardInterrupt, GeneratorExit):
                self._compact(items)
                self._end(tally, CANCELLED)
                raise
            except Exception as error:
                lock.check()
                self._end(tally, FAILED, str(error) if isinstance(error, AlasError) else "")
                raise

    def _work(
        self, items: Sequence[Item], held: Committed, tally: Tally, lock: RunLock
    ) -> Iterator[Progress]:
        self._state = RUNNING
        self._save(tally)
        yield tally.progress(RUNNING, "Loading the model")
        held_parts = held.done.keys() | held.skipped.keys()
        todo = [item for item in items if item.part not in held_parts]
        if todo:
            yield from self._do(todo, tally, lock, bool(held.done))
        yield tally.progress(RUNNING, "Making the tables")
        self._compact(items)
        state = FINISHED if self._state == RUNNING else self._state
        if state == FINISHED and self._order.bundles:
            write_pooled(self._place)
        self._end(tally, state)
        yield tally.progress(state, "Done")

    def _do(
        self, todo: Sequence[Item], tally: Tally, lock: RunLock, resumed: bool
    ) -> Iterator[Progress]:
        pool = self._pool(self._order, self._place.url)
        with contextlib.closing(pool):
            told = pool.prepare()
            if resumed:
                check_same(self._info, self._info | told, self._place.url)
            self._info |= told
            tally.start_clock()
            for outcome in pool.outcomes(self._feed(todo, lock, tally)):
                if outcome is not None:
                    tally.count(outcome)
                if time.monotonic() - self._saved > (
                    _SAVE_LOCAL_S if self._place.local else _SAVE_FAR_S
                ):
                    self._save(tally)
                yield tally.progress(self._state, "Analysing", outcome)

    def _feed(self, todo: Sequence[Item], lock: RunLock, tally: Tally) -> Iterator[Item | None]:
        """The items one by one; None while the run is paused; an early end if it is cancelled."""
        for item in todo:
            while (wish := self._listener.wish) == control.PAUSE:
                self._switch(PAUSED, tally)
                time.sleep(_PAUSE_S)
                yield None
            if wish == control.CANCEL:
                self._state = CANCELLED
                return
            self._switch(RUNNING, tally)
            lock.check()
            if self._gate:
                self._gate()
            yield item

    def _switch(self, state: str, tally: Tally) -> None:
        if self._state != state:
            self._state = state
            tally.start_clock()
            self._save(tally)

    def _check_before(self, info: dict[str, Any], total: int) -> dict[str, Any]:
        """What stays of an earlier start: when the run was created, what "auto" came to mean."""
        raw = self._place.read(schema.RUN_FILE)
        if raw is None:
            return {}
        before = read_info(raw, self._place.url)
        names = ["created"]
        if self._order.loading.dtype == "auto":
            names.append("dtype")  # who works may have another accelerator than this machine
        kept = {name: before.get(name, info[name]) for name in names}
        check_same(before, info | kept, self._place.url)
        check_limit(before, self._order.limit, total, self._place.url)
        return kept

    def _tidied(self, source: DataSet, items: Sequence[Item]) -> Committed:
        for folder in ("", schema.PARTS, schema.BUNDLES):
            self._place.sweep(folder)
        names = self._place.names(schema.PARTS)
        if self._retry:
            for name in names:
                if name.endswith(SKIPPED):
                    self._place.remove(f"{schema.PARTS}/{name}")
            names = [name for name in names if not name.endswith(SKIPPED)]
        held = committed(self._place, source, items, names)
        for bundle in outgrown(self._place, held):
            self._place.remove(bundle)
        for name in held.stale:
            self._place.remove(f"{schema.PARTS}/{name}")
        return held

    def _compact(self, items: Sequence[Item]) -> None:
        names = ordered(self._place.names(schema.PARTS), items, self._known)
        self._info["result"] = compact.compact(self._place, names)

    def _end(self, tally: Tally, state: str, message: str = "") -> None:
        self._state = state
        if state == FAILED:
            self._info["message"] = message or "a defect of the program; its log says more"
        with contextlib.suppress(StoreError) if state == FAILED else contextlib.nullcontext():
            self._save(tally)

    def _save(self, tally: Tally) -> None:
        counts = {"total": tally.total, "done": tally.done, "skipped": tally.skipped}
        now = {
            "state": self._state,
            "updated": _now(),
            "counts": counts,
            "rate_per_s": tally.rate_per_s,
        }
        self._info |= now
        text = json.dumps(self._info, ensure_ascii=False, indent=1, allow_nan=False)
        self._place.write(schema.RUN_FILE, text.encode())
        self._saved = time.monotonic()


def _described(order: RunOrder) -> dict[str, Any]:
    """What `run.json` says before anything is computed; finds out early what cannot be used."""
    identity = registry.identify(order.model, order.loading)
    reference = order.reference
    if reference != OWN_REFERENCE:
        reference = get_aligner(reference).name
    return {
        "schema": schema.RUN_SCHEMA,
        "results": RESULTS,
        "created": _now(),
        **dataclasses.asdict(order),
        "revision": identity.revision,
        "dtype": identity.dtype,
        "variant": identity.variant,
        "reference_name": reference,
        "encoder": default_name() if order.answers else None,
        "filter_threshold": MIN_SIMILARITY,
        "provenance": {
            "alas_core": __version__,
            "packages": dict(packages()),
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
