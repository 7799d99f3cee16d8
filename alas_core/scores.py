"""The scores: each per layer, with the line it would have without any binding.

`alas_core.definitions.SCORES` names, defines and sources every one; `score_alignment` computes
those that need only the similarity maps and the reference (the geometric ones are in
`alas_core.geometry`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from alas_core.alignment import Alignment, calibrate, masked_mean, own_mass
from alas_core.definitions import SCORES, Score
from alas_core.paths import diagonal_path
from alas_core.types import NO_WORD, BoolArray, FloatArray, IntArray

__all__ = ["SCORES", "Alignment", "AlignmentScores", "Score", "layer_scores", "score_alignment"]


@dataclass(frozen=True)
class AlignmentScores:
    """What `score_alignment` returns; shapes as in `alas_core.types.Analysis`."""

    scores: dict[str, FloatArray]
    baselines: dict[str, FloatArray]
    words: dict[str, FloatArray]
    frames: dict[str, FloatArray]
    tokens: dict[str, FloatArray]


def layer_scores(
    similarity: FloatArray, frame_word: IntArray, token_word: IntArray, temperature: float = 0.1
) -> FloatArray:
    """ALAS: calibrated share of similarity mass on the spoken word, one number a layer.

    Parameters
    ----------
    similarity : np.ndarray [shape=(n_layers + 1, n_frames, n_tokens), float32], in [-1, 1]
    frame_word : np.ndarray [shape=(n_frames,)], the word of each frame, -1 for none
    token_word : np.ndarray [shape=(n_tokens,)], the word of each token, -1 for none
    temperature : divisor of the cosines before the softmax over tokens

    Returns
    -------
    np.ndarray [shape=(n_layers + 1,), float32]
        0 for a uniform map, 1 when all mass is on the spoken word, below 0 when worse than uniform.

    Raises
    ------
    InputError
        If shapes disagree, or no frame has a word.

    References
    ----------
    arXiv:2505.19937; the normalisation is ours (see the Method page).
    """
    layers, frames, tokens = similarity.shape
    n_words = int(max(frame_word.max(initial=0), token_word.max(initial=0))) + 1
    alignment = Alignment(
        similarity,
        frame_word,
        token_word,
        np.full(n_words, np.nan),
        np.zeros(frames),
        np.ones((layers, frames), bool),
        np.ones((layers, tokens), bool),
    )
    counted = alignment.counted
    mass, uniform = own_mass(alignment, temperature), alignment.uniform
    return calibrate(masked_mean(mass, counted), masked_mean(uniform, counted))


def score_alignment(
    alignment: Alignment, paths: IntArray | None, temperature: float
) -> AlignmentScores:
    """Every score that needs only maps and reference, with baselines and per-word detail.

    Parameters
    ----------
    alignment : maps and reference
    paths : np.ndarray [shape=(n_layers + 1, n_frames)] from `alas_core.paths`, or None if there is
        no such path (fewer frames than tokens): then the path scores are nan
    temperature : see `layer_scores`
    """
    mass = own_mass(alignment, temperature)
    uniform = alignment.uniform
    counted = alignment.counted
    hits = _hits(alignment)
    result = AlignmentScores({}, {}, {}, {}, {})
    _add_mass_scores(result, mass, uniform, hits, counted)
    _add_cosine_scores(result, alignment)
    _add_path_scores(result, alignment, paths)
    _add_word_detail(result, alignment, mass, uniform, hits)
    return result


def _hits(alignment: Alignment) -> FloatArray:
    """1 where a frame's nearest token lies in its word (n_layers + 1, n_frames)."""
    allowed = np.where(alignment.token_valid[:, None, :], alignment.similarity, -np.inf)
    nearest = alignment.token_word[allowed.argmax(axis=2)]
    hits: FloatArray = (nearest == alignment.frame_word[None, :]).astype(np.float32)
    return hits


def _add_mass_scores(
    result: AlignmentScores,
    mass: FloatArray,
    uniform: FloatArray,
    hits: FloatArray,
    counted: BoolArray,
) -> None:
    mean_mass, mean_uniform = masked_mean(mass, counted), masked_mean(uniform, counted)
    zero = np.zeros_like(mean_mass)
    result.scores["alas"] = calibrate(mean_mass, mean_uniform)
    result.baselines["alas"] = zero
    result.scores["hit_rate"] = masked_mean(hits, counted)
    result.baselines["hit_rate"] = mean_uniform
    result.scores["lift"] = mean_mass / np.maximum(mean_uniform, 1e-9)
    result.baselines["lift"] = zero + 1
    result.frames["alas"] = np.where(counted, mass - uniform, np.nan).astype(np.float32)
    result.frames["hit_rate"] = np.where(counted, hits, np.nan).astype(np.float32)


def _add_cosine_scores(result: AlignmentScores, alignment: Alignment) -> None:
    similarity, counted = alignment.similarity, alignment.counted
    token_valid = alignment.token_valid[:, None, :]
    own = (alignment.frame_word[:, None] == alignment.token_word[None, :])[None] & token_valid
    on = masked_mean(masked_mean(similarity, own), counted & own.any(axis=2))
    other = ~own & token_valid
    off = masked_mean(masked_mean(similarity, other), counted & other.any(axis=2))
    result.scores["on_path_cosine"], result.baselines["on_path_cosine"] = on, off
    result.scores["contrast"], result.baselines["contrast"] = on - off, np.zeros_like(on)
    allowed = np.where(alignment.frame_valid[:, :, None], similarity, -np.inf)
    result.scores["aps"] = masked_mean(allowed.max(axis=1), alignment.token_valid)
    result.baselines["aps"] = np.full_like(on, np.nan)
    result.scores["aps_order"] = _rank_correlation(allowed.argmax(axis=1), alignment.token_valid)
    result.baselines["aps_order"] = np.zeros_like(on)


