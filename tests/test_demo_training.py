"""The demo's training on a handful of made-up features: it learns, and resumes exactly."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch

from alas_core.demo import objectives
from alas_core.demo.bank import (
    IGNORED,
    MAX_MEL_FRAMES,
    Item,
    draw_batches,
    frames_of,
    load_items,
    make_batch,
)
from alas_core.demo.beginnings import HEAD_SHIFTS
from alas_core.demo.model import build_model, demo_config, sinusoids
from alas_core.demo.optimising import new_optimisers, set_trainable
from alas_core.demo.processor import build_processor
from alas_core.demo.prompts import Sequences, Writer, audio_rows, text_rows
from alas_core.demo.stages import FRAME_WEIGHT, STAGES, Stage, cosine_rate, frame_weight
from alas_core.demo.training import Trainer
from alas_core.errors import InputError

WORDS = ("red", "cat", "sleeps", "near", "garden", "seven", "blue")
WORD_FRAMES = 24
LEAD_FRAMES = 8


@pytest.fixture(scope="module")
def processor():
    return build_processor()


def made_up_item(processor, rng: random.Random) -> Item:
    """A sentence whose words are fixed noise patterns, one after the other."""
    words = rng.sample(WORDS, 3)
    pattern = {
        word: np.random.default_rng(index).normal(0.3, 0.5, 80) for index, word in enumerate(WORDS)
    }
    silence = np.full((LEAD_FRAMES, 80), -0.6)
    rows = [silence, *(np.tile(pattern[word], (WORD_FRAMES, 1)) for word in words), silence]
    starts = (LEAD_FRAMES + WORD_FRAMES * np.arange(3)) / 100
    text = " ".join(words)
    return Item(
        mel=np.concatenate(rows).astype(np.float16),
        text=text,
        voice="made up",
        token_ids=tuple(processor.tokenizer(text).input_ids),
        starts_s=starts,
        ends_s=starts + WORD_FRAMES / 100,
        answers={"color": "red", "emotion": "neutral"},
    )


@pytest.fixture(scope="module")
def items(processor):
    rng = random.Random(0)
    return [made_up_item(processor, rng) for _ in range(40)]


@pytest.fixture(scope="module")
def small(processor):
    """The demo's configuration with fewer and narrower layers."""
    config = demo_config(processor)
    audio, words = config.audio_config, config.text_config
    audio.d_model, audio.encoder_ffn_dim, audio.encoder_layers = 64, 128, 2
    words.hidden_size, words.intermediate_size, words.num_hidden_layers = 64, 96, 2
    words.layer_types = words.layer_types[:2]
    words.head_dim = 16
    return config


def test_batch_labels_follow_the_words(processor, items):
    silence = Writer(processor).silence_id
    batch = make_batch([(items[0],), (items[0], items[1])], silence, None)
    single = batch.labels[0]
    ids = items[0].token_ids

    assert single[:2].tolist() == [silence, silence]
    assert single[2:20].tolist() == [ids[0]] * 6 + [ids[1]] * 6 + [ids[2]] * 6
    assert (single[frames_of(int(batch.lengths[0])) :] == IGNORED).all()
    joined = [i for i, _ in itertools.groupby(batch.labels[1].tolist()) if i > silence]
    assert joined == [*ids, *items[1].token_ids]


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_augmentation_keeps_shape_and_range(processor, items, strength):
    for seed in range(5):
        rng = random.Random(seed)
        batch = make_batch([(item,) for item in items[:4]], 0, rng, strength)
        assert batch.mel.shape[1] == 80
        assert batch.mel.shape[2] == 4 * batch.labels.shape[1] <= MAX_MEL_FRAMES
        assert torch.isfinite(batch.mel).all()


def test_batches_are_a_function_of_the_seed(items):
    first = list(itertools.islice(draw_batches(items, 4, "a"), 30))
    again = list(itertools.islice(draw_batches(items, 4, "a"), 30))

    assert [[x.text for e in b for x in e] for b in first] == [
        [x.text for e in b for x in e] for b in again
    ]
    assert any(len(example) > 1 for batch in first for example in batch)


def test_encoder_of_the_training_is_the_stock_encoder(processor, items):
    model = build_model(demo_config(processor), 1, for_training=True)
    for part in (model.model.audio_tower, model.model.language_model):
        part.config._attn_implementation = "eager"
    batch = make_batch([(items[0],), (items[1], items[2])], 0, None)
    length = int(batch.lengths[1])
    full = torch.full((2, 80, MAX_MEL_FRAMES), -0.6)
    full[:, :, : batch.mel.shape[2]] = batch.mel
    mask = (torch.arange(MAX_MEL_FRAMES)[None] < batch.lengths[:, None]).long()
    ids = [[processor.tokenizer.convert_tokens_to_ids("<|AUDIO|>")] * frames_of(length)]
    with torch.no_grad():
        ours = objectives.encode(model, batch)[1, : frames_of(length)]
        stock = model.model(
            input_ids=torch.tensor(ids),
            input_features=full[1:],
            feature_attention_mask=mask[1:],
            output_hidden_states=True,
        ).hidden_states[0][0]

    # bfloat16 against float32
    torch.testing.assert_close(ours, stock, rtol=0.05, atol=0.03)


