"""One frame of reference for all layers: turned, scaled, measured; UMAP grown layer by layer."""

import dataclasses

import numpy as np
import pytest

from alas_core import layouts, projection
from alas_core.errors import InputError
from tests.factory import make_analysis


def turned_layers(turns: list[float], seed: int = 0) -> np.ndarray:
    """One cloud, turned and scaled anew at each layer."""
    cloud = np.random.default_rng(seed).normal(size=(30, 2)).astype(np.float32) * [3, 1]
    made = []
    for layer, angle in enumerate(turns):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        made.append(5 + (layer + 1) * cloud @ turn)
    return np.stack(made)


def displacement(points: np.ndarray) -> float:
    """How far a point moves from one layer to the next, on average, in median radii of a layer."""
    even = points / np.median(np.linalg.norm(points, axis=2), axis=1)[:, None, None]
    return float(np.linalg.norm(np.diff(even, axis=0), axis=2).mean())


def test_layers_that_only_turn_and_grow_stand_still() -> None:
    points = turned_layers([0.0, 1.0, -2.0, 0.3])
    still = layouts.steady(points)
    for layer in still[1:]:
        np.testing.assert_allclose(layer, still[0], atol=1e-4)
    assert displacement(still) < 1e-4
    assert displacement(points - points.mean(axis=1, keepdims=True)) > 0.5


def test_turning_keeps_the_shape_of_a_layer() -> None:
    points = turned_layers([0.0, 1.0])
    points[1] += np.random.default_rng(1).normal(size=points[1].shape)
    before = np.linalg.norm(points[1][:, None] - points[1][None], axis=2)
    after = layouts.steady(points)[1]
    after = np.linalg.norm(after[:, None] - after[None], axis=2)
    np.testing.assert_allclose(after / after.max(), before / before.max(), atol=1e-5)


def test_only_the_layer_with_a_far_point_zooms_out() -> None:
    points = np.random.default_rng(0).normal(size=(6, 50, 2)).astype(np.float32)
    points[4, 7] = [60, 0]
    windows = layouts.extents(points)
    assert windows[4, 0, 1] > 60
    assert (windows[[0, 1, 2, 3, 5], 0, 1] < 6).all()
    np.testing.assert_array_equal(windows[0], windows[5])
    inside = (points > windows[:, None, :, 0]) & (points < windows[:, None, :, 1])
    assert inside.all()


def test_trust_is_high_where_neighbours_stay_and_half_where_they_are_random() -> None:
    analysis = make_analysis()
    layout = layouts.pca_layout(analysis)
    full = dataclasses.replace(layout, points=analysis.coords.astype(np.float32))
    assert layouts.trustworthiness(analysis, full, 3) == pytest.approx(1)
    rng = np.random.default_rng(0)
    thrown = dataclasses.replace(layout, points=rng.normal(size=layout.points.shape))
    values = [layouts.trustworthiness(analysis, thrown, layer) for layer in range(9)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.06)
    assert layouts.trustworthiness(analysis, layout, 3) > 0.6


def test_anchors_are_the_middles_of_each_words_frames_and_tokens() -> None:
    analysis = make_analysis()
    points = layouts.pca_layout(analysis).points
    placed = layouts.with_anchors(analysis, points)
    assert placed.shape[1] == 40 + 5 + 5 + 5
    for word in range(5):
        own = points[:, :40][:, analysis.frame_word == word].mean(axis=1)
        np.testing.assert_allclose(placed[:, 45 + word], own, atol=1e-5)
        np.testing.assert_allclose(placed[:, 50 + word], points[:, 40 + word], atol=1e-6)


def test_fewer_components_than_axes_are_refused() -> None:
    analysis = make_analysis()
    flat = dataclasses.replace(analysis, coords=analysis.coords[..., :2])
    with pytest.raises(InputError, match="holds 2 components, expected at least 3"):
        layouts.pca_layout(flat, 3)


def test_umap_grows_outward_seeded_and_moves_less_than_fits_made_anew() -> None:
    analysis = make_analysis(n_layers=4, n_frames=120)
    rng = np.random.default_rng(0)
    words = np.concatenate([analysis.frame_word, analysis.token_word])
    start = rng.normal(size=(6, 20))[words] * 2 + rng.normal(size=(125, 20))
    steps = np.cumsum(0.3 * rng.normal(size=(5, 125, 20)), axis=0)
    analysis = dataclasses.replace(analysis, coords=(start + steps).astype(np.float16))
    grown = dict(projection.umap_layers(analysis, 2))
    assert list(grown) == [2, 1, 3, 0, 4]
    again = dict(projection.umap_layers(analysis, 2))
    np.testing.assert_array_equal(grown[4], again[4])
    anew = [next(projection.umap_layers(analysis, layer))[1] for layer in range(5)]
    moved = displacement(np.stack([grown[layer] for layer in range(5)]))
    assert moved < 0.8 * displacement(layouts.steady(np.stack(anew)))


def test_a_layout_fills_layer_by_layer() -> None:
    analysis = make_analysis()
    layout = layouts.without_own(layouts.pca_layout(analysis), "UMAP")
    assert not layout.own.any()
    points = np.random.default_rng(0).normal(size=layout.points[0].shape).astype(np.float32)
    filled = layouts.with_layer(analysis, layout, 6, points)
    assert filled.own.tolist() == [layer == 6 for layer in range(9)]
    np.testing.assert_array_equal(filled.points[6], points)
    np.testing.assert_array_equal(filled.points[5], layout.points[5])
    assert np.isfinite(filled.trust).sum() == 1
    assert filled.version != layout.version
