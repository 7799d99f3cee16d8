"""Utterances x layers as a picture can hold it: one column an utterance, or one for many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.corpus.run import SCORE, Run
from alas_core.types import FloatArray, IntArray

MAX_SINGLE = 2000
"""More utterances than this are drawn as means of neighbours in the chosen order."""

N_BINS = 400


@dataclass(frozen=True)
class Heat:
    """Utterances in their order, and the values to draw.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_utterances,)], rows of the run in the order chosen
    edges : np.ndarray [shape=(n_columns + 1,)], column i holds rows[edges[i]:edges[i + 1]]
    values : np.ndarray [shape=(n_columns, n_layers + 1), float32], means over the column's rows
    baseline : the same of what the score would be without binding
    """

    rows: IntArray
    edges: IntArray
    values: FloatArray
    baseline: FloatArray

    @property
    def binned(self) -> bool:
        """Whether a column stands for several utterances."""
        return len(self.edges) - 1 < len(self.rows)

    def members(self, column: int) -> IntArray:
        """Rows of the run that a column stands for; none for a column that does not exist."""
        if not 0 <= column < len(self.edges) - 1:
            return self.rows[:0]
        return self.rows[self.edges[column] : self.edges[column + 1]]


def heat(run: Run, ordered: IntArray, score: str = SCORE) -> Heat:
    """The picture of these utterances in this order."""
    n = len(ordered)
    columns = n if n <= MAX_SINGLE else N_BINS
    edges = np.linspace(0, n, columns + 1).round().astype(np.int64)
    values, baseline = run.matrix(score)[ordered], run.matrix(f"baseline_{score}")[ordered]
    baseline = np.where(np.isfinite(values), baseline, np.nan)  # means over the same utterances
    return Heat(ordered, edges, _binned(values, edges), _binned(baseline, edges))


def _binned(values: FloatArray, edges: IntArray) -> FloatArray:
    if len(edges) - 1 == len(values):
        return values
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0), edges[:-1], axis=0)
    count = np.add.reduceat(known.astype(np.float32), edges[:-1], axis=0)
    result: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result.astype(np.float32)
