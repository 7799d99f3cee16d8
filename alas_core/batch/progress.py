"""How far a run is: counts, rate, time left."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from alas_core.batch.plan import Outcome

_WINDOW = 50
"""The rate is that of the last so many utterances: a run may change its pace."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Parameters
    ----------
    state : "running", "paused", "cancelled", "finished" or "failed"
    stage : what is being done, in plain words
    total, done, skipped : utterances of the run; done and skipped of earlier starts included
    rate_per_s : utterances a second lately; None before the second one of this start
    last : the item that was finished just now, if one was
    """

    state: str
    stage: str
    total: int
    done: int
    skipped: int
    rate_per_s: float | None = None
    last: Outcome | None = None

    @property
    def left_s(self) -> float | None:
        """Seconds to the end at the present rate."""
        if not self.rate_per_s:
            return None
        return (self.total - self.done - self.skipped) / self.rate_per_s


class Tally:
    """Counts outcomes and measures their rate."""

    def __init__(self, total: int, done: int, skipped: int) -> None:
        self.total, self.done, self.skipped = total, done, skipped
        self._times: deque[float] = deque(maxlen=_WINDOW + 1)

    def start_clock(self) -> None:
        """From now on utterances are being done; a pause before does not count."""
        self._times.clear()
        self._times.append(time.monotonic())

    def count(self, outcome: Outcome) -> None:
        """One more item is committed."""
        self._times.append(time.monotonic())
        if outcome.skipped:
            self.skipped += 1
        else:
            self.done += 1

    @property
    def rate_per_s(self) -> float | None:
        """Utterances a second over the last ones."""
        if len(self._times) < 3:
            return None
        return (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)

    def progress(self, state: str, stage: str, last: Outcome | None = None) -> Progress:
        """The tally as it stands."""
        return Progress(state, stage, self.total, self.done, self.skipped, self.rate_per_s, last)
