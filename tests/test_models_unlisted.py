"""Families that the table does not list are tried, and what they get is what a row would give."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES

from alas_core.errors import ModelError
from alas_core.models import facts, head, inputs
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.identity import Loading
from alas_core.models.inputs import audio_inputs
from alas_core.models.loading import load
from alas_core.types import Audio
from tests import tiny, tiny_parts
from tests.models import PROMPT, noise

CPU = Loading(device="cpu")
IN_PARTS = ("inkling_mm_model", "dots3_note")


def as_unlisted(name: str) -> TransformersSpeechLLM:
    row = facts.measured_family(name)
    checkpoint = dataclasses.replace(tiny_parts.FAMILIES[name](), family=row)
    return TransformersSpeechLLM(checkpoint, name, "test")


@pytest.fixture
def nemotron(tmp_path: Path) -> Path:
    return tiny.nemotron_transcribe(tmp_path / "nemotron")


def test_every_class_that_takes_audio_tokens_has_a_row() -> None:
    """Fails when a newer transformers brings a family: read its code, then add its row."""
    found = set()
    for model_type in MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES:
        if facts.family_of(model_type) is None:
            config = CONFIG_MAPPING[model_type]()
            found |= {model_type} if facts.audio_token(config.to_dict()) is not None else set()
    assert found == set()


@pytest.mark.parametrize("name", IN_PARTS)
def test_without_its_row_a_family_has_the_same_frames(name: str) -> None:
    model, row = as_unlisted(name), facts.FAMILIES[name]
    assert model.info.frame_rate_hz == pytest.approx(row.grid.rate_hz)
    states = model.audio_states(noise(2.345), PROMPT)
    expected = row.grid.spans(len(states.frame_spans), 2.345)
    np.testing.assert_allclose(states.frame_spans, expected, atol=1e-5)
    assert any("Unverified timing" in note for note in states.notes)


def test_without_its_row_a_folder_is_loaded_and_measured(
    nemotron: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(facts.FAMILIES, "nemo_speechlm")
    model = TransformersSpeechLLM(load(nemotron, CPU), "nemotron", "test")
    assert model.info.frame_rate_hz == pytest.approx(12.5)
    assert len(model.audio_states(noise(2.0), PROMPT).frame_spans) == 25
    assert any("Unverified timing" in note for note in model.info.notes)


@pytest.mark.parametrize("name", IN_PARTS)
def test_an_unlisted_head_is_read_where_it_speaks_as_its_class(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = as_unlisted(name)
    assert model.head() is not None
    monkeypatch.setattr(head, "_divisor", lambda _: 0.25)
    assert model.head() is None, "its logits would be several times too large"


def test_a_package_that_an_unlisted_class_lacks_is_named(
    nemotron: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: object, **__: object) -> None:
        # As transformers 5.23 has it, which says no more than this of an image processor.
        raise ValueError("None could be imported. Missing optional dependencies: torchvision.")

    monkeypatch.delitem(facts.FAMILIES, "nemo_speechlm")
    monkeypatch.setattr("transformers.AutoProcessor.from_pretrained", lacking)
    with pytest.raises(ModelError, match=r"'nemotron' needs torchvision.* run 'pip install"):
        load(nemotron, CPU)


def test_features_are_not_rounded_for_a_tower_that_stays_in_float32(
    nemotron: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bfloat16 = dataclasses.replace(CPU, dtype="bfloat16")
    kept, rounded = load(nemotron, bfloat16), load(tiny.glmasr(tmp_path / "glm"), bfloat16)
    for checkpoint, dtype in ((kept, torch.float32), (rounded, torch.bfloat16)):
        features = audio_inputs(checkpoint, noise(0.5), PROMPT)["input_features"]
        assert features.dtype == dtype
        states = TransformersSpeechLLM(checkpoint, "x", "test").audio_states(noise(0.5), PROMPT)
        assert states.hidden_states.dtype == torch.bfloat16
        assert states.hidden_states.isfinite().all()
    before = audio_inputs(kept, noise(0.5), PROMPT)["input_features"]
    monkeypatch.setattr(inputs, "_features_dtype", lambda _: torch.bfloat16)
    assert not torch.equal(audio_inputs(kept, noise(0.5), PROMPT)["input_features"].float(), before)


@pytest.mark.parametrize("name", [*IN_PARTS, "nemo_speechlm"])
def test_what_falls_silent_moves_the_frame_it_lies_in(name: str, nemotron: Path) -> None:
    """Of the new rows: the frame that changes most is at most one off the place of the change."""
    checkpoint = load(nemotron, CPU) if name == "nemo_speechlm" else tiny_parts.FAMILIES[name]()
    model = TransformersSpeechLLM(checkpoint, name, "test")
    whole = noise(3.0)
    states = model.audio_states(whole, PROMPT)
    for place_s in (0.71, 1.5, 2.33):
        samples = whole.samples.copy()
        samples[round((place_s - 0.01) * 16000) : round((place_s + 0.01) * 16000)] = 0
        other = model.audio_states(Audio(samples, 16000), PROMPT)
        moved = (other.hidden_states[0] - states.hidden_states[0]).norm(dim=-1).argmax()
        step_s = 1 / model.info.frame_rate_hz
        start, end = states.frame_spans[moved]
        assert start - step_s <= place_s <= end + step_s
