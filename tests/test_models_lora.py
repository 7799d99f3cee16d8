"""The speech LoRA of Granite and Phi-4: found beside the weights, on or off in both runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import peft
import pytest
import safetensors.torch
import torch
import transformers

from alas_core.errors import ModelError
from alas_core.models import loading, lora, problems
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.facts import FAMILIES
from alas_core.models.identity import Loading, folder_revision
from alas_core.models.protocol import Prompt
from alas_core.types import Audio
from tests import tiny_more, tiny_parts

PROMPT = Prompt("Repeat the words.")
SOUND = Audio(np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1, 16000)


def with_lora(on: bool) -> TransformersSpeechLLM:
    """A tiny Granite with a LoRA that is far from nothing, as `from_pretrained` would leave it."""
    made = tiny_more.granite_speech()
    made.model.add_adapter(peft.LoraConfig(target_modules=["q_proj"], r=2), "speech")
    with torch.no_grad():
        for name, parameter in made.model.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 1, generator=torch.Generator().manual_seed(0))
    options = {**vars(made), "loading": Loading(lora=on)}
    return TransformersSpeechLLM(loading.Checkpoint(**options), "granite", "test")


def states(model: TransformersSpeechLLM) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        model.audio_states(SOUND, PROMPT).hidden_states,
        model.text_states("the red fox", PROMPT).hidden_states,
    )


def test_the_switch_changes_both_runs_and_is_said():
    on, off = with_lora(True), with_lora(False)
    for one, other in zip(states(on), states(off), strict=True):
        assert not torch.allclose(one[1:], other[1:], atol=1e-3)
        torch.testing.assert_close(one[0], other[0])
    without = TransformersSpeechLLM(tiny_more.granite_speech(), "granite", "test")
    for one, other in zip(states(off), states(without), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    assert "speech LoRA is on in both runs" in on.info.notes[-1]
    assert "speech LoRA is off in both runs" in off.info.notes[-1]
    assert "No speech LoRA was found" in without.info.notes[-1]
    assert (on.info.variant, off.info.variant) == ("", "LoRA off")


@pytest.mark.parametrize("set_on", [True, False])
def test_answers_are_given_with_the_switch_as_it_is_set(set_on: bool):
    """Granite's own generate() turns the LoRA on for audio and off for text, and leaves it so."""
    model = with_lora(set_on)
    before = states(model)
    layer = next(m for name, m in model._open.model.named_modules() if name.endswith("q_proj"))
    on: list[bool] = []
    layer.register_forward_hook(lambda *_: on.append(not layer.disable_adapters))
    model.answer(PROMPT, transcript="the red fox", max_new_tokens=2)
    model.answer(PROMPT, audio=SOUND, max_new_tokens=2)
    assert on == [set_on] * 4
    assert all(torch.equal(*pair) for pair in zip(before, states(model), strict=True))
    assert model._open.has_lora


def test_a_lora_beside_the_weights_is_loaded_with_them(tmp_path: Path, monkeypatch):
    """As Granite is published: its adapter names a base on the hub, which must not be asked for."""
    whole = with_lora(True)
    whole._open.model.save_pretrained(str(tmp_path))
    tiny_more.granite_speech().model.save_pretrained(str(tmp_path))
    settings = json.loads((tmp_path / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = "nobody/granite-on-the-hub"
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    # Granite's own sound features need torchaudio: the tiny one's stand in for the processor.
    processor = whole._open.processor
    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", lambda *_, **__: processor)
    monkeypatch.setattr(loading, "_check_packages", lambda *_: None)
    for on in (True, False):
        options = Loading(device="cpu", dtype="float32", lora=on)
        model = TransformersSpeechLLM(loading.load(tmp_path, options), "granite", "test")
        assert model._open.has_lora
        assert model._open.missing == ()
        for one, other in zip(states(model), states(with_lora(on)), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_weights_that_are_missing_beside_a_lora_are_told(tmp_path: Path, monkeypatch):
    """Of the base and of the LoRA: transformers alone tells of the LoRA's only."""
    whole = with_lora(True)
    whole._open.model.save_pretrained(str(tmp_path))
    tiny_more.granite_speech().model.save_pretrained(str(tmp_path))
    gone = []
    for name, part in {"model": "q_proj.weight", "adapter_model": "lora_B"}.items():
        path = tmp_path / f"{name}.safetensors"
        tensors = safetensors.torch.load_file(path)
        gone.append(next(key for key in sorted(tensors) if part in key))
        del tensors[gone[-1]]
        safetensors.torch.save_file(tensors, path, {"format": "pt"})
    processor = whole._open.processor
    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", lambda *_, **__: processor)
    monkeypatch.setattr(loading, "_check_packages", lambda *_: None)
    checkpoint = loading.load(tmp_path, Loading(device="cpu", dtype="float32"))
    assert len(checkpoint.missing) == 2
    assert any("lora_B" in name for name in checkpoint.missing)
    assert any("lora" not in name and "q_proj" in name for name in checkpoint.missing)
    assert checkpoint.has_lora


def test_a_lora_in_a_folder_of_its_own_is_loaded(tmp_path: Path):
    made = tiny_parts.phi4_multimodal()
    made.model.add_adapter(peft.LoraConfig(target_modules=["qkv_proj"], r=2), "speech")
    made.model.save_pretrained(tmp_path / "speech-lora")
    assert (tmp_path / "speech-lora" / "adapter_model.safetensors").is_file()
    fresh = tiny_parts.phi4_multimodal().model
    lacking = lora.add(fresh, FAMILIES["phi4_multimodal"], tmp_path, torch.float32)
    assert lacking == set()
    assert fresh._hf_peft_config_loaded
    assert fresh.active_adapters() == ["lora_below"]


def test_a_lora_in_a_folder_of_its_own_is_part_of_the_revision(tmp_path: Path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    revisions = [folder_revision(tmp_path)]
    place = tmp_path / FAMILIES["phi4_multimodal"].lora
    place.mkdir()
    for content in (b"trained", b"trained on"):
        (place / "adapter_model.safetensors").write_bytes(content)
        revisions.append(folder_revision(tmp_path))
    assert len(set(revisions)) == 3
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "notes.txt").write_text("no part of the model")
    assert folder_revision(tmp_path) == revisions[-1]


def test_a_lora_needs_peft_only_when_it_is_on(tmp_path: Path, monkeypatch):
    family = FAMILIES["phi4_multimodal"]
    (tmp_path / "speech-lora").mkdir()
    (tmp_path / "speech-lora" / "adapter_config.json").write_text("{}")
    (tmp_path / "speech-lora" / "adapter_model.bin").write_bytes(b"pickle")
    real = loading.importlib.util.find_spec
    missing = {"peft"}
    monkeypatch.setattr(
        loading.importlib.util,
        "find_spec",
        lambda name: None if name in missing else real("json"),
    )
    with pytest.raises(ModelError, match=r"LoRA of .* no safetensors weights, and pickled"):
        loading._check_packages(family, Loading(), tmp_path)
    (tmp_path / "speech-lora" / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"Phi-4 multimodal needs peft, .* run 'pip install peft'"):
        loading._check_packages(family, Loading(), tmp_path)
    loading._check_packages(family, Loading(lora=False), tmp_path)


def test_what_to_install_is_named_as_the_registry_names_it():
    text = problems.missing_packages("Voxtral", ["mistral_common"])
    assert text.startswith("Voxtral needs mistral-common, which is not installed; run 'pip install")
