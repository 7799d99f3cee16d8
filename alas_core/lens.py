"""The vocabulary read-out: what each state would say, were it the last one.

Computed where the states live, a bounded number of rows at a time: a whole vocabulary of logits
never exists for more than a few hundred positions, and only the first tokens leave the device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from alas_core.models.protocol import Head
from alas_core.readout import TOP, Lens
from alas_core.similarity import check_states
from alas_core.types import NO_WORD, FloatArray, IntArray

_CHUNK_BYTES = 256 * 2**20
_BYTES_A_LOGIT = 16
"""Logits in the model's dtype and in float32, their exponentials, and a comparison."""

_ROWS = 4096
"""Rows of the vocabulary that are copied to float32 at a time: all of them would be gigabytes."""


@dataclass(frozen=True)
class Targets:
    """The tokens that name each position's word, and the word after it.

    own, following : torch.Tensor [shape=(n_positions, widest), int64], padded with -1
    """

    own: torch.Tensor
    following: torch.Tensor


@dataclass(frozen=True)
class LayerReading:
    """One layer's part of a `Lens`; `tops` are ids of the model's vocabulary."""

    tops: IntArray
    values: FloatArray
    own_value: FloatArray
    own_rank: IntArray
    next_rank: IntArray


def targets(
    head: Head, words: Sequence[str], frame_word: IntArray, token_word: IntArray
) -> Targets:
    """The tokens that name each position's word: frames first, then the transcript's tokens.

    Parameters
    ----------
    words : the words of the transcript
    frame_word, token_word : np.ndarray [shape=(positions,)], index into `words` or -1
    """
    spelled = [head.spellings(word) for word in words]
    position_word = np.concatenate([frame_word, token_word]).astype(np.int64)
    next_word = np.where(position_word == NO_WORD, NO_WORD, position_word + 1)
    next_word[next_word >= len(words)] = NO_WORD
    table = torch.full((len(words) + 1, max(map(len, spelled), default=0) or 1), -1)
    for index, ids in enumerate(spelled):
        table[index, : len(ids)] = torch.tensor(ids, dtype=torch.int64)
    # NO_WORD is -1: the last row, which names nothing.
    own, following = (table[torch.from_numpy(w)] for w in (position_word, next_word))
    return Targets(own, following)


def read_layers(
    head: Head,
    frames: torch.Tensor,
    tokens: torch.Tensor,
    wanted: Targets,
    *,
    last_is_normed: bool = False,
) -> Iterator[LayerReading]:
    """Read the states of two runs, one layer at a time.

    Parameters
    ----------
    head : of the model that made the states
    frames, tokens : torch.Tensor [shape=(n_layers + 1, positions, d_model)]
    wanted : from `targets`
    last_is_normed : the last layer's states have passed the final norm already

    Yields
    ------
    LayerReading
        Layer 0 by nearest input embeddings (cosines), every other by the logit lens.

    References
    ----------
    arXiv:2506.05140; arXiv:2510.02569.
    """
    check_states(frames, tokens)
    n_layers = frames.shape[0] - 1
    rows = max(1, _CHUNK_BYTES // (_BYTES_A_LOGIT * head.embedding.shape[0]))
    lengths = _row_norms(head.embedding)
    for layer in range(n_layers + 1):
        states = torch.cat([frames[layer], tokens[layer]])
        parts = []
        for start in range(0, len(states), rows):
            part = slice(start, start + rows)
            if layer == 0:
                scores = _cosines(states[part], head.embedding, lengths)
            else:
                done = last_is_normed and layer == n_layers
                scores = head.project(states[part] if done else head.norm(states[part]))
            picked = (wanted.own[part], wanted.following[part])
            parts.append(_read(scores, *picked, probabilities=layer > 0))
            del scores
        yield LayerReading(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def make_lens(head: Head, readings: Sequence[LayerReading]) -> Lens:
    """Put the layers together; each token that occurs is written out once."""
    tops = np.stack([reading.tops for reading in readings])
    ids, index = np.unique(tops, return_inverse=True)
    return Lens(
        vocabulary=tuple(head.texts(ids.tolist())),
        vocabulary_ids=ids.astype(np.uint32),
        tops=index.reshape(tops.shape).astype(np.uint32),
        values=np.stack([reading.values for reading in readings]).astype(np.float16),
        own_value=np.stack([reading.own_value for reading in readings]).astype(np.float16),
        own_rank=np.stack([reading.own_rank for reading in readings]).astype(np.uint32),
        next_rank=np.stack([reading.next_rank for reading in readings]).astype(np.uint32),
    )


def _row_norms(embedding: torch.Tensor) -> torch.Tensor:
    """Float32 length of each row."""
    parts = [part.float().norm(dim=1) for part in torch.split(embedding, _ROWS)]
    return torch.cat(parts).clamp_min(1e-12)


def _cosines(states: torch.Tensor, embedding: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """In float32 whatever the model's dtype: in bfloat16, tokens by the hundred would tie."""
    unit = torch.nn.functional.normalize(states.float(), dim=-1)
    parts = [unit @ part.float().T for part in torch.split(embedding, _ROWS)]
    return torch.cat(parts, dim=1).div_(lengths).clamp_(-1.0, 1.0)


def _read(
    scores: torch.Tensor, own: torch.Tensor, following: torch.Tensor, *, probabilities: bool
) -> tuple[FloatArray | IntArray, ...]:
    """First tokens, and value and rank of those wanted, of (positions, n_vocabulary) scores."""
    best, tops = scores.topk(min(TOP, scores.shape[1]), dim=-1)
    own_scores = _picked(scores, own)
    if probabilities:
        total = scores.logsumexp(dim=-1, keepdim=True)
        values = (best - total).exp()
        own_value = (own_scores - total).exp().sum(dim=-1)
    else:
        values, own_value = best, own_scores.amax(dim=-1)
    nobody = (own < 0).all(dim=-1).to(own_value.device)
    own_value = own_value.masked_fill(nobody, torch.nan)
    ranks = (
        _rank(scores, own_scores, _among(tops, own)),
        _rank(scores, _picked(scores, following), _among(tops, following)),
    )
    return tuple(array.cpu().numpy() for array in (tops, values, own_value, *ranks))


def _picked(scores: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The scores of ids (positions, n); minus infinity where the id is -1."""
    ids = ids.to(scores.device)
    return scores.gather(1, ids.clamp_min(0)).masked_fill(ids < 0, -torch.inf)


def _among(tops: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Whether the first of the tops is one of the ids."""
    return (tops[:, :1] == ids.to(tops.device)).any(dim=-1)


def _rank(scores: torch.Tensor, picked: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Rank of the best picked score among all; 1 only where it is the `first` that is shown.

    In bfloat16 several tokens tie at the top, and a word is not read where another is shown.
    Where nothing is picked: 0.
    """
    best = picked.amax(dim=-1, keepdim=True)
    above = (scores > best).sum(dim=-1)
    tied = (above == 0) & ~first
    return torch.where(best[:, 0].isfinite(), above + 1 + tied.long(), 0)
