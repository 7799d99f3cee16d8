"""Computations that outlive a page run: asked for by key, found again by key, one at a time.

A Streamlit script starts anew at each click and dies with its browser tab; a computation must do
neither. So one runner for the whole process advances computations in a thread of its own. Two
sessions that ask for one key share one job, and a reloaded page finds the job where it stands.

A computation is a generator of `Step`. The runner takes one step at a time and chooses anew after
each, so nobody waits for the fine print of another user's picture: jobs without a picture come
first. A job may hold something that others cannot have at the same time (the loaded model): jobs
of another `lane` wait until it is done, or until nobody looks at it any more; then it is put back.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from alas_core.errors import AlasError
from alas_core.ui.defects import defect_text, new_log_id

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_WATCHED_S = 5.0
"""A job that no page has looked at for so long has no reader any more."""


@dataclass(frozen=True)
class Step(Generic[Result]):
    """Where a computation stands, in plain words, and its newest result if it has one."""

    stage: str
    done: int = 0
    total: int = 0
    result: Result | None = None


@dataclass(frozen=True)
class State(Generic[Result]):
    """What a page may know of a job; a new object whenever something changes.

    Parameters
    ----------
    version : rises with each new result, so that a page knows whether to draw again.
    ahead : jobs that will be served before this one has made its first step.
    error : text for the user; empty if nothing went wrong.
    defect : True if the error is the program's own fault; the text is then the log's id alone.
    offer : what could be had instead, see `AlasError`.
    """

    key: str
    stage: str = "waiting"
    done: int = 0
    total: int = 0
    result: Result | None = None
    version: int = 0
    finished: bool = False
    error: str = ""
    defect: bool = False
    offer: tuple[str, ...] = ()
    ahead: int = 0

    @property
    def problem(self) -> str:
        """Why it failed, as a page says it; empty if nothing went wrong."""
        return defect_text(self.error) if self.defect else self.error


@dataclass
class _Job(Generic[Result]):
    start: Callable[[], Iterator[Step[Result]]]
    state: State[Result]
    lane: str
    order: int
    of: str = ""
    readers: set[str] = field(default_factory=set)
    seen: float = 0.0
    begun: bool = False
    steps: Iterator[Step[Result]] | None = None

    @property
    def watched(self) -> bool:
        return bool(self.readers) and time.monotonic() - self.seen < _WATCHED_S

    @property
    def left(self) -> bool:
        """Whether its reader went on to something else before anything of it was made."""
        made = self.begun or self.state.finished or self.state.result is not None
        return not (made or self.readers) and time.monotonic() - self.seen >= _WATCHED_S

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The smallest is served next: no picture yet, with a reader, in order of arrival."""
        return self.state.result is not None, not self.watched, self.order