def _rank_correlation(best_frame: IntArray, valid: BoolArray) -> FloatArray:
    """Spearman of the valid tokens' index and best frame, one a layer; nan for one token."""
    pairs = (best_frame, np.broadcast_to(np.arange(best_frame.shape[1]), best_frame.shape))
    ranks, order = (
        stats.rankdata(np.where(valid, values, np.nan), axis=1, nan_policy="omit")
        for values in pairs
    )
    count = np.maximum(valid.sum(axis=1, keepdims=True), 1)
    ranks, order = (
        np.where(valid, values - np.nansum(values, axis=1, keepdims=True) / count, 0)
        for values in (ranks, order)
    )
    scale = np.sqrt((ranks**2).sum(axis=1) * (order**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        result: FloatArray = np.where(scale > 0, (ranks * order).sum(axis=1) / scale, np.nan)
    return result.astype(np.float32)


def _add_path_scores(result: AlignmentScores, alignment: Alignment, paths: IntArray | None) -> None:
    layers, n_frames, n_tokens = alignment.similarity.shape
    straight = diagonal_path(n_frames, n_tokens)[None, :]
    base = _path_rows(alignment, np.repeat(straight, layers, axis=0))
    rows = base if paths is None else _path_rows(alignment, paths)
    for name in ("path_accuracy", "path_l1", "onset_error_ms"):
        result.scores[name] = np.full(layers, np.nan, np.float32) if paths is None else rows[name]
        result.baselines[name] = base[name]
    if paths is not None:
        result.frames["path_hit"] = rows["path_hit"]
        result.words["onset_shift_ms"] = rows["onset_shift_ms"]


def _path_rows(alignment: Alignment, paths: IntArray) -> dict[str, FloatArray]:
    path_word = alignment.token_word[paths]
    frame_word = alignment.frame_word[None, :]
    hit = path_word == frame_word
    # |W - P| summed over words is 2 where both name different words, 1 where only one names any.
    differ = (frame_word != NO_WORD).astype(int) + (path_word != NO_WORD)
    apart = np.where(hit, 0, differ).mean(axis=1) / max(1, alignment.n_words)
    shift = _onset_shifts(alignment, path_word)
    return {
        "path_accuracy": masked_mean(hit, alignment.counted),
        "path_l1": apart.astype(np.float32),
        "onset_error_ms": masked_mean(np.abs(shift), np.isfinite(shift)),
        "path_hit": np.where(alignment.counted, hit, np.nan).astype(np.float32),
        "onset_shift_ms": shift,
    }


def _onset_shifts(alignment: Alignment, path_word: IntArray) -> FloatArray:
    """First frame of each word on the path minus its reference onset, ms; nan if either lacks.

    And nan for the word that the path begins with: it does so at frame 0 whatever it has seen.
    """
    on_word = path_word[:, :, None] == np.arange(alignment.n_words)[None, None, :]
    on_word &= ~on_word[:, :1]
    first = alignment.frame_starts_s[on_word.argmax(axis=1)]
    shift = 1000 * (first - alignment.onsets_s[None, :])
    return np.where(on_word.any(axis=1), shift, np.nan).astype(np.float32)


def _add_word_detail(
    result: AlignmentScores,
    alignment: Alignment,
    mass: FloatArray,
    uniform: FloatArray,
    hits: FloatArray,
) -> None:
    of_word = alignment.frame_word[None, :] == np.arange(alignment.n_words)[:, None]
    per_word = alignment.counted[:, None, :] & of_word[None]
    means = [masked_mean(values[:, None, :], per_word) for values in (mass, uniform, hits)]
    result.words["alas"] = calibrate(means[0], means[1])
    result.words["hit_rate"] = means[2]
    for name in ("alas", "hit_rate"):
        word_values = result.words[name]
        own = np.where(alignment.token_word == NO_WORD, 0, alignment.token_word)
        picked = np.where(alignment.token_word == NO_WORD, np.nan, word_values[:, own])
        result.tokens[name] = picked.astype(np.float32)
    result.tokens["hit_rate"] = _token_hit_rate(alignment)


def _token_hit_rate(alignment: Alignment) -> FloatArray:
    """Share of its word's frames whose nearest token is this very token (n_layers+1, n_tokens)."""
    allowed = np.where(alignment.token_valid[:, None, :], alignment.similarity, -np.inf)
    n_tokens = alignment.similarity.shape[2]
    nearest = allowed.argmax(axis=2)[:, :, None] == np.arange(n_tokens)[None, None, :]
    own = alignment.frame_word[:, None] == alignment.token_word[None, :]
    own &= (alignment.token_word != NO_WORD)[None, :]
    where = own[None] & alignment.counted[:, :, None]
    return masked_mean(nearest.transpose(0, 2, 1).astype(np.float32), where.transpose(0, 2, 1))
