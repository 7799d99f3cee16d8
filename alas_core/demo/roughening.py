"""Other tempi, vocal tracts, rooms and noises, made on the log-mel while training."""

from __future__ import annotations

import math
import random

import torch
from torch import Tensor
from torch.nn import functional

from alas_core.demo.processor import MAX_AUDIO_S, N_MELS

DYNAMIC_RANGE = 2.0
"""Whisper's log-mel never falls more than this below its maximum (80 dB)."""


def stretched(mel: Tensor, rng: random.Random, strength: float) -> tuple[Tensor, float]:
    """Stretch time by up to 12 % and warp the mel axis by up to 13 %: other tempi and speakers.

    Parameters
    ----------
    mel : Tensor [shape=(T, 80), float32]
        Log-mel.
    rng : random.Random
        Source of chance.
    strength : float
        In [0, 1].

    Returns
    -------
    mel : Tensor [shape=(T', 80), float32]
        A new tensor.
    factor : float
        T' / T.
    """
    rows = round(len(mel) * (1 + strength * rng.uniform(-0.11, 0.12)))
    bands = round(N_MELS * math.exp(strength * rng.uniform(-0.13, 0.13)))
    warped = functional.interpolate(
        mel[None, None], size=(rows, bands), mode="bilinear", align_corners=False
    )[0, 0]
    if bands < N_MELS:
        warped = torch.cat([warped, warped[:, -1:].expand(-1, N_MELS - bands)], dim=1)
    return warped[:, :N_MELS], rows / len(mel)


def roughened(mel: Tensor, rng: random.Random, strength: float = 1.0) -> Tensor:
    """Change gain and spectral colour, raise the floor, add noise, mask bands and moments.

    Parameters
    ----------
    mel : Tensor [shape=(T, 80), float32]
        Whisper's log-mel; one unit is 40 dB.
    rng : random.Random
        Source of chance (the tensor noise is seeded from it).
    strength : float
        In [0, 1].

    Returns
    -------
    Tensor [shape=(T, 80), float32]
        A new tensor.
    """
    noise = torch.Generator().manual_seed(rng.getrandbits(31))
    axis = torch.linspace(0, math.pi, N_MELS)
    colour = sum(rng.gauss(0, 0.07) * torch.cos(k * axis + rng.uniform(0, 3)) for k in (1, 2, 3, 5))
    rough = mel + strength * (colour + rng.gauss(0, 0.06))
    if rng.random() < 0.35 * strength:
        floor = mel.min() + rng.uniform(0, 0.9)
        hiss = floor + 0.12 * torch.randn(mel.shape, generator=noise)
        rough = torch.logaddexp(rough * 9.2, hiss * 9.2) / 9.2
    rough = rough + strength * rng.uniform(0, 0.06) * torch.randn(mel.shape, generator=noise)
    mean = float(rough.mean())
    for _ in range(2):
        band, moment = rng.randrange(N_MELS - 8), rng.randrange(max(1, len(mel) - 8))
        rough[:, band : band + int(strength * rng.randrange(9))] = mean
        rough[moment : moment + int(strength * rng.randrange(9))] = mean
    return torch.maximum(rough, rough.max() - DYNAMIC_RANGE)


def draw_offset(mel_frames: int, rng: random.Random, strength: float) -> int:
    """Draw the encoder position at which a batch starts: 0, or at times any that leaves room.

    Parameters
    ----------
    mel_frames : int
        Length of the batch, at 100 a second.
    rng : random.Random
        Source of chance.
    strength : float
        Of the augmentation; two times in five at 1.

    Returns
    -------
    int
        In encoder steps of 20 ms.
    """
    room = MAX_AUDIO_S * 50 - mel_frames // 2
    return rng.randrange(room) if room > 1 and rng.random() < 0.4 * strength else 0
