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
        _, frames, tokens = self.similarity.shape
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
    def uniform(self) -> FloatArray:
        """U at each layer and frame, see `uniform_share`."""
        return uniform_share(self.frame_word, self.token_word, self.token_valid, self.n_words)

    @property
    def counted(self) -> BoolArray:
        """F at each layer: frames that take part and whose word has a token that does.

        A word can lack one where a tokenizer writes two words (Chinese: two characters) in one.

        Returns
        -------
        np.ndarray [shape=(n_layers + 1, n_frames), bool]
        """
        result: BoolArray = (self.uniform > 0) & self.frame_valid
        return result


def uniform_share(
    frame_word: IntArray, token_word: IntArray, token_valid: BoolArray, n_words: int
) -> FloatArray:
    """u: what an even spread over the valid tokens gives the word of each frame.

    Parameters
    ----------
    frame_word : np.ndarray [shape=(n_frames,)]
    token_word : np.ndarray [shape=(n_tokens,)]
    token_valid : np.ndarray [shape=(n_layers + 1, n_tokens), bool]
    n_words : number of words

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_frames), float32]; 0 at frames without a word
    """
    shares = word_shares(token_word, token_valid, n_words)
    own = shares[:, np.maximum(frame_word, 0)]
    return np.where(frame_word[None, :] == NO_WORD, 0, own).astype(np.float32)


def word_shares(token_word: IntArray, token_valid: BoolArray, n_words: int) -> FloatArray:
    """Each word's share of the valid tokens: (n_layers + 1, n_words)."""
    member = token_word[:, None] == np.arange(n_words)[None, :]
    valid = token_valid.astype(np.float32)
    result: FloatArray = (valid @ member) / np.maximum(valid.sum(axis=1, keepdims=True), 1)
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
    """(m - u) / (1 - u): 0 for an even spread, 1 for all mass; nan where u is 1 (one word)."""
    room = 1.0 - uniform
    result: FloatArray = np.where(room <= 1e-6, np.nan, (mass - uniform) / np.maximum(room, 1e-6))
    return result.astype(np.float32)


def masked_mean(values: FloatArray, where: BoolArray) -> FloatArray:
    """Mean over the last axis where True; nan where nothing is.

    Parameters
    ----------
    values, where : np.ndarray [shape=(..., n)]

    Returns
    -------
    np.ndarray [shape=(...), float32], summed in float64
    """
    count = where.sum(axis=-1)
    total = np.where(where, values, 0).sum(axis=-1, dtype=np.float64)
    result: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return result.astype(np.float32)
