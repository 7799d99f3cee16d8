"""Where frames and tokens lie on a map: one frame of reference for all layers.

A layout that is made anew for each layer shows reshuffling where a reader looks for movement. So
each layer is centred, scaled to one spread and turned to agree with the layer before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from alas_core.errors import InputError
from alas_core.types import NO_WORD, Analysis, BoolArray, FloatArray

N_NEIGHBOURS = 15
"""Neighbours that UMAP keeps and that trustworthiness asks about."""


@dataclass(frozen=True)
class Layout:
    """The points of every layer, on axes that all layers share.

    Parameters
    ----------
    name : "PCA" or "UMAP"
    points : np.ndarray [shape=(n_layers + 1, n_frames + n_tokens, 2 or 3), float32], frames first
    own : np.ndarray [shape=(n_layers + 1,), bool]
        Whether a layer was laid out by this method; the others still show PCA.
    kept : np.ndarray [shape=(n_layers + 1,)]
        Share of the stored components' variance that a linear map shows; nan for others.
    trust : np.ndarray [shape=(n_layers + 1,)]
        Trustworthiness of each layer's map; nan while it is not known.
    """

    name: str
    points: FloatArray
    own: BoolArray
    kept: FloatArray
    trust: FloatArray

    @property
    def dimensions(self) -> int:
        return int(self.points.shape[2])

    @property
    def version(self) -> str:
        """Changes whenever a layer is made or measured."""
        return f"{int(self.own.sum())}.{int(np.isfinite(self.trust).sum())}"


def pca_layout(analysis: Analysis, dimensions: int = 2) -> Layout:
    """The first principal components, from what the analysis holds: no waiting.

    Raises
    ------
    InputError
        If the analysis holds fewer components than dimensions.
    """
    coords = analysis.coords.astype(np.float32)
    if coords.shape[2] < dimensions:
        raise InputError(
            f"the analysis holds {coords.shape[2]} components, expected at least {dimensions}; "
            "choose fewer dimensions"
        )
    shown = coords[..., :dimensions]
    total = coords.var(axis=1).sum(axis=1)
    kept = shown.var(axis=1).sum(axis=1) / np.maximum(total, 1e-12)
    layers = np.ones(len(coords), dtype=bool)
    return Layout("PCA", steady(shown), layers, kept, np.full(len(coords), np.nan))


def steady(points: FloatArray) -> FloatArray:
    """Each layer centred, its median distance from the centre 1, turned towards the one before.

    Turned (or mirrored) as a whole, by orthogonal Procrustes: distances within a layer keep their
    proportions.

    Parameters
    ----------
    points : np.ndarray [shape=(n_layers + 1, n_points, dimensions)]
    """
    even = _even(points)
    turns = _turns(even[1:], even[:-1])
    total = np.eye(points.shape[2], dtype=np.float32)
    steadied = [even[0]]
    for layer, turn in zip(even[1:], turns, strict=True):
        total = turn @ total
        steadied.append(layer @ total)
    return np.stack(steadied)


def turned_to(points: FloatArray, other: FloatArray) -> FloatArray:
    """One layer's points, centred and scaled, turned to agree with another's.

    Parameters
    ----------
    points, other : np.ndarray [shape=(n_points, dimensions)], row by row of the same points

    Returns
    -------
    np.ndarray [shape=(n_points, dimensions), float32], their median distance from the centre 1
    """
    even = _even(np.stack([points, other]))
    result: FloatArray = even[0] @ _turns(even[:1], even[1:])[0]
    return result


def _even(points: FloatArray) -> FloatArray:
    centred = points - points.mean(axis=1, keepdims=True)
    radius = np.median(np.linalg.norm(centred, axis=2), axis=1)
    result: FloatArray = centred / np.maximum(radius, 1e-9)[:, None, None]
    return result.astype(np.float32)


def _turns(points: FloatArray, others: FloatArray) -> FloatArray:
    """The orthogonal matrix for each layer that brings it nearest to its other."""
    left, _, right = np.linalg.svd(points.transpose(0, 2, 1) @ others)
    turns: FloatArray = left @ right
    return turns


def extents(points: FloatArray) -> FloatArray:
    """Low and high end of each axis at each layer: one window for all but far outliers.

    A single far point (an attention sink) would press all other layers together; only the layer
    that holds it zooms out.

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, dimensions, 2)]
    """
    low, high = points.min(axis=1), points.max(axis=1)
    reach = (high - low).max(axis=1)
    usual = reach <= 1.6 * np.median(reach)
    low = np.minimum(low, low[usual].min(axis=0))
    high = np.maximum(high, high[usual].max(axis=0))
    low[usual], high[usual] = low[usual].min(axis=0), high[usual].max(axis=0)
    margin = 0.07 * (high - low)
    return np.stack([low - margin, high + margin], axis=2)


def trustworthiness(analysis: Analysis, layout: Layout, layer: int) -> float:
    """How far neighbours on the map are neighbours among the components: 1 if all of them are.

    References
    ----------
    Venna and Kaski 2001; scikit-learn's `manifold.trustworthiness`. A map that puts the points
    anywhere has about 0.5.
    """
    from sklearn.manifold import trustworthiness as measure

    points = analysis.coords[layer].astype(np.float32)
    # The measure is only defined for less than half as many neighbours as points.
    neighbours = min(N_NEIGHBOURS, (len(points) - 1) // 2)
    return float(measure(points, layout.points[layer], n_neighbors=neighbours))


def without_own(layout: Layout, name: str) -> Layout:
    """The layout as a stand-in for one that is still to be made, layer by layer."""
    nothing = np.full_like(layout.trust, np.nan)
    return Layout(name, layout.points, np.zeros_like(layout.own), nothing, nothing)


def with_layer(analysis: Analysis, layout: Layout, layer: int, points: FloatArray) -> Layout:
    """The layout with one layer's own points, measured."""
    placed, own, trust = layout.points.copy(), layout.own.copy(), layout.trust.copy()
    placed[layer], own[layer] = points, True
    made = replace(layout, points=placed, own=own)
    trust[layer] = trustworthiness(analysis, made, layer)
    return replace(made, trust=trust)


def with_anchors(analysis: Analysis, points: FloatArray) -> FloatArray:
    """The points, then the middle of each word's frames, then that of each word's tokens.

    A word without frames or tokens has its middle at the centre; nothing may point to it.

    Parameters
    ----------
    points : np.ndarray [shape=(n_layers + 1, n_frames + n_tokens, dimensions)]

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_frames + n_tokens + 2 * n_words, dimensions)]
    """
    n_words = len(analysis.words)
    owners = np.concatenate([analysis.frame_word, analysis.token_word])
    owned = np.flatnonzero(owners != NO_WORD)
    rows = owners[owned] + n_words * (owned >= analysis.n_frames)
    share = np.zeros((2 * n_words, len(owners)), dtype=np.float32)
    share[rows, owned] = 1
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1)
    return np.concatenate([points, share @ points], axis=1)
