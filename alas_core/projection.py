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
from alas_core.similarity import check_states, layer_chunks
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
    """Principal components of frames and tokens together, layer by layer, on the device.

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
    n, d = frames.shape[1] + tokens.shape[1], frames.shape[2]
    coords = [
        _components(torch.cat([frames[part].float(), tokens[part].float()], dim=1), n_components)
        for part in layer_chunks(frames.shape[0], 8 * n * max(min(n, d), d))
    ]
    result: FloatArray = _same_signs(torch.cat(coords)).cpu().numpy()
    return result


def _components(states: torch.Tensor, n_components: int) -> torch.Tensor:
    """Principal components of a few layers at once: (layers, positions, components)."""
    centred = states - states.mean(dim=1, keepdim=True)
    n, d = centred.shape[1:]
    keep = min(n_components, n, d)
    if min(n, d) > _EXACT_SIDE:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            left, scale, _ = torch.pca_lowrank(centred, q=keep, center=False, niter=3)
        coords: torch.Tensor = left * scale[:, None, :]
    elif n <= d:
        values, vectors = torch.linalg.eigh(centred @ centred.transpose(1, 2))
        coords = (vectors * values.clamp_min(0).sqrt()[:, None, :]).flip(2)[:, :, :keep]
    else:
        _, vectors = torch.linalg.eigh(centred.transpose(1, 2) @ centred)
        coords = centred @ vectors.flip(2)[:, :, :keep]
    return coords


def _same_signs(coords: torch.Tensor) -> torch.Tensor:
    """Flip components so that each agrees with the layer before; the first by its largest point."""
    peak = coords[:1].abs().argmax(dim=1, keepdim=True)
    first = coords[:1].gather(1, peak)[:, 0]
    agreement = torch.cat([first, (coords[1:] * coords[:-1]).sum(dim=1)])
    # A flip of one layer turns the agreement of all that follow: the signs multiply up.
    signs = torch.where(agreement < 0, -1.0, 1.0).cumprod(dim=0)
    return coords * signs[:, None, :]


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
