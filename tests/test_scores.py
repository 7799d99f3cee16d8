"""Every score against a hand-made case or a naive loop."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from alas_core.alignment import Alignment
from alas_core.errors import InputError
from alas_core.paths import diagonal_path, monotonic_paths
from alas_core.scores import SCORES, layer_scores, score_alignment
from tests.factory import make_analysis

FRAME_S = 0.04


def alignment(seed=0, layers=3, frame_word=(-1, 0, 0, 1, 1, 1, 2, -1), token_word=(0, 1, 1, 2, -1)):
    rng = np.random.default_rng(seed)
    frame_word, token_word = np.array(frame_word), np.array(token_word)
    shape = (layers, len(frame_word), len(token_word))
    n_words = max(frame_word.max(), token_word.max()) + 1
    onsets = np.array([np.flatnonzero(frame_word == w)[0] * FRAME_S for w in range(n_words)])
    return Alignment(
        rng.uniform(-1, 1, shape).astype(np.float32),
        frame_word,
        token_word,
        onsets,
        np.arange(len(frame_word)) * FRAME_S,
        np.ones(shape[:2], bool),
        np.ones((layers, shape[2]), bool),
    )


def naive_alas(a, temperature=0.1):
    result = []
    for layer in a.similarity:
        masses, uniforms = [], []
        for i, word in enumerate(a.frame_word):
            if word < 0:
                continue
            weights = np.exp(layer[i].astype(float) / temperature)
            masses.append(weights[a.token_word == word].sum() / weights.sum())
            uniforms.append((a.token_word == word).mean())
        mean_m, mean_u = np.mean(masses), np.mean(uniforms)
        result.append((mean_m - mean_u) / (1 - mean_u))
    return np.array(result)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 2.0))
def test_alas_equals_the_definition(seed, temperature):
    a = alignment(seed)
    got = layer_scores(a.similarity, a.frame_word, a.token_word, temperature)
    np.testing.assert_allclose(got, naive_alas(a, temperature), rtol=1e-5, atol=1e-6)


def test_a_uniform_map_scores_zero_and_a_perfect_one_scores_one():
    a = alignment()
    flat = np.full_like(a.similarity, 0.3)
    np.testing.assert_allclose(layer_scores(flat, a.frame_word, a.token_word), 0, atol=1e-6)
    same = a.frame_word[:, None] == a.token_word[None, :]
    sharp = np.where(same, 1.0, -1.0)[None].astype(np.float32)
    assert layer_scores(sharp, a.frame_word, a.token_word, 0.05)[0] == pytest.approx(1, abs=1e-6)
    assert layer_scores(-sharp, a.frame_word, a.token_word, 0.05)[0] < 0


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 100))
def test_the_order_of_tokens_does_not_matter(order, seed):
    a, order = alignment(seed), list(order)
    moved = layer_scores(a.similarity[:, :, order], a.frame_word, a.token_word[order])
    np.testing.assert_allclose(
        moved, layer_scores(a.similarity, a.frame_word, a.token_word), rtol=1e-5, atol=1e-6
    )


def test_silent_frames_do_not_count():
    a = alignment()
    changed = a.similarity.copy()
    changed[:, a.frame_word < 0] = 0.77
    np.testing.assert_array_equal(
        layer_scores(changed, a.frame_word, a.token_word),
        layer_scores(a.similarity, a.frame_word, a.token_word),
    )


def test_no_spoken_frame_is_an_error():
    with pytest.raises(InputError, match="no frame has a word"):
        layer_scores(np.zeros((1, 3, 2), np.float32), np.full(3, -1), np.array([0, 1]))


def test_shapes_must_agree():
    with pytest.raises(InputError, match="do not match similarity"):
        layer_scores(np.zeros((1, 3, 2), np.float32), np.zeros(4, int), np.array([0, 1]))


def test_masked_positions_take_no_part_in_the_best_frames():
    a = alignment(4)
    frame_valid, token_valid = a.frame_valid.copy(), a.token_valid.copy()
    frame_valid[1, 3], token_valid[1, 2] = False, False
    loud = a.similarity.copy()
    loud[1, 3, :] = loud[1, :, 2] = 5.0  # a sink would be every token's best frame
    masked = dataclasses.replace(
        a, similarity=loud, frame_valid=frame_valid, token_valid=token_valid
    )
    got = score_alignment(masked, None, 0.1).scores
    rest = np.delete(np.delete(a.similarity[1], 3, axis=0), 2, axis=1)
    rho = stats.spearmanr(np.arange(4), rest.argmax(axis=0)).statistic
    assert got["aps"][1] == pytest.approx(rest.max(axis=0).mean(), rel=1e-5)
    assert got["aps_order"][1] == pytest.approx(rho, rel=1e-5)


def test_scores_equal_naive_loops():
    a = alignment(3)
    result = score_alignment(a, monotonic_paths(a.similarity), 0.1)
    spoken = np.flatnonzero(a.frame_word >= 0)
    share = np.mean([(a.token_word == a.frame_word[i]).mean() for i in spoken])
    for layer, maps in enumerate(a.similarity):
        weights = np.exp(maps.astype(float) / 0.1)
        weights /= weights.sum(axis=1, keepdims=True)
        mass = np.mean([weights[i][a.token_word == a.frame_word[i]].sum() for i in spoken])
        assert result.scores["lift"][layer] == pytest.approx(mass / share, rel=1e-5)
        hits = [a.token_word[maps[i].argmax()] == a.frame_word[i] for i in spoken]
        assert result.scores["hit_rate"][layer] == pytest.approx(np.mean(hits))
        on = np.mean([maps[i][a.token_word == a.frame_word[i]].mean() for i in spoken])
        off = np.mean([maps[i][a.token_word != a.frame_word[i]].mean() for i in spoken])
        assert result.scores["on_path_cosine"][layer] == pytest.approx(on, rel=1e-5)
        assert result.baselines["on_path_cosine"][layer] == pytest.approx(off, rel=1e-5)
        assert result.scores["contrast"][layer] == pytest.approx(on - off, rel=1e-5)
        best = maps.argmax(axis=0)
        assert result.scores["aps"][layer] == pytest.approx(maps.max(axis=0).mean(), rel=1e-5)
        rho = stats.spearmanr(np.arange(5), best).statistic
        assert result.scores["aps_order"][layer] == pytest.approx(rho, rel=1e-5)
    np.testing.assert_allclose(result.scores["alas"], naive_alas(a), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.baselines["hit_rate"], share, rtol=1e-5)


def naive_path_scores(a, path):
    spoken = np.flatnonzero(a.frame_word >= 0)
    accuracy = np.mean([a.token_word[path[i]] == a.frame_word[i] for i in spoken])
    words = np.arange(a.n_words)
    reference = (a.frame_word[:, None] == words).astype(float)
    followed = (a.token_word[path][:, None] == words).astype(float)
    shifts = [
        1000 * (np.flatnonzero(followed[:, w])[0] * FRAME_S - a.onsets_s[w])
        for w in words
        if followed[:, w].any() and not followed[0, w]  # the path has to begin with its first word
    ]
    return accuracy, np.abs(reference - followed).mean(), np.abs(shifts).mean()


def test_path_scores_and_their_diagonal_baseline():
    a = alignment(5)
    paths = monotonic_paths(a.similarity)
    result = score_alignment(a, paths, 0.1)
    straight = naive_path_scores(a, diagonal_path(8, 5))
    for layer, path in enumerate(paths):
        rows = naive_path_scores(a, path)
        for name, value, base in zip(
            ("path_accuracy", "path_l1", "onset_error_ms"), rows, straight, strict=True
        ):
            assert result.scores[name][layer] == pytest.approx(value, rel=1e-5), name
            assert result.baselines[name][layer] == pytest.approx(base, rel=1e-5), name


def test_without_a_path_the_path_scores_are_empty_and_the_rest_stands():
    a = alignment(6, frame_word=(0, 1, 2), token_word=(0, 0, 1, 1, 2))
    result = score_alignment(a, None, 0.1)
    assert np.isnan(result.scores["path_accuracy"]).all()
    assert np.isfinite(result.baselines["path_accuracy"]).all()
    assert np.isfinite(result.scores["alas"]).all()


def test_words_and_tokens_add_up_to_the_layer():
    a = alignment(7)
    result = score_alignment(a, monotonic_paths(a.similarity), 0.1)
    sizes = np.array([(a.frame_word == w).sum() for w in range(a.n_words)])
    weighted = (result.words["hit_rate"] * sizes).sum(axis=1) / sizes.sum()
    np.testing.assert_allclose(weighted, result.scores["hit_rate"], rtol=1e-5)
    for word in range(a.n_words):
        tokens = result.tokens["hit_rate"][:, a.token_word == word].sum(axis=1)
        np.testing.assert_allclose(tokens, result.words["hit_rate"][:, word], rtol=1e-5)
    assert np.isnan(result.tokens["alas"][:, 4]).all()  # a token of no word
    assert np.isnan(result.frames["alas"][:, a.frame_word < 0]).all()


def test_masking_a_token_equals_leaving_it_out():
    a = alignment(8)
    valid = a.token_valid.copy()
    valid[:, 1] = False
    masked = score_alignment(dataclasses.replace(a, token_valid=valid), None, 0.1)
    keep = [0, 2, 3, 4]
    without = layer_scores(a.similarity[:, :, keep], a.frame_word, a.token_word[keep])
    np.testing.assert_allclose(masked.scores["alas"], without, rtol=1e-5, atol=1e-6)


def test_masking_a_frame_equals_calling_it_silent():
    a = alignment(9)
    valid = a.frame_valid.copy()
    valid[:, 4] = False
    masked = score_alignment(dataclasses.replace(a, frame_valid=valid), None, 0.1)
    silent = a.frame_word.copy()
    silent[4] = -1
    np.testing.assert_allclose(
        masked.scores["alas"], layer_scores(a.similarity, silent, a.token_word), rtol=1e-5
    )


def test_of_one_word_there_is_nothing_to_tell():
    a = alignment(1, frame_word=(0, 0, 0), token_word=(0, 0))
    result = score_alignment(a, monotonic_paths(a.similarity), 0.1)
    assert np.isnan(result.scores["alas"]).all()
    assert np.isnan(result.words["alas"]).all()
    assert np.isnan(result.scores["onset_error_ms"]).all()
    assert (result.scores["hit_rate"] == 1).all()


def test_the_word_that_every_path_begins_with_has_no_onset_of_its_own():
    a = alignment(5)
    result = score_alignment(a, monotonic_paths(a.similarity), 0.1)
    shifts = result.words["onset_shift_ms"]
    assert np.isnan(shifts[:, a.token_word[0]]).all()
    assert np.isfinite(np.delete(shifts, a.token_word[0], axis=1)).all()


def test_all_layers_of_the_best_value_are_named():
    hit_rate = SCORES["hit_rate"]
    assert hit_rate.best_place(np.array([0.5, 0.95, 0.95])) == "0.95 at layers 1, 2"
    assert hit_rate.best_place(np.array([0.5, 0.95, 0.2])) == "0.95 at layer 1"
    assert hit_rate.best_place(np.ones(9)) == "1.0 at layers 0, 1, 2 and 6 more"
    assert hit_rate.best_place(np.full(3, np.nan)) == "none"
    assert SCORES["norm_ratio"].bests(np.array([0.5, 2.0, 3.0])) == (0, 1)


@pytest.mark.parametrize(
    ("score", "values", "best"),
    [
        ("alas", [0.1, 0.5, 0.5, np.nan], 1),
        ("onset_error_ms", [30, np.nan, 20, 20], 2),
        ("norm_ratio", [0.5, 1.9, 0.6, 3.0], 2),  # 1.9 is nearly twice as long, 0.6 is not
        ("norm_ratio", [0.5, 0.0, 1.5, 2.0], 2),
        ("alas", [np.nan, np.nan], None),
    ],
)
def test_each_score_knows_which_of_its_values_is_best(score, values, best):
    assert SCORES[score].best(np.array(values)) == best


def test_every_score_is_defined_and_every_definition_is_used():
    planted_analysis = make_analysis()
    assert set(planted_analysis.scores) == set(SCORES)
    assert set(planted_analysis.baselines) == set(SCORES)
    for score in SCORES.values():
        assert score.plain.endswith(".")
        assert score.definition
        assert score.source
        assert score.baseline


def test_a_word_without_a_token_takes_no_part():
    """Of four characters in two tokens, two words have none: perfect binding is still 1."""
    frame_word, token_word = (0, 0, 1, 1, 2, 2, 3, 3), (0, 2)
    a = alignment(0, layers=1, frame_word=frame_word, token_word=token_word)
    similarity = np.full_like(a.similarity, -1)
    similarity[:, :4, 0] = similarity[:, 4:, 1] = 1
    found = score_alignment(dataclasses.replace(a, similarity=similarity), None, 0.05)
    assert found.scores["alas"] == pytest.approx(1)
    assert found.scores["hit_rate"] == pytest.approx(1)
    assert np.isfinite(found.words["alas"][0]).tolist() == [True, False, True, False]
