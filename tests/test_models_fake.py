"""The fake's planted alignment is what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from alas_core.errors import InputError
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.protocol import Prompt
from alas_core.types import Audio, WordTiming

AUDIO = Audio(np.zeros(32000, dtype=np.float32), 16000)
TEXT = "the red fox the end"
TIMES = [(0.0, 0.4), (0.4, 0.8), (0.8, 1.2), (float("nan"), float("nan")), (1.6, 2.0)]


def timings() -> list[WordTiming]:
    words, start = [], 0
    for word, (start_s, end_s) in zip(TEXT.split(), TIMES, strict=True):
        words.append(WordTiming(word, start, start + len(word), start_s, end_s))
        start += len(word) + 1
    return words


def cosines(model: FakeSpeechLLM, transcript: str = TEXT) -> torch.Tensor:
    audio = model.audio_states(AUDIO, Prompt()).hidden_states
    text = model.text_states(transcript, Prompt()).hidden_states
    return torch.nn.functional.cosine_similarity(audio[:, :, None], text[:, None], dim=-1)


def test_cosine_on_the_right_word_is_the_planted_one():
    model = FakeSpeechLLM(best_layer=3, timings=timings())
    similarity = cosines(model)
    for layer, planted in enumerate(model.binding):
        for word, (start_s, end_s) in enumerate(TIMES):
            if start_s == start_s:  # placed
                frames = slice(round(start_s * 25), round(end_s * 25))
                own = similarity[layer, frames, word]
                torch.testing.assert_close(own, torch.full_like(own, planted), atol=1e-5, rtol=0)
    assert int(np.argmax(model.binding)) == 3


def test_silence_and_repeats_bind_to_nothing_else():
    similarity = cosines(FakeSpeechLLM(timings=timings()))[2]
    silent = similarity[30:40]  # 1.2 to 1.6 s: the second "the" is not placed
    assert silent.abs().max() < 0.6
    assert similarity[:10, 3].abs().max() < 0.6  # the first "the" is not the second


def test_without_times_words_are_spread_evenly():
    model = FakeSpeechLLM()
    model.expect("one two")
    nearest = cosines(model, "one two")[2].argmax(dim=1)
    assert nearest.tolist() == [0] * 25 + [1] * 25


def test_no_strength_no_binding():
    model = FakeSpeechLLM(strength=0.0, timings=timings())
    similarity = cosines(model)
    frames, words = range(10), 0
    assert similarity[2, frames, words].abs().max() < 1e-5


def test_calls_are_counted():
    model = FakeSpeechLLM()
    model.audio_states(AUDIO, Prompt())
    list(model.text_states_many(["a", "b"], Prompt()))
    assert model.calls == {"audio_states": 1, "text_states_many": 2}


def test_unknown_words():
    model = FakeSpeechLLM(known_words=frozenset({"the", "red"}))
    assert model.unknown_words(["The", "red", "Fox", "Fox"]) == ("Fox",)
    assert FakeSpeechLLM().unknown_words(["fox"]) == ()


def test_best_layer_must_exist():
    with pytest.raises(InputError, match="best_layer is 9, expected 0 to n_layers = 4"):
        FakeSpeechLLM(best_layer=9)
