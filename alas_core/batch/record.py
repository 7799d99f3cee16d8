"""One utterance's share of a run's tables, as an object that is written and read whole.

A safetensors file: the scores and the cross-layer matrices as arrays, the rest as JSON in its
header. So numbers come back bit for bit, and nothing in it is executed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from alas_core.errors import StoreError
from alas_core.types import FloatArray

_HEAD = "alas_part"
_SCORES = "scores/"
_CROSS = "cross_layer/"


@dataclass(frozen=True)
class Record:
    """What a run knows of one utterance: its rows, or why it has none.

    Parameters
    ----------
    utterance : its id
    row : columns of the table `utterances`; empty if the utterance was skipped
    meta : the data set's own columns
    words : columns of the table `words`, one mapping a word
    scores : column of the table `scores` -> np.ndarray [shape=(n_layers + 1,), float32]
    cross_layer : name -> np.ndarray [shape=(n_layers + 1, n_layers + 1), float32]
    skipped : columns `stage`, `reason` and `kind`; empty if the utterance was analysed
    """

    utterance: str
    row: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, str | float | bool] = field(default_factory=dict)
    words: Sequence[Mapping[str, Any]] = ()
    scores: Mapping[str, FloatArray] = field(default_factory=dict)
    cross_layer: Mapping[str, FloatArray] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)


def dumps(record: Record) -> bytes:
    """The record as bytes."""
    arrays = {_SCORES + name: array for name, array in record.scores.items()}
    arrays |= {_CROSS + name: array for name, array in record.cross_layer.items()}
    packed = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    head = {
        "utterance": _plain(record.utterance),
        "row": _row(record.row),
        "meta": _row(record.meta),
        "words": [_row(word) for word in record.words],
        "skipped": _row(record.skipped),
    }
    text = json.dumps(head, ensure_ascii=False, allow_nan=False)
    return save(packed, metadata={_HEAD: text})


def loads(raw: bytes, name: str) -> Record:
    """Read a record; `name` is what an error calls it.

    Raises
    ------
    StoreError
        If the bytes are no record, or are damaged.
    """
    try:
        arrays = load(raw)
        length = int.from_bytes(raw[:8], "little")
        head = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"][_HEAD])
        return Record(scores=_under(_SCORES, arrays), cross_layer=_under(_CROSS, arrays), **head)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"the part '{name}' of the run cannot be read ({type(error).__name__}: "
            f"{str(error)[:200]}), expected what the run wrote; remove that file and start the run "
            "again: it repeats this one utterance"
        ) from error


def _under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {str(_plain(name)): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """JSON's own types: numpy numbers as Python's, no number that is not finite, sound Unicode."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):  # names of files may hold bytes that are no text
        return value.encode("utf-8", "replace").decode()
    return value
