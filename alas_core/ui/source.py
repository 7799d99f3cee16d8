"""What the sidebar knows of a place that recordings come from.

A source lists its utterances under ids, and reads one of them. Listing happens in each run of the
page, so it is light; reading happens in a runner's thread, where there is no session.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from alas_core.types import Analysis, Utterance
from alas_core.ui.shelf import Recording


@dataclass(frozen=True)
class Reading:
    """An utterance with what its source knows beside it.

    Parameters
    ----------
    utterance
    pool : sentences that wrong transcripts are cut from; None for the bundled ones.
    reference : the file of word times that came with the utterance, if one did: where it lies, or
        the upload.
    analysis : where the source keeps finished ones; nothing is computed then.
    """

    utterance: Utterance
    pool: tuple[str, ...] | None = None
    reference: Path | Recording | None = None
    analysis: Analysis | None = None


class Source(Protocol):
    """One entry of the sidebar's "Recordings"."""

    @property
    def label(self) -> str:
        """What the list calls it."""
        ...

    @property
    def finished(self) -> bool:
        """Whether its utterances are analysed already, so that model and settings are given."""
        ...

    def utterances(self) -> dict[str, str]:
        """Id to a label that can be searched; an id alone finds the utterance again."""
        ...

    def read(self, utterance_id: str) -> Reading:
        """One utterance with its sound; imports what it needs, knows nothing of the session.

        Raises
        ------
        AlasError
            If there is no such utterance, or it cannot be used.
        """
        ...

    def tools(self) -> None:
        """Draw what the sidebar offers below the list of utterances."""
        ...

    def invite(self) -> None:
        """Draw on the page what to do while there is no utterance to choose."""
        ...
