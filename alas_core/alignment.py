"""Similarity maps with the reference they are scored against, and the primitives of scoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from alas_core.errors import InputError
from alas_core.similarity import word_mass
from alas_core.types import NO_WORD, BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Alignment:
    """The similarity maps with the reference they are scored against.

    similarity (n_layers+1, n_frames, n_tokens) float32; frame_word (n_frames,), token_word
    (n_tokens,): index of a word or -1; onsets_s (n_words,), nan where not placed;
    frame_starts_s (n_frames,); frame_valid, token_valid: positions that take part at each layer.
    """

    similarity: FloatArray
    frame_word: IntArray
    token_word: IntArray
    onsets_s: FloatArray
    frame_starts_s: FloatArray
    frame_valid: BoolArray
    token_valid: BoolArray

    def __post_init__(self) -> None:
        layers, frames, tokens = self.similarity.shape
        if self.frame_word.shape != (frames,) or self.token_word.shape != (tokens,):
            raise InputError(
                f"frame_word {self.frame_word.shape} and token_word {self.token_word.shape} do not "
                f"match similarity {self.similarity.shape}; expected ({frames},) and ({tokens},)"
            )
        if not (self.frame_word != NO_WORD).any():
            raise InputError(
                "no frame has a word, expected at least one; the reference placed no word in the "
                "audio: check that transcript and audio belong together, or give your own alignment"
            )

    @property
    def n_words(self) -> int:
        return len(self.onsets_s)

    @property
    def counted(self) -> BoolArray:
        """F at each layer: frames that have a word and take part (n_layers+1, n_frames)."""
        result: BoolArray = (self.frame_word != NO_WORD)[None, :] & self.frame_valid
        return result


def uniform_share(alignment: Alignment) -> FloatArray:
    """u: what an even spread gives the word of each frame.

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_frames), float32]; 0 at frames without a word
    """
    word_tokens = alignment.token_word[:, None] == np.arange(alignment.n_words)[None, :]
    valid = alignment.token_valid.astype(np.float32)
    share = (valid @ word_tokens) / np.maximum(valid.sum(axis=1, keepdims=True), 1)
    result: FloatArray = _of_own_word(
        np.broadcast_to(share[:, None, :], (*alignment.counted.shape, alignment.n_words)),
        alignment.frame_word,
    )
    return result


def _of_own_word(per_word: FloatArray, frame_word: IntArray) -> FloatArray:
    """Pick each frame's own word from (layers, frames, words); 0 where it has none."""
    own = np.maximum(frame_word, 0)
    picked = np.take_along_axis(per_word, own[None, :, None], axis=2)[:, :, 0]
    return np.where(frame_word[None, :] == NO_WORD, 0, picked).astype(np.float32)


def own_mass(alignment: Alignment, temperature: float) -> FloatArray:
    """m: the softmax mass of each frame on its own word: (n_layers + 1, n_frames) float32."""
    mass = word_mass(
        torch.from_numpy(np.ascontiguousarray(alignment.similarity, dtype=np.float32)),
        torch.from_numpy(alignment.token_word.astype(np.int64)),
        alignment.n_words,
        temperature=temperature,
        token_valid=torch.from_numpy(alignment.token_valid),
    ).numpy()
    return _of_own_word(mass, alignment.frame_word)


def calibrate(mass: FloatArray, uniform: FloatArray) -> FloatArray:
    """(m - u) / (1 - u): 0 for an even spread, 1 for all mass; 0 where u is 1 (one word only)."""
    room = 1.0 - uniform
    result: FloatArray = np.where(room > 1e-6, (mass - uniform) / np.maximum(room, 1e-6), 0.0)
    return result.astype(np.float32)


def masked_mean(values: FloatArray, where: BoolArray) -> FloatArray:
    """Mean over the last axis where True; nan where nothing is."""
    count = where.sum(axis=-1)
    total = np.where(where, values, 0).sum(axis=-1, dtype=np.float64)
    result: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result.astype(np.float32)
