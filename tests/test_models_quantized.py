"""Weights of 8 and 4 bits by bitsandbytes, on the CPU: the same path that a GPU takes."""

from __future__ import annotations

import importlib.util

import bitsandbytes
import pytest
import torch
import transformers

from alas_core.datasets import demo
from alas_core.errors import ModelError
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.identity import Loading
from alas_core.models.loading import load
from alas_core.models.memory import GIB, Weights, weights, what_fits
from alas_core.resources import asset_path
from tests import tiny, tiny_parts
from tests.test_models_contract import PROMPT, noise

LAYERS = {"8bit": bitsandbytes.nn.Linear8bitLt, "4bit": bitsandbytes.nn.Linear4bit}
BITS = {"8bit": 8, "4bit": 4}
# The kernels of 4 bits on a CPU want rows that are a multiple of 64, as all real checkpoints have.
WIDE_ENOUGH = [("demo", "8bit"), ("demo", "4bit"), *((name, "8bit") for name in tiny.FAMILIES)]


def opened(name: str, folder, quantization: str) -> TransformersSpeechLLM:
    source = asset_path("demo", "model") if name == "demo" else folder / name
    if not source.exists():
        tiny.FAMILIES[name](source)
    way = Loading(dtype="float32", device="cpu", quantization=quantization)
    return TransformersSpeechLLM(load(source, way), name, "test")


@pytest.mark.parametrize(("name", "quantization"), WIDE_ENOUGH)
def test_quantised_weights_give_nearly_the_states_of_the_full_ones(
    name, quantization, tmp_path
) -> None:
    full, small = (opened(name, tmp_path, way) for way in ("none", quantization))
    network = small._checkpoint.model
    layers = [one for one in network.modules() if isinstance(one, LAYERS[quantization])]
    head = network.get_output_embeddings()
    assert len(layers) == sum(
        isinstance(one, torch.nn.Linear) and one is not head for one in network.modules()
    )
    # Speech for the trained one: on noise, which says it nothing, small changes turn its states.
    audio = demo().load("demo-001").audio if name == "demo" else noise(2.0)
    for ours, theirs in (
        (small.audio_states(audio, PROMPT), full.audio_states(audio, PROMPT)),
        (small.text_states("two red boats", PROMPT), full.text_states("two red boats", PROMPT)),
    ):
        assert ours.hidden_states.shape == theirs.hidden_states.shape
        assert torch.isfinite(ours.hidden_states).all()
        same = torch.nn.functional.cosine_similarity(
            ours.hidden_states.float(), theirs.hidden_states.float(), dim=-1
        )
        assert same.mean() > (0.99 if quantization == "8bit" else 0.95)


@pytest.mark.parametrize("quantization", LAYERS)
def test_what_a_quantised_layer_takes_is_what_the_estimate_counts(quantization) -> None:
    network = opened("demo", None, quantization)._checkpoint.model
    layers = [one for one in network.modules() if isinstance(one, LAYERS[quantization])]
    stored = sum(one.weight.numel() * one.weight.element_size() for one in layers)
    count = sum(one.in_features * one.out_features for one in layers)
    assert stored == count * BITS[quantization] // 8
    assert stored < Weights(count).needed("bfloat16", quantization) < 2 * stored


def test_experts_are_counted_as_they_stay(tmp_path) -> None:
    """Files hold each expert's matrices, which bitsandbytes never sees: they become one tensor."""
    whole = tiny_parts.qwen3_omni_moe().model
    whole.save_pretrained(tmp_path)
    held = weights(tmp_path)
    assert held.count == sum(one.numel() for one in whole.parameters())
    small = type(whole).from_pretrained(
        tmp_path,
        quantization_config=transformers.BitsAndBytesConfig(load_in_8bit=True),
        device_map={"": "cpu"},
    )
    deep = {name: one for name, one in small.named_parameters() if one.ndim > 2}
    assert any("experts" in name for name in deep)
    assert all(one.is_floating_point() for one in deep.values())
    assert held.unquantized == sum(one.numel() for one in deep.values())


def test_a_mixture_of_experts_is_hardly_smaller_in_4_bits() -> None:
    """Qwen3-Omni-30B: 24 GB were promised where nearly 60 are needed."""
    held = Weights(31 * 10**9, 29 * 10**9)
    assert 55e9 < held.needed("bfloat16", "4bit") / 1.15 < 62e9
    assert held.needed("float32", "4bit") > 1.9 * held.needed("bfloat16", "4bit")
    assert what_fits(held, 40 * GIB).startswith("not even 4bit (but 94 % of it, experts and conv")
    plain = Weights(held.count)
    assert what_fits(plain, 40 * GIB).startswith("8bit, about 35 GiB, would fit")


def test_quantised_weights_without_the_package_say_what_to_install(monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else found(name)
    )
    with pytest.raises(ModelError, match=r"needs bitsandbytes, .* run 'pip install bitsandbytes'"):
        opened("demo", None, "8bit")
