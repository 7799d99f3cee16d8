"""The recipe in numbers: its stages, their lengths and rates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

SEED = 20


@dataclass(frozen=True)
class Stage:
    """One part of the training.

    Attributes
    ----------
    name : str
        "listen", "read", "join", "polish" or "practise": what is trained and how. A name may come
        again.
    steps, batch : int
        Updates, and examples an update.
    rate : float
        Peak learning rate.
    snapshots : tuple[int, ...]
        Steps after which the weights are kept.
    transcribe_share : float
        Of the prompts; the others ask something.
    text_share : float
        Text prompts for each audio prompt.
    question_copies : int
        How often questions are added to the sentences once more.
    strength : float
        Of the augmentation.
    n_written : int
        Further sentences of the training side that are only read: text costs no speech.
    """

    name: str
    steps: int
    batch: int
    rate: float
    snapshots: tuple[int, ...] = ()
    transcribe_share: float = 0.5
    text_share: float = 0.5
    question_copies: int = 0
    strength: float = 1.0
    n_written: int = 0


_PRACTICE = Stage(
    "practise",
    600,
    24,
    6.0e-4,
    transcribe_share=0.3,
    text_share=1.5,
    question_copies=2,
    strength=0.5,
    n_written=30_000,
)
STAGES = (
    Stage("listen", 1700, 32, 2.0e-3, (150, 400, 800, 1700)),
    Stage("read", 500, 64, 1.5e-3, (500,)),
    Stage("join", 1000, 24, 1.2e-3, (200, 550)),
    Stage("polish", 200, 24, 5.0e-4, strength=0.35),
    Stage("practise", 230, 24, 6.0e-4, (), 0.35, 1.0, 2, 0.35),
    _PRACTICE,
    Stage("read", 500, 96, 1.0e-3, (), 0.2, 0.5, 8, n_written=20_000),
    replace(_PRACTICE, steps=250, rate=5.0e-4),
    replace(_PRACTICE, steps=500, rate=5.0e-4),
    replace(_PRACTICE, steps=600, rate=6.0e-4, snapshots=(600,), strength=0.7),
)
EASY_SHARE = 0.4
"""Share of `listen` over which the augmentation grows from nothing to full strength."""
FROZEN_SHARE = 0.1
"""Share of `join` in which the encoder only listens."""
FADE = (0.25, 0.6)
"""Shares of `join` between which the weight of the frame labels falls from `FRAME_WEIGHT` to 0."""
FRAME_WEIGHT = 0.5
ENCODER_RATE = 0.5
"""Learning rate of the encoder in `join` and after, relative to the rest."""
POLISH_FRAME_WEIGHT = 0.0
"""Weight of the frame labels in `polish` and `practise`."""


def frame_weight(progress: float) -> float:
    """Weight of the frame labels in `join`.

    Parameters
    ----------
    progress : float
        Share of the stage that is done.

    Returns
    -------
    float
        `FRAME_WEIGHT`, falling linearly to 0 over `FADE`.
    """
    begin, end = FADE
    return FRAME_WEIGHT * min(1.0, max(0.0, (end - progress) / (end - begin)))


def cosine_rate(progress: float, warm: float = 0.04, final: float = 0.02) -> float:
    """Learning-rate factor: a short warm-up, then half a cosine.

    Parameters
    ----------
    progress : float
        In [0, 1].
    warm, final : float
        Share of warm-up; factor at the end.

    Returns
    -------
    float
        In (0, 1].
    """
    if progress < warm:
        return (progress + 1e-3) / (warm + 1e-3)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))
