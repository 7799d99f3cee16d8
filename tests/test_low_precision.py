"""A bfloat16 model is compared in float32: everything read off its states, against float64.

The planted states share a large offset, as real ones do, so that arithmetic in bfloat16 (three
digits) would be far outside the tolerance; what the model itself rounded is no error here.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest
import torch

from alas_core import geometry, lens, projection, similarity
from alas_core.models.fake import FakeHead, FakeSpeechLLM
from alas_core.pipeline import analyse
from alas_core.reduction import reduce_states
from alas_core.types import Settings
from tests.test_pipeline import request as fake_request

L, N, K, D, W = 3, 40, 9, 48, 5
DTYPES = (torch.bfloat16, torch.float16)


@pytest.fixture(params=DTYPES, ids=str)
def planted(request):
    """States in the model's dtype, and the same numbers in float64."""
    rng = np.random.default_rng(3)
    word = rng.normal(size=(L, W, D))
    frame_word, token_word = np.repeat(np.arange(W), N // W), np.minimum(np.arange(K) // 2, W - 1)
    shared = 4 * rng.normal(size=(L, 1, D))
    frames = shared + word[:, frame_word] + 0.5 * rng.normal(size=(L, N, D))
    tokens = 1.3 * shared + word[:, token_word] + 0.5 * rng.normal(size=(L, K, D))
    states = [torch.from_numpy(x).to(request.param) for x in (frames, tokens)]
    return states, [x.double().numpy() for x in states], frame_word, token_word


def unit(states: np.ndarray) -> np.ndarray:
    return states / np.linalg.norm(states, axis=-1, keepdims=True)


def close(got, wanted, rtol: float = 1e-5) -> None:
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol)


def pooled(states: np.ndarray, word_of: np.ndarray) -> np.ndarray:
    return np.stack([states[:, word_of == w].mean(axis=1) for w in range(W)], axis=1)


@pytest.mark.parametrize("centering", ["none", "mean", "standardise"])
def test_cosine_maps(planted, centering):
    states, exact, _, _ = planted
    if centering != "none":
        exact = [x - x.mean(axis=1, keepdims=True) for x in exact]
    if centering == "standardise":
        exact = [x / x.std(axis=1, keepdims=True) for x in exact]
    maps = similarity.cosine_maps(*states, centering=centering)
    assert maps.dtype == torch.float32
    close(maps, unit(exact[0]) @ unit(exact[1]).transpose(0, 2, 1))


def test_all_that_is_kept_of_two_runs(planted):
    states, (frames, tokens), frame_word, token_word = planted
    kept = reduce_states(*states, frame_word, token_word, list("abcde"), Settings())
    close(kept.similarity, unit(frames) @ unit(tokens).transpose(0, 2, 1))
    both = np.concatenate([frames, tokens], axis=1)
    close(kept.norms, np.linalg.norm(both, axis=-1))
    means = [x.mean(axis=1) for x in (frames, tokens)]
    close(kept.scores["centroid_cosine"], (unit(means[0]) * unit(means[1])).sum(axis=-1))
    lengths = [np.linalg.norm(x, axis=-1).mean(axis=1) for x in (frames, tokens)]
    close(kept.scores["norm_ratio"], lengths[0] / lengths[1])
    z = [(m - m.mean(-1, keepdims=True)) / m.std(-1, keepdims=True) for m in means]
    close(kept.cross_layer["layer_correlation"], z[0] @ z[1].T / D)
    words = pooled(frames, frame_word), pooled(tokens, token_word)
    close(geometry.pool_words(states[0], torch.from_numpy(frame_word), W), words[0])
    wanted = unit(words[0]) @ unit(words[1]).transpose(0, 2, 1)
    hits = [(wanted.argmax(axis) == np.arange(W)).mean(axis=1) for axis in (2, 1)]
    close(kept.scores["word_retrieval"], (hits[0] + hits[1]) / 2)


WIDE = 40 * D
"""Of states beside which everything else that is kept is small."""


@pytest.fixture
def copied(monkeypatch):
    """How many numbers went to the host with each copy, whichever way it was taken."""
    sizes = []

    def counting(name, counts):
        own = getattr(torch.Tensor, name)

        def counted(tensor, *rest, **options):
            if counts(tensor, (*rest, *options.values())):
                sizes.append(tensor.numel())
            return own(tensor, *rest, **options)

        monkeypatch.setattr(torch.Tensor, name, counted)

    def taken(tensor, told):  # what is not as wide as states may come from the host: it is a CPU
        places = [str(one) for one in told if isinstance(one, (str, torch.device))]
        return "cpu" in places and tensor.shape[-1:] == (WIDE,)

    counting("cpu", lambda *_: True)
    counting("numpy", lambda *_: True)
    counting("to", taken)
    return sizes


def test_states_are_never_copied_whole_to_the_host(copied):
    rng = np.random.default_rng(4)
    frames, tokens = (torch.from_numpy(rng.normal(size=(L, n, WIDE))).float() for n in (N, K))
    words = np.repeat(np.arange(W), N // W), np.minimum(np.arange(K) // 2, W - 1)
    reduce_states(frames, tokens, *words, list("abcde"), Settings())
    assert len(copied) > 3
    assert max(copied) < min(frames.numel(), tokens.numel())


def test_no_step_of_an_analysis_copies_states_whole_to_the_host(copied):
    made = analyse(fake_request(FakeSpeechLLM(d_model=WIDE)))
    assert made.null is not None
    assert made.lens is not None
    assert len(copied) > 30
    assert max(copied) < (made.n_layers + 1) * min(made.n_frames, made.n_tokens) * WIDE


@pytest.mark.parametrize("take", [
    lambda states: states.cpu(), lambda states: states.numpy(), np.asarray,
    lambda states: states.to("cpu"), lambda states: states.to(device=torch.device("cpu")),
])  # fmt: skip
def test_no_way_to_the_host_goes_unseen(copied, take):
    take(torch.zeros(L, N, WIDE))
    assert L * N * WIDE in copied


def test_principal_components(planted):
    states, exact, _, _ = planted
    coords = projection.pca(*states, 5)
    both = np.concatenate(exact, axis=1)
    both -= both.mean(axis=1, keepdims=True)
    left, scale, _ = np.linalg.svd(both, full_matrices=False)
    close(np.abs(coords), np.abs(left[:, :, :5] * scale[:, None, :5]), rtol=1e-3)


def test_nearest_embeddings_at_layer_0(planted):
    states, exact, frame_word, token_word = planted
    head = FakeHead([f"w{k} 1" for k in range(300)], lambda name: _noise(name, D))
    head._embedding = (head.embedding + 0.3).to(states[0].dtype)  # cosines close to each other
    table = unit(head.embedding.double().numpy())
    wanted = lens.targets(head, [f"w{k}" for k in range(W)], frame_word, token_word)
    reading = next(lens.read_layers(head, *states, wanted))
    cosines = unit(np.concatenate([exact[0][0], exact[1][0]])) @ table.T
    order = np.sort(cosines, axis=1)[:, ::-1]
    close(reading.values, order[:, : reading.values.shape[1]])
    own = cosines[np.arange(N + K), np.concatenate([frame_word, token_word])]
    assert (np.diff(order, axis=1) < -1e-7).mean() > 0.999, "no ties in the planted numbers"
    np.testing.assert_array_equal(reading.own_rank, 1 + (cosines > own[:, None] + 1e-7).sum(axis=1))


def _noise(name: str, d_model: int) -> np.ndarray:
    return np.random.default_rng(crc32(name.encode())).normal(size=d_model).astype(np.float32)
