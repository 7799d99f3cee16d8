"""Where a long recording can be cut without cutting a word: its quietest moments."""

from __future__ import annotations

import itertools
import math

import numpy as np

from alas_core.errors import TooLongError
from alas_core.types import Audio

LONGEST_S = 60.0
"""What one analysis takes of any model: its matrices grow with frames times tokens."""

_STEP_S, _PAUSE_S = 0.02, 0.2


def check_longest(
    audio: Audio, heard_s: float | None, model_id: str, most_s: float = math.inf
) -> None:
    """Raise `TooLongError`, which offers the parts between pauses, if the audio is too long.

    Parameters
    ----------
    audio : the recording
    heard_s : what the model hears, in seconds; None if it knows no end
    model_id : of the model, for the message
    most_s : what is taken of any model
    """
    longest_s = min(heard_s or math.inf, most_s)
    if audio.duration_s <= longest_s:
        return
    why = f"'{model_id}' hears at most {longest_s:g} s: the rest would be lost in silence"
    if longest_s != heard_s:
        why = f"one analysis takes at most {longest_s:g} s"
    end_s = math.ceil(audio.duration_s * 100) / 100
    raise TooLongError(
        f"the audio lasts {audio.duration_s:.1f} s, and {why}",
        itertools.pairwise((0.0, *cut_points(audio, longest_s), end_s)),
    )


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
        start_s = (last - 1 - int(np.argmin(mean[first:last][::-1]))) * _STEP_S  # last of equals
        cuts.append(round(start_s, 2))
    return tuple(cuts)
