"""Cuts of a long recording fall into its pauses, and no part is too long."""

from __future__ import annotations

import numpy as np
import pytest

from alas_core.pauses import cut_points
from alas_core.types import Audio


def recording(duration_s: float, pauses: list[float]) -> Audio:
    """Noise with silences of 0.4 s around the given moments."""
    samples = np.random.default_rng(0).standard_normal(round(duration_s * 16000)) * 0.1
    for middle in pauses:
        samples[round((middle - 0.2) * 16000) : round((middle + 0.2) * 16000)] = 0
    return Audio(samples.astype(np.float32), 16000)


def test_cuts_fall_into_the_pauses() -> None:
    cuts = cut_points(recording(70, [5, 22, 41, 58]), 30)
    assert cuts == (pytest.approx(22, abs=0.15), pytest.approx(41, abs=0.15))


@pytest.mark.parametrize("longest_s", [1.0, 7.5, 30.0])
def test_no_part_is_too_long(longest_s: float) -> None:
    audio = recording(65, [])
    edges = [0.0, *cut_points(audio, longest_s), audio.duration_s]
    assert max(np.diff(edges)) <= longest_s + 1e-6
    assert min(np.diff(edges)) > 0


def test_a_short_recording_is_not_cut() -> None:
    assert cut_points(recording(10, [5]), 30) == ()
