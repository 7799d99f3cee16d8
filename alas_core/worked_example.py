"""The score on a matrix small enough to follow by hand, by the functions that score real models.

The scoring modules are imported on use: a page may read the examples without waiting for torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from alas_core.errors import InputError
from alas_core.types import NO_WORD

if TYPE_CHECKING:
    from alas_core.alignment import Alignment

WORDS = ("red", "fox", "sleeps")
TOKENS = ("red", "fox", "sle", "eps")
TOKEN_WORD = (0, 1, 2, 2)
FRAME_WORD = (0, 0, 1, 1, 2, 2, 2, NO_WORD)

EXAMPLES: dict[str, tuple[tuple[float, ...], ...]] = {
    "Bound": (
        (0.8, 0.3, 0.2, 0.2),
        (0.7, 0.4, 0.2, 0.3),
        (0.3, 0.7, 0.3, 0.2),
        (0.2, 0.8, 0.3, 0.3),
        (0.2, 0.3, 0.8, 0.4),
        (0.2, 0.2, 0.6, 0.6),
        (0.3, 0.2, 0.3, 0.8),
        (0.4, 0.4, 0.4, 0.4),
    ),
    "One token attracts all": tuple((0.3, 0.8, 0.3, 0.3) for _ in FRAME_WORD),
    "Even": tuple((0.5, 0.5, 0.5, 0.5) for _ in FRAME_WORD),
    "Reversed": (
        (0.2, 0.2, 0.3, 0.8),
        (0.2, 0.2, 0.6, 0.7),
        (0.2, 0.3, 0.8, 0.4),
        (0.3, 0.3, 0.7, 0.3),
        (0.3, 0.8, 0.3, 0.2),
        (0.7, 0.4, 0.2, 0.2),
        (0.8, 0.3, 0.2, 0.2),
        (0.4, 0.4, 0.4, 0.4),
    ),
}
"""Cosines of eight frames (rows) with four tokens; the last frame is silence."""


@dataclass(frozen=True)
class WorkedExample:
    """Every intermediate number of the score.

    Parameters
    ----------
    shares : softmax over tokens, (frames, tokens)
    mass, uniform : m and u of each frame; None for a frame without a word
    path : token index of each frame on the monotone path
    mean_mass, mean_uniform : over the frames that have a word
    scores, baselines : by the names of `alas_core.definitions.SCORES`
    """

    shares: tuple[tuple[float, ...], ...]
    mass: tuple[float | None, ...]
    uniform: tuple[float | None, ...]
    path: tuple[int, ...]
    mean_mass: float
    mean_uniform: float
    scores: dict[str, float]
    baselines: dict[str, float]


def work_out(cosines: Sequence[Sequence[float]], temperature: float = 0.1) -> WorkedExample:
    """Score one tiny similarity matrix.

    Parameters
    ----------
    cosines : len(FRAME_WORD) rows of len(TOKENS) numbers in [-1, 1]
    temperature : divisor of the cosines before the softmax over tokens

    Raises
    ------
    InputError
        If the shape is another, or a number lies outside [-1, 1].
    """
    similarity = np.asarray([list(row) for row in cosines], dtype=np.float32)
    shape = len(FRAME_WORD), len(TOKENS)
    if similarity.shape != shape or not (np.abs(similarity) <= 1).all():
        raise InputError(
            f"the matrix has shape {similarity.shape} and values up to "
            f"{np.abs(similarity).max(initial=0):.3g}, expected {shape} and cosines from -1 to 1; "
            "choose one of the examples to start again"
        )
    return _work_out(similarity[None], temperature)


def _work_out(similarity: np.ndarray, temperature: float) -> WorkedExample:
    from alas_core.alignment import masked_mean, own_mass
    from alas_core.paths import monotonic_paths
    from alas_core.scores import score_alignment

    alignment = _alignment(similarity)
    paths = monotonic_paths(similarity)
    found = score_alignment(alignment, paths, temperature)
    mass, uniform, counted = own_mass(alignment, temperature), alignment.uniform, alignment.counted
    shares = [own_mass(_reading(alignment, token), temperature)[0] for token in range(len(TOKENS))]
    return WorkedExample(
        shares=tuple(tuple(map(float, row)) for row in np.stack(shares, axis=1)),
        mass=_where_word(mass[0]),
        uniform=_where_word(uniform[0]),
        path=tuple(map(int, paths[0])),
        mean_mass=float(masked_mean(mass, counted)[0]),
        mean_uniform=float(masked_mean(uniform, counted)[0]),
        scores={name: float(values[0]) for name, values in found.scores.items()},
        baselines={name: float(values[0]) for name, values in found.baselines.items()},
    )


def _alignment(similarity: np.ndarray) -> Alignment:
    from alas_core.alignment import Alignment

    _, frames, tokens = similarity.shape
    starts = np.arange(frames) * 0.04
    return Alignment(
        similarity=similarity,
        frame_word=np.asarray(FRAME_WORD),
        token_word=np.asarray(TOKEN_WORD),
        onsets_s=np.asarray([starts[FRAME_WORD.index(word)] for word in range(len(WORDS))]),
        frame_starts_s=starts,
        frame_valid=np.ones((1, frames), bool),
        token_valid=np.ones((1, tokens), bool),
    )


def _reading(alignment: Alignment, token: int) -> Alignment:
    """The same map as if each token were a word and every frame spoke this one."""
    return replace(
        alignment,
        frame_word=np.full(len(alignment.frame_word), token),
        token_word=np.arange(len(TOKENS)),
        onsets_s=np.zeros(len(TOKENS)),
    )


def _where_word(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(
        None if word == NO_WORD else float(value)
        for word, value in zip(FRAME_WORD, values, strict=True)
    )
