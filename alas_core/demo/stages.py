"""The recipe in numbers: its stages, their lengths and rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

SEED = 20


@dataclass(frozen=True)
class Stage:
    """One part of the training.

    Attributes
    ----------
    name : str
        "listen", "read", "join", "practise" or "polish": what is trained and how.
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


STAGES = (
    Stage("listen", 1700, 32, 2.0e-3, (150, 500, 1700)),
    Stage("read", 900, 96, 1.5e-3, (900,), 0.2, 0.5, 8, 1.0, 20_000),
    Stage(
        "join", 1000, 24, 1.2e-3, (200, 600), text_share=1.0, question_copies=2, n_written=30_000
    ),
    Stage("practise", 2400, 24, 8.0e-4, (600,), 0.3, 1.0, 2, 0.6, 30_000),
    Stage("polish", 200, 24, 3.0e-4, (200,), 0.4, 1.0, 2, 0.3, 30_000),
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
"""Weight of the frame labels in `practise` and `polish`."""


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
