"""Means over utterances with their 95 % bootstrap intervals, all layers at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from alas_core.numerals import number
from alas_core.types import FloatArray

N_RESAMPLES = 1000
LEVEL = (0.025, 0.975)
"""Quantiles of the resampled means: a 95 % interval."""

FEWEST = 5
"""With fewer utterances even the extremes of all resamples miss the true mean too often."""

_EXACT_BELOW = 100
"""Up to here resamples have exactly n utterances; above, n on average (Poisson weights)."""

_BLOCK = 1024
"""Utterances whose weights are drawn together: groups of any size share the first blocks."""

_CUMULATIVE = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(12)])
_POISSON = np.searchsorted(_CUMULATIVE, (np.arange(65_536) + 0.5) / 65_536).astype(np.uint8)
"""Poisson(1) by table: a random 16-bit number to a weight, many times faster than drawing it."""


@dataclass(frozen=True)
class Band:
    """A mean over utterances, its 95 % interval, and how many utterances are in it.

    Parameters
    ----------
    mean, low, high : np.ndarray [shape=(...)], nan where no utterance has a number
    n : np.ndarray [shape=(...)], utterances with a number
    """

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    n: FloatArray

    def at(self, index: int) -> Estimate:
        """One entry as plain numbers."""
        value, low, high = (float(part[index]) for part in (self.mean, self.low, self.high))
        return Estimate(value, low, high, int(self.n[index]))


@dataclass(frozen=True)
class Estimate:
    """One number over n utterances (or words) with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int

    @property
    def ends(self) -> str:
        """The interval in words."""
        if not math.isfinite(self.low):
            return "too few for an interval" if math.isfinite(self.value) else "no number"
        return f"95 % {number(self.low)} to {number(self.high)}"


def weights(n: int, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> FloatArray:
    """How often each of n utterances is drawn in each resample.

    Parameters
    ----------
    n : utterances
    n_resamples, seed : of the bootstrap; the same seed gives the same resamples

    Returns
    -------
    np.ndarray [shape=(n_resamples, n), float32]
        Below 100 utterances, n drawn with replacement; from there on independent Poisson(1)
        counts, which amount to the same for means.

    References
    ----------
    Hanley and MacGibbon 2006, Creating non-parametric bootstrap samples using Poisson frequencies.
    """
    if n < _EXACT_BELOW:
        rng = np.random.default_rng(seed)
        return rng.multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(np.float32)
    blocks = [_poisson(place, n_resamples, seed) for place in range(-(-n // _BLOCK))]
    return np.concatenate(blocks)[:n].T.astype(np.float32)


@lru_cache(maxsize=128)
def _poisson(place: int, n_resamples: int, seed: int) -> npt.NDArray[np.uint8]:
    """Weights of one block of utterances, drawn once for all questions: a row an utterance."""
    rng = np.random.default_rng((seed, place))
    drawn = rng.integers(0, 65_536, size=(_BLOCK, n_resamples), dtype=np.uint16)
    counts: npt.NDArray[np.uint8] = _POISSON[drawn]
    return counts


def resampled_means(values: FloatArray, drawn: FloatArray) -> FloatArray:
    """Mean of each column in each resample; entries that are nan are left out.

    Parameters
    ----------
    values : np.ndarray [shape=(n, columns)]
    drawn : np.ndarray [shape=(n_resamples, n)], from `weights`

    Returns
    -------
    np.ndarray [shape=(n_resamples, columns), float32]; nan where a resample has no number
    """
    known = np.isfinite(values)
    total = drawn @ np.where(known, values, 0).astype(np.float32)
    if known.all():
        return _ratio(total, drawn.sum(axis=1, keepdims=True))
    return _ratio(total, drawn @ known.astype(np.float32))


def bootstrapped(values: FloatArray, *, seed: int = 0) -> tuple[Band, FloatArray]:
    """Mean over utterances of each column, with its interval, and the resamples it comes from.

    Parameters
    ----------
    values : np.ndarray [shape=(n_utterances, columns)], nan where an utterance has no number

    Returns
    -------
    Band, arrays of shape (columns,)
    np.ndarray [shape=(n_resamples, columns), float32]
        Mean of each resample.
    """
    values = np.asarray(values, dtype=np.float32)
    counted = np.isfinite(values).sum(axis=0).astype(np.float32)
    if not len(values):
        empty = np.full(values.shape[1], np.nan, np.float32)
        return Band(empty, empty, empty, counted), empty[None]
    mean = _ratio(np.where(np.isfinite(values), values, 0).sum(axis=0, dtype=np.float64), counted)
    resampled = resampled_means(values, weights(len(values), seed=seed))
    low, high = interval(resampled, *_widened(counted))
    few = counted < FEWEST
    low, high = (np.where(few, np.nan, end).astype(np.float32) for end in (low, high))
    return Band(mean, low, high, counted), resampled


def _widened(n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Quantiles that make up for few utterances: with many, those of `LEVEL`.

    References
    ----------
    Hesterberg 2015, What teachers should know about the bootstrap (the expanded percentile
    interval): resampled means spread less than means do, by sqrt((n - 1) / n), and a normal
    quantile is smaller than Student's.
    """
    from scipy import special  # half a second that a page without a run need not wait

    n = np.maximum(n, 2.0)
    low = special.ndtr(np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, LEVEL[0]))
    return low, 1.0 - low


def mean_band(values: FloatArray, *, seed: int = 0) -> Band:
    """The mean with its interval alone."""
    return bootstrapped(values, seed=seed)[0]


def mean_estimate(values: FloatArray, *, seed: int = 0) -> Estimate:
    """The same for one number an utterance, [shape=(n_utterances,)]."""
    return mean_band(np.asarray(values)[:, None], seed=seed).at(0)


def interval(
    resampled: FloatArray,
    low: FloatArray | float = LEVEL[0],
    high: FloatArray | float = LEVEL[1],
) -> tuple[FloatArray, FloatArray]:
    """Two quantiles over resamples, [shape=(n_resamples, columns)] -> (columns,) each.

    Resamples without a number are left out; nan where none has one.
    """
    ordered = np.sort(np.ascontiguousarray(resampled.T), axis=1)  # nan goes last
    known = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(ordered))
    return _at(ordered, rows, known, low), _at(ordered, rows, known, high)


def _at(ordered: FloatArray, rows: Any, known: Any, share: FloatArray | float) -> FloatArray:
    """Quantile by linear interpolation among the first `known` of each sorted row."""
    place = share * np.maximum(known - 1, 0)
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    part = (place - below).astype(np.float32)
    value = ordered[rows, below] * (1 - part) + ordered[rows, above] * part
    result: FloatArray = np.where(known > 0, value, np.nan).astype(np.float32)
    return result


def share_estimate(hits: int, n: int) -> Estimate:
    """A share of utterances with its 95 % Wilson interval.

    References
    ----------
    Wilson 1927; unlike the bootstrap's it does not shrink to a point at 0 or 100 %.
    """
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    z2 = NormalDist().inv_cdf(LEVEL[1]) ** 2
    share = hits / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half), n)


def _ratio(total: FloatArray, count: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        result: FloatArray = np.where(count > 0, total / count, np.nan).astype(np.float32)
    return result
