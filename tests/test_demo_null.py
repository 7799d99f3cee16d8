"""What the scores claim over the shipped utterances: the null is fair, and what beats it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from alas_core.datasets import demo
from alas_core.models import registry
from alas_core.pipeline import Request, analyse
from alas_core.types import Analysis, Settings

N_NULL = 19
"""Wrong transcripts: p <= 0.05 then says that the right one is above them all."""


def analyses(model_id: str) -> list[Analysis]:
    data = demo()
    return [
        analyse(
            Request(
                model_id,
                data.load(row.id),
                reference=str(data.reference_path(row.id)),
                settings=Settings(n_null=N_NULL),
                pool=data.pool(),
                model=registry.get(model_id),
                answers=False,
            )
        )
        for row in data.ids()
    ]


@pytest.fixture(scope="module")
def trained() -> list[Analysis]:
    return analyses("demo")


@pytest.fixture(scope="module")
def untrained() -> list[Analysis]:
    return analyses("demo-untrained")


def interval(values: np.ndarray) -> tuple[float, float]:
    """Of the mean over utterances, 95 %, by resampling whole utterances."""
    found = stats.bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    return float(found.low), float(found.high)


def test_with_random_weights_one_utterance_in_twenty_beats_its_null(untrained) -> None:
    n = len(untrained)
    low, high = stats.binom.interval(0.95, n, 0.05)
    for layer in range(untrained[0].n_layers + 1):
        small = sum(a.null.p[layer] <= 0.05 for a in untrained)
        assert low <= small <= high, f"layer {layer}: {small} of {n}"


def test_the_trained_model_beats_the_untrained_one_at_every_layer(trained, untrained) -> None:
    apart = [a.scores["alas"] - b.scores["alas"] for a, b in zip(trained, untrained, strict=True)]
    for layer, values in enumerate(np.stack(apart, axis=1)):
        assert interval(values)[0] > 0, layer


def test_right_transcripts_beat_wrong_ones_at_every_layer(trained) -> None:
    apart = [a.scores["alas"] - a.null.samples.mean(axis=0) for a in trained]
    for layer, values in enumerate(np.stack(apart, axis=1)):
        assert interval(values)[0] > 0, layer
    at_best = [a.null.p[a.best_layer] <= 0.05 for a in trained]
    assert sum(at_best) >= 0.95 * len(at_best)
