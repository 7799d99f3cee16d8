"""A process that does runs in children of its own, so that a test can kill them one by one.

It reads one line for each child and writes the child's number, then, when the child has ended,
its exit status. Everything is imported before the first child: a child is running at once.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet  # noqa: F401 - imported here for the children

from alas_core.batch.plan import Item, RunOrder
from alas_core.batch.runner import Here, Run
from alas_core.models import registry
from tests.corpora import fake_model, fake_order


class Telling(Here):
    """Writes the part of each item into a log before the item is begun."""

    def __init__(self, log: Path, order: RunOrder, url: str) -> None:
        super().__init__(order, url)
        self._log = log

    def outcomes(self, feed: Iterator[Item | None]) -> Iterator:
        return super().outcomes(self._told(feed))

    def _told(self, feed: Iterator[Item | None]) -> Iterator[Item | None]:
        for item in feed:
            with self._log.open("a") as file:
                file.write(f"{item.part}\n")
            yield item


def main(corpus: Path, out: str, log: Path) -> None:
    """Serve until the input ends."""
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            registry.register(fake_model())
            pool = functools.partial(Telling, log)
            for _ in Run(fake_order(corpus), out, pool=pool).steps():
                pass
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
