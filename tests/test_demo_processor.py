"""The demo's processor: any text goes through; a transcript is the same alone and in a prompt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alas_core.demo.grammar import INSTRUCTIONS, vocabulary
from alas_core.demo.processor import MAX_AUDIO_S, build_processor

TEXTS = ("the red cat sleeps", "The cat's name, HELLO café 日本!", "zorblax 42", "a")


@pytest.fixture(scope="module")
def processor():
    return build_processor()


def render(processor, blocks):
    return processor.apply_chat_template(
        [{"role": "user", "content": blocks}], add_generation_prompt=True, tokenize=False
    )


def text(value):
    return {"type": "text", "text": value}


def test_every_word_is_one_token(processor):
    lengths = {word: len(processor.tokenizer(word).input_ids) for word in vocabulary()}

    assert {word for word, length in lengths.items() if length != 1} == set()


@pytest.mark.parametrize("transcript", TEXTS)
@pytest.mark.parametrize("first", [True, False])
def test_transcript_stands_where_the_audio_stands(processor, transcript, first):
    tokenizer = processor.tokenizer
    instruction = text(INSTRUCTIONS["transcribe"][0])
    order = slice(None, None, 1 if first else -1)
    heard = tokenizer(render(processor, [instruction, {"type": "audio"}][order])).input_ids
    read = tokenizer(render(processor, [instruction, text(transcript)][order])).input_ids
    marks = tokenizer.convert_tokens_to_ids(["<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"])
    at = heard.index(marks[0])

    assert heard[at : at + 3] == marks
    assert read == heard[:at] + tokenizer(transcript).input_ids + heard[at + 3 :]


@pytest.mark.parametrize("transcript", TEXTS)
def test_offsets_lead_back_to_the_characters(processor, transcript):
    prompt = render(processor, [text("repeat the words"), text(transcript)])
    start = prompt.index(f"\n {transcript}\n") + 2
    encoded = processor.tokenizer(prompt, return_offsets_mapping=True)
    end = start + len(transcript)
    inside = [(a, b) for a, b in encoded.offset_mapping if a >= start and b <= end]
    covered = {i - start for a, b in inside for i in range(a, b)}

    assert covered == {i for i, char in enumerate(transcript) if not char.isspace()}


@settings(max_examples=60, deadline=None)
@given(value=st.text(max_size=40))
def test_any_text_goes_through(processor, value):
    ids = processor.tokenizer(value).input_ids

    assert all(0 <= i < len(processor.tokenizer) for i in ids)
    assert bool(ids) == bool(value) or not value.strip()


def test_known_words_survive_a_round_trip(processor):
    sentence = "the strange camel dances beside our museum"
    ids = processor.tokenizer(sentence).input_ids

    assert processor.tokenizer.decode(ids).strip() == sentence


def test_audio_of_the_full_length_is_taken(processor):
    silence = np.zeros(MAX_AUDIO_S * 16_000, np.float32)
    prompt = render(processor, [text("repeat the words"), {"type": "audio"}])
    inputs = processor(text=prompt, audio=silence, sampling_rate=16_000, return_tensors="pt")
    audio_id = processor.tokenizer.convert_tokens_to_ids("<|AUDIO|>")

    assert int((inputs["input_ids"] == audio_id).sum()) == MAX_AUDIO_S * 25
