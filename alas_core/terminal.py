"""What the command line does to its terminal: one line of progress, and no chatter of libraries."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alas_core.pipeline import Progress


class ProgressLine(contextlib.AbstractContextManager["ProgressLine"]):
    """What is being computed, on stderr: a line that changes on a terminal, else one a stage."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._stage = ""

    def show(self, progress: Progress) -> None:
        if self._on:
            count = f" {progress.done}/{progress.total}" if progress.total > 1 else ""
            filled = round(20 * progress.done / max(progress.total, 1))
            bar = "#" * filled + "." * (20 - filled)
            sys.stderr.write(f"\r\x1b[K[{bar}] {progress.stage}{count}")
        elif progress.stage != self._stage and (progress.analysis is None or progress.total > 1):
            sys.stderr.write(f"{progress.stage} ...\n")
        self._stage = progress.stage
        sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._on:
            sys.stderr.write("\r\x1b[K")


@contextlib.contextmanager
def quiet(wanted: bool) -> Iterator[None]:
    """An error is one line: the libraries' own remarks are for --debug."""
    if not wanted:
        yield
        return
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(before)