def test_heads_start_by_looking_aside(processor):
    model = build_model(demo_config(processor), 1, for_training=True)
    attention = model.model.audio_tower.layers[0].self_attn
    table = torch.nn.functional.layer_norm(sinusoids(200, 192), (192,))
    with torch.no_grad():
        query = attention.q_proj(table).view(200, 4, 48)
        key = attention.k_proj(table).view(200, 4, 48)
    peaks = torch.einsum("ihd,jhd->hij", query, key).argmax(-1)

    for head, shift in enumerate(HEAD_SHIFTS[0]):
        moved = (peaks[head] - torch.arange(200))[20:180].float()
        assert moved.median() == shift


def test_sequences_learn_only_what_is_weighted(processor, items):
    writer = Writer(processor)
    rows = audio_rows(make_batch([(items[0],)], writer.silence_id, None), writer, random.Random(1))
    laid = Sequences.of(rows, writer.silence_id)
    answer = rows[0][1].answer

    assert laid.targets[0, -len(answer) :].tolist() == answer
    assert (laid.targets[0, : -len(answer)] == IGNORED).all()
    assert int((laid.ids == writer.audio_id).sum()) == frames_of(len(items[0].mel))
    assert len(text_rows(items[:8], writer, random.Random(1))) == 9


@pytest.mark.parametrize("name", ["listen", "join", "polish"])
def test_a_few_steps_lower_the_loss(processor, small, items, tmp_path, name):
    stage = Stage(name, 16, 8, 4e-3)
    seen = []
    trainer = Trainer(processor, items, tmp_path, (stage,), small)
    update = trainer._update

    def watched(*args):
        values = update(*args)
        seen.append(values["frames" if name == "listen" else "audio"])
        return values

    trainer._update = watched
    trainer.run(lambda _: None, lambda _: None)

    assert np.mean(seen[-3:]) < 0.8 * np.mean(seen[:3])


@pytest.mark.parametrize("stop", [(0, 3), (1, 0), (1, 2)])
def test_a_resumed_training_is_the_same_training(processor, small, items, tmp_path, stop):
    stages = (Stage("listen", 4, 4, 1e-3), Stage("read", 3, 4, 1e-3))
    whole = Trainer(processor, items, tmp_path / "a", stages, small)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole.run(lambda _: None, lambda _: None)

    class StoppedError(Exception):
        pass

    first = Trainer(processor, items, tmp_path / "b", stages, small)
    update = first._update

    def stopping(*args):
        if (first.stage_index, first.step) == stop:
            if first.step:  # else the end of the stage before has saved it
                first.save_state()
            raise StoppedError
        return update(*args)

    first._update = stopping
    with pytest.raises(StoppedError):
        first.run(lambda _: None, lambda _: None)
    second = Trainer(processor, items, tmp_path / "b", stages, small)
    assert second.load_state()
    assert (second.stage_index, second.step) == stop
    second.run(lambda _: None, lambda _: None)

    for (name, a), b in zip(
        whole.model.state_dict().items(), second.model.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(a, b, msg=name)


def test_every_trained_weight_has_one_optimiser(processor, small):
    model = build_model(small, 1)
    set_trainable(model, "join")
    log_scale = torch.nn.Parameter(torch.tensor(1.0))
    trained = new_optimisers(model, STAGES[2], log_scale).parameters

    wanted = [p for p in model.parameters() if p.requires_grad]
    assert sorted(map(id, trained)) == sorted(map(id, [*wanted, log_scale]))


def test_rates_and_weights_follow_the_recipe():
    assert cosine_rate(0.04, 0.04, 0.02) == pytest.approx(1)
    assert cosine_rate(1.0, 0.04, 0.02) == pytest.approx(0.02)
    assert frame_weight("join", 0.9) == FRAME_WEIGHT
    assert [frame_weight("practise", p) for p in (0.0, 0.2, 0.4, 1.0)] == pytest.approx(
        [FRAME_WEIGHT, FRAME_WEIGHT / 2, 0, 0]
    )
    assert frame_weight("polish", 0.0) == 0
    names = [stage.name for stage in STAGES]
    assert names == ["listen", "read", "join", "practise", "polish"]


def test_missing_speech_is_said(processor, tmp_path):
    with pytest.raises(InputError, match="synthesise"):
        load_items(tmp_path, "train", processor.tokenizer)
