"""Sensitivity: what is recomputed from a stored analysis is what a new analysis would say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from alas_core.rankings import agreements, kendall_tau
from alas_core.scores import layer_scores
from alas_core.sensitivity import (
    alas_by_temperature,
    alas_under_jitter,
    alas_with_words,
    jitter_words,
)
from alas_core.sinks import valid_frames_and_tokens
from alas_core.types import NO_WORD, Settings, WordTiming
from alas_core.words import frame_words
from tests.factory import make_analysis


@pytest.fixture(scope="module")
def analysis():
    return make_analysis(n_frames=60)


def test_temperature_gives_the_score_at_that_temperature(analysis) -> None:
    rows = alas_by_temperature(analysis, (0.05, 0.1, 1.0))
    np.testing.assert_allclose(rows[1], analysis.scores["alas"], atol=2e-3)  # float16 maps
    maps = analysis.similarity.astype(np.float32)
    for row, temperature in zip(rows, (0.05, 0.1, 1.0), strict=True):
        expected = layer_scores(maps, analysis.frame_word, analysis.token_word, temperature)
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6)


def test_frames_of_a_word_without_a_token_do_not_count_as_in_the_score(analysis) -> None:
    token_word = analysis.token_word.copy()
    token_word[token_word == 1] = NO_WORD
    bare = dataclasses.replace(analysis, token_word=token_word)
    maps = bare.similarity.astype(np.float32)
    expected = layer_scores(maps, bare.frame_word, token_word)
    (curve,) = alas_by_temperature(bare, (0.1,))
    np.testing.assert_allclose(curve, expected, atol=1e-5)
    np.testing.assert_allclose(alas_with_words(bare, bare.words), expected, atol=1e-5)


def test_no_jitter_is_the_score_and_more_jitter_costs_more(analysis) -> None:
    still = alas_under_jitter(analysis, (0.0,), n_draws=2)
    maps = analysis.similarity.astype(np.float32)
    expected = layer_scores(maps, analysis.frame_word, analysis.token_word)
    np.testing.assert_allclose(still[0], np.stack([expected] * 2), rtol=1e-5, atol=1e-6)
    moved = alas_under_jitter(analysis, (20.0, 400.0), n_draws=20)
    best = analysis.best_layer
    assert moved[1, :, best].mean() < moved[0, :, best].mean() < expected[best] + 0.02


def test_jitter_is_the_score_of_a_reference_that_was_moved(analysis) -> None:
    """The same draw by hand: move the words, place the frames anew, score."""
    got = alas_under_jitter(analysis, (60.0,), n_draws=1, seed=5)[0, 0]
    rng = np.random.default_rng(5)
    words = jitter_words(analysis.words, 60.0, analysis.utterance.audio.duration_s, rng)
    frame_word = frame_words(analysis.frame_spans, words)
    assert (frame_word != analysis.frame_word).any()
    maps = analysis.similarity.astype(np.float32)
    expected = layer_scores(maps, frame_word, analysis.token_word)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@given(st.lists(st.floats(0.0, 3.0), min_size=2, max_size=12), st.floats(0, 500), st.integers(0))
def test_jittered_words_keep_their_order_and_stay_in_the_audio(times, jitter_ms, seed) -> None:
    edges = np.sort(times)
    words = tuple(
        WordTiming("w", 0, 1, start, end)
        for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    )
    moved = jitter_words(words, jitter_ms, 3.0, np.random.default_rng(seed))
    flat = np.array([(word.start_s, word.end_s) for word in moved])
    assert (np.diff(flat.ravel()) >= 0).all()
    assert flat.min() >= 0
    assert flat.max() <= 3.0
    shifts = np.abs(flat.ravel() - np.array([(w.start_s, w.end_s) for w in words]).ravel())
    # Order is kept by pushing, which never moves a boundary farther than its neighbours drew.
    assert shifts.max() <= jitter_ms / 1000 + 1e-9
    assert (flat[1:, 0] == flat[:-1, 1]).all(), "a shared boundary stays shared"


def test_an_unplaced_word_stays_unplaced() -> None:
    words = (WordTiming("a", 0, 1, 0.1, 0.3), WordTiming("b", 2, 3, problem="not there"))
    moved = jitter_words(words, 40.0, 1.0, np.random.default_rng(0))
    assert moved[0].placed
    assert moved[0] != words[0]
    assert moved[1] is words[1]
    assert jitter_words(words[1:], 40.0, 1.0, np.random.default_rng(0)) == words[1:]


def test_masked_sinks_stay_masked(analysis) -> None:
    norms = analysis.norms.copy()
    norms[:, 3] = 1000 * norms.max()
    norms[2, analysis.n_frames + 1] = 1000 * norms.max()
    masked = dataclasses.replace(
        analysis,
        norms=norms,
        key=dataclasses.replace(analysis.key, settings=Settings(mask_sinks=True)),
    )
    frames, tokens = valid_frames_and_tokens(masked)
    assert not frames[:, 3].any()
    assert frames.sum() == frames.size - len(norms)
    assert np.argwhere(~tokens).tolist() == [[2, 1]]
    assert valid_frames_and_tokens(analysis)[0].all()


def test_equals_are_compared_at_their_nearest_and_a_constant_ranks_nothing(analysis) -> None:
    alas = np.linspace(0, 1, 9)
    flat = np.where(np.arange(9) < 8, 1.0, 0.5)  # as good at layer 7 as at layer 0
    scores = dict(analysis.scores) | {"alas": alas[::-1], "hit_rate": flat}
    far = {"alas": alas[::-1], "hit_rate": np.where(np.arange(9) > 5, 1.0, 0.9)}

    def found(**given) -> object:
        looked = dataclasses.replace(analysis, scores={**scores, **given})
        return agreements(looked, ("hit_rate",))[0]

    assert found().best_layer == 0
    assert found(alas=np.roll(alas, -1)).best_layer == 7
    assert found(**far).differs
    assert found(**far).best_layer == 6
    constant = found(hit_rate=np.ones(9))
    assert np.isnan(constant.kendall)
    assert not constant.differs


def test_rankings_are_compared_with_that_of_alas(analysis) -> None:
    alas = analysis.scores["alas"]
    scores = dict(analysis.scores) | {
        "hit_rate": 2 * alas + 1,
        "contrast": -alas,
        "onset_error_ms": 100 - alas,
        "path_accuracy": np.full_like(alas, np.nan),
    }
    found = {a.score: a for a in agreements(dataclasses.replace(analysis, scores=scores))}
    assert found["hit_rate"].kendall == pytest.approx(1)
    assert not found["hit_rate"].differs
    assert found["onset_error_ms"].kendall == pytest.approx(1), "for an error lower is better"
    assert found["onset_error_ms"].best_layer == analysis.best_layer
    assert found["contrast"].kendall == pytest.approx(-1)
    assert found["contrast"].differs
    assert found["path_accuracy"].best_layer is None
    assert not found["path_accuracy"].differs
    assert "alas" not in found


def test_a_far_best_layer_differs_even_where_most_layers_agree() -> None:
    analysis = make_analysis(n_layers=12)
    alas = np.linspace(0.9, 0.1, 13).astype(np.float32)
    other = alas.copy()
    other[12] = 1.0
    scores = dict(analysis.scores) | {"alas": alas, "hit_rate": other}
    (found,) = agreements(dataclasses.replace(analysis, scores=scores), ("hit_rate",))
    assert found.kendall > 0.5
    assert found.best_layer == 12
    assert found.differs


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=30))
def test_rank_correlation_is_that_of_scipy(pairs) -> None:
    one, other = np.array(pairs, dtype=float).T
    expected = scipy.stats.kendalltau(one, other).statistic
    assert kendall_tau(one, other) == pytest.approx(expected, nan_ok=True)
