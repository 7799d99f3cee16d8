"""Cosine maps of two runs' hidden states, all layers at once, and what is read off them.

These run where the hidden states live; only their small results leave the device.
"""

from __future__ import annotations

import torch

from alas_core.errors import InputError

_CHUNK_BYTES = 64 * 2**20
"""Layers are taken in groups whose float32 copy stays below this, to bound device memory."""


def check_states(frames: torch.Tensor, tokens: torch.Tensor) -> None:
    """Raise `InputError` unless both are (n_layers + 1, positions, d_model) and agree."""
    if (
        frames.ndim != 3
        or tokens.ndim != 3
        or frames.shape[0] != tokens.shape[0]
        or frames.shape[2] != tokens.shape[2]
    ):
        raise InputError(
            f"hidden states have shapes {tuple(frames.shape)} (audio) and {tuple(tokens.shape)} "
            "(text), expected (n_layers + 1, positions, d_model) with equal layers and width; "
            "take both from one model"
        )


def layer_chunks(n_layers: int, bytes_per_layer: int) -> list[slice]:
    """Consecutive slices of layers, each below the memory bound, at least one layer each."""
    step = max(1, _CHUNK_BYTES // max(1, bytes_per_layer))
    return [slice(start, min(start + step, n_layers)) for start in range(0, n_layers, step)]


def exact_device(device: torch.device) -> torch.device:
    """Where float64 and eigenvalues are at hand: not on an Apple GPU, so on the CPU beside it."""
    return torch.device("cpu") if device.type == "mps" else device


def centre(states: torch.Tensor, centering: str) -> torch.Tensor:
    """Float32 states with each modality's mean removed ("mean") or standardised per dimension.

    Parameters
    ----------
    states : torch.Tensor [shape=(n_layers, n_positions, d_model)]
    centering : "none" (as published), "mean" or "standardise"

    Raises
    ------
    InputError
        If there is no such centering.
    """
    states = states.float()
    if centering == "none":
        return states
    centred = states - states.mean(dim=1, keepdim=True)
    if centering == "mean":
        return centred
    if centering == "standardise":
        return centred / states.std(dim=1, correction=0, keepdim=True).clamp_min(1e-6)
    raise InputError(f"centering is {centering!r}, expected 'none', 'mean' or 'standardise'")


def cosine_maps(
    frames: torch.Tensor, tokens: torch.Tensor, *, centering: str = "none"
) -> torch.Tensor:
    """Cosine of every audio frame with every transcript token, layer by layer.

    Parameters
    ----------
    frames : torch.Tensor [shape=(n_layers + 1, n_frames, d_model)]
    tokens : torch.Tensor [shape=(n_layers + 1, n_tokens, d_model)]
    centering : see `centre`

    Returns
    -------
    torch.Tensor [shape=(n_layers + 1, n_frames, n_tokens), float32], on the states' device;
        0 where a state is all zero.

    Raises
    ------
    InputError
        If the shapes disagree.

    References
    ----------
    arXiv:2505.19937.
    """
    check_states(frames, tokens)
    positions = frames.shape[1] + tokens.shape[1]
    maps = []
    for part in layer_chunks(frames.shape[0], 4 * positions * frames.shape[2]):
        audio, text = centre(frames[part], centering), centre(tokens[part], centering)
        # Lengths divide the small products: scaling the states first would copy them.
        product = torch.bmm(audio, text.transpose(1, 2))
        product /= _lengths(audio)[:, :, None]
        product /= _lengths(text)[:, None, :]
        maps.append(product)
    return torch.cat(maps).clamp_(-1.0, 1.0)


def _lengths(states: torch.Tensor) -> torch.Tensor:
    lengths: torch.Tensor = torch.linalg.vector_norm(states, dim=-1)
    return lengths.clamp_min(1e-12)


def word_mass(
    similarity: torch.Tensor,
    token_word: torch.Tensor,
    n_words: int,
    *,
    temperature: float,
    token_valid: torch.Tensor | None = None,
) -> torch.Tensor:
    """Softmax over tokens, summed into words: how much of each frame's mass falls on each word.

    Parameters
    ----------
    similarity : torch.Tensor [shape=(n_layers + 1, n_frames, n_tokens), float32]
    token_word : torch.Tensor [shape=(n_tokens,), int64], the word of each token, -1 for none
    n_words : number of words
    temperature : divisor of the cosines before the softmax
    token_valid : torch.Tensor [shape=(n_layers + 1, n_tokens), bool], optional
        Tokens that take part; masked ones get no mass.

    Returns
    -------
    torch.Tensor [shape=(n_layers + 1, n_frames, n_words), float32]
    """
    logits = similarity / temperature
    if token_valid is not None:
        logits = logits.masked_fill(~token_valid[:, None, :], float("-inf"))
    share = torch.softmax(logits, dim=-1)
    return share @ membership(token_word, n_words)


def membership(token_word: torch.Tensor, n_words: int) -> torch.Tensor:
    """One-hot (n_tokens, n_words) float32; a token of no word has an empty row."""
    words = torch.arange(n_words, device=token_word.device)
    return (token_word[:, None] == words[None, :]).float()
