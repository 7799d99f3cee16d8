"""Positions far larger than all others (attention sinks), from the norms an analysis keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.keys import SINK_RATIO
from alas_core.types import Analysis, BoolArray, FloatArray


@dataclass(frozen=True)
class Sink:
    """A position whose norm is above `SINK_RATIO` medians at some layer.

    kind : "frame" or "token". index : of the frame or token. layers : where it is that large.
    ratio : its norm in medians where that is largest.
    """

    kind: str
    index: int
    layers: tuple[int, ...]
    ratio: float


def sinks(analysis: Analysis) -> tuple[Sink, ...]:
    """Positions that `mask_sinks` leaves out, the largest first; frames and tokens apart."""
    found = []
    for kind, ratio in zip(("frame", "token"), _ratios(analysis), strict=True):
        for index in np.flatnonzero((ratio > SINK_RATIO).any(axis=0)).tolist():
            layers = tuple(np.flatnonzero(ratio[:, index] > SINK_RATIO).tolist())
            found.append(Sink(kind, index, layers, float(ratio[:, index].max())))
    return tuple(sorted(found, key=lambda sink: -sink.ratio))


def valid_tokens(analysis: Analysis) -> BoolArray:
    """Tokens that took part in the scores, as `similarity.valid_positions` says (without torch).

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_tokens), bool]
    """
    ratio = _ratios(analysis)[1]
    masked = analysis.key.settings.mask_sinks
    valid: BoolArray = ratio <= SINK_RATIO if masked else np.ones(ratio.shape, dtype=bool)
    return valid


def _ratios(analysis: Analysis) -> tuple[FloatArray, FloatArray]:
    """Norms in medians of their layer, of frames and of tokens."""
    norms = np.asarray(analysis.norms, dtype=np.float32)
    parts = norms[:, : analysis.n_frames], norms[:, analysis.n_frames :]
    frames, tokens = (
        part / np.maximum(np.median(part, axis=1, keepdims=True), 1e-12) for part in parts
    )
    return frames, tokens
