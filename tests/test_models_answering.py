"""Answers end where the model ends them, and are the likeliest tokens and nothing else."""

from __future__ import annotations

import pytest

from alas_core.models.answering import answer_ids
from alas_core.models.inputs import padded_inputs, text_input
from alas_core.models.protocol import Prompt
from tests import tiny_parts, tiny_salmonn
from tests.test_models_salmonn import load

PROMPT = Prompt("Repeat the words.")
LENGTH = 8


def answer(checkpoint) -> list[int]:
    inputs = padded_inputs(checkpoint, [text_input(checkpoint, "the red fox", PROMPT)])
    return answer_ids(checkpoint, inputs, LENGTH).tolist()


@pytest.fixture(params=["qwen2_5_omni", "salmonn"])
def checkpoint(request, tmp_path):
    """One whose config and tokenizer end no answer."""
    if request.param == "salmonn":
        made = load(tiny_salmonn.salmonn(tmp_path))
    else:
        made = tiny_parts.qwen2_5_omni()
    made.model.generation_config.eos_token_id = None
    made.processor.tokenizer.eos_token = None
    return made


@pytest.mark.parametrize("holder", ["tokenizer", "config", "several in the config"])
def test_an_answer_ends_at_an_end_that_config_or_tokenizer_names(checkpoint, holder):
    """Of an Omni model's thinker, the tokenizer alone knows the end of a turn."""
    whole = answer(checkpoint)
    assert len(whole) == LENGTH
    end = whole[LENGTH // 2]
    tokenizer, config = checkpoint.processor.tokenizer, checkpoint.model.generation_config
    if holder == "tokenizer":
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)
        config.eos_token_id = next(one for one in range(LENGTH + 1) if one not in whole)
    else:
        config.eos_token_id = [end, 0] if "several" in holder else end
    assert answer(checkpoint) == whole[: whole.index(end) + 1]


def test_a_checkpoints_habits_of_sampling_change_no_answer(checkpoint):
    """A penalty on what the prompt holds would hit the transcript and not the audio."""
    plain, config = answer(checkpoint), checkpoint.model.generation_config
    config.repetition_penalty, config.no_repeat_ngram_size, config.num_beams = 1e3, 1, 3
    config.do_sample = True
    assert answer(checkpoint) == plain
