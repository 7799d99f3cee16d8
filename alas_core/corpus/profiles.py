"""Mean scores by layer: of all utterances, of groups, of several runs over relative depth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from alas_core.corpus.choosing import Group
from alas_core.corpus.resampling import (
    FEWEST,
    Band,
    Estimate,
    bootstrapped,
    interval,
    mean_band,
    resampled_means,
    share_estimate,
    weights,
)
from alas_core.corpus.run import SCORE, Run
from alas_core.definitions import SCORES
from alas_core.types import FloatArray, IntArray
from alas_core.variations import SIGNIFICANT


@dataclass(frozen=True)
class Profile:
    """A score by layer, averaged over utterances.

    Parameters
    ----------
    name : of the group or run
    band : mean with its 95 % interval over utterances and n, shape (n_layers + 1,)
    baseline : mean of what the utterances that have the score would have without any binding; nan
        where unknown
    null_low, null_high, null_mean : means over utterances of the ends and the middle of each one's
        own null; only ALAS has them, None otherwise
    null_name : what that null is
    """

    name: str
    score: str
    band: Band
    baseline: FloatArray
    null_low: FloatArray | None = None
    null_high: FloatArray | None = None
    null_mean: FloatArray | None = None
    null_name: str = ""

    @property
    def n_layers(self) -> int:
        return len(self.band.mean) - 1

    @property
    def best(self) -> int:
        """The layer with the best mean."""
        return SCORES[self.score].best(self.band.mean) or 0

    @property
    def depth(self) -> FloatArray:
        """Relative depth of the layers, 0 to 1."""
        return np.linspace(0, 1, self.n_layers + 1) if self.n_layers else np.zeros(1)


def profile(run: Run, rows: IntArray, score: str = SCORE, name: str = "", seed: int = 0) -> Profile:
    """Mean over these utterances at each layer.

    Raises
    ------
    InputError
        If the run has no such score.
    """
    parts, values = {}, run.matrix(score)[rows]
    if score == SCORE:
        parts = {
            column: _mean(run.matrix(column)[rows])
            for column in ("null_low", "null_high", "null_mean")
        }
    return Profile(
        name or run.name,
        score,
        mean_band(values, seed=seed),
        _mean(np.where(np.isfinite(values), run.matrix(f"baseline_{score}")[rows], np.nan)),
        **parts,
        null_name=run.null_name,
    )


def by_group(run: Run, found: tuple[Group, ...], score: str = SCORE) -> tuple[Profile, ...]:
    """A profile for each group."""
    return tuple(profile(run, group.rows, score, group.name) for group in found)


@dataclass(frozen=True)
class BestLayer:
    """Where the mean is best, and how sure that is.

    Parameters
    ----------
    layer : with the best mean
    low, high : the best layers of 95 % of the resamples lie between these, both included
    share : of the resamples whose best layer is this one
    value : mean at that layer, with its interval
    """

    layer: int
    low: int
    high: int
    share: float
    value: Estimate


def best_of(run: Run, rows: IntArray, score: str = SCORE, seed: int = 0) -> BestLayer | None:
    """The best layer of these utterances with a bootstrap interval; None without any number."""
    band, resampled = bootstrapped(run.matrix(score)[rows], seed=seed)
    if not np.isfinite(band.mean).any():
        return None
    merit = SCORES[score].merit(resampled)
    winners = np.argmax(np.where(np.isfinite(merit), merit, -np.inf), axis=1)
    layer = SCORES[score].best(band.mean) or 0
    low, high = np.quantile(winners, (0.025, 0.975), method="nearest")
    share = float((winners == layer).mean())
    return BestLayer(layer, int(low), int(high), share, band.at(layer))


def beating_null(run: Run, rows: IntArray, layer: int) -> Estimate:
    """Share of utterances whose ALAS at a layer beats their own null (p <= 0.05)."""
    p = run.matrix("p")[rows, layer]
    known = np.isfinite(p)
    return share_estimate(int((p[known] <= SIGNIFICANT).sum()), int(known.sum()))


def can_beat(run: Run) -> bool:
    """Whether so few samples of the null allow a p that is small enough at all."""
    return _attained(run) > 0


def _attained(run: Run) -> float:
    """How often chance alone gives p at or below the level: p is a multiple of 1 / (n + 1)."""
    return math.floor(SIGNIFICANT * (run.n_null + 1) + 1e-9) / (run.n_null + 1)


def by_chance(run: Run) -> str:
    """How many utterances would beat their null at a layer by chance alone, in words."""
    attained = _attained(run)
    if attained == 0:
        return f"with {run.n_null} {run.null_name} for each none can"
    return f"by chance it would be {100 * attained:.3g} %"


@dataclass(frozen=True)
class Difference:
    """Mean of one group minus mean of another at one layer, over utterances."""

    first: str
    second: str
    estimate: Estimate


def difference(
    run: Run, first: Group, second: Group, layer: int, score: str = SCORE, seed: int = 0
) -> Difference:
    """Two groups compared, each resampled by itself; n is that of the smaller one."""
    values = [run.matrix(score)[group.rows, layer][:, None] for group in (first, second)]
    n = int(min(np.isfinite(part).sum() for part in values))
    if n < FEWEST:
        return Difference(first.name, second.name, Estimate(math.nan, math.nan, math.nan, 0))
    drawn = [
        resampled_means(part, weights(len(part), seed=seed + place))
        for place, part in enumerate(values)
    ]
    value = float(_mean(values[0])[0] - _mean(values[1])[0])
    low, high = interval(drawn[0] - drawn[1])
    return Difference(first.name, second.name, Estimate(value, float(low[0]), float(high[0]), n))


def _mean(values: FloatArray) -> FloatArray:
    """Mean of each column without nan, and without a warning where there is nothing else."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    result: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result.astype(np.float32)
