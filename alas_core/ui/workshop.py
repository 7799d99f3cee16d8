"""The runs that this server works on: one thread each, one at a time on the accelerator.

A run outlives the browser tab that started it. What it is doing is read from its folder, so every
session, and every other program, sees the same.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from alas_core.batch import control
from alas_core.batch.plan import RunOrder
from alas_core.batch.roots import run_url
from alas_core.datasets import data_roots, open_source
from alas_core.datasets.opening import check_allowed
from alas_core.errors import AlasError, InputError
from alas_core.mode import clusters
from alas_core.place import Place
from alas_core.reference import FILE_SUFFIXES
from alas_core.ui import runners
from alas_core.ui.defects import defect_text, new_log_id

logger = logging.getLogger(__name__)

_YIELD_S = 120.0
"""A run lets interactive analyses go first, but not for ever."""


class Workshop:
    """Starts runs in threads of this process and remembers why one could not go on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._problems: dict[str, str] = {}

    def start(
        self,
        name: str,
        order: RunOrder,
        *,
        retry_skipped: bool = False,
        ray: str | None = None,
        cpus: int = 1,
    ) -> None:
        """Start or resume the run of that name in the background.

        Parameters
        ----------
        ray, cpus : which cluster works on it (one of `alas_core.mode.clusters`), and the cores of
            each of its workers; None for this server

        Raises
        ------
        InputError
            If this server works on another run, or the name is none.
        """
        url = run_url(name)
        if ray is not None and ray not in clusters():
            raise InputError(
                f"the Ray cluster is {ray[:100]!r}, expected one that this server's owner has "
                "named (ALAS_RAY); choose one from the list"
            )
        with self._lock:
            busy = self.busy()
            if busy:
                raise InputError(
                    f"this server works on the run '{busy}', expected one run at a time; pause "
                    "or cancel that one, or wait for its end"
                )
            self._problems.pop(name, None)
            thread = threading.Thread(
                target=self._work,
                args=(name, order, url, retry_skipped, ray, cpus),
                name=name,
                daemon=True,
            )
            self._threads[name] = thread
            thread.start()

    def busy(self) -> str:
        """The run that is being worked on here; empty if there is none."""
        return next((name for name, thread in self._threads.items() if thread.is_alive()), "")

    def problem(self, name: str) -> str:
        """Why the run of that name ended here, for the user; empty if nothing went wrong."""
        return self._problems.get(name, "")

    def _work(
        self, name: str, order: RunOrder, url: str, retry_skipped: bool, ray: str | None, cpus: int
    ) -> None:
        try:
            from alas_core.batch.command import pool_for
            from alas_core.batch.runner import Run  # torch and transformers: in this thread only

            check_opened(order)  # `run.json` may name what only its owner may
            pool = pool_for(ray, cpus)
            gate = _let_others_first if ray is None else None
            run = Run(order, url, pool=pool, gate=gate, retry_skipped=retry_skipped)
            for _ in run.steps():
                pass
        except AlasError as error:
            self._problems[name] = str(error)
        except Exception:
            log_id = new_log_id()
            logger.exception("defect %s in the run %s", log_id, name)
            self._problems[name] = defect_text(log_id)


def check_opened(order: RunOrder) -> None:
    """Refuse a run that would read what lies outside the folders that this server opens.

    Raises
    ------
    AlasError
        If its data set or its file of word times does, or the data set cannot be opened.
    """
    roots = data_roots()
    open_source(order.source, roots)
    if Path(order.reference).suffix.lower() in FILE_SUFFIXES:
        check_allowed(Path(order.reference), roots)


def _let_others_first() -> None:
    runners.analyses.wait_until_idle(_YIELD_S)


def wish(name: str, wanted: str) -> None:
    """Ask the run of that name to pause, go on or stop, wherever it is worked on."""
    control.wish(Place(run_url(name)), wanted)


workshop = Workshop()
