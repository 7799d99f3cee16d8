"""Pictures of the states: PCA for every layer at once, UMAP layer by layer when it is ready."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from scipy.spatial.distance import cdist

from alas_core.errors import InputError
from alas_core.layouts import N_NEIGHBOURS, turned_to
from alas_core.similarity import check_states, exact_device, layer_chunks
from alas_core.types import Analysis, FloatArray, IntArray

N_COMPONENTS = 50
"""Kept in `Analysis.coords`: enough for UMAP, small enough to store."""

_EXACT_SIDE = 256
"""Up to this many positions or dimensions the eigenproblem is solved exactly."""

_SPARE, _ROUNDS = 20, 6
"""Directions beyond those kept, and multiplications, of the search in larger ones. Measured on 100
planted directions under noise: coordinates agree with the exact ones to 2e-4, in less than half the
time at 870 positions."""

_EPOCHS_ON = 30
"""Of a layer that continues its neighbour's layout; more lets it drift, fewer leaves it behind."""

_ROWS = 512
"""Points whose distances to all others are held at a time."""

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
    if n <= d:
        values, vectors = _leading(centred @ centred.transpose(1, 2), keep)
        return vectors * values.clamp_min(0).sqrt()[:, None, :]
    return centred @ _leading(centred.transpose(1, 2) @ centred, keep)[1]


def _leading(gram: torch.Tensor, keep: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Largest eigenvalues (layers, keep), falling, and their vectors (layers, side, keep).

    References
    ----------
    Halko, Martinsson and Tropp 2011, arXiv:0909.4061, algorithm 4.4, here on the Gram matrix.
    """
    own, gram = gram.device, gram.to(exact_device(gram.device))
    side, found = gram.shape[-1], keep + _SPARE
    if side <= max(_EXACT_SIDE, found):
        values, vectors = torch.linalg.eigh(gram)
    else:
        start = torch.randn(side, found, generator=torch.Generator().manual_seed(0))
        basis = start.to(gram.device).expand(len(gram), -1, -1)
        for _ in range(_ROUNDS):
            basis = torch.linalg.qr(gram @ basis).Q
        values, inner = torch.linalg.eigh(basis.transpose(1, 2) @ (gram @ basis))
        vectors = basis @ inner
    return values.flip(1)[:, :keep].to(own), vectors.flip(2)[:, :, :keep].to(own)


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
        _fit(points, 0)
        _warm.set()
    except Exception:  # noqa: BLE001
        # UMAP is an extra view: without it the page stays on PCA, and the log says why.
        _log.exception("UMAP could not be prepared; the map stays on PCA")
    finally:
        _warming.release()


def umap_layers(
    analysis: Analysis, start: int, *, n_components: int = 2, seed: int = 0
) -> Iterator[tuple[int, FloatArray]]:
    """UMAP of one layer after another, outward from one; each continues its neighbour's layout.

    A few epochs from where the neighbour's points lie show what moves between layers; layouts
    that are made anew each time mostly show UMAP's own freedom.

    Parameters
    ----------
    analysis : holds the principal components
    start : the layer that is laid out first, and in full
    n_components, seed : of UMAP

    Yields
    ------
    layer, points : int, np.ndarray [shape=(n_frames + n_tokens, n_components), float32]
        Frames first, on the axes of the layer `start`.

    Raises
    ------
    InputError
        If the layer does not exist or there are fewer than five points.

    References
    ----------
    McInnes et al. 2018, arXiv:1802.03426.
    """
    if not 0 <= start <= analysis.n_layers:
        raise InputError(f"layer is {start}, expected 0 to {analysis.n_layers}")
    coords = analysis.coords.astype(np.float32)
    if coords.shape[1] < 5:
        raise InputError(
            f"{coords.shape[1]} points are too few for UMAP, expected at least 5; use PCA"
        )
    made: dict[int, FloatArray] = {}
    for layer in sorted(range(len(coords)), key=lambda other: abs(other - start)):
        if layer == start:
            first = _fit(coords[layer], seed, n_components)
            made[layer] = turned_to(first, first)
        else:
            before = made[layer - 1 if layer > start else layer + 1]
            grown = _fit(coords[layer], seed, n_components, before)
            made[layer] = turned_to(grown, before)
        yield layer, made[layer]


def umap_points(points: FloatArray, *, seed: int = 0) -> FloatArray:
    """UMAP of any points.

    Parameters
    ----------
    points : np.ndarray [shape=(n, dimensions)], finite

    Returns
    -------
    np.ndarray [shape=(n, 2), float32]

    Raises
    ------
    InputError
        If there are fewer than five points.

    References
    ----------
    McInnes et al. 2018, arXiv:1802.03426.
    """
    if len(points) < 5:
        raise InputError(f"{len(points)} points are too few for UMAP, expected at least 5; use PCA")
    return _fit(np.asarray(points, dtype=np.float32), seed)


def _fit(
    points: FloatArray, seed: int, n_components: int = 2, before: FloatArray | None = None
) -> FloatArray:
    k = min(N_NEIGHBOURS, len(points) - 1)
    reducer = _import_umap()(
        n_components=n_components,
        n_neighbors=k,
        init="pca" if before is None else before.copy(),  # UMAP works in it
        n_epochs=None if before is None else _EPOCHS_ON,
        n_jobs=1,
        random_state=seed,
        precomputed_knn=_exact_neighbours(points, k),
    )
    with _fitting:  # numba's workspace is not re-entrant
        result: FloatArray = np.asarray(reducer.fit_transform(points), dtype=np.float32)
    return result


def _import_umap() -> type:
    # The neighbours handed in are exact; only `transform` of new points would need more.
    warnings.filterwarnings("ignore", message=".*is not an NNDescent object.*")
    import umap as library

    reducer: type = library.UMAP
    return reducer


def _exact_neighbours(points: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Exact neighbours, so that the approximate search need not be compiled."""
    rows = [
        _nearest(cdist(points[start : start + _ROWS], points).astype(np.float32), k)
        for start in range(0, len(points), _ROWS)
    ]
    index, distance = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    return index, distance


def _nearest(distance: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The k smallest of each row, in order."""
    near = np.sort(np.argpartition(distance, k - 1, axis=1)[:, :k], axis=1)
    near_by = np.take_along_axis(distance, near, axis=1)
    order = np.argsort(near_by, axis=1, kind="stable")
    return np.take_along_axis(near, order, axis=1), np.take_along_axis(near_by, order, axis=1)
