"""Does alignment go with right answers? Correlation, contrast, and those that disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from alas_core.corpus.resampling import Estimate, interval, resampled_means, weights
from alas_core.corpus.run import SCORE, Run
from alas_core.numerals import counted
from alas_core.types import BoolArray, FloatArray, IntArray
from alas_core.variations import SIGNIFICANT

Side = Literal["correct_audio", "correct_text", "answer_similarity"]

SIDES: dict[Side, str] = {
    "correct_audio": "Right answer to the sound",
    "correct_text": "Right answer to the words",
    "answer_similarity": "Similarity of the two answers",
}


_FEWEST, _FEWEST_OTHERS = 10, 5
"""Of utterances, and of those that have not the most frequent value. With fewer, the interval
leaves 0 out too often where nothing goes with anything: with 1 wrong answer of 48 in 79 of 100
simulated runs, with 3 in 19, with 5 in 5 to 10."""

_CONSTANT = 1e-4
"""Of the sample's variance: what a resample without, say, any wrong answer has is rounding."""


@dataclass(frozen=True)
class Pairs:
    """A score and an outcome of the same utterances.

    Parameters
    ----------
    rows : of the run
    score : np.ndarray [shape=(n,), float32], at one layer
    outcome : np.ndarray [shape=(n,), float32], 0 or 1, or a similarity
    grounded : np.ndarray [shape=(n,), bool], whether the utterance's ALAS beats its null there
    """

    rows: IntArray
    score: FloatArray
    outcome: FloatArray
    grounded: BoolArray


@dataclass(frozen=True)
class Correlation:
    """Two correlations with their 95 % bootstrap intervals over utterances.

    `pearson` is the point-biserial correlation where the outcome is right or wrong. Both are nan,
    and `reason` says why, where they do not exist.
    """

    pearson: Estimate
    spearman: Estimate
    reason: str = ""


def outcomes(run: Run) -> tuple[Side, ...]:
    """Which outcomes this run knows."""
    columns = run.utterances.columns
    return tuple(
        side
        for side in SIDES
        if side in columns and run.utterances[side].null_count() < len(run.utterances)
    )


def pairs(run: Run, rows: IntArray, layer: int, side: Side, score: str = SCORE) -> Pairs:
    """Score and outcome of the utterances that have both."""
    values = run.matrix(score)[rows, layer]
    outcome = run.column(side)[rows].cast(pl.Float32).to_numpy()
    known = np.isfinite(values) & np.isfinite(outcome)
    grounded = run.matrix("p")[rows, layer] <= SIGNIFICANT
    return Pairs(rows[known], values[known], outcome[known], grounded[known])


def correlation(found: Pairs, seed: int = 0) -> Correlation:
    """Pearson (point-biserial) and Spearman with intervals.

    References
    ----------
    Spearman is Pearson of the ranks, ties at their mean rank; the ranks are those of the sample,
    kept in each resample.
    """
    n = len(found.rows)
    none = Estimate(math.nan, math.nan, math.nan, n)
    if n < _FEWEST:
        have = "has" if n == 1 else "have"
        both = f"only {counted(n, 'utterance')} {have} both numbers"
        reason = f"{both}, at least {_FEWEST} are needed"
        return Correlation(none, none, reason)
    for values, name in ((found.outcome, "outcome"), (found.score, "score")):
        others = n - int(np.unique(values, return_counts=True)[1].max())
        if not others:
            return Correlation(none, none, f"all {n} utterances have the same {name}")
        if others < _FEWEST_OTHERS:
            reason = (
                f"only {others} of {n} utterances have another {name} than the rest, at least "
                f"{_FEWEST_OTHERS} are needed"
            )
            return Correlation(none, none, reason)
    drawn = weights(n, seed=seed)
    ranked = _ranks(found.score), _ranks(found.outcome)
    return Correlation(_correlated(found.score, found.outcome, drawn), _correlated(*ranked, drawn))


def _correlated(x: FloatArray, y: FloatArray, drawn: FloatArray) -> Estimate:
    x, y = ((v - v.mean(dtype=np.float64)) / v.std(dtype=np.float64) for v in (x, y))
    moments = np.stack([x, y, x * x, y * y, x * y], axis=1).astype(np.float32)
    low, high = interval(_pearson(resampled_means(moments, drawn))[:, None])
    return Estimate(float((x * y).mean()), float(low[0]), float(high[0]), len(x))


def _pearson(moments: FloatArray) -> FloatArray:
    """From the means of x, y, x^2, y^2 and xy in each row; nan where x or y is constant."""
    x, y, xx, yy, xy = moments.T
    of_x, of_y = xx - x * x, yy - y * y
    varied = (of_x > _CONSTANT) & (of_y > _CONSTANT)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: FloatArray = np.where(varied, (xy - x * y) / np.sqrt(of_x * of_y), np.nan)
    return result


def _ranks(values: FloatArray) -> FloatArray:
    ranks: FloatArray = pl.Series(values).rank("average").to_numpy()
    return ranks


def quadrants(found: Pairs, right_from: float = 0.5) -> dict[str, IntArray]:
    """Rows by right or wrong, and by whether alignment beats the null.

    Parameters
    ----------
    right_from : outcomes at or above count as right (a similarity's threshold)

    Returns
    -------
    dict
        Under "right but not grounded", "wrong but grounded" (what disagrees comes first), "right
        and grounded" and "wrong and not grounded", rows of the run: those that are not grounded by
        rising score, the others by falling.
    """
    right = found.outcome >= right_from
    by_score = np.argsort(found.score, kind="stable")
    named = {
        "right but not grounded": right & ~found.grounded,
        "wrong but grounded": ~right & found.grounded,
        "right and grounded": right & found.grounded,
        "wrong and not grounded": ~right & ~found.grounded,
    }
    return {
        name: found.rows[(order := by_score if "not" in name else by_score[::-1])[mask[order]]]
        for name, mask in named.items()
    }
