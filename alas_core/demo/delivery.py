"""Who speaks, how, and in what room: the chances of the training speech."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alas_core.demo import voices
from alas_core.demo.voices import SAMPLE_RATE_HZ, Delivery, available_engines

_MOODS = {
    "neutral": (1.0, 1.0, 1.0),
    "happy": (1.12, 1.2, 1.5),
    "sad": (0.82, 0.86, 0.6),
    "angry": (1.15, 1.0, 1.7),
    "afraid": (1.2, 1.3, 0.9),
}
"""Emotion: tempo, pitch and liveliness relative to the neutral delivery."""


@dataclass(frozen=True)
class Ranges:
    """From what voice and delivery are drawn.

    Attributes
    ----------
    shares : Mapping[str, float]
        Of the synthesisers.
    tempo, pitch : tuple[float, float]
        Factors, drawn evenly.
    moved : float
        Share of the sentences whose scale is moved.
    octaves : tuple[float, float]
        By how much pitch and formants together.
    """

    shares: Mapping[str, float]
    tempo: tuple[float, float]
    pitch: tuple[float, float]
    moved: float
    octaves: tuple[float, float]


USUAL = Ranges(
    {"espeak": 0.40, "flite": 0.50, "festival": 0.10},
    (0.88, 1.15), (0.85, 1.18), 0.67, (-0.32, 0.32),
)  # fmt: skip
"""Of the held-out speech."""
WIDE = Ranges(
    {"espeak": 0.30, "flite": 0.52, "festival": 0.18},
    (0.74, 1.15), (0.70, 1.25), 0.75, (-0.42, 0.34),
)  # fmt: skip
"""Of the training: less of the synthesiser that is heard best; a new voice that is slower, lower or
larger than all others lies inside."""


def choose_voice(rng: random.Random, ranges: Ranges = USUAL) -> str:
    """Draw a voice of the training, of a synthesiser that is installed.

    Parameters
    ----------
    rng : random.Random
        Source of chance.
    ranges : Ranges
        Their shares.

    Returns
    -------
    str
        "engine:voice", never one of `voices.NEW_VOICES`.
    """
    engines = [engine for engine in ranges.shares if engine in available_engines()]
    engine = rng.choices(engines, [ranges.shares[one] for one in engines])[0]
    if engine == "espeak":
        return rng.choice(voices.ESPEAK_VOICES)
    table = voices.FLITE_VOICES if engine == "flite" else voices.FESTIVAL_VOICES
    return rng.choices(list(table), list(table.values()))[0]


def draw_delivery(rng: random.Random, emotion: str, voice: str, ranges: Ranges = USUAL) -> Delivery:
    """Draw tempo, pitch and scale around what the emotion asks for.

    Parameters
    ----------
    rng : random.Random
        Source of chance.
    emotion : str
        "neutral", "happy", "sad", "angry" or "afraid".
    voice : str
        New voices keep their own scale.
    ranges : Ranges
        Around what the emotion asks for.

    Returns
    -------
    Delivery
        The settings for the synthesiser.
    """
    tempo, pitch, liveliness = _MOODS[emotion]
    scale = 1.0
    if voice not in voices.NEW_VOICES and rng.random() < ranges.moved:
        scale = 2 ** rng.uniform(*ranges.octaves)
    return Delivery(
        rate_wpm=voices.NOMINAL_RATE_WPM * tempo * rng.uniform(*ranges.tempo),
        pitch=pitch * rng.uniform(*ranges.pitch),
        liveliness=liveliness * rng.uniform(0.5, 1.8),
        scale=scale,
    )


def coloured_noise(rng: np.random.Generator, length: int, slope: float) -> NDArray[np.float32]:
    """Noise of unit power whose amplitude falls as frequency ** -slope.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    length : int
        Samples.
    slope : float
        0 is white, 0.5 pink, 1 brown.

    Returns
    -------
    np.ndarray [shape=(length,), float32]
        The noise.
    """
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum *= np.maximum(np.arange(len(spectrum)), 4.0) ** -slope
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / (np.sqrt(np.mean(noise**2)) + 1e-9), dtype=np.float32)


def place_in_room(
    speech: NDArray[np.float32], seed: int, *, snr_db: float, lead_s: float, level_db: float
) -> NDArray[np.float32]:
    """Trim, give a lead-in and a tail of silence, set the level, add noise.

    Parameters
    ----------
    speech : np.ndarray [shape=(n,), float32]
        Clean speech at 16 kHz.
    seed : int
        Of the noise.
    snr_db : float
        Speech power over noise power.
    lead_s : float
        Silence before the speech.
    level_db : float
        Peak level in dB below full scale (negative).

    Returns
    -------
    np.ndarray [shape=(m,), float32]
        Mono sound at 16 kHz, in [-1, 1].
    """
    rng = np.random.default_rng(seed)
    tail = np.zeros(int(0.1 * SAMPLE_RATE_HZ), np.float32)
    room = np.concatenate([np.zeros(int(lead_s * SAMPLE_RATE_HZ), np.float32), speech, tail])
    noise = coloured_noise(rng, len(room), rng.uniform(0.0, 1.0))
    power = float(np.sqrt(np.mean(speech**2)))
    room = room + noise * power * 10 ** (-snr_db / 20)
    return np.asarray(room / np.abs(room).max() * 10 ** (level_db / 20), dtype=np.float32)
