"""How the two modalities lie to each other in the model's space: gap, retrieval, CKA.

All of it reads hidden states, so all of it runs on the device; only small results leave.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alas_core.similarity import check_states, cosine_maps, exact_device, layer_chunks
from alas_core.types import FloatArray

N_NEIGHBOURS = 15
"""Neighbours that `neighbour_mixing` looks at, as in the literature on UMAP pictures."""

N_SHARED = 64
"""Dimensions of the space in which words of different utterances are compared."""

_MIN_WORDS_FOR_CKA = 4
"""The unbiased HSIC divides by n - 3."""


def pool_words(states: torch.Tensor, word_of: torch.Tensor, n_words: int) -> torch.Tensor:
    """Mean state of each word.

    Parameters
    ----------
    states : torch.Tensor [shape=(n_layers + 1, n_positions, d_model)]
    word_of : torch.Tensor [shape=(n_positions,), int64], -1 for no word

    Returns
    -------
    torch.Tensor [shape=(n_layers + 1, n_words, d_model), float32]; zero for a word without position
    """
    words = torch.arange(n_words, device=states.device)
    member = (words[:, None] == word_of[None, :]).float()
    weights = member / member.sum(dim=1, keepdim=True).clamp_min(1.0)
    size = 4 * states.shape[1] * states.shape[2]
    return torch.cat(
        [weights @ states[part].float() for part in layer_chunks(states.shape[0], size)]
    )


def shared_points(audio_words: torch.Tensor, text_words: torch.Tensor) -> torch.Tensor:
    """Words of all utterances of a model in one small space, so that they can share a map.

    Each mean state is scaled to unit length, so that distances are those of cosines, and multiplied
    by one fixed matrix of random normal numbers that depends on the width of the model alone.

    Parameters
    ----------
    audio_words, text_words : torch.Tensor [shape=(n_layers + 1, n_words, d_model)], from
        `pool_words`; all zero for a word without position

    Returns
    -------
    torch.Tensor [shape=(n_layers + 1, 2, n_words, N_SHARED), float32]
        Audio first; nan for a word without position.

    References
    ----------
    Johnson and Lindenstrauss 1984: squared distances keep their value up to a relative error of
    about sqrt(2 / N_SHARED), one standard deviation.
    """
    d_model = audio_words.shape[-1]
    generator = torch.Generator().manual_seed(d_model)
    directions = torch.randn(d_model, N_SHARED, generator=generator) / N_SHARED**0.5
    directions = directions.to(audio_words.device)
    sides = []
    for words in (audio_words, text_words):
        length = torch.linalg.vector_norm(words, dim=-1, keepdim=True, dtype=torch.float32)
        # The lengths divide the small points: scaling the states first would copy them.
        sides.append((words.float() @ directions) / length)
    return torch.stack(sides, dim=1)


def word_retrieval(
    audio_words: torch.Tensor, text_words: torch.Tensor, names: Sequence[str]
) -> tuple[FloatArray, float]:
    """Top-1 retrieval of a word's text by its sound and back, averaged over both ways.

    Parameters
    ----------
    audio_words, text_words : torch.Tensor [shape=(n_layers + 1, n_words, d_model)]
    names : the words; repeats of one word count as hits

    Returns
    -------
    rate : np.ndarray [shape=(n_layers + 1,), float32]
    chance : share of hits of a blind guess (1 / n_words without repeats)
    """
    cosine = cosine_maps(audio_words, text_words)
    _, codes = np.unique([name.casefold() for name in names], return_inverse=True)
    same = torch.as_tensor(codes[:, None] == codes[None, :], device=cosine.device)
    index = torch.arange(len(names), device=cosine.device)
    to_text = same[index, cosine.argmax(dim=2)].float().mean(dim=1)
    to_audio = same[index, cosine.argmax(dim=1)].float().mean(dim=1)
    rate: FloatArray = ((to_text + to_audio) / 2).cpu().numpy().astype(np.float32)
    return rate, float(same.float().mean())


def cka(audio_words: torch.Tensor, text_words: torch.Tensor) -> FloatArray:
    """Debiased linear CKA of word vectors, audio at the row's layer, text at the column's.

    Parameters
    ----------
    audio_words, text_words : torch.Tensor [shape=(n_layers + 1, n_words, d_model)]

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_layers + 1), float32]; all nan below four words

    References
    ----------
    Song et al. 2012 (unbiased HSIC); arXiv:2603.01502 for its use on speech and text (the
    variant used there is not known here).
    """
    n_layers, n_words, _ = audio_words.shape
    if n_words < _MIN_WORDS_FOR_CKA:
        return np.full((n_layers, n_layers), np.nan, dtype=np.float32)
    audio, text = _off_diagonal_gram(audio_words), _off_diagonal_gram(text_words)
    cross = _unbiased_hsic(audio, text)
    scale = torch.outer(*(_unbiased_hsic(side, side).diagonal() for side in (audio, text)))
    result: FloatArray = (cross / scale.clamp_min(1e-12).sqrt()).cpu().numpy().astype(np.float32)
    return result


def _off_diagonal_gram(words: torch.Tensor) -> torch.Tensor:
    grams = []
    for part in layer_chunks(words.shape[0], 16 * words.shape[1] * words.shape[2]):
        exact = words[part].to(exact_device(words.device)).double()
        # Centring does not change CKA but keeps the sums small next to their differences.
        exact = exact - exact.mean(dim=1, keepdim=True)
        grams.append(exact @ exact.transpose(1, 2))
    gram = torch.cat(grams)
    # CKA has no scale, its quotient's smallest divisor has one.
    gram = gram / gram.abs().amax(dim=(1, 2), keepdim=True).clamp_min(torch.finfo(gram.dtype).tiny)
    return gram - torch.diag_embed(torch.diagonal(gram, dim1=1, dim2=2))


def _unbiased_hsic(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Of each of `left` (layers, n, n) with each of `right`: (layers, layers)."""
    n = left.shape[-1]
    trace = left.flatten(1) @ right.flatten(1).T
    one, other = left.sum(dim=-1), right.sum(dim=-1)
    sums = torch.outer(one.sum(dim=-1), other.sum(dim=-1)) / ((n - 1) * (n - 2))
    return (trace + sums - one @ other.T * 2 / (n - 2)) / (n * (n - 3))


