"""Where a long recording can be cut without cutting a word: its quietest moments."""

from __future__ import annotations

import numpy as np

from alas_core.types import Audio

_STEP_S, _PAUSE_S = 0.02, 0.2


def cut_points(audio: Audio, longest_s: float) -> tuple[float, ...]:
    """Seconds at which to cut, so that no part is longer than `longest_s`.

    Each cut is in the middle of the quietest 0.2 s (by mean power) of the second half of what one
    part may hold: parts stay long, and a pause is found even in dense speech.

    Parameters
    ----------
    audio : the recording
    longest_s : longest part, in seconds; at least 1

    Returns
    -------
    tuple of float
        Increasing; empty if the recording is short enough.
    """
    hop = round(_STEP_S * audio.sample_rate)
    n_steps = len(audio.samples) // hop
    power = np.square(audio.samples[: n_steps * hop], dtype=np.float64).reshape(n_steps, hop)
    width = round(_PAUSE_S / _STEP_S)
    mean = np.convolve(power.mean(axis=1), np.ones(width) / width, mode="same")
    cuts: list[float] = []
    start_s = 0.0
    while audio.duration_s - start_s > longest_s:
        first, last = (round((start_s + part * longest_s) / _STEP_S) for part in (0.5, 1.0))
        last = min(last, n_steps)
        start_s = (first + int(np.argmin(mean[first:last]))) * _STEP_S
        cuts.append(round(start_s, 2))
    return tuple(cuts)
