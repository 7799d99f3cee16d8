"""What ALAS would be without these words: wrong transcripts, and words permuted in place."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from scipy import stats

from alas_core.alignment import (
    Alignment,
    calibrate,
    masked_mean,
    uniform_share,
    word_shares,
)
from alas_core.errors import InputError
from alas_core.similarity import cosine_maps, word_mass
from alas_core.sinks import valid_positions
from alas_core.types import FloatArray, IntArray, Null, Settings
from alas_core.words import split_words

BAND = (0.025, 0.975)
"""Quantiles of the null shown as its band."""
ROUNDING = 1e-5
"""A sample that is the score itself, computed another way, differs from it by less than this."""


def wrong_transcripts(
    transcript: str, pool: Sequence[str], n: int, seed: int = 0
) -> tuple[str, ...]:
    """Other sentences, cut to the transcript's number of words.

    A sentence that is too short is continued with the next ones. What is the right words once it is
    cut, or a sentence drawn before, is left out: it would be no wrong one, or count twice.

    Parameters
    ----------
    transcript : the right words
    pool : sentences to draw from, without replacement
    n : how many at most; fewer where the pool has fewer that differ
    seed : of the draw

    Raises
    ------
    InputError
        If the pool holds no other sentence with a word in it.
    """
    right = _folded(transcript)
    others = [text for text in dict.fromkeys(pool) if _folded(text)]
    taken: dict[tuple[str, ...], str] = {right: transcript}
    for start in random.Random(seed).sample(range(len(others)), len(others)):
        if len(taken) > n:
            break
        sentence = _cut(others, start, len(right))
        taken.setdefault(_folded(sentence), sentence)
    wrong = tuple(taken.values())[1:]
    if not wrong and n:
        raise InputError(
            f"the pool of wrong transcripts holds {len(pool)} sentences but none that differs "
            "from the transcript, expected at least one; give other sentences or set the number "
            "of wrong transcripts to 0"
        )
    return wrong


@lru_cache(maxsize=4096)  # a run draws from the same sentences for each utterance
def _folded(text: str) -> tuple[str, ...]:
    return tuple(word.word.casefold() for word in split_words(text))


def _cut(sentences: Sequence[str], start: int, n_words: int) -> str:
    words: list[str] = []
    index = start
    while len(words) < n_words:
        words += [word.word for word in split_words(sentences[index % len(sentences)])]
        index += 1
    return " ".join(words[:n_words])


def null_scores(
    frames: torch.Tensor,
    texts: Iterable[tuple[torch.Tensor, IntArray]],
    alignment: Alignment,
    settings: Settings,
) -> Iterator[FloatArray]:
    """ALAS of the same audio against each wrong transcript, one at a time, on the device.

    The w-th word of a wrong transcript takes the interval of the w-th right word.

    Parameters
    ----------
    frames : torch.Tensor [shape=(n_layers + 1, n_frames, d_model)], the audio run's states
    texts : pairs of a wrong transcript's states (n_layers + 1, n_tokens, d_model) and its
        token_word (n_tokens,)
    alignment : of the right transcript; its frame_word and frame_valid are used
    settings : temperature, centering and mask_sinks, as for the score itself

    Yields
    ------
    np.ndarray [shape=(n_layers + 1,), float32]
    """
    own = torch.from_numpy(np.maximum(alignment.frame_word, 0).astype(np.int64)).to(frames.device)
    counted = alignment.counted
    for states, token_word in texts:
        similarity = cosine_maps(frames, states, centering=settings.centering)
        norms = torch.linalg.vector_norm(states, dim=-1, dtype=torch.float32).cpu().numpy()
        valid = valid_positions(norms, settings.mask_sinks)
        mass = word_mass(
            similarity,
            torch.from_numpy(token_word.astype(np.int64)).to(frames.device),
            alignment.n_words,
            temperature=settings.temperature,
            token_valid=torch.from_numpy(valid).to(frames.device),
        )
        picked = mass.gather(2, own[None, :, None].expand(mass.shape[0], -1, 1))[:, :, 0]
        uniform = uniform_share(alignment.frame_word, token_word, valid, alignment.n_words)
        yield calibrate(masked_mean(picked.cpu().numpy(), counted), masked_mean(uniform, counted))


def permuted_words(
    alignment: Alignment, *, temperature: float, n_permutations: int, seed: int = 0
) -> FloatArray:
    """ALAS with the words permuted over their own intervals: the quick null, no extra pass.

    Returns
    -------
    np.ndarray [shape=(n_permutations, n_layers + 1), float32]
    """
    words = torch.from_numpy(alignment.token_word.astype(np.int64))
    mass = word_mass(
        torch.from_numpy(np.ascontiguousarray(alignment.similarity, dtype=np.float32)),
        words,
        alignment.n_words,
        temperature=temperature,
        token_valid=torch.from_numpy(alignment.token_valid),
    ).numpy()
    spoken = np.unique(alignment.frame_word[alignment.counted.any(axis=0)])
    # Sums over the frames of each interval: a permutation then only picks among them.
    member = (alignment.frame_word[None, :] == spoken[:, None])[None] & alignment.counted[:, None]
    intervals = member.astype(np.float32) @ mass[:, :, spoken]
    shares = word_shares(alignment.token_word, alignment.token_valid, alignment.n_words)[:, spoken]
    sizes = member.sum(axis=2)
    total = np.maximum(sizes.sum(axis=1), 1)
    rng = np.random.default_rng(seed)
    rows = np.arange(len(spoken))
    samples = np.empty((n_permutations, len(total)), dtype=np.float32)
    for index in range(n_permutations):
        order = rng.permutation(len(spoken))
        mean_mass = intervals[:, rows, order].sum(axis=1) / total
        samples[index] = calibrate(mean_mass, (sizes * shares[:, order]).sum(axis=1) / total)
    return samples


def make_null(name: str, samples: FloatArray, score: FloatArray) -> Null:
    """Band and p values of a score under its null.

    Parameters
    ----------
    name : "wrong transcripts" or "permuted words"
    samples : np.ndarray [shape=(n_null, n_layers + 1)]
    score : np.ndarray [shape=(n_layers + 1,)]

    Returns
    -------
    Null
        p = (1 + number at or above the score) / (n_null + 1), 1 where the score is no number;
        `p_adjusted` after Benjamini and Hochberg (1995) over the layers. A sample counts as at
        the score from `ROUNDING` below it on.
    """
    low, high = np.quantile(samples, BAND, axis=0).astype(np.float32)
    # nan is below nothing, so it is no evidence
    above = (~(samples < score[None, :] - ROUNDING)).sum(axis=0)
    p = (1 + above) / (len(samples) + 1)
    adjusted = stats.false_discovery_control(p, method="bh")
    return Null(name, samples, low, high, p.astype(np.float32), adjusted.astype(np.float32))
