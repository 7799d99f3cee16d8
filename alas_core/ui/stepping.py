"""What the core tells of its progress, as the steps of a job."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, Protocol

from alas_core.ui.jobs import Result, Step


class Told(Protocol):
    """How far something is: a stage in plain words and a count."""

    @property
    def stage(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


def stepping(told: Generator[Told, None, Result]) -> Generator[Step[Any], None, Result]:
    """What a generator of stages and counts tells, as steps; its result is the generator's."""
    with contextlib.closing(told):
        while True:
            try:
                news = next(told)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield Step(news.stage, news.done, news.total)
