"""What a cell of the tokens x time panel holds: the cosine, or the share of mass it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alas_core.sinks import valid_frames_and_tokens
from alas_core.types import Analysis, FloatArray

Cells = Literal["cosine", "share"]
_ALL = slice(None)


@dataclass(frozen=True)
class Kind:
    """What is drawn: its name in a title and in a hover text, and a sentence of help."""

    title: str
    name: str
    help: str


KINDS: dict[Cells, Kind] = {
    "cosine": Kind(
        "cosine", "cosine", "cosine of each audio frame and each text token at the chosen layer"
    ),
    "share": Kind(
        "share of mass",
        "share",
        "what ALAS averages: each frame's softmax over the tokens (cosine / temperature), 0 to 1 "
        "at every layer",
    ),
}


def token_cells(analysis: Analysis, cells: Cells, layers: slice = _ALL) -> FloatArray:
    """The cells of these layers.

    Returns
    -------
    np.ndarray [shape=(n_layers, n_frames, n_tokens), float32]
        Shares of a frame sum to 1 over the tokens that are not masked.
    """
    cosines = analysis.similarity[layers].astype(np.float32)
    if cells == "cosine":
        return cosines
    _, valid = valid_frames_and_tokens(analysis)
    logits = np.where(valid[layers, None, :], cosines, -np.inf)
    logits /= analysis.key.settings.temperature
    logits -= logits.max(axis=2, keepdims=True)
    np.exp(logits, out=logits)
    shares: FloatArray = logits / logits.sum(axis=2, keepdims=True)
    return shares
