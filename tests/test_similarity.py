"""Cosine maps and word mass against naive loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alas_core.errors import InputError
from alas_core.similarity import centre, cosine_maps, layer_chunks, word_mass


def states(layers=3, positions=5, width=7, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).normal(size=(layers, positions, width)).astype(np.float32)
    )


def test_cosines_equal_a_naive_loop():
    audio, text = states(seed=1), states(positions=4, seed=2)
    maps = cosine_maps(audio, text).numpy()
    for layer in range(3):
        for i in range(5):
            for k in range(4):
                a, b = audio[layer, i].numpy(), text[layer, k].numpy()
                naive = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
                assert maps[layer, i, k] == pytest.approx(naive, rel=1e-5, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-2, 1e3), st.integers(0, 99))
def test_cosines_do_not_depend_on_scale(scale, seed):
    audio, text = states(seed=seed), states(positions=4, seed=seed + 1)
    scaled = cosine_maps(audio * scale, text)
    torch.testing.assert_close(scaled, cosine_maps(audio, text), rtol=1e-5, atol=1e-6)


def test_many_layers_in_groups_equal_all_at_once(monkeypatch):
    audio, text = states(layers=7, seed=3), states(layers=7, positions=2, seed=4)
    whole = cosine_maps(audio, text)
    monkeypatch.setattr("alas_core.similarity._CHUNK_BYTES", 1)
    assert len(layer_chunks(7, 100)) == 7
    torch.testing.assert_close(cosine_maps(audio, text), whole)


def test_mean_centering_removes_a_shared_offset():
    audio, text = states(seed=5), states(positions=4, seed=6)
    moved = cosine_maps(audio + 100.0, text - 50.0, centering="mean")
    torch.testing.assert_close(
        moved, cosine_maps(audio, text, centering="mean"), rtol=1e-3, atol=1e-3
    )  # float32 loses digits under the offset


def test_standardising_gives_unit_dimensions():
    centred = centre(states(positions=50), "standardise")
    torch.testing.assert_close(centred.std(dim=1, correction=0), torch.ones(3, 7))


def test_half_precision_states_are_compared_in_float32():
    audio, text = states(seed=7), states(positions=4, seed=8)
    low = cosine_maps(audio.bfloat16(), text.bfloat16())
    assert low.dtype == torch.float32
    torch.testing.assert_close(low, cosine_maps(audio, text), rtol=0.05, atol=0.02)  # bf16 inputs


def test_shapes_that_disagree_are_refused():
    with pytest.raises(InputError, match="equal layers and width"):
        cosine_maps(states(layers=3), states(layers=2))


def test_word_mass_sums_softmax_over_the_tokens_of_a_word():
    similarity = torch.tensor([[[0.5, 0.1, -0.2, 0.3]]])
    token_word = torch.tensor([0, 1, 1, -1])
    mass = word_mass(similarity, token_word, 2, temperature=0.1)[0, 0].numpy()
    share = np.exp(similarity[0, 0].numpy() / 0.1)
    share /= share.sum()
    np.testing.assert_allclose(mass, [share[0], share[1] + share[2]], rtol=1e-5)


def test_masked_tokens_get_no_mass():
    similarity = torch.tensor([[[0.9, 0.1, 0.1]]])
    valid = torch.tensor([[False, True, True]])
    mass = word_mass(similarity, torch.tensor([0, 1, 2]), 3, temperature=0.1, token_valid=valid)
    np.testing.assert_allclose(mass[0, 0].numpy(), [0, 0.5, 0.5], atol=1e-6)
