"""Long loads that can be watched: a blocking call in a thread, its progress as a generator."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from tqdm.auto import tqdm

Result = TypeVar("Result")


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


def watched(work: Callable[[Report], Result]) -> Generator[Watched, None, Result]:
    """Run `work(report)` in a thread; yield what it reports, return its result, raise its error.

    Closing the generator stops the work at its next report and waits for that.
    """
    news: queue.SimpleQueue[Watched | None] = queue.SimpleQueue()
    outcome: Future[Result] = Future()
    stop = threading.Event()

    def report(step: Watched) -> None:
        if stop.is_set():
            raise Stopped
        news.put(step)

    def run() -> None:
        try:
            outcome.set_result(work(report))
        except BaseException as error:  # noqa: BLE001 - raised anew in the caller's thread
            outcome.set_exception(error)
        finally:
            news.put(None)

    thread = threading.Thread(target=run, name="alas-load", daemon=True)
    thread.start()
    try:
        while (step := news.get()) is not None:
            yield step
    finally:
        stop.set()
        thread.join()
    return outcome.result()


def bar_class(stage: str, report: Report) -> type[Any]:
    """A silent tqdm that reports bytes, for the hub library's `tqdm_class`."""

    class Bar(tqdm):  # type: ignore[misc]  # the library ships no types
        def __init__(self, *arguments: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*arguments, **options | {"disable": True})
            self.unit = options.get("unit", "")

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
