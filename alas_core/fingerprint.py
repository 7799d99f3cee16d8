"""What an analysis holds, as a short name for what is made of it and kept.

The key of an analysis says what was asked for; a bundle may carry it with other arrays, and another
device rounds otherwise. What serves several readers is kept under the content itself.
"""

from __future__ import annotations

import dataclasses
import hashlib
import weakref
from collections.abc import Mapping
from typing import Any

import numpy as np

from alas_core.types import Analysis

_LATER = ("null", "lens", "answers", "provenance")
"""What comes when the picture already stands."""

_known: dict[int, tuple[str, str]] = {}


def fingerprint(analysis: Analysis, *, early: bool = False) -> str:
    """A digest of all that the analysis holds, made once for each object.

    Parameters
    ----------
    early : leave out null, read-out, answers and provenance, so that the first picture of an
        analysis and the finished one have the same: for what is made of neither of these.
    """
    number = id(analysis)
    if number not in _known:
        _known[number] = _both(analysis)
        weakref.finalize(analysis, _known.pop, number, None).atexit = False
    return _known[number][early]


def _both(analysis: Analysis) -> tuple[str, str]:
    digest = hashlib.blake2b(digest_size=16)
    names = [field.name for field in dataclasses.fields(analysis)]
    for name in names:
        if name not in _LATER:
            _feed(digest, getattr(analysis, name))
    early = digest.hexdigest()
    for name in _LATER:
        _feed(digest, getattr(analysis, name))
    return digest.hexdigest(), early


def _feed(digest: Any, value: Any) -> None:
    """Add a value with its type and length, so that no two contents read the same."""
    if isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype} {value.shape};".encode())
        digest.update(np.ascontiguousarray(value).view(np.uint8))
    elif isinstance(value, Mapping):
        _feed(digest, [part for item in value.items() for part in item])
    elif isinstance(value, list | tuple):
        digest.update(f"list {len(value)};".encode())
        for part in value:
            _feed(digest, part)
    elif isinstance(value, set | frozenset):
        _feed(digest, sorted(map(repr, value)))
    elif dataclasses.is_dataclass(value):
        _feed(digest, [getattr(value, field.name) for field in dataclasses.fields(value)])
    else:
        text = repr(value).encode()
        digest.update(f"{type(value).__name__} {len(text)};".encode())
        digest.update(text)
