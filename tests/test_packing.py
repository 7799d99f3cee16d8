"""Arrays made small without loss."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alas_core.assembly import SIMILARITY_STEP
from alas_core.errors import StoreError
from alas_core.packing import deflated, inflated, on_grid


@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=3),
    dtype=st.sampled_from(["float16", "float32", "int16", "uint32", "int64", "bool"]),
)
def test_every_bit_comes_back(shape, dtype):
    shape = [*shape, 200]  # noughts and ones enough to be packed, whatever the type
    values = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    small = deflated(values)
    assert small is not None
    again = inflated(small, dtype, shape)
    assert again.dtype == values.dtype
    np.testing.assert_array_equal(again, values)


def test_nan_infinity_and_order_survive():
    values = np.array([[np.nan, np.inf, -np.inf], [-0.0, 1e-7, 65504]], np.float16).repeat(50, 0)
    again = inflated(deflated(values), "float16", values.shape)
    assert again.tobytes() == values.tobytes()


def test_what_cannot_be_made_smaller_stays():
    assert deflated(np.random.default_rng(0).integers(0, 256, 9999).astype(np.uint8)) is None
    assert deflated(np.zeros((0, 3), np.float16)) is None


def test_cosines_on_the_grid_lose_nothing_that_float16_has_near_one():
    cosines = np.random.default_rng(0).uniform(-1, 1, (3, 50, 40)).astype(np.float32)
    stored = on_grid(cosines, SIMILARITY_STEP)
    apart = np.abs(stored.astype(np.float32) - cosines).max()
    assert apart <= 2.0**-12 * 1.01
    assert np.abs(cosines.astype(np.float16).astype(np.float32) - cosines).max() > 2.0**-12.2
    np.testing.assert_array_equal(on_grid(stored.astype(np.float32), SIMILARITY_STEP), stored)
    real = on_grid(np.random.default_rng(0).normal(0, 0.1, (20, 200, 40)), SIMILARITY_STEP)
    assert len(deflated(real)) < 0.8 * real.nbytes


@pytest.mark.parametrize(
    ("raw", "dtype", "shape"),
    [
        (zlib.compress(bytes(8)), "float16", [5]),  # too little
        (zlib.compress(bytes(8)), "float16", [3]),  # too much
        (zlib.compress(bytes(10**6)), "float16", [3]),  # a bomb
        (b"no deflate", "float16", [3]),
        (zlib.compress(bytes(8)), "object", [1]),
        (zlib.compress(bytes(8)), "float16", [-4]),
        (zlib.compress(bytes(8)), "float64", [2**40]),
    ],
)
def test_a_damaged_array_is_refused(raw, dtype, shape):
    with pytest.raises(StoreError):
        inflated(np.frombuffer(raw, np.uint8), dtype, shape)
