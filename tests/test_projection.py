"""PCA against scikit-learn; UMAP deterministic and faithful to two far clouds."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from alas_core import projection
from alas_core.errors import InputError
from tests.factory import make_analysis


@pytest.mark.parametrize("width", [6, 80])  # fewer and more dimensions than points
def test_pca_equals_scikit_learn_up_to_sign(width):
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(2, 30, width)).astype(np.float32) * np.arange(1, width + 1)
    tokens = rng.normal(size=(2, 9, width)).astype(np.float32)
    frames, tokens = (torch.from_numpy(x.astype(np.float32)) for x in (frames, tokens))
    coords = projection.pca(frames, tokens, 4)
    for layer in range(2):
        both = torch.cat([frames[layer], tokens[layer]]).numpy()
        expected = PCA(4).fit_transform(both)
        np.testing.assert_allclose(np.abs(coords[layer]), np.abs(expected), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(("n", "width"), [(300, 400), (420, 300)])
def test_large_layers_are_searched_and_agree_with_the_exact_solution(monkeypatch, n, width):
    """Planted directions of falling strength under noise, and one huge state."""
    generator = torch.Generator().manual_seed(1)
    planted = torch.randn(2, n, 100, generator=generator) * torch.logspace(1, 0, 100)
    states = planted @ torch.randn(2, 100, width, generator=generator)
    states += 3 * torch.randn(2, n, width, generator=generator)
    states[:, 0, 5] += 500
    found = projection.pca(states[:, :250], states[:, 250:])
    np.testing.assert_array_equal(found, projection.pca(states[:, :250], states[:, 250:]))
    monkeypatch.setattr(projection, "_EXACT_SIDE", 10_000)
    exact = projection.pca(states[:, :250], states[:, 250:])
    largest = np.abs(exact).max()
    np.testing.assert_allclose(found[:, :, :10], exact[:, :, :10], atol=1e-3 * largest)
    assert (found**2).sum() == pytest.approx((exact**2).sum(), rel=1e-5)
    distances = [np.linalg.norm(x[0, :, None] - x[0, None], axis=2) for x in (found, exact)]
    assert np.abs(distances[0] - distances[1]).max() < 1e-2 * np.median(distances[1])


def test_signs_follow_the_layer_before():
    rng = np.random.default_rng(2)
    layer = rng.normal(size=(1, 40, 10)).astype(np.float32) * np.arange(10, 0, -1)
    states = torch.from_numpy(np.concatenate([layer, layer * 1.01]).astype(np.float32))
    first, second = projection.pca(states[:, :30], states[:, 30:], 5)
    assert ((first * second).sum(axis=0) > 0).all()


def test_umap_keeps_two_clouds_apart():
    analysis = make_analysis(n_frames=60)
    points = analysis.coords.copy()
    points[3, :30] += 40
    object.__setattr__(analysis, "coords", points)
    layer, first = next(projection.umap_layers(analysis, 3))
    assert layer == 3
    assert first.shape == (65, 2)
    gap = np.linalg.norm(first[:30].mean(axis=0) - first[30:60].mean(axis=0))
    assert gap > first[:30].std(axis=0).max()


def test_umap_refuses_a_layer_that_is_not_there():
    with pytest.raises(InputError, match="layer is 9, expected 0 to 8"):
        next(projection.umap_layers(make_analysis(), 9))


def test_warm_up_makes_umap_ready():
    thread = projection.warm_up()
    if thread is not None:
        thread.join()
    assert projection.umap_ready()
    assert projection.warm_up() is None


def test_neighbours_found_in_blocks_are_the_exact_ones(monkeypatch):
    points = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    monkeypatch.setattr(projection, "_ROWS", 7)
    index, distance = projection._exact_neighbours(points, 6)
    away = np.linalg.norm(points[:, None].astype(float) - points[None], axis=2)
    np.testing.assert_array_equal(index, np.argsort(away, axis=1)[:, :6])
    np.testing.assert_allclose(distance, np.sort(away, axis=1)[:, :6], atol=1e-5)


def test_umap_of_any_points_needs_five():
    with pytest.raises(InputError, match="too few"):
        projection.umap_points(np.zeros((4, 3), np.float32))
