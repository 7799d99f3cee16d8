"""What an analysis holds on the device at once, counted tensor by tensor."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from alas_core.models.inputs import batches
from alas_core.models.prompting import TextInput
from alas_core.models.protocol import AudioStates, Prompt
from alas_core.reduction import reduce_states
from alas_core.types import Settings
from tests.benchmarks.counted import peak_bytes
from tests.benchmarks.subjects import Shape, large


def test_what_is_counted_is_what_is_held_at_once() -> None:
    def work() -> None:
        first = torch.zeros(250, 1000)  # 1 MB
        second = first + 1
        del first
        view = second[:10]
        del second  # its storage lives on in the view
        (view[0] * torch.zeros(500, 1000)[0]).sum()  # 2 MB beside it

    assert peak_bytes(work) == pytest.approx(3e6, rel=0.01)


def test_the_audio_run_copies_its_states_once() -> None:
    subject = large(Shape(32, 1024, 8, 512, 10.0, 12, shared=True))
    found: list[AudioStates] = []
    audio, prompt = subject.utterance.audio, Prompt("Repeat the words.")
    peak = peak_bytes(lambda: found.append(subject.model.audio_states(audio, prompt)))
    size = found[0].hidden_states.nbytes
    # All positions as the network gave them, and those of the frames.
    assert 2 * size < peak < 2.5 * size


def test_the_reduction_takes_a_few_layers_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    n_layers, n_frames, n_tokens, width = 40, 300, 60, 512
    generator = torch.Generator().manual_seed(0)
    frames, tokens = (
        torch.randn(n_layers, n, width, generator=generator) for n in (n_frames, n_tokens)
    )
    frame_word, token_word = np.arange(n_frames) // 15, np.arange(n_tokens) // 3
    names = [f"w{k}" for k in range(20)]

    def peak() -> int:
        given = (frames, tokens, frame_word, token_word, names, Settings())
        return peak_bytes(lambda: reduce_states(*given))

    states = (frames.numel() + tokens.numel()) * 4
    monkeypatch.setattr("alas_core.similarity._CHUNK_BYTES", 2 * 2**20)
    few = peak()
    monkeypatch.setattr("alas_core.similarity._CHUNK_BYTES", 2**30)
    assert few < 0.6 * states < states < peak()


def test_texts_are_run_together_as_far_as_they_fit() -> None:
    texts = [TextInput(tuple(range(n)), (), ()) for n in (5, 3, 9, 2, 2, 30, 1)]

    def lengths(most_texts: int, most_positions: int) -> list[list[int]]:
        found = list(batches(texts, most_texts, most_positions))
        assert [text for batch in found for text in batch] == texts
        return [[len(text.ids) for text in batch] for batch in found]

    assert lengths(3, 1000) == [[5, 3, 9], [2, 2, 30], [1]]
    assert lengths(9, 18) == [[5, 3], [9, 2], [2], [30], [1]]  # 9 and 2 are padded to 9 each
    assert lengths(1, 1000) == [[5], [3], [9], [2], [2], [30], [1]]
    assert list(batches([], 3, 10)) == []
