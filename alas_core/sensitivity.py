"""How much ALAS depends on choices: the temperature, the reference's boundaries.

All of it is computed from a stored `Analysis`; no model is run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch

from alas_core.alignment import calibrate, masked_mean, uniform_share
from alas_core.similarity import word_mass
from alas_core.sinks import valid_frames_and_tokens
from alas_core.types import NO_WORD, Analysis, FloatArray, IntArray, WordTiming
from alas_core.variations import JITTERS_MS, N_DRAWS, TEMPERATURES, Sensitivity
from alas_core.words import frame_words

__all__ = [
    "JITTERS_MS",
    "N_DRAWS",
    "TEMPERATURES",
    "Sensitivity",
    "alas_by_temperature",
    "alas_under_jitter",
    "alas_with_words",
    "jitter_words",
    "measure",
]


def measure(analysis: Analysis) -> Sensitivity:
    """ALAS at the usual temperatures and under the usual jitter."""
    return Sensitivity(
        TEMPERATURES, alas_by_temperature(analysis), JITTERS_MS, alas_under_jitter(analysis)
    )


def jitter_words(
    words: Sequence[WordTiming], jitter_ms: float, duration_s: float, rng: np.random.Generator
) -> tuple[WordTiming, ...]:
    """The words with every boundary moved at random by up to `jitter_ms` in either direction.

    A boundary that two words share stays shared. Boundaries keep their order and stay inside the
    audio, so no word changes places; one may shrink to nothing. Unplaced words stay so.

    Parameters
    ----------
    words : in order
    jitter_ms : each boundary moves by a uniform draw from [-jitter_ms, jitter_ms]
    duration_s : of the audio
    rng : the draw

    Returns
    -------
    tuple of WordTiming
    """
    times = np.array([(w.start_s, w.end_s) for w in words if w.placed], dtype=float)
    edges, index = np.unique(times, return_inverse=True)
    moved = edges + rng.uniform(-jitter_ms, jitter_ms, len(edges)) / 1000
    moved = np.maximum.accumulate(np.clip(moved, 0, duration_s))
    spans = moved[index].reshape(times.shape)
    result, placed = list(words), [i for i, word in enumerate(words) if word.placed]
    for position, (start_s, end_s) in enumerate(spans):
        word = result[placed[position]]
        result[placed[position]] = dataclasses.replace(
            word, start_s=float(start_s), end_s=float(end_s)
        )
    return tuple(result)


def alas_by_temperature(
    analysis: Analysis, temperatures: Sequence[float] = TEMPERATURES
) -> FloatArray:
    """ALAS of each layer at each temperature of the softmax.

    Returns
    -------
    np.ndarray [shape=(n_temperatures, n_layers + 1), float32]
    """
    rows = [_mass(analysis, temperature) for temperature in temperatures]
    return np.stack([_alas(analysis, mass, analysis.frame_word) for mass in rows])


def alas_under_jitter(
    analysis: Analysis,
    jitters_ms: Sequence[float] = JITTERS_MS,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> FloatArray:
    """ALAS of each layer with the reference's boundaries moved at random; see `jitter_words`.

    Returns
    -------
    np.ndarray [shape=(n_jitters, n_draws, n_layers + 1), float32]
        nan where a draw leaves no frame with a word.
    """
    mass = _mass(analysis, analysis.key.settings.temperature)
    duration_s = analysis.utterance.audio.duration_s
    rng = np.random.default_rng(seed)
    result = np.full((len(jitters_ms), n_draws, analysis.n_layers + 1), np.nan, np.float32)
    for row, jitter_ms in enumerate(jitters_ms):
        for draw in range(n_draws):
            words = jitter_words(analysis.words, jitter_ms, duration_s, rng)
            frame_word = frame_words(analysis.frame_spans, words)
            if (frame_word != NO_WORD).any():
                result[row, draw] = _alas(analysis, mass, frame_word)
    return result


def alas_with_words(analysis: Analysis, words: Sequence[WordTiming]) -> FloatArray:
    """ALAS of each layer, were the words spoken at these times instead.

    Parameters
    ----------
    words : those of the analysis in their order, as another reference places them

    Returns
    -------
    np.ndarray [shape=(n_layers + 1,), float32]
        nan if no frame has a word then.
    """
    frame_word = frame_words(analysis.frame_spans, words)
    if not (frame_word != NO_WORD).any():
        return np.full(analysis.n_layers + 1, np.nan, np.float32)
    return _alas(analysis, _mass(analysis, analysis.key.settings.temperature), frame_word)


def _mass(analysis: Analysis, temperature: float) -> FloatArray:
    """Mass of each frame on each word (L+1, N, W)."""
    _, token_valid = valid_frames_and_tokens(analysis)
    mass: FloatArray = word_mass(
        torch.from_numpy(np.asarray(analysis.similarity, dtype=np.float32)),
        torch.from_numpy(analysis.token_word.astype(np.int64)),
        len(analysis.words),
        temperature=temperature,
        token_valid=torch.from_numpy(token_valid),
    ).numpy()
    return mass


def _alas(analysis: Analysis, mass: FloatArray, frame_word: IntArray) -> FloatArray:
    frame_valid, token_valid = valid_frames_and_tokens(analysis)
    own = np.maximum(frame_word, 0)
    picked = np.take_along_axis(mass, own[None, :, None], axis=2)[:, :, 0]
    uniform = uniform_share(frame_word, analysis.token_word, token_valid, len(analysis.words))
    counted = (uniform > 0) & frame_valid  # as `Alignment.counted`: the frame's word has a token
    return calibrate(masked_mean(picked, counted), masked_mean(uniform, counted))
