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
    warm, final : float
        Share of the stage over which the rate grows to its peak; the factor on it at the end.
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
    warm: float = 0.04
    final: float = 0.02
    snapshots: tuple[int, ...] = ()
    transcribe_share: float = 0.5
    text_share: float = 0.5
    question_copies: int = 0
    strength: float = 1.0
    n_written: int = 0


STAGES = (
    Stage("listen", 800, 32, 2.0e-3, snapshots=(150, 400, 800)),
    Stage(
        "read",
        350,
        96,
        1.5e-3,
        snapshots=(350,),
        transcribe_share=0.2,
        question_copies=8,
        n_written=20_000,
    ),
    Stage(
        "join",
        525,
        24,
        1.2e-3,
        final=0.65,
        snapshots=(150, 525),
        text_share=0.6,
        question_copies=2,
        n_written=30_000,
    ),
    Stage(
        "practise",
        1100,
        24,
        8.0e-4,
        warm=0.01,
        final=0.15,
        snapshots=(600,),
        transcribe_share=0.3,
        text_share=0.3,
        question_copies=1,
        strength=0.7,
        n_written=30_000,
    ),
    Stage(
        "polish",
        150,
        24,
        1.5e-4,
        snapshots=(150,),
        transcribe_share=0.4,
        text_share=0.3,
        question_copies=1,
        strength=0.3,
        n_written=30_000,
    ),
)
EASY_SHARE = 0.4
"""Share of `listen` over which the augmentation grows from nothing to full strength."""
FROZEN_SHARE = 0.1
"""Share of `join` in which the encoder only listens."""
FRAME_WEIGHT = 0.5
"""Of the frame labels in `join`."""
FADE_SHARE = 0.4
"""Share of `practise` over which the weight of the frame labels falls to 0."""
ENCODER_RATE = 0.5
"""Learning rate of the encoder in `join` and after, relative to the rest."""
MATRIX_RATE = 1.5
"""Learning rate of the layers' matrices, relative to embeddings, norms and biases."""


def frame_weight(stage: str, progress: float) -> float:
    """Weight of the frame labels beside the answers.

    Parameters
    ----------
    stage : str
        "join", "practise" or "polish".
    progress : float
        Share of the stage that is done.

    Returns
    -------
    float
        `FRAME_WEIGHT` in `join`, falling linearly to 0 over `FADE_SHARE` of `practise`, then 0.
    """
    kept = {"join": 1.0, "practise": 1 - progress / FADE_SHARE}.get(stage, 0.0)
    return FRAME_WEIGHT * max(0.0, kept)


def cosine_rate(progress: float, warm: float, final: float) -> float:
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
