"""Whether scores agree on which layers bind best. Numbers of a stored `Analysis` alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alas_core.definitions import SCORES
from alas_core.types import Analysis, FloatArray

METRICS = (
    "alas",
    "hit_rate",
    "path_accuracy",
    "contrast",
    "word_retrieval",
    "onset_error_ms",
)
"""Scores that answer the same question in different ways; `lift` ranks layers exactly as ALAS."""

MIN_KENDALL = 0.5
"""Below this rank correlation (Kendall's tau-b over the layers) two rankings count as different."""

MAX_APART = 0.25
"""Best layers farther apart than this share of the depth count as different."""

RULE = (
    "Two scores rank the layers differently if Kendall's tau-b over the layers is below "
    f"{MIN_KENDALL}, or if their best layers are more than {100 * MAX_APART:.0f} % of the depth "
    "apart."
)


@dataclass(frozen=True)
class RankAgreement:
    """How one score ranks the layers beside ALAS.

    kendall : tau-b of the two scores over the layers, signed so that 1 is the same ranking; nan
        where a score is constant or missing. best_layer : the layer it prefers, of equals the one
        nearest to ALAS's; None if it has no value. differs : by the rule of `MIN_KENDALL` and
        `MAX_APART`; a constant score ranks nothing, so it differs from nothing.
    """

    score: str
    kendall: float
    best_layer: int | None
    differs: bool


def agreements(analysis: Analysis, scores: Sequence[str] = METRICS) -> tuple[RankAgreement, ...]:
    """How each score ranks the layers beside ALAS, ALAS itself left out."""
    alas = np.asarray(analysis.scores["alas"], dtype=float)
    found = []
    for name in scores:
        if name == "alas" or name not in analysis.scores:
            continue
        values = SCORES[name].merit(np.asarray(analysis.scores[name], dtype=float))
        both = np.isfinite(values) & np.isfinite(alas)
        if not both.any():
            found.append(RankAgreement(name, float("nan"), None, differs=False))
            continue
        kendall = kendall_tau(alas[both], values[both])
        best, apart = _nearest_best(values, alas)
        far = apart / max(analysis.n_layers, 1) > MAX_APART
        differs = bool(np.isfinite(kendall)) and (kendall < MIN_KENDALL or far)
        found.append(RankAgreement(name, kendall, best, differs=differs))
    return tuple(found)


def _nearest_best(values: FloatArray, alas: FloatArray) -> tuple[int, int]:
    """The best layer of a score that lies nearest to one of ALAS's, and how far that is."""
    best, own = (np.flatnonzero(v == np.nanmax(v)) for v in (values, alas))
    apart = np.abs(best[:, None] - own[None, :]).min(axis=1)
    return int(best[apart.argmin()]), int(apart.min())


def kendall_tau(one: FloatArray, other: FloatArray) -> float:
    """Kendall's tau-b; nan where one of the two is constant.

    Written out, since importing scipy.stats takes longer than a page may wait for a sentence.

    Parameters
    ----------
    one, other : np.ndarray [shape=(n,)], finite

    References
    ----------
    Kendall 1945, "The treatment of ties in ranking problems"; scipy.stats.kendalltau.
    """
    signs = [np.sign(values[:, None] - values[None, :]) for values in (one, other)]
    untied = float(np.sqrt((signs[0] != 0).sum() * (signs[1] != 0).sum()))
    return float((signs[0] * signs[1]).sum() / untied) if untied else float("nan")
