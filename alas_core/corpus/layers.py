"""Audio layers against text layers, averaged over a corpus, and layers that go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.corpus.run import Run
from alas_core.errors import InputError
from alas_core.types import FloatArray, IntArray


@dataclass(frozen=True)
class CrossLayer:
    """A mean matrix over the utterances of a run.

    Parameters
    ----------
    values : np.ndarray [shape=(n_layers + 1, n_layers + 1)], audio at the row's layer against text
        at the column's
    n : utterances in it
    """

    name: str
    values: FloatArray
    n: int

    @property
    def diagonal(self) -> FloatArray:
        """Audio and text at the same layer."""
        return np.diagonal(self.values)

    @property
    def best_text_layer(self) -> IntArray:
        """For each audio layer the text layer most like it; -1 where there is no number."""
        known = np.isfinite(self.values).any(axis=1)
        filled = np.where(np.isfinite(self.values), self.values, -np.inf)
        result: IntArray = np.where(known, filled.argmax(axis=1), -1)
        return result


@dataclass(frozen=True)
class LayerTree:
    """Layers that treat the other modality alike, by average linkage.

    Parameters
    ----------
    order : np.ndarray [shape=(n_layers + 1,)], layers as the leaves of the tree
    linkage : np.ndarray [shape=(n_layers, 4)], as scipy has it
    groups : np.ndarray [shape=(n_layers + 1,)], the group that each layer is in, counted from 0 in
        the order of their shallowest layer
    """

    order: IntArray
    linkage: FloatArray
    groups: IntArray


def matrices(run: Run) -> tuple[str, ...]:
    """Names of the mean matrices that the run holds."""
    return tuple(run.cross_layer["name"].unique(maintain_order=True).drop_nulls())


def cross_layer(run: Run, name: str) -> CrossLayer:
    """One mean matrix.

    Raises
    ------
    InputError
        If the run has none of this name.
    """
    rows = run.cross_layer.filter(run.cross_layer["name"] == name)
    if not len(rows):
        raise InputError(
            f"the run '{run.name}' has no matrix '{name}', expected one of "
            f"{', '.join(matrices(run)) or 'none'}; choose one of these"
        )
    audio, text = (rows[f"{side}_layer"].to_numpy() for side in ("audio", "text"))
    size = int(max(audio.max(), text.max())) + 1
    values = np.full((size, size), np.nan, np.float32)
    values[audio, text] = rows["mean"].to_numpy()
    return CrossLayer(name, values, int(rows["n"].max() or 0))  # type: ignore[arg-type]


def layer_tree(matrix: CrossLayer, side: str = "audio", n_groups: int = 3) -> LayerTree | None:
    """Layers of one run grouped by what they are like in the other run.

    Two layers are near where their rows of the matrix (columns, for text) rise and fall together:
    the distance is 1 - Pearson correlation.

    Returns
    -------
    LayerTree or None
        None below three layers, or where a number is missing.
    """
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    profiles = matrix.values if side == "audio" else matrix.values.T
    if len(profiles) < 3 or not np.isfinite(profiles).all():
        return None
    centred = profiles - profiles.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.maximum(scale, 1e-12)
    distance = np.clip(1 - unit @ unit.T, 0, 2)
    np.fill_diagonal(distance, 0)
    linkage = hierarchy.linkage(squareform(distance, checks=False), "average")
    flat = hierarchy.fcluster(linkage, min(n_groups, len(profiles)), "maxclust")
    _, first = np.unique(flat, return_index=True)
    place = {group: rank for rank, group in enumerate(flat[np.sort(first)])}
    return LayerTree(
        hierarchy.leaves_list(linkage), linkage, np.array([place[group] for group in flat])
    )
