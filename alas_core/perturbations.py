"""Sound that was changed on purpose, and what becomes of the words' times: controls for a score."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from alas_core.errors import InputError
from alas_core.types import Audio, FloatArray, WordTiming

SEED = 20_011
"""Of the noise, and of all else that a control draws: not one that the null draws from."""

CHANGES = ("snr", "speed", "reversed", "noise", "silence")
"""Names of the changes, as `changed` takes them."""

SNRS_DB = (20.0, 10.0, 5.0, 0.0, -5.0, -10.0)
SPEEDS = (0.7, 0.8, 0.9, 1.1, 1.25, 1.5)
STRETCH_WINDOW_S = 0.032
"""Window of the phase vocoder: short enough for consonants. Librosa's own 2048 samples (128 ms at
16 kHz) smear them: the demo's ALAS fell by a quarter from that alone."""


def changed(audio: Audio, name: str, value: float | None = None) -> Audio:
    """The recording under one of `CHANGES`.

    Parameters
    ----------
    value : decibel for "snr" (0 if None), times the recording's own for "speed" (1 if None)

    Raises
    ------
    InputError
        If there is no such change, or the speed is not between 0.5 and 2.
    """
    if name == "snr":
        return with_noise(audio, 0.0 if value is None else value, SEED)
    if name == "speed":
        return at_speed(audio, 1.0 if value is None else value)
    if name == "reversed":
        return reversed_in_time(audio)
    if name == "noise":
        return noise_instead(audio, SEED)
    if name == "silence":
        return silence_instead(audio)
    raise InputError(
        f"no change of sound is called {name!r}, expected one of {', '.join(CHANGES)}; choose one"
    )


def noise_instead(audio: Audio, seed: int = 0) -> Audio:
    """White noise of the recording's length and loudness (root mean square).

    Of evenly spread samples, whose peak is 1.7 times that: normal ones of a loud recording would
    leave the range and be scaled down.
    """
    rng = np.random.default_rng(seed)
    noise = rng.uniform(-(3**0.5), 3**0.5, len(audio.samples)) * _rms(audio.samples)
    return _within_scale(audio, noise)


def silence_instead(audio: Audio) -> Audio:
    """Digital silence of the same length."""
    return _within_scale(audio, np.zeros(len(audio.samples)))


def reversed_in_time(audio: Audio) -> Audio:
    """The recording backwards: the same sound and spectrum, no words."""
    return _within_scale(audio, audio.samples[::-1])


def with_noise(audio: Audio, snr_db: float, seed: int = 0) -> Audio:
    """The recording with white noise added at a signal-to-noise ratio.

    Parameters
    ----------
    snr_db : ratio of the mean powers of recording and noise, in decibel
    seed : of the noise

    Returns
    -------
    Audio
        Scaled down as a whole where the sum would leave [-1, 1], which keeps the ratio.
    """
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(len(audio.samples))
    noise *= _rms(audio.samples) / max(_rms(noise), 1e-12) * 10 ** (-snr_db / 20)
    return _within_scale(audio, audio.samples + noise)


def at_speed(audio: Audio, speed: float) -> Audio:
    """The recording faster (above 1) or slower, its pitch kept (phase vocoder of librosa).

    Raises
    ------
    InputError
        If speed is not between 0.5 and 2.
    """
    if not 0.5 <= speed <= 2:
        raise InputError(f"the speed is {speed:g}, expected 0.5 to 2 times the recording's own")
    import librosa

    window = 2 ** round(math.log2(STRETCH_WINDOW_S * audio.sample_rate))
    stretched = librosa.effects.time_stretch(audio.samples, rate=speed, n_fft=window)
    return _within_scale(audio, stretched)


def scaled_words(words: Sequence[WordTiming], ratio: float) -> tuple[WordTiming, ...]:
    """The words with all times multiplied by `ratio`; unplaced ones stay so."""
    return tuple(
        dataclasses.replace(word, start_s=ratio * word.start_s, end_s=ratio * word.end_s)
        for word in words
    )


def _within_scale(audio: Audio, samples: FloatArray) -> Audio:
    peak = float(np.abs(samples).max(initial=0.0))
    scaled = samples / peak if peak > 1 else samples
    return Audio(np.ascontiguousarray(scaled, dtype=np.float32), audio.sample_rate)


def _rms(samples: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
