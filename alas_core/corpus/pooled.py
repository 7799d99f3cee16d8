"""Words of many utterances at one layer, in a space that they share, for one map of them all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from alas_core.batch import schema
from alas_core.batch.pooled import POOLED, layer_column
from alas_core.corpus.run import Run
from alas_core.errors import InputError, StoreError
from alas_core.types import FloatArray


@dataclass(frozen=True)
class Pooled:
    """Word states of one layer, audio and text.

    Parameters
    ----------
    vectors : np.ndarray [shape=(n, 64), float32], unit states under a fixed random projection
    table : polars.DataFrame, `utterance`, `index`, `word`, `modality` of each
    """

    vectors: FloatArray
    table: pl.DataFrame


def pooled(run: Run, layer: int) -> Pooled:
    """The run's sample of words at a layer.

    Raises
    ------
    InputError
        If the run keeps no sample, or not of this layer.
    StoreError
        If it cannot be read.
    """
    place, name = run.folder.place, schema.file_name(POOLED)
    column = layer_column(layer)
    try:
        with place.filesystem.open(place.path(name), "rb") as file:
            read = pq.read_table(file, columns=["utterance", "index", "word", "modality", column])
    except FileNotFoundError:
        raise InputError(
            f"the run '{run.name}' keeps no sample of its words' states, expected {name}; it was "
            "made without bundles or by an earlier version: run it again with bundles"
        ) from None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{name} of the run '{run.name}' cannot be read ({str(error)[:200]}), expected the "
            "sample of its words; run it again"
        ) from error
    if column not in read.column_names:
        raise InputError(f"layer is {layer}, expected 0 to {run.n_layers}")
    flat = read.column(column).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = flat.reshape(read.num_rows, -1).astype(np.float32)
    table = pl.from_arrow(read.drop_columns([column]))
    if not isinstance(table, pl.DataFrame):
        raise StoreError(f"{name} of the run '{run.name}' is no table; run it again")
    return Pooled(vectors, table)


def principal(vectors: FloatArray, n_components: int = 2) -> FloatArray:
    """The first principal components of the words, shape (n, n_components)."""
    centred = vectors - vectors.mean(axis=0)
    _, basis = np.linalg.eigh(centred.T @ centred)
    result: FloatArray = centred @ basis[:, ::-1][:, :n_components]
    return result


def same_word_rank(found: Pooled, limit: int = 2000, seed: int = 0) -> tuple[float, float, int]:
    """How often a word's sound has a text of the same word nearest to it, over the whole sample.

    Parameters
    ----------
    limit : so many sounds are tried, drawn at random

    Returns
    -------
    share, chance : of sounds whose nearest text of another utterance is of the same word; of a
        blind guess among these texts; nan if there are none
    n : sounds tried that have such texts
    """
    _, names = np.unique(found.table["word"].str.to_lowercase().to_numpy(), return_inverse=True)
    audio = np.flatnonzero((found.table["modality"] == "audio").to_numpy())
    text = np.flatnonzero((found.table["modality"] == "text").to_numpy())
    tried = np.sort(np.random.default_rng(seed).permutation(audio)[:limit])
    # Its own text shares the utterance's context: only texts of other utterances count.
    utterance = found.table["utterance"].to_numpy()
    other = utterance[tried][:, None] != utterance[text][None, :]
    kept = other.any(axis=1)
    tried, other = tried[kept], other[kept]
    if not len(tried):
        return float("nan"), float("nan"), 0
    unit = found.vectors / np.maximum(np.linalg.norm(found.vectors, axis=1, keepdims=True), 1e-12)
    nearest = np.where(other, unit[tried] @ unit[text].T, -np.inf).argmax(axis=1)
    same = names[tried][:, None] == names[text][None, :]
    chance = (same & other).sum(axis=1) / other.sum(axis=1)
    return float(same[np.arange(len(tried)), nearest].mean()), float(chance.mean()), len(tried)
