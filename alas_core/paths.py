"""Monotonic alignment search: the best path of frames through tokens, for all layers at once."""

from __future__ import annotations

import numpy as np

from alas_core.errors import InputError
from alas_core.types import FloatArray, IntArray


def monotonic_paths(similarity: FloatArray) -> IntArray:
    """The monotone path with the highest total similarity, one a layer.

    Frame 0 is on token 0, the last frame on the last token; from frame to frame the token stays or
    rises by one, so every token gets a frame.

    Parameters
    ----------
    similarity : np.ndarray [shape=(n_layers + 1, n_frames, n_tokens), floating]

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_frames), int16]
        The token of each frame.

    Raises
    ------
    InputError
        If there are fewer frames than tokens: then no such path exists.

    References
    ----------
    Kim et al. 2020, arXiv:2005.11129 (monotonic alignment search); its use here follows
    arXiv:2505.19937.
    """
    n_layers, n_frames, n_tokens = similarity.shape
    if n_frames < n_tokens:
        raise InputError(
            f"{n_frames} frames cannot visit {n_tokens} tokens one after another, expected at "
            "least one frame a token; the transcript is too long for this audio"
        )
    rose = _forward(np.ascontiguousarray(similarity.transpose(1, 0, 2), dtype=np.float32))
    paths = np.empty((n_layers, n_frames), dtype=np.int16)
    token = np.full(n_layers, n_tokens - 1)
    rows = np.arange(n_layers)
    for frame in range(n_frames - 1, -1, -1):
        paths[:, frame] = token
        token = token - rose[frame, rows, token]
    return paths


def _forward(values: FloatArray) -> np.ndarray:
    """Which (frame, layer, token) cells are best reached from the token before."""
    n_frames, n_layers, n_tokens = values.shape
    rose = np.zeros((n_frames, n_layers, n_tokens), dtype=bool)
    total = np.full((n_layers, n_tokens), -np.inf, dtype=np.float32)
    total[:, 0] = values[0, :, 0]
    from_before = np.full_like(total, -np.inf)
    for frame in range(1, n_frames):
        from_before[:, 1:] = total[:, :-1]
        np.greater(from_before, total, out=rose[frame])
        total = np.maximum(total, from_before) + values[frame]
    return rose


def diagonal_path(n_frames: int, n_tokens: int) -> IntArray:
    """The straight path: token of each frame if every token took equally long.

    Returns
    -------
    np.ndarray [shape=(n_frames,), int16]
    """
    return (np.arange(n_frames) * n_tokens // max(1, n_frames)).astype(np.int16)
