"""Words of many utterances in one space, sampled from a run's bundles for a map of them all.

An analysis keeps each word's mean state in a space that all utterances of its model share
(`alas_core.geometry.shared_points`). Only that array is fetched from a bundle, not the bundle.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from alas_core.batch import schema
from alas_core.bundle import WORD_POINTS, stored_array
from alas_core.errors import StoreError
from alas_core.place import Place
from alas_core.types import FloatArray

POOLED = "pooled"
"""Name of the table: `utterance`, `index` and `word`, `modality`, and a list a layer."""

MAX_POINTS = 20_000
_HEAD_BYTES = 65_536
"""Read at once from the start of a bundle; a longer header is read to its end."""
_MAX_HEAD_BYTES = 64 * 2**20
"""What claims a longer header is no bundle."""


def layer_column(layer: int) -> str:
    """The column that holds a layer's vectors."""
    return f"layer_{layer}"


def write_pooled(place: Place, *, max_points: int = MAX_POINTS, seed: int = 0) -> int:
    """Sample words of the run's bundles, whole utterances in random order, and write the table.

    Parameters
    ----------
    place : of a run whose tables are written
    max_points : audio and text of a word are a point each
    seed : of the order of the utterances

    Returns
    -------
    int
        Points written; 0, and no table, where no bundle has any.

    Raises
    ------
    StoreError
        If the place cannot be read or written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = _bundles(place, seed)
    parts: list[pa.Table] = []
    n = 0
    for utterance, path, words in rows:
        points = read_points(place, path)
        if points is None or points.shape[2] != len(words):
            continue
        table = _table(utterance, words, points)
        if n + len(table) > max_points:
            break
        parts.append(table)
        n += len(table)
    if parts:
        stream = io.BytesIO()
        pq.write_table(pa.concat_tables(parts), stream, compression="zstd")
        place.write(schema.file_name(POOLED), stream.getvalue())
    return n


def read_points(place: Place, path: str) -> FloatArray | None:
    """The array `word_points` of one bundle, [shape=(n_layers + 1, 2, n_words, 64)], or None.

    None stands for a bundle that is not there, is damaged, or is older than the array.
    """
    try:
        fs, whole = place.filesystem, place.path(path)
        start = fs.cat_file(whole, start=0, end=_HEAD_BYTES)
        size = 8 + int.from_bytes(start[:8], "little")
        if size > _MAX_HEAD_BYTES:
            return None
        if size > len(start):
            start += fs.cat_file(whole, start=len(start), end=size)
        header = json.loads(start[8:size])
        entry = header.get(WORD_POINTS)
        if entry is None:
            return None
        first, last = (size + offset for offset in entry["data_offsets"])
        raw = fs.cat_file(whole, start=first, end=last)
        head = json.loads(header["__metadata__"]["alas"])
        return stored_array(raw, entry["shape"], head, WORD_POINTS).astype(np.float32)
    except (OSError, ValueError, KeyError, TypeError, StoreError):
        return None


def _bundles(place: Place, seed: int) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Utterances that have a bundle, in random order: id, path and words."""
    from alas_core.batch.folder import open_run

    folder = open_run(place.url)
    utterances, words = folder.table("utterances"), folder.table("words")
    spoken: dict[str, list[str]] = {}
    names = (words.column(name).to_pylist() for name in ("utterance", "word"))
    for utterance, word in zip(*names, strict=True):
        spoken.setdefault(utterance, []).append(word)
    ids, paths = (utterances.column(name).to_pylist() for name in ("utterance", "bundle"))
    for row in np.random.default_rng(seed).permutation(len(ids)):
        if paths[row]:
            yield ids[row], paths[row], spoken.get(ids[row], [])


def _table(utterance: str, words: Sequence[str], points: FloatArray) -> Any:
    """Both points of each word that has any, in all layers."""
    import pyarrow as pa

    known = np.isfinite(points).all(axis=(0, 3))
    modality, index = np.nonzero(known)
    columns: dict[str, Any] = {
        "utterance": [utterance] * len(index),
        "index": index.astype(np.int32),
        "word": [words[i] for i in index.tolist()],
        "modality": [("audio", "text")[m] for m in modality.tolist()],
    }
    for layer, values in enumerate(points):
        flat = values[modality, index].astype(np.float16).ravel()
        columns[layer_column(layer)] = pa.FixedSizeListArray.from_arrays(
            pa.array(flat), values.shape[-1]
        )
    return pa.table(columns)
