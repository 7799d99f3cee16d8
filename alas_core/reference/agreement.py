"""How far two references of one recording are apart, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alas_core.errors import InputError
from alas_core.types import FloatArray, Reference, WordTiming


@dataclass(frozen=True)
class ReferenceAgreement:
    """Differences between two references, second minus first, in milliseconds.

    Parameters
    ----------
    first, second : names of the references.
    onset_ms, end_ms : np.ndarray [shape=(n_words,)], nan where either has no place for the word.
    """

    first: str
    second: str
    onset_ms: FloatArray
    end_ms: FloatArray

    @property
    def n_compared(self) -> int:
        """Words that both references place."""
        return int(np.isfinite(self.onset_ms).sum())

    @property
    def mean_onset_ms(self) -> float:
        """Mean absolute difference of onsets; nan if no word has a place in both."""
        return float(np.nanmean(np.abs(self.onset_ms))) if self.n_compared else float("nan")

    @property
    def max_onset_ms(self) -> float:
        """Greatest absolute difference of onsets; nan if no word has a place in both."""
        return float(np.nanmax(np.abs(self.onset_ms))) if self.n_compared else float("nan")

    @property
    def farthest(self) -> int | None:
        """Index of the word whose onsets differ most."""
        return int(np.nanargmax(np.abs(self.onset_ms))) if self.n_compared else None


def agreement(first: Reference, second: Reference) -> ReferenceAgreement:
    """Compare two references of the same words.

    Raises
    ------
    InputError
        If they are not of the same words.
    """
    ours, theirs = ([word.word for word in one.words] for one in (first, second))
    if ours != theirs:
        raise InputError(
            f"'{first.name}' has {len(ours)} words and '{second.name}' {len(theirs)} others, "
            "expected two references of one transcript; choose one made for this recording"
        )
    spans = _spans(second.words) - _spans(first.words)
    return ReferenceAgreement(first.name, second.name, spans[:, 0] * 1000, spans[:, 1] * 1000)


def _spans(words: Sequence[WordTiming]) -> FloatArray:
    """Start and end of each word in seconds, (n_words, 2); nan where it has no place."""
    return np.array([(w.start_s, w.end_s) for w in words], dtype=np.float64).reshape(-1, 2)
