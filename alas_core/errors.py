"""Every error a user may see. A message says what, got, expected and remedy, in one paragraph.

Pages and the command line catch `AlasError` and nothing else; anything else is a defect.
"""

from __future__ import annotations

from collections.abc import Iterable

_MOST_LISTED = 6


class AlasError(Exception):
    """Base of all errors whose text is written for the user.

    `offer` names what could be had instead, where that is known.
    """

    offer: tuple[str, ...] = ()


class InputError(AlasError):
    """Audio, transcript, setting or argument that cannot be used as given."""


class TooLongError(InputError):
    """Audio longer than can be taken; offered are its parts between pauses.

    Parameters
    ----------
    problem : what is too long, and for whom
    spans : start and end of each part, in seconds
    """

    def __init__(self, problem: str, spans: Iterable[tuple[float, float]]) -> None:
        self.problem, self.spans = problem, tuple(spans)
        self.offer = tuple(f"{start_s:g}-{end_s:g}" for start_s, end_s in self.spans)
        listed = ", ".join(self.offer[:_MOST_LISTED])
        more = " and so on" if len(self.offer) > _MOST_LISTED else ""
        super().__init__(
            f"{problem}; take one of its parts between pauses, in seconds: {listed}{more}"
        )

    def after(self, start_s: float) -> TooLongError:
        """The same where the audio itself is a part that starts there in its recording."""
        return TooLongError(
            self.problem, ((round(a + start_s, 2), round(b + start_s, 2)) for a, b in self.spans)
        )


class AlignmentError(AlasError):
    """No reference alignment could be made or read."""


class ModelError(AlasError):
    """A model cannot be found, loaded or run."""


class StoreError(AlasError):
    """A bundle cannot be read, written or understood."""
