"""The parts of a run made into its tables, a few hundred utterances at a time."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from alas_core.batch import schema
from alas_core.batch.record import Record, loads
from alas_core.place import Place
from alas_core.types import FloatArray

_Each = TypeVar("_Each")
_BATCH = 200
_EXACT = 2**53
"""Larger whole numbers are ids or nanoseconds, and no float64 holds them all."""
_RESULT = ("alas", "null_high")
_STREAMED = ("scores", "utterances", "words", "skipped")


def compact(place: Place, names: Sequence[str]) -> dict[str, Any]:
    """Write every table from the parts of these names, in this order.

    Each table is either the old one or whole; the memory needed does not grow with the run.

    Returns
    -------
    dict
        What the run comes to, for `run.json`: `layer` with the highest mean ALAS, that `alas`, what
        the wrong words reach there on average (`null_high`), and `n` utterances; empty if there is
        no number.

    Raises
    ------
    StoreError
        If the place cannot be read or written, or a part is damaged.
    """
    import pyarrow.parquet as pq

    meta = _meta_kinds(records(place, names))
    means: dict[str, _Mean] = {}
    result: dict[str, _Mean] = {name: _Mean() for name in _RESULT}
    with contextlib.ExitStack() as stack:
        writers = {}
        for table in _STREAMED:
            arrow = schema.arrow_schema(table, meta if table == "utterances" else None)
            file = stack.enter_context(place.writing(schema.file_name(table)))
            writers[table] = stack.enter_context(pq.ParquetWriter(file, arrow, compression="zstd"))
        for batch in _batches(records(place, names)):
            for table, rows in _rows(batch).items():
                writers[table].write_table(_table(rows, writers[table].schema))
            for record in batch:
                for name, matrix in record.cross_layer.items():
                    means.setdefault(name, _Mean()).add(matrix)
                for name in result.keys() & record.scores.keys():
                    result[name].add(record.scores[name])
    cross = _table(_cross_rows(means), schema.arrow_schema("cross_layer"))
    with place.writing(schema.file_name("cross_layer")) as file:
        pq.write_table(cross, file, compression="zstd")
    return _best(**result)


def in_memory(found: Sequence[Record]) -> dict[str, Any]:
    """The tables of a few records, as they would be written: name -> `pyarrow.Table`."""
    meta, means = _meta_kinds(found), dict[str, _Mean]()
    for record in found:
        for name, matrix in record.cross_layer.items():
            means.setdefault(name, _Mean()).add(matrix)
    rows = {**_rows(found), "cross_layer": _cross_rows(means)}
    return {
        table: _table(columns, schema.arrow_schema(table, meta if table == "utterances" else None))
        for table, columns in rows.items()
    }


def _best(alas: _Mean, null_high: _Mean) -> dict[str, Any]:
    means = np.atleast_1d(alas.value)
    if not np.isfinite(means).any():
        return {}
    layer = int(np.nanargmax(means))
    reach = np.broadcast_to(null_high.value, means.shape)[layer]
    return {
        "layer": layer,
        "alas": float(means[layer]),
        "null_high": float(reach) if np.isfinite(reach) else None,
        "n": int(np.atleast_1d(alas.n)[layer]),
    }


def records(place: Place, names: Iterable[str]) -> Iterator[Record]:
    """Read parts in this order; one that has gone in the meantime is passed over."""
    for batch in _batches(names):
        found = place.read_many([f"{schema.PARTS}/{name}" for name in batch])
        for name in batch:
            raw = found.get(f"{schema.PARTS}/{name}")
            if raw is not None:
                yield loads(raw, name)


def _batches(found: Iterable[_Each]) -> Iterator[list[_Each]]:
    rest = iter(found)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch


def _meta_kinds(found: Iterable[Record]) -> dict[str, str]:
    """The data set's columns and types: numbers and truth values as such, a mixture as text."""
    kinds: dict[str, str] = {}
    for record in found:
        for name, value in record.meta.items():
            kind = _kind(value)
            kinds[name] = kind if kinds.get(name, kind) == kind else "string"
    return dict(sorted(kinds.items()))


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int) and abs(value) > _EXACT:
        return "string"
    return "float64" if isinstance(value, int | float) else "string"


def _rows(batch: Sequence[Record]) -> dict[str, dict[str, list[Any]]]:
    """Columns of each table; a column that a record does not have is None there."""
    done = [record for record in batch if not record.skipped]
    skipped = [{"utterance": r.utterance, **r.skipped} for r in batch if r.skipped]
    rows = [
        {**r.row, **{schema.META_PREFIX + name: value for name, value in r.meta.items()}}
        for r in done
    ]
    return {
        "scores": _score_columns(done),
        "utterances": _columns(rows),
        "words": _columns([word for record in done for word in record.words]),
        "skipped": _columns(skipped),
    }


def _columns(rows: Sequence[dict[str, Any] | Any]) -> dict[str, list[Any]]:
    names = {name for row in rows for name in row}
    return {name: [row.get(name) for row in rows] for name in names}


def _score_columns(done: Sequence[Record]) -> dict[str, Any]:
    layers = [len(next(iter(record.scores.values()))) for record in done]
    columns: dict[str, Any] = {
        "utterance": np.repeat([record.utterance for record in done], layers).tolist(),
        "layer": [layer for n in layers for layer in range(n)],
    }
    names = {name for record in done for name in record.scores}
    for name in names:
        missing = (np.full(n, np.nan, np.float32) for n in layers)
        found = (record.scores.get(name, gap) for record, gap in zip(done, missing, strict=True))
        columns[name] = np.concatenate(list(found))
    return columns


def _table(columns: dict[str, Any], arrow: Any) -> Any:
    import pyarrow as pa

    length = max((len(values) for values in columns.values()), default=0)
    arrays = []
    for field in arrow:
        values = columns.get(field.name)
        if values is None:
            arrays.append(pa.nulls(length, field.type))
        elif pa.types.is_string(field.type):
            texts = [None if value is None else str(value) for value in values]
            arrays.append(pa.array(texts, field.type))
        else:
            arrays.append(pa.array(values, field.type, from_pandas=True))
    return pa.Table.from_arrays(arrays, schema=arrow)


class _Mean:
    """Running mean of matrices, cell by cell, of the cells that are numbers."""

    def __init__(self) -> None:
        self.total: FloatArray = np.zeros(())
        self.n: Any = np.zeros((), int)

    def add(self, matrix: FloatArray) -> None:
        known = np.isfinite(matrix)
        self.total = self.total + np.where(known, matrix, 0).astype(np.float64)
        self.n = self.n + known

    @property
    def value(self) -> FloatArray:
        mean = np.full(self.total.shape, np.nan)
        np.divide(self.total, self.n, out=mean, where=self.n > 0)
        return mean


def _cross_rows(means: dict[str, _Mean]) -> dict[str, Any]:
    columns: dict[str, list[Any]] = {name: [] for name in schema.TABLES["cross_layer"]}
    for name, mean in sorted(means.items()):
        audio, text = (grid.ravel() for grid in np.indices(mean.total.shape))
        columns["name"] += [name] * audio.size
        columns["audio_layer"] += audio.tolist()
        columns["text_layer"] += text.tolist()
        columns["mean"] += mean.value.ravel().tolist()
        columns["n"] += mean.n.ravel().tolist()
    return columns
