"""Geometry against scikit-learn, numpy and hand-made clouds."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from alas_core import geometry, projection


def clouds(seed=0, layers=2, frames=30, tokens=12, width=9, shift=0.0):
    rng = np.random.default_rng(seed)
    audio = rng.normal(size=(layers, frames, width)).astype(np.float32) + shift
    text = rng.normal(size=(layers, tokens, width)).astype(np.float32)
    return torch.from_numpy(audio.astype(np.float32)), torch.from_numpy(text)


def test_neighbour_mixing_equals_scikit_learn():
    audio, text = clouds(1)
    scores, _ = geometry.modality_gap(audio, text)
    for layer in range(2):
        both = torch.cat([audio[layer], text[layer]]).numpy()
        index = NearestNeighbors(n_neighbors=16).fit(both).kneighbors(both)[1][:, 1:]
        is_text = np.arange(len(both)) >= 30
        naive = (is_text[index] != is_text[:, None]).mean()
        assert scores["neighbour_mixing"][layer] == pytest.approx(naive, abs=1e-6)


def test_identical_clouds_reach_their_baselines():
    audio, text = clouds(2, frames=400, tokens=400, width=4)
    scores, baselines = geometry.modality_gap(audio, text)
    assert baselines["neighbour_mixing"][0] == pytest.approx(0.5, abs=0.01)
    assert scores["neighbour_mixing"][0] == pytest.approx(0.5, abs=0.05)
    assert scores["modality_variance"][0] < 0.02
    assert scores["norm_ratio"][0] == pytest.approx(1, abs=0.1)


def test_clouds_far_apart_do_not_mix_and_carry_the_variance():
    audio, text = clouds(3, shift=50.0)
    scores, _ = geometry.modality_gap(audio, text)
    assert scores["neighbour_mixing"].max() < 0.3  # 12 tokens have only 11 neighbours of their own
    assert scores["modality_variance"].min() > 0.95
    assert scores["norm_ratio"].min() > 10


def test_variance_share_equals_numpy():
    audio, text = clouds(4, shift=1.0)
    both = torch.cat([audio, text], dim=1).numpy()[0]
    means = audio[0].numpy().mean(axis=0), text[0].numpy().mean(axis=0)
    grand = both.mean(axis=0)
    between = sum(n * ((mean - grand) ** 2).sum() for n, mean in zip((30, 12), means, strict=True))
    naive = between / ((both - grand) ** 2).sum()
    scores, _ = geometry.modality_gap(audio, text)
    assert scores["modality_variance"][0] == pytest.approx(naive, rel=1e-5)


def test_pooling_is_the_mean_of_a_words_positions():
    audio, _ = clouds(5)
    word_of = torch.full((30,), -1)
    word_of[3:7], word_of[10:12] = 0, 1
    pooled = geometry.pool_words(audio, word_of, 3)
    torch.testing.assert_close(pooled[:, 0], audio[:, 3:7].mean(dim=1))
    torch.testing.assert_close(pooled[:, 1], audio[:, 10:12].mean(dim=1))
    assert pooled[:, 2].abs().max() == 0


def test_retrieval_counts_repeats_as_hits():
    words = torch.eye(3)[None]
    swapped = words[:, [1, 0, 2]]
    rate, chance = geometry.word_retrieval(words, swapped, ["a", "b", "c"])
    assert rate[0] == pytest.approx(1 / 3)
    assert chance == pytest.approx(1 / 3)
    rate, chance = geometry.word_retrieval(words, swapped, ["A", "a", "c"])
    assert rate[0] == 1
    assert chance == pytest.approx(5 / 9)


def naive_unbiased_cka(x, y):
    def hsic(k, m):
        n = len(k)
        k, m = k.copy(), m.copy()
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
        one = np.ones(n)
        value = np.trace(k @ m) + one @ k @ one * (one @ m @ one) / ((n - 1) * (n - 2))
        return (value - 2 / (n - 2) * one @ k @ m @ one) / (n * (n - 3))

    k, m = x @ x.T, y @ y.T
    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def test_cka_equals_the_matrix_formula():
    rng = np.random.default_rng(6)
    audio = rng.normal(size=(2, 10, 5))
    text = audio[::-1] @ rng.normal(size=(5, 5)) + 0.3 * rng.normal(size=(2, 10, 5))
    got = geometry.cka(torch.from_numpy(audio.copy()), torch.from_numpy(text.copy()))
    for row in range(2):
        for column in range(2):
            naive = naive_unbiased_cka(audio[row], text[column])
            assert got[row, column] == pytest.approx(naive, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_cka_has_no_scale(scale):
    generator = torch.Generator().manual_seed(2)
    audio, text = (torch.randn(3, 9, 64, generator=generator) for _ in range(2))
    text = text + audio
    expected = geometry.cka(audio, text)
    assert np.abs(expected).max() > 0.3
    np.testing.assert_allclose(geometry.cka(scale * audio, scale * text), expected, atol=1e-5)
    np.testing.assert_allclose(geometry.cka(scale * audio, text), expected, atol=1e-5)


def test_cka_of_the_same_words_is_one_and_needs_four():
    words = clouds(7, tokens=8)[1]
    np.testing.assert_allclose(np.diag(geometry.cka(words, 3 * words + 1)), 1, rtol=1e-5)
    assert np.isnan(geometry.cka(words[:, :3], words[:, :3])).all()


class Apple(torch.Tensor):
    """A tensor that says it is on an Apple GPU, which has neither float64 nor eigenvalues."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.Tensor.device.__get__:
            return torch.device("mps")
        if func in (torch.Tensor.double, torch.linalg.eigh):
            raise TypeError(f"{func.__name__} is not to be had on MPS")
        if func is torch.Tensor.to:
            there = Apple if torch.device(args[1]).type == "mps" else torch.Tensor
            return args[0].as_subclass(there)
        return super().__torch_function__(func, types, args, kwargs or {})


