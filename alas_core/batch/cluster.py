"""The pool of many workers: the same `Worker`, held by Ray actors on this machine or many.

A worker writes its items itself; only the item and its outcome travel. So every machine must reach
the data set, the model and the run's folder under the names that the order gives them.

One actor has one item on its hands and one waiting. If it dies, the item on its hands is tried
again by another, three times in all: an item that kills its worker is recorded like any other that
cannot be analysed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from alas_core.batch import schema
from alas_core.batch.plan import SKIPPED, Item, Outcome, RunOrder
from alas_core.batch.reaching import AUTO, connected, first_line, no_token_hint
from alas_core.batch.record import Record, dumps
from alas_core.batch.worker import Worker
from alas_core.errors import AlasError, ModelError
from alas_core.place import Place

_IN_FLIGHT = 2
_TRIES = 3
_DEATHS_IN_A_ROW = 6
"""So many workers lost without one item done: it is not the items."""

_WAIT_S = 1.0


class HeldWorker:
    """What an actor runs: a `Worker` that is made where it works.

    Parameters
    ----------
    order, url : of the run
    threads : int
        Of the actor's arithmetic. Left to itself each of a machine's workers would take all cores.
    """

    def __init__(self, order: RunOrder, url: str, threads: int) -> None:
        self._order, self._url, self._threads = order, url, threads
        self._worker: Worker | None = None

    def warm(self) -> dict[str, Any]:
        """Make the worker and load its model; what `run.json` says of it."""
        import torch

        torch.set_num_threads(self._threads)
        if self._worker is None:
            self._worker = Worker(self._order, self._url)
        info = self._worker.warm()
        device = f"{info.device} on {os.uname().nodename}"
        return {"n_layers": info.n_layers, "device": device, "dtype": info.dtype}

    def work(self, item: Item) -> Outcome:
        """Do one item."""
        if self._worker is None:
            self.warm()
        if self._worker is None:
            raise RuntimeError("warm() makes the worker")
        return self._worker(item)


@dataclass(frozen=True)
class _Given:
    """An item on its way: to which actor, as which of all that were given."""

    actor: Any
    item: Item
    number: int


class OnRay:
    """A pool of Ray actors; implements `alas_core.batch.runner.Pool`.

    Parameters
    ----------
    order, url : of the run
    address : str
        `AUTO` for the cluster that RAY_ADDRESS names, else one of this machine's own; or the
        address of a cluster.
    cpus : int
        CPU cores of each worker where the cluster has no GPU; with GPUs each worker has one.

    Raises
    ------
    InputError
        If Ray is not installed, or cannot be reached.
    """

    def __init__(self, order: RunOrder, url: str, *, address: str = AUTO, cpus: int = 1) -> None:
        place = Place(url)
        self._order = order
        self._url = os.path.abspath(place.path("")) if place.local else url  # noqa: PTH100 - no dots
        self._place = Place(self._url)
        self._ray = connected(address)
        self._cpus = cpus
        self._actors: list[Any] = []
        self._given: dict[Any, _Given] = {}
        self._again: list[Item] = []
        self._blamed: Counter[str] = Counter()
        self._numbers = 0
        self._deaths = 0

    def prepare(self) -> dict[str, Any]:
        """Start the actors and wait until the model is loaded everywhere."""
        resources = self._ray.cluster_resources()
        gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
        self._share = {"num_gpus": 1} if gpus else {"num_cpus": self._cpus}
        self._threads = max(cpus // gpus, 1) if gpus else self._cpus
        self._actors = [self._actor() for _ in range(gpus or max(cpus // self._cpus, 1))]
        try:
            told = self._ray.get([actor.warm.remote() for actor in self._actors])
        except self._ray.exceptions.RayError as error:
            raise _cause(error) from None
        devices = sorted(worker["device"] for worker in told)
        dtypes = sorted({worker["dtype"] for worker in told})
        if len(dtypes) > 1:
            raise ModelError(
                f"the workers would load '{self._order.model}' in {' and '.join(dtypes)}, expected "
                "one number format in a run: their machines differ; name one (--dtype float32)"
            )
        return {"n_layers": told[0]["n_layers"], "devices": devices, "dtype": dtypes[0]}

    def outcomes(self, feed: Iterator[Item | None]) -> Iterator[Outcome | None]:
        """Outcomes as they come in; a None now and then, so that the caller can look around."""
        more = True
        while more or self._again or self._given:
            while (more or self._again) and (actor := self._free()):
                item = self._again.pop() if self._again else next(feed, _END)
                if item is None:  # paused
                    break
                if isinstance(item, _End):
                    more = False
                else:
                    self._give(actor, item)
            done, _ = (
                self._ray.wait(list(self._given), timeout=_WAIT_S) if self._given else ([], [])
            )
            settled = [self._settled(reference) for reference in done]
            yield from settled or [None]

    def close(self) -> None:
        """End the actors; a cluster that was started for this run ends with the process."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._ray.shutdown()

    def _actor(self) -> Any:
        options = {"max_restarts": 0, "max_task_retries": 0, **self._share}
        held = self._ray.remote(HeldWorker).options(**options)
        return held.remote(self._order, self._url, self._threads)

    def _free(self) -> Any:
        """The actor with the least to do, if any has room."""
        busy = Counter(given.actor for given in self._given.values())
        actor = min(self._actors, key=lambda actor: busy[actor])
        return actor if busy[actor] < _IN_FLIGHT else None

    def _give(self, actor: Any, item: Item) -> None:
        self._numbers += 1
        self._given[actor.work.remote(item)] = _Given(actor, item, self._numbers)

    def _settled(self, reference: Any) -> Outcome | None:
        given = self._given.get(reference)
        if given is None:  # its actor was found dead a moment ago
            return None
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise _cause(error) from None
        except self._ray.exceptions.RayError as error:
            return self._mourn(given.actor, error)
        del self._given[reference]
        self._deaths = 0
        return outcome

    def _mourn(self, actor: Any, error: Exception) -> Outcome | None:
        """Replace a dead actor; what it had waiting goes to others, what it worked on, too."""
        lost = {ref: given for ref, given in self._given.items() if given.actor is actor}
        for reference in lost:
            del self._given[reference]
        self._deaths += 1
        if self._deaths >= _DEATHS_IN_A_ROW:
            raise ModelError(
                f"{self._deaths} workers in a row died without finishing an item "
                f"({first_line(error)}), expected them to live; look at their machine's memory "
                "and at Ray's logs, then start the run again"
            )
        self._actors[self._actors.index(actor)] = self._actor()
        first, *waiting = sorted(lost.values(), key=lambda given: given.number)
        self._again += [given.item for given in waiting]
        self._blamed[first.item.part] += 1
        if self._blamed[first.item.part] < _TRIES:
            self._again.append(first.item)
            return None
        return self._give_up(first.item, error)

    def _give_up(self, item: Item, error: Exception) -> Outcome:
        skipped = {
            "stage": "Working on it",
            "reason": f"{_TRIES} workers died on it ({first_line(error)})",
            "kind": type(error).__name__,
        }
        record = dumps(Record(item.id, skipped=skipped))
        self._place.write(f"{schema.PARTS}/{item.part}{SKIPPED}", record)
        return Outcome(item, skipped, 0.0)


class _End:
    """What comes after the last item."""


_END = _End()


def _cause(error: Exception) -> Exception:
    """The worker's own error where it is written for users, else one that is."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, AlasError):
        return cause
    return ModelError(
        f"a worker could not start or failed ({first_line(cause or error)}), expected it to load "
        f"the model and reach the run's folder; see Ray's logs on its machine{no_token_hint()}"
    )
