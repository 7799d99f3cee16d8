"""Arrays made small without loss: equal bytes of all numbers side by side, then deflated.

The high bytes of neighbouring numbers are alike, the low ones are not: apart, they deflate well.
Numbers that lie on a coarse grid (`on_grid`) have low bytes that do, too.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alas_core.errors import StoreError

_WORTH = 0.95
"""An array that stays above this share of its size is kept as it is."""

_LEVEL = 1
_MAX_BYTES = 512 * 2**20
_MAX_DIMENSIONS = 8


def deflated(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8] | None:
    """The array as fewer bytes, (n,) uint8; None if that saves next to nothing."""
    numbers = np.ascontiguousarray(array).reshape(-1)
    planes = numbers.view(np.uint8).reshape(numbers.size, array.itemsize).T
    small = zlib.compress(np.ascontiguousarray(planes).tobytes(), _LEVEL)
    if len(small) > _WORTH * array.nbytes:
        return None
    return np.frombuffer(small, dtype=np.uint8)


def inflated(raw: npt.NDArray[np.uint8], dtype: str, shape: Sequence[int]) -> npt.NDArray[Any]:
    """The array that `deflated` was given.

    Raises
    ------
    StoreError
        If the bytes do not hold an array of that type and shape.
    """
    kind, n_bytes = np.dtype(dtype), unpacked_bytes(dtype, shape)
    stream = zlib.decompressobj()
    try:
        planes = stream.decompress(raw.tobytes(), n_bytes)
    except zlib.error as error:
        raise StoreError(
            f"an array of shape {tuple(shape)} is damaged ({error}), expected deflated numbers; "
            "compute the analysis anew"
        ) from error
    if len(planes) != n_bytes or stream.unconsumed_tail:
        raise StoreError(
            f"an array of shape {tuple(shape)} has another size than it says, expected {n_bytes} "
            "bytes; it is damaged: compute the analysis anew"
        )
    columns = np.frombuffer(planes, dtype=np.uint8).reshape(kind.itemsize, math.prod(shape)).T
    return np.ascontiguousarray(columns).view(kind).reshape(tuple(shape))


def unpacked_bytes(dtype: str, shape: Sequence[int]) -> int:
    """How many bytes an array has; both come from a file and may be anything that JSON can hold.

    Raises
    ------
    StoreError
        If we write no such array.
    """
    kind = np.dtype(dtype)
    # Before anything is multiplied: a list times a number is a list as long as that number.
    whole = len(shape) <= _MAX_DIMENSIONS and all(type(n) is int and n >= 0 for n in shape)
    n_bytes = kind.itemsize * math.prod(shape) if whole else -1
    if kind.kind not in "fiub" or not 0 <= n_bytes <= _MAX_BYTES:
        told = f"type {str(dtype)[:40]} and shape {str(tuple(shape))[:80]}"
        raise StoreError(
            f"the bundle holds an array of {told}, expected numbers of at most "
            f"{_MAX_BYTES // 2**20} MB; it is damaged or none of ours: compute it anew"
        )
    return n_bytes


def on_grid(values: npt.NDArray[Any], step: float | npt.NDArray[Any]) -> npt.NDArray[np.float16]:
    """The nearest multiples of a step (a power of two), as far as float16 can hold them."""
    # First float16, then the grid: the other way round would be rounding twice.
    held = values.astype(np.float16).astype(np.float32)
    return (np.round(held / step) * step).astype(np.float16)
