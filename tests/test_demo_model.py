"""The shipped demo model: the stock class, hears what is said, binds frames to words."""

from __future__ import annotations

import json
from pathlib import Path

import jiwer
import pytest
import soundfile
import torch
from transformers import Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

from alas_core.demo.cards import figures_table
from alas_core.demo.evaluation import Answerer
from alas_core.demo.grammar import INSTRUCTIONS, vocabulary
from alas_core.demo.model import build_untrained, sinusoids
from alas_core.errors import ModelError
from alas_core.models import registry

ASSETS = Path(__file__).resolve().parent.parent / "assets" / "demo"
MODEL = ASSETS / "model"


@pytest.fixture(scope="module")
def answerer():
    return Answerer(MODEL)


@pytest.fixture(scope="module")
def records():
    lines = (ASSETS / "data" / "utterances.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [row for row in rows if row["duration_s"] < 4]


def sounds(rows):
    return [soundfile.read(ASSETS / "data" / row["file"], dtype="float32")[0] for row in rows]


def test_model_is_the_stock_class_and_small(answerer):
    assert type(answerer.model) is Qwen2AudioForConditionalGeneration
    assert type(answerer.processor) is Qwen2AudioProcessor
    assert (MODEL / "model.safetensors").stat().st_size <= 12e6
    assert {path.suffix for path in MODEL.iterdir()} == {".json", ".jinja", ".safetensors"}


def test_what_is_said_of_the_model_is_true(answerer):
    facts = json.loads((MODEL / "alas_model.json").read_text(encoding="utf-8"))

    assert facts["known_words"] == list(vocabulary())
    assert facts["instructions"] == {task: texts[0] for task, texts in INSTRUCTIONS.items()}
    positions = answerer.model.config.audio_config.max_source_positions
    assert facts["max_audio_s"] == positions / 50


def test_transcribes_held_out_speech(answerer, records):
    rows = [row for row in records if row["condition"] == "clean"][:12]
    heard = answerer.from_audio(INSTRUCTIONS["transcribe"][0], sounds(rows), 16)

    assert jiwer.wer([row["transcript"] for row in rows], heard) <= 0.1


def test_answers_questions_about_held_out_speech(answerer, records):
    rows = [row for row in records if row["task"] != "transcribe" and row["condition"] == "clean"]
    right = [
        answerer.from_audio(row["instruction"], sounds([row]), 4) == [row["answer"]] for row in rows
    ]

    assert sum(right) >= 0.8 * len(right)


def test_reads_what_it_is_told_to_repeat(answerer, records):
    texts = [row["transcript"] for row in records[:8]]

    read = answerer.from_text(INSTRUCTIONS["transcribe"][0], texts, 16)
    assert jiwer.wer(texts, read) <= 0.05  # another training may miss a word of all of them


def test_figures_are_shipped_and_good_enough():
    figures = json.loads((ASSETS / "evaluation.json").read_text(encoding="utf-8"))

    assert figures["seen_voices"]["word_error"] <= 0.02
    groups = [figures[name]["tasks"] for name in ("seen_voices", "new_voices")]
    for name, heard in groups[0].items():
        told = (heard, groups[1][name])
        right = sum(task["audio"] * task["n"] for task in told) / sum(task["n"] for task in told)
        assert min(right, heard["audio"]) >= 0.95, name
    assert figures["new_voices"]["word_error"] <= 0.08
    assert max(figures["new_voices"]["by_voice"].values()) <= 0.15
    assert max(figures["layers"]["hit_rate"]) >= 0.9
    best = figures["layers"]["best_layer"]
    assert figures["layers"]["alas_wrong_transcripts"][best] <= 0.3
    alas = figures["layers"]["alas"]
    assert 0 < best < len(alas) - 1, "the profile has no shape of its own"
    assert alas[best] - max(alas[0], alas[-1]) >= 0.03


def test_card_and_example_run_are_of_the_shipped_weights():
    figures = json.loads((ASSETS / "evaluation.json").read_text(encoding="utf-8"))
    assert figures_table(figures) in (ASSETS / "MODEL_CARD.md").read_text(encoding="utf-8")
    run = json.loads((ASSETS / "run" / "run.json").read_text(encoding="utf-8"))
    assert run["revision"] == registry.identify("demo").revision


def test_untrained_control_is_random_but_repeatable(answerer):
    seed = json.loads((ASSETS / "untrained.json").read_text(encoding="utf-8"))["seed"]
    one, two = build_untrained(MODEL, seed), build_untrained(MODEL, seed)
    trained = answerer.model.state_dict()
    table = one.model.audio_tower.embed_positions.weight

    assert one.state_dict().keys() == trained.keys()
    for (name, a), b in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert not torch.equal(one.lm_head.weight, trained["lm_head.weight"])
    torch.testing.assert_close(table, sinusoids(*table.shape))


def test_untrained_control_needs_a_config(tmp_path):
    with pytest.raises(ModelError, match=r"config\.json"):
        build_untrained(tmp_path, 0)
