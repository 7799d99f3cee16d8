"""The response filter: pairs whose two answers differ are kept out of the means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from alas_core.corpus.resampling import Estimate, mean_estimate, share_estimate
from alas_core.corpus.run import SCORE, Run
from alas_core.judges import MIN_SIMILARITY
from alas_core.types import BoolArray, FloatArray, IntArray

N_BARS = 40


@dataclass(frozen=True)
class Filtered:
    """What a threshold does.

    Parameters
    ----------
    kept, left_out, unknown : rows of the run; unknown where the answers could not be compared
    share : of the utterances that are kept among those that were compared, with its interval
    kept_mean, left_mean, all_mean : of the score at a layer
    """

    kept: IntArray
    left_out: IntArray
    unknown: IntArray
    share: Estimate
    kept_mean: Estimate
    left_mean: Estimate
    all_mean: Estimate


def stored_threshold(run: Run) -> float:
    """The threshold that the run itself filtered with, else the usual one."""
    value = run.info.get("filter_threshold")
    if isinstance(value, int | float) and 0 <= value <= 1:
        return float(value)
    return MIN_SIMILARITY


def similarities(run: Run, rows: IntArray) -> FloatArray:
    """Similarity of both answers of each utterance, nan where there is none."""
    values: FloatArray = run.column("answer_similarity")[rows].cast(pl.Float32).to_numpy()
    return values


def compared(run: Run, rows: IntArray) -> BoolArray:
    """Whether each utterance's answers could be compared: free ones need a sentence encoder."""
    known = run.column("kept")[rows].is_not_null().to_numpy()
    result: BoolArray = known | np.isfinite(similarities(run, rows))
    return result


def passes(run: Run, rows: IntArray, threshold: float) -> BoolArray:
    """Whether each pair of answers is alike: by its similarity or, for labels, as the run says.

    What could not be compared does not pass.
    """
    values = similarities(run, rows)
    stored = run.column("kept")[rows].fill_null(False).to_numpy()
    result: BoolArray = np.where(np.isfinite(values), values >= threshold, stored)
    return result


def filtered(
    run: Run, rows: IntArray, threshold: float, layer: int, score: str = SCORE
) -> Filtered:
    """Means of a score at a layer as they would be with this threshold."""
    known = compared(run, rows)
    mask = passes(run, rows, threshold)
    out = known & ~mask
    values = run.matrix(score)[rows, layer]
    means = (mean_estimate(values[m]) for m in (mask, out, np.ones_like(mask)))
    share = share_estimate(int(mask.sum()), int(known.sum()))
    return Filtered(rows[mask], rows[out], rows[~known], share, *means)


def histogram(run: Run, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """Counts of similarities and the edges of the bars, from the lowest (at most 0) to 1."""
    values = similarities(run, rows)
    values = values[np.isfinite(values)]
    low = min(0.0, float(values.min())) if len(values) else 0.0
    counts, edges = np.histogram(values, bins=N_BARS, range=(low, 1.0 + 1e-6))
    return counts.astype(np.float32), edges.astype(np.float32)


def answer_pairs(run: Run, rows: IntArray) -> pl.DataFrame:
    """Both answers of each utterance, the least alike first."""
    columns = (
        "utterance",
        "transcript",
        "answer_audio",
        "answer_text",
        "answer_similarity",
        "expected",
        "correct_audio",
        "correct_text",
    )
    return run.utterances[rows].select(columns).sort("answer_similarity", nulls_last=True)