def test_on_an_apple_gpu_the_cpu_takes_what_it_lacks():
    audio, text = clouds(10)
    there = audio.as_subclass(Apple), text.as_subclass(Apple)
    with pytest.raises(TypeError, match="MPS"):
        there[0].double()
    np.testing.assert_array_equal(
        geometry.cka(there[0][:, :12], there[1]), geometry.cka(audio[:, :12], text)
    )
    wide = there[0] @ torch.ones(9, 80)
    for states in (there, (wide, wide)):  # fewer dimensions than positions, and more
        plain = [one.as_subclass(torch.Tensor) for one in states]
        np.testing.assert_array_equal(projection.pca(*states, 3), projection.pca(*plain, 3))


def test_layer_correlation_equals_numpy():
    audio, text = clouds(8)
    got = geometry.layer_correlation(audio, text)
    naive = np.corrcoef(audio[1].mean(dim=0), text[0].mean(dim=0))[0, 1]
    assert got[1, 0] == pytest.approx(naive, rel=1e-5)


def test_norms_put_frames_first():
    audio, text = clouds(9)
    norms = geometry.state_norms(audio.bfloat16(), text.bfloat16())
    assert norms.shape == (2, 42)
    assert norms[0, 30] == pytest.approx(text[0, 0].bfloat16().float().norm().item(), rel=1e-3)


def test_shared_points_keep_cosines_and_their_place_between_utterances():
    rng = torch.Generator().manual_seed(3)
    words = torch.randn(2, 300, 400, generator=rng)
    words[0, 7] = 0  # a word without position
    audio, text = geometry.shared_points(words, 5 * words).unbind(dim=1)
    assert audio.shape == (2, 300, geometry.N_SHARED)
    assert torch.isnan(audio[0, 7]).all()
    torch.testing.assert_close(audio[1], text[1])  # the length of a state does not matter
    states = torch.nn.functional.normalize(words[1], dim=-1)
    true = torch.cdist(states, states)
    off = ~torch.eye(300, dtype=torch.bool)
    error = (torch.cdist(audio[1], audio[1]) ** 2 / true**2)[off] - 1
    assert abs(error.mean()) < 0.02
    assert 0.7 < error.std() / (2 / geometry.N_SHARED) ** 0.5 < 1.3  # Johnson-Lindenstrauss
    alone, _ = geometry.shared_points(words[:, :3], words[:, :3]).unbind(dim=1)
    torch.testing.assert_close(alone[1], audio[1, :3])