def layer_correlation(frames: torch.Tensor, tokens: torch.Tensor) -> FloatArray:
    """Pearson correlation of the mean audio vector (row's layer) and text vector (column's).

    Parameters
    ----------
    frames, tokens : torch.Tensor [shape=(n_layers + 1, positions, d_model)]

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_layers + 1), float32]
    """
    audio, text = (
        _standardise(states.mean(dim=1, dtype=torch.float32)) for states in (frames, tokens)
    )
    result: FloatArray = (audio @ text.T / audio.shape[1]).cpu().numpy().astype(np.float32)
    return result


def _standardise(vectors: torch.Tensor) -> torch.Tensor:
    centred = vectors - vectors.mean(dim=-1, keepdim=True)
    return centred / centred.std(dim=-1, correction=0, keepdim=True).clamp_min(1e-12)


def modality_gap(
    frames: torch.Tensor, tokens: torch.Tensor
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """The distance between the clouds of frames and tokens, in four numbers a layer.

    Parameters
    ----------
    frames, tokens : torch.Tensor [shape=(n_layers + 1, positions, d_model)]

    Returns
    -------
    scores : name -> np.ndarray [shape=(n_layers + 1,)]: `centroid_cosine`, `norm_ratio` (audio over
        text), `modality_variance` (share of total variance between the two centroids),
        `neighbour_mixing` (share of other-modality points among the 15 nearest neighbours)
    baselines : name -> the same shape: what two identical clouds would give

    References
    ----------
    arXiv:2510.12116.
    """
    check_states(frames, tokens)
    n_layers, n_frames, n_tokens = frames.shape[0], frames.shape[1], tokens.shape[1]
    rows = [
        _gap_rows(frames[part].float(), tokens[part].float())
        for part in layer_chunks(n_layers, 8 * (n_frames + n_tokens) * frames.shape[2])
    ]
    values = torch.cat(rows, dim=1).cpu().numpy().astype(np.float32)
    names = ("centroid_cosine", "norm_ratio", "modality_variance", "neighbour_mixing")
    total = n_frames + n_tokens
    mixed = 2 * n_frames * n_tokens / (total * max(1, total - 1))
    ones = np.ones(n_layers, dtype=np.float32)
    baselines = (ones, ones, 0 * ones, mixed * ones)
    return dict(zip(names, values, strict=True)), dict(zip(names, baselines, strict=True))


def _gap_rows(audio: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
    """The four numbers for a few layers: (4, layers)."""
    audio_mean, text_mean = audio.mean(dim=1), text.mean(dim=1)
    cosine = torch.nn.functional.cosine_similarity(audio_mean, text_mean, dim=-1)
    ratio = audio.norm(dim=-1).mean(dim=1) / text.norm(dim=-1).mean(dim=1).clamp_min(1e-12)
    both = torch.cat([audio, text], dim=1)
    n_frames, n_tokens = audio.shape[1], text.shape[1]
    between = (audio_mean - text_mean).square().sum(dim=-1) * n_frames * n_tokens / both.shape[1]
    centred = both - both.mean(dim=1, keepdim=True)
    total = torch.linalg.vector_norm(centred, dim=(1, 2)).square().clamp_min(1e-12)
    return torch.stack([cosine, ratio, between / total, _mixing(both, n_frames)])


def _mixing(both: torch.Tensor, n_frames: int) -> torch.Tensor:
    distance = torch.cdist(both, both)
    distance.diagonal(dim1=1, dim2=2).fill_(float("inf"))
    neighbours = min(N_NEIGHBOURS, both.shape[1] - 1)
    nearest = distance.topk(neighbours, dim=-1, largest=False).indices
    is_text = torch.arange(both.shape[1], device=both.device) >= n_frames
    return (is_text[nearest] != is_text[None, :, None]).float().mean(dim=(1, 2))


def state_norms(frames: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Euclidean norm of each state, frames first: (n_layers + 1, n_frames + n_tokens) float32."""
    norms = [torch.linalg.vector_norm(s, dim=-1, dtype=torch.float32) for s in (frames, tokens)]
    return torch.cat(norms, dim=1)
