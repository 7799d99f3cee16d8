"""Loads that can be watched: a blocking call in a thread, its progress as a generator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")

WAITING = "Waiting for the model"
"""The stage of whoever asks for the accelerator's lock."""


@dataclass(frozen=True)
class Watched:
    """How far a load is: a stage in plain words and a count (bytes or weights)."""

    stage: str
    done: int = 0
    total: int = 0


Report = Callable[[Watched], None]
"""Called by a load whenever it gets on; may raise `Stopped`."""


class Stopped(BaseException):
    """Raised inside a load that nobody waits for; no `Exception`, so that libraries let it pass."""


class Load(Generic[Result]):
    """`work(report)` in a thread of its own, watched by whoever waits for its result.

    Two jobs of one thread may wait for one load in turns, so it does not belong to either: it goes
    on while nobody draws from it, and stops at its next report when the last watcher has left.
    """

    def __init__(self, work: Callable[[Report], Result]) -> None:
        self._work = work
        self._news: list[Watched] = []
        self._outcome: Future[Result] = Future()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._watchers = 0
        self._thread = threading.Thread(target=self._run, name="alas-load", daemon=True)
        self._thread.start()

    @property
    def failed(self) -> bool:
        """Whether it gave an error, or was told to stop."""
        done = self._outcome.done()
        return self._stop.is_set() or (done and self._outcome.exception() is not None)

    @property
    def result(self) -> Result | None:
        """What came of it; None as long as nothing has, or after an error."""
        done = self._outcome.done() and self._outcome.exception() is None
        return self._outcome.result() if done else None

    def watch(self) -> Generator[Watched, None, Result]:
        """Yield what is reported, return the result or raise its error."""
        self._watchers += 1
        told = 0
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(partial(self._has_more_than, told))
                    news = self._news[told:]
                if not news:
                    return self._outcome.result()
                told += len(news)
                yield from news
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._stop.set()
                self._thread.join()

    def _has_more_than(self, told: int) -> bool:
        return len(self._news) > told or self._outcome.done()

    def _run(self) -> None:
        try:
            self._outcome.set_result(self._work(self._report))
        except BaseException as error:  # noqa: BLE001 - raised anew in the watchers' threads
            self._outcome.set_exception(error)
        with self._changed:
            self._changed.notify_all()

    def _report(self, step: Watched) -> None:
        if self._stop.is_set():
            raise Stopped
        with self._changed:
            self._news.append(step)
            self._changed.notify_all()


def bar_class(stage: str, report: Report) -> type[Any]:
    """A silent tqdm that reports the bytes on the disk, for the hub library's `tqdm_class`."""
    from huggingface_hub.utils.tqdm import tqdm  # only to a child of this class are the names told

    class Bar(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            # A second bar counts the same files on their way here, which may be other numbers.
            arriving = str(options.get("name")).endswith(".transfer")
            options["disable"] = True
            super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]
            self.unit = "" if arriving else options.get("unit", "")

        def update(self, n: float | None = 1) -> bool | None:
            self.n += n or 0
            if self.unit == "B" and self.total:
                report(Watched(stage, int(self.n), int(self.total)))
            return None

    return Bar


def weights_hook(report: Report) -> Callable[..., Any]:
    """A hook for transformers' progress bars that reports loaded weights."""

    def hook(_factory: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return _Counted(arguments[0] if arguments else None, options, report)

    return hook


class _Counted:
    """Stands in for a tqdm over an iterable."""

    def __init__(self, items: Any, options: dict[str, Any], report: Report) -> None:
        self._items, self._report = items, report
        self._total = options.get("total") or (len(items) if hasattr(items, "__len__") else 0)

    def __iter__(self) -> Any:
        for done, item in enumerate(self._items):
            self._report(Watched("Loading the weights", done, self._total))
            yield item

    def __enter__(self) -> _Counted:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None
