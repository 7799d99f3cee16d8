"""Positions far larger than all others (attention sinks), and which positions count: by norms."""

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


def sink_positions(norms: FloatArray) -> BoolArray:
    """True where a position's norm exceeds `SINK_RATIO` medians of its layer and modality.

    Parameters
    ----------
    norms : np.ndarray [shape=(n_layers + 1, n_positions), float32], of frames or of tokens alone

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_positions), bool]
    """
    found: BoolArray = norms > SINK_RATIO * _medians(norms)
    return found


def valid_positions(norms: FloatArray, mask_sinks: bool) -> BoolArray:
    """Positions that take part in the scores: all, or all but sinks; shapes as `sink_positions`."""
    return ~sink_positions(norms) if mask_sinks else np.ones(norms.shape, dtype=bool)


def valid_frames_and_tokens(analysis: Analysis) -> tuple[BoolArray, BoolArray]:
    """Which frames, and which tokens, took part in an analysis's scores.

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_frames), bool]
    np.ndarray [shape=(n_layers + 1, n_tokens), bool]
    """
    frames, tokens = (
        valid_positions(norms, analysis.key.settings.mask_sinks) for norms in _norms(analysis)
    )
    return frames, tokens


def sinks(analysis: Analysis) -> tuple[Sink, ...]:
    """Positions that `mask_sinks` leaves out, the largest first; frames and tokens apart."""
    found = []
    for kind, norms in zip(("frame", "token"), _norms(analysis), strict=True):
        ratio, large = norms / np.maximum(_medians(norms), 1e-12), sink_positions(norms)
        for index in np.flatnonzero(large.any(axis=0)).tolist():
            layers = tuple(np.flatnonzero(large[:, index]).tolist())
            found.append(Sink(kind, index, layers, float(ratio[:, index].max())))
    return tuple(sorted(found, key=lambda sink: -sink.ratio))


def _norms(analysis: Analysis) -> tuple[FloatArray, FloatArray]:
    """Norms of frames and of tokens."""
    norms = np.asarray(analysis.norms, dtype=np.float32)
    return norms[:, : analysis.n_frames], norms[:, analysis.n_frames :]


def _medians(norms: FloatArray) -> FloatArray:
    # Not np.median: of two middle ones its float32 mean is not always what torch's quantile gives,
    # by which results were made that are still kept.
    medians: FloatArray = np.quantile(norms, 0.5, axis=1, keepdims=True)
    return medians