class Runner(Generic[Result]):
    """Runs jobs one step at a time in one daemon thread and keeps the last results.

    Parameters
    ----------
    name : of the thread, for the log.
    max_kept : how many finished jobs are remembered; the one asked for longest ago goes first.
        Of open ones, those go that have not begun and that nobody waits for.
    """

    def __init__(self, name: str, max_kept: int = 12) -> None:
        self._name = name
        self._max_kept = max_kept
        self._jobs: OrderedDict[str, _Job[Result]] = OrderedDict()
        self._changed = threading.Condition()
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._dropped: list[_Job[Result]] = []
        _runners.add(self)

    def ask(
        self,
        key: str,
        start: Callable[[], Iterator[Step[Result]]],
        lane: str = "",
        reader: str = "",
        of: str = "",
    ) -> State[Result]:
        """The job of this key, started if there is none. Never blocks on the computation.

        Parameters
        ----------
        key : names the result; complete, since nothing else is compared.
        start : makes the generator; it runs only in the runner's thread.
        lane : jobs of one lane may take turns, those of another may not; a job without a lane
            holds nothing and waits for nobody.
        reader : who asks (a session); a reader looks at one job at a time, the last one asked for.
        of : the id of the recording that it uses, by which `drop` finds it.
        """
        with self._changed:
            job = self._jobs.get(key)
            if job is None:
                job = _Job(start, State(key), lane, next(self._order), of)
                self._jobs[key] = job
            self._jobs.move_to_end(key)
            for other in self._jobs.values():
                other.readers.discard(reader)
            job.readers.add(reader)
            self._evict()
            if not job.state.finished:
                self._wake()
            return self._seen(job)

    def look(self, key: str) -> State[Result] | None:
        """The job of this key as it stands, or None; asks for nothing."""
        with self._changed:
            job = self._jobs.get(key)
            return None if job is None else self._seen(job)

    def wait(self, key: str, timeout_s: float, finished: bool = False) -> State[Result] | None:
        """The job's state once it holds a result (or is finished), or when time has run out."""

        def ready() -> bool:
            job = self._jobs.get(key)
            if job is None or job.state.finished:
                return True
            return job.state.result is not None and not finished

        with self._changed:
            self._changed.wait_for(ready, timeout_s)
        return self.look(key)

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Whether every job has ended, or does so before the time has run out."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(job.state.finished for job in self._jobs.values()), timeout_s
            )

    def forget(self, key: str) -> None:
        """Drop a finished job, so that the next `ask` starts anew (after an error)."""
        with self._changed:
            job = self._jobs.get(key)
            if job is not None and job.state.finished:
                del self._jobs[key]

    def drop(self, unwanted: Callable[[str], bool]) -> None:
        """Forget the jobs of those recordings, also what is still under way."""
        with self._changed:
            keys = [key for key, job in self._jobs.items() if unwanted(job.of)]
            self._dropped += [self._jobs.pop(key) for key in keys]
            self._changed.notify_all()

    def _seen(self, job: _Job[Result]) -> State[Result]:
        job.seen = time.monotonic()
        if job.begun:
            return job.state
        others = [other for other in self._jobs.values() if not other.state.finished]
        ahead = sum(other is not job and other.rank < job.rank for other in others)
        return dataclasses.replace(job.state, ahead=ahead)

    def _evict(self) -> None:
        finished = [key for key, job in self._jobs.items() if job.state.finished]
        left = [key for key, job in self._jobs.items() if job.left]
        for key in finished[: max(0, len(finished) - self._max_kept)] + left:
            del self._jobs[key]

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _next(self) -> tuple[_Job[Result], list[_Job[Result]]] | None:
        """The job to be served, and those that hold what it needs and that nobody looks at."""
        open_jobs = [job for job in self._jobs.values() if not job.state.finished]
        best = min(open_jobs, key=lambda job: job.rank, default=None)
        if best is None:
            return None
        blocking = [job for job in open_jobs if job.begun and job.lane not in ("", best.lane)]
        if not best.lane:
            return best, []
        if any(job.watched for job in blocking):
            return min(blocking, key=lambda job: job.rank), []
        return best, blocking

    def _work(self) -> None:
        while True:
            self._serve()  # by itself, so that nothing of a job is held while there is no other

    def _serve(self) -> None:
        """Wait for something to do and do one step of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._dropped or self._next())
            job, leaving = self._next() or (None, [])
            left = [other.steps for other in (*leaving, *self._dropped)]
            self._dropped.clear()
            for other in leaving:
                other.begun, other.steps = False, None  # it starts anew when its turn comes
            if job is not None:
                job.begun = True
        # Closing frees what they hold. It may wait for the end of a load; no page does.
        # In this thread, as a lock must be released where it was taken.
        for steps in left:
            if isinstance(steps, Generator):
                steps.close()
        if job is not None:
            self._advance(job)

    def _advance(self, job: _Job[Result]) -> None:
        try:
            if job.steps is None:
                job.steps = job.start()
            step = next(job.steps, None)
        except AlasError as error:
            self._settle(job, error=str(error), offer=error.offer)
        except Exception:
            log_id = new_log_id()
            logger.exception("defect %s in %s", log_id, self._name)
            self._settle(job, error=log_id, defect=True)
        else:
            if step is None:
                self._settle(job)
            else:
                self._note(job, step)

    def _note(self, job: _Job[Result], step: Step[Result]) -> None:
        news = step.result is not None and step.result is not job.state.result
        with self._changed:
            job.state = dataclasses.replace(
                job.state,
                stage=step.stage,
                done=step.done,
                total=step.total,
                result=step.result if news else job.state.result,
                version=job.state.version + news,
            )
            self._changed.notify_all()

    def _settle(self, job: _Job[Result], **outcome: Any) -> None:
        with self._changed:
            job.start = lambda: iter(())  # the old one holds all that it was made from
            job.steps = iter(())
            job.state = dataclasses.replace(job.state, finished=True, stage="done", **outcome)
            self._changed.notify_all()


_runners: weakref.WeakSet[Runner[Any]] = weakref.WeakSet()


def drop_everywhere(unwanted: Callable[[str], bool]) -> None:
    """Have every runner of this process forget its jobs of those recordings."""
    for runner in tuple(_runners):
        runner.drop(unwanted)
