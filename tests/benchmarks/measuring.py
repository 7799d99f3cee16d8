"""A line of the table, and how seconds are taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

NO_GPU = "no GPU here"


@dataclass(frozen=True)
class Row:
    """One line of the table; `target` is what the project promises, "" where it promises nothing.

    `kept` says whether the promise was kept; None where nothing was promised or measured.
    """

    what: str
    reached: str
    detail: str = ""
    target: str = ""
    kept: bool | None = None


def ratio(what: str, above: float, below: float, detail: str, most: float | None = None) -> Row:
    """A row that says how many times `below` seconds are in `above` seconds."""
    value = above / below
    seconds = f"{_seconds(above)} / {_seconds(below)}; {detail}"
    if most is None:
        return Row(what, f"{value:.2f}", seconds)
    return Row(what, f"{value:.2f}", seconds, f"<= {most:g}", value <= most)


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 10 else f"{value * 1e3:.0f} ms"


def fastest_s(work: Callable[[], object], repeats: int) -> float:
    """Wall-clock seconds of the fastest run of `work`, after one to warm up.

    The fastest is what the work costs; slower runs say what else the machine had to do.
    """
    work()
    return min(once_s(work) for _ in range(repeats))


def once_s(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn_s(
    first: Callable[[], object], second: Callable[[], object], repeats: int
) -> tuple[float, float]:
    """The fastest runs of two works measured in turn, so that a busy hour hits both alike."""
    first(), second()
    times = [(once_s(first), once_s(second)) for _ in range(repeats)]
    return min(a for a, _ in times), min(b for _, b in times)
