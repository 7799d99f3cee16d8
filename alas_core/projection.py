"""Pictures of the states: PCA for every layer at once, UMAP of one layer when it is ready."""

from __future__ import annotations

import functools
import logging
import threading
import warnings

import numpy as np
import torch
from scipy.spatial.distance import cdist

from alas_core.errors import InputError
from alas_core.similarity import check_states
from alas_core.types import Analysis, FloatArray, IntArray

N_COMPONENTS = 50
"""Kept in `Analysis.coords`: enough for UMAP, small enough to store."""

_EXACT_SIDE = 1024
"""Up to this many positions or dimensions the eigenproblem is solved exactly."""

_log = logging.getLogger(__name__)
_warm = threading.Event()
_warming = threading.Lock()
_fitting = threading.Lock()


def pca(frames: torch.Tensor, tokens: torch.Tensor, n_components: int = N_COMPONENTS) -> FloatArray:
    """Principal components of frames and tokens together, a layer at a time on the device.

    The sign of each component is the one that agrees with the layer before, so that sliding
    through layers does not flip the picture.

    Parameters
    ----------
    frames, tokens : torch.Tensor [shape=(n_layers + 1, positions, d_model)]
    n_components : at most; fewer if there are fewer positions or dimensions

    Returns
    -------
    np.ndarray [shape=(n_layers + 1, n_frames + n_tokens, n_components), float32]
        Frames first; components by falling variance.
    """
    check_states(frames, tokens)
    coords: list[torch.Tensor] = []
    for audio, text in zip(frames, tokens, strict=True):
        both = torch.cat([audio, text]).float()
        layer = _components(both - both.mean(dim=0, keepdim=True), n_components)
        coords.append(_same_sign(layer, coords[-1] if coords else None))
    stacked: FloatArray = torch.stack(coords).cpu().numpy()
    return stacked


def _components(centred: torch.Tensor, n_components: int) -> torch.Tensor:
    n, d = centred.shape
    keep = min(n_components, n, d)
    if min(n, d) > _EXACT_SIDE:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            left, scale, _ = torch.pca_lowrank(centred, q=keep, center=False, niter=3)
        lowrank: torch.Tensor = left * scale
        return lowrank
    if n <= d:
        values, vectors = torch.linalg.eigh(centred @ centred.T)
        scale = values.clamp_min(0).sqrt()
        scores: torch.Tensor = (vectors * scale).flip(1)[:, :keep]
        return scores
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    projected: torch.Tensor = centred @ vectors.flip(1)[:, :keep]
    return projected


def _same_sign(layer: torch.Tensor, before: torch.Tensor | None) -> torch.Tensor:
    if before is None:
        peak = layer.abs().argmax(dim=0, keepdim=True)
        agreement = layer.gather(0, peak)[0]
    else:
        agreement = (layer * before).sum(dim=0)
    return layer * torch.where(agreement < 0, -1.0, 1.0)


def umap_ready() -> bool:
    """Whether UMAP is imported and compiled, so that a fit takes about a second."""
    return _warm.is_set()


def warm_up() -> threading.Thread | None:
    """Import and compile UMAP in a background thread (10-40 s once); None if under way or done."""
    if umap_ready() or not _warming.acquire(blocking=False):
        return None
    thread = threading.Thread(target=_warm_up, name="umap-warm-up", daemon=True)
    thread.start()
    return thread


def _warm_up() -> None:
    try:
        points = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
        _fit(points, 15, 0)
        _warm.set()
    except Exception:  # noqa: BLE001
        # UMAP is an extra view: without it the page stays on PCA, and the log says why.
        _log.exception("UMAP could not be prepared; the map stays on PCA")
    finally:
        _warming.release()


def umap(
    analysis: Analysis, layer: int, *, n_neighbors: int = 15, seed: int = 0, n_components: int = 2
) -> FloatArray:
    """UMAP of one layer's frames and tokens, from their principal components.

    Parameters
    ----------
    analysis : holds the components
    layer : 0 to n_layers
    n_neighbors, seed, n_components : of UMAP

    Returns
    -------
    np.ndarray [shape=(n_frames + n_tokens, n_components), float32], frames first

    Raises
    ------
    InputError
        If the layer does not exist or there are fewer than five points.

    References
    ----------
    McInnes et al. 2018, arXiv:1802.03426.
    """
    if not 0 <= layer <= analysis.n_layers:
        raise InputError(f"layer is {layer}, expected 0 to {analysis.n_layers}")
    points = analysis.coords[layer].astype(np.float32)
    if len(points) < 5:
        raise InputError(f"{len(points)} points are too few for UMAP, expected at least 5; use PCA")
    return _fit(points, min(n_neighbors, len(points) - 1), seed, n_components)


def _fit(points: FloatArray, n_neighbors: int, seed: int, n_components: int = 2) -> FloatArray:
    neighbours = _exact_neighbours(points, n_neighbors)
    reducer = functools.partial(_import_umap(), n_components=n_components, init="pca", n_jobs=1)
    with _fitting:  # numba's workspace is not re-entrant
        fitted = reducer(
            n_neighbors=n_neighbors, random_state=seed, precomputed_knn=neighbours
        ).fit_transform(points)
    result: FloatArray = np.asarray(fitted, dtype=np.float32)
    return result


def _import_umap() -> type:
    # The neighbours handed in are exact; only `transform` of new points would need more.
    warnings.filterwarnings("ignore", message=".*is not an NNDescent object.*")
    import umap as library

    reducer: type = library.UMAP
    return reducer


def _exact_neighbours(points: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Exact neighbours, so that the approximate search need not be compiled."""
    distance = cdist(points, points).astype(np.float32)
    index = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return index, np.take_along_axis(distance, index, axis=1)
