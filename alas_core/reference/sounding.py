"""Where in a recording there is any sound at all: takes silence off the edges of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alas_core.types import Audio, BoolArray, WordTiming

STEP_S = 0.01
QUIET_DB = 40.0
"""Below the loud parts of the recording (95th percentile) by more than this: silence."""


def sounding(audio: Audio) -> BoolArray:
    """Whether each 10 ms of the recording sounds, (n_steps,); all False where all is silent."""
    step = max(round(STEP_S * audio.sample_rate), 1)
    n_steps = max(-(-len(audio.samples) // step), 1)
    padded = np.zeros(n_steps * step, dtype=np.float32)
    padded[: len(audio.samples)] = audio.samples
    level = np.sqrt((padded.reshape(n_steps, step) ** 2).mean(axis=1))
    loud = float(np.quantile(level, 0.95)) * 10 ** (-QUIET_DB / 20)
    sounds: BoolArray = level > max(loud, 1e-6)
    return sounds


def trimmed(words: Sequence[WordTiming], audio: Audio) -> tuple[WordTiming, ...]:
    """The words without the silence at their edges; one in which nothing sounds stays as it is.

    Only whole steps of 10 ms are taken off, so a time that lies in sound does not move.
    """
    sounds = sounding(audio)
    result = []
    for word in words:
        if word.placed:
            first = int(word.start_s / STEP_S + 1e-6)
            inside = np.flatnonzero(sounds[first : int(np.ceil(word.end_s / STEP_S - 1e-6))])
            if len(inside):
                start_s = max(word.start_s, (first + int(inside[0])) * STEP_S)
                end_s = min(word.end_s, (first + int(inside[-1]) + 1) * STEP_S)
                word = replace(word, start_s=start_s, end_s=end_s)
        result.append(word)
    return tuple(result)
