"""The nulls: exact against naive loops, calibrated on noise, beaten by a planted alignment."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from alas_core.errors import InputError
from alas_core.null import make_null, null_scores, permuted_words, wrong_transcripts
from alas_core.scores import layer_scores, score_alignment
from alas_core.similarity import cosine_maps
from alas_core.types import Settings
from alas_core.words import split_words
from tests.test_scores import alignment

POOL = ("One two three.", "Four five", "six seven eight nine", "ten", "the red fox")


def test_wrong_transcripts_have_as_many_words_and_leave_the_right_one_out():
    wrong = wrong_transcripts("The red, fox!", POOL, 40, seed=1)
    assert len(wrong) == 4
    assert all(len(split_words(text)) == 3 for text in wrong)
    assert "the red fox" not in wrong
    assert "Four five six" in wrong  # a short sentence is continued with the next
    assert wrong == wrong_transcripts("The red, fox!", POOL, 40, seed=1)
    assert wrong != wrong_transcripts("The red, fox!", POOL, 40, seed=2)


def test_no_sentence_of_the_pool_counts_twice():
    assert len(wrong_transcripts("a b", POOL, 3)) == 3
    wrong = wrong_transcripts("a b", POOL, 199)
    assert len(wrong) == len(set(wrong)) == len(POOL)


def test_a_pool_with_nothing_else_is_refused():
    with pytest.raises(InputError, match="none that differs"):
        wrong_transcripts("same words", ["Same words!", "..."], 3)


def test_null_scores_are_alas_with_the_words_in_the_same_places():
    a = alignment(2)
    rng = np.random.default_rng(0)
    frames = torch.from_numpy(rng.normal(size=(3, 8, 16)).astype(np.float32))
    wrong = torch.from_numpy(rng.normal(size=(3, 4, 16)).astype(np.float32))
    token_word = np.array([0, 1, 2, 2])
    (got,) = null_scores(frames, [(wrong, token_word)], a, Settings())
    maps = cosine_maps(frames, wrong).numpy()
    np.testing.assert_allclose(got, layer_scores(maps, a.frame_word, token_word), rtol=1e-5)


def test_permuted_words_are_alas_of_a_permuted_reference():
    a = alignment(4)
    samples = permuted_words(a, temperature=0.1, n_permutations=60, seed=3)
    allowed = []
    for order in itertools.permutations(range(3)):
        moved = np.where(a.frame_word < 0, -1, np.array(order)[a.frame_word])
        allowed.append(layer_scores(a.similarity, moved, a.token_word))
    for sample in samples:
        assert min(np.abs(sample - each).max() for each in allowed) < 1e-5
    distinct = {tuple(sample.round(4)) for sample in samples}
    assert len(distinct) == 6  # every order is drawn


def test_band_and_p_follow_the_definition():
    samples = np.arange(49, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32)
    null = make_null("wrong transcripts", samples, np.array([48.5, 24.0], np.float32))
    np.testing.assert_allclose(null.p, [1 / 50, 26 / 50], rtol=1e-6)
    np.testing.assert_allclose(null.p_adjusted, [2 / 50, 26 / 50], rtol=1e-6)
    np.testing.assert_allclose(null.low, np.quantile(samples, 0.025, axis=0), rtol=1e-6)
    np.testing.assert_allclose(null.high, np.quantile(samples, 0.975, axis=0), rtol=1e-6)


def test_a_score_or_a_null_that_is_no_number_is_no_evidence():
    samples = np.zeros((49, 3), np.float32)
    samples[:, 2] = np.nan
    null = make_null("wrong transcripts", samples, np.array([0.5, np.nan, 0.5], np.float32))
    np.testing.assert_allclose(null.p, [1 / 50, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(null.p_adjusted, [3 / 50, 1, 1], rtol=1e-6)


def test_the_wrong_transcript_null_is_calibrated_on_states_that_bind_nothing():
    """Under exchangeable words p <= 0.1 in a tenth of utterances: the first two of 20 places.

    Each layer stands for an utterance of its own: layers are scored apart from each other.
    """
    n, rng = 4000, np.random.default_rng(0)
    frames, *texts = (
        torch.from_numpy(rng.normal(size=(n, count, 12)).astype(np.float32))
        for count in (8, *[3] * 20)
    )
    a = alignment(0, layers=n, token_word=(0, 1, 2))
    read = ((text, np.arange(3)) for text in texts)
    scores = np.stack(list(null_scores(frames, read, a, Settings())))
    null = make_null("wrong transcripts", scores[1:], scores[0])
    low, high = stats.binom.interval(0.999, n, 0.1)  # 339 to 464, of any 1000 draws all but one
    assert low <= (null.p <= 0.1).sum() <= high


def test_what_is_the_right_words_once_it_is_cut_is_no_wrong_transcript():
    pool = [
        "turn on the lights in the kitchen",
        "Turn on the radio please",
        "turn on the radio now",
    ]
    (wrong,) = wrong_transcripts("Turn on the lights!", pool, 9)
    assert wrong.casefold() == "turn on the radio"
    with pytest.raises(InputError, match="none that differs"):
        wrong_transcripts("turn on the lights", pool[:1], 9)


@pytest.mark.parametrize("token_word", [(0, -1), (0, 0, -1)])
def test_an_order_that_is_the_right_one_is_as_good_as_the_score(token_word):
    """One word has one order: computed another way it may come out one rounding lower."""
    for seed in range(20):
        a = alignment(seed, layers=9, frame_word=(-1, 0, 0, 0, 0, 0, 0), token_word=token_word)
        score = score_alignment(a, None, 0.1).scores["alas"]
        samples = permuted_words(a, temperature=0.1, n_permutations=200)
        null = make_null("permuted words", samples, score)
        assert null.p.tolist() == [1.0] * 9
