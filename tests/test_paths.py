"""Monotonic alignment search against brute force and a naive loop."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alas_core.errors import InputError
from alas_core.paths import diagonal_path, monotonic_paths


def brute_force(values):
    """The best total over all monotone paths, by trying every one."""
    n_frames, n_tokens = values.shape
    best = -np.inf
    for rises in itertools.combinations(range(1, n_frames), n_tokens - 1):
        path = np.searchsorted(rises, np.arange(n_frames), side="right")
        best = max(best, values[np.arange(n_frames), path].sum())
    return best


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10_000))
def test_no_monotone_path_is_better(n_frames, n_tokens, seed):
    if n_frames < n_tokens:
        n_frames, n_tokens = n_tokens, n_frames
    values = np.random.default_rng(seed).uniform(-1, 1, (3, n_frames, n_tokens))
    values = values.astype(np.float32)
    for layer, path in enumerate(monotonic_paths(values)):
        assert path[0] == 0
        assert path[-1] == n_tokens - 1
        assert set(np.diff(path)) <= {0, 1}
        total = values[layer][np.arange(n_frames), path].sum()
        assert total == pytest.approx(brute_force(values[layer]), abs=1e-5)


def test_a_planted_path_is_recovered_at_each_layer():
    planted = np.repeat([0, 1, 2, 3], [3, 5, 2, 6])
    values = np.zeros((2, 16, 4), np.float32)
    values[:, np.arange(16), planted] = 1
    values[1] = 0.01
    values[1, np.arange(16), np.repeat([0, 1, 2, 3], 4)] = 1
    paths = monotonic_paths(values)
    assert paths[0].tolist() == planted.tolist()
    assert paths[1].tolist() == np.repeat([0, 1, 2, 3], 4).tolist()


def test_as_many_frames_as_tokens_leaves_one_path():
    assert monotonic_paths(np.zeros((1, 5, 5), np.float32))[0].tolist() == [0, 1, 2, 3, 4]


def test_fewer_frames_than_tokens_is_refused():
    with pytest.raises(InputError, match="3 frames cannot visit 4 tokens"):
        monotonic_paths(np.zeros((2, 3, 4), np.float32))


def test_diagonal_gives_every_token_equal_time():
    assert diagonal_path(6, 3).tolist() == [0, 0, 1, 1, 2, 2]
