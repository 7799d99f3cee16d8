"""SALMONN from its published layout: every tensor in its place, BEATs against a plain loop."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from alas_core.errors import ModelError
from alas_core.models import identity, registry
from alas_core.models.beats import Beats, log_mels
from alas_core.models.choices import choices
from alas_core.models.identity import Loading
from alas_core.models.pickled import read_tensors
from alas_core.models.protocol import Prompt
from alas_core.models.rendering import render_audio, render_text
from alas_core.models.salmonn import N_QUERIES, load_salmonn
from alas_core.models.salmonn_files import salmonn_files
from tests import tiny_salmonn
from tests.models import PROMPT, noise

CPU = Loading(device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_salmonn.salmonn(tmp_path_factory.mktemp("roots") / "salmonn")


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    """A copy whose parts can be spoilt; folders are shared."""
    for item in folder.iterdir():
        if item.is_dir():
            (tmp_path / item.name).symlink_to(item)
        else:
            (tmp_path / item.name).write_bytes(item.read_bytes())
    return tmp_path


def load(folder: Path):
    parts = salmonn_files(folder)
    assert parts is not None
    return load_salmonn(parts, CPU, lambda _: None)


def test_every_published_tensor_is_in_its_place(folder: Path) -> None:
    model = load(folder).model
    state = read_tensors(folder / "salmonn_v1.pth")["model"]
    assert torch.equal(model.speech_query_tokens, state["speech_query_tokens"])
    block = "speech_Qformer.bert.encoder.layer.1"
    layer = model.speech_Qformer.encoder.layer[1]
    for kind in ("attention", "crossattention"):
        for part in ("query", "key", "value"):
            own = getattr(getattr(layer, kind).attention, part).weight
            assert torch.equal(own, state[f"{block}.{kind}.self.{part}.weight"])
    assert torch.equal(
        model.speech_Qformer.layernorm.weight,
        state["speech_Qformer.bert.embeddings.LayerNorm.weight"],
    )
    parts = salmonn_files(folder)
    llama = transformers.AutoModelForCausalLM.from_pretrained(parts.llama)
    for number in range(2):
        for name in ("q_proj", "k_proj", "v_proj"):
            module = f"model.layers.{number}.self_attn.{name}"
            lora = f"llama_model.base_model.model.{module}"
            expected = llama.get_submodule(module).weight
            if name != "k_proj":  # rank 8, alpha 32: four times B A
                side_a, side_b = (state[f"{lora}.lora_{side}.default.weight"] for side in "AB")
                expected = expected + 4 * side_b @ side_a
            found = model.llama_model.get_submodule(module).weight
            torch.testing.assert_close(found, expected)
    whisper = transformers.WhisperModel.from_pretrained(parts.whisper)
    for name, parameter in whisper.encoder.named_parameters():
        assert torch.equal(parameter, dict(model.speech_encoder.named_parameters())[name])


def test_beats_is_as_published_computed_with_loops() -> None:
    """The sums of the paper and the authors' code, one head, query and key at a time."""
    torch.manual_seed(0)
    config = tiny_salmonn.BEATS_CONFIG
    beats = Beats(config).eval()
    with torch.no_grad():
        for parameter in beats.parameters():
            parameter.normal_(0, 0.3)
        mels = torch.randn(1, 64, 128)
        got = beats(mels)[0]
        patches = [
            (beats.patch_embedding.weight[:, 0] * mels[0, t : t + 16, f : f + 16]).sum((1, 2))
            for t in range(0, 64, 16)
            for f in range(0, 128, 16)
        ]
        states = beats.post_extract_proj(beats.layer_norm(torch.stack(patches)))
        conv = beats.encoder.pos_conv[0]
        places = conv(states.T[None])[0].T[: len(states)]
        states = beats.encoder.layer_norm(states + torch.nn.functional.gelu(places))
        table = beats.encoder.layers[0].self_attn.relative_attention_bias.weight
        alpha = (2 * config["encoder_layers"]) ** 0.25
        for layer in beats.encoder.layers:
            states = layer.self_attn_layer_norm(
                alpha * states + attend(layer.self_attn, states, table)
            )
            inner = layer.fc2(torch.nn.functional.gelu(layer.fc1(states)))
            states = layer.final_layer_norm(alpha * states + inner)
    torch.testing.assert_close(got, states, rtol=1e-4, atol=1e-4)


def attend(module, states: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    n, heads = len(states), module.n_heads
    query, key, value = (
        part(states).view(n, heads, -1) for part in (module.q_proj, module.k_proj, module.v_proj)
    )
    mixed = torch.zeros_like(query)
    for head in range(heads):
        for i in range(n):
            gates = module.grep_linear(query[i, head]).view(2, 4).sum(1).sigmoid()
            scale = gates[0] * (gates[1] * module.grep_a[0, head, 0, 0] - 1) + 2
            scores = torch.stack(
                [
                    query[i, head] @ key[j, head] / math.sqrt(query.shape[-1])
                    + scale * table[bucket(j - i), head]
                    for j in range(n)
                ]
            )
            mixed[i, head] = scores.softmax(0) @ value[:, head]
    return module.out_proj(mixed.flatten(1))


def bucket(distance: int, n_buckets: int = 32, max_distance: int = 80) -> int:
    half, exact = n_buckets // 2, n_buckets // 4
    place = abs(distance)
    if place >= exact:
        far = math.log(place / exact) / math.log(max_distance / exact) * (half - exact)
        place = min(exact + int(far), half - 1)
    return place + (half if distance > 0 else 0)


def test_log_mels_count_and_place_a_tone() -> None:
    seconds = np.arange(16000) / 16000
    mels = log_mels(np.sin(2 * np.pi * 1000 * seconds).astype(np.float32))
    assert mels.shape == (98, 128)  # windows of 25 ms inside one second
    assert mels.dtype == np.float32

    def mel(hz: float) -> float:
        return 1127 * math.log(1 + hz / 700)

    place = (mel(1000) - mel(20)) / (mel(8000) - mel(20)) * 129 - 1
    assert abs(mels.mean(0).argmax() - place) <= 1


def test_a_windows_query_hears_its_own_window_only_of_beats_and_whispers_frames(folder) -> None:
    """17 frames a query: what changes in frames 34 to 50 changes query 2 and no other."""
    model = load(folder).model

    class Given(torch.nn.Module):
        def __init__(self, states: torch.Tensor) -> None:
            super().__init__()
            self.states = states

        def forward(self, *_: torch.Tensor) -> object:
            return type("Output", (), {"last_hidden_state": self.states})()

    torch.manual_seed(0)
    heard, sound = (
        torch.randn(1, 1500, tiny_salmonn.WHISPER),
        torch.randn(1, 96, tiny_salmonn.WIDTH),
    )
    model.beats.forward = lambda _: sound
    outputs = []
    with torch.no_grad():
        for change in (0.0, 1.0):
            changed = heard.clone()
            changed[:, 34:51] += change * torch.randn(17, tiny_salmonn.WHISPER)
            model.speech_encoder = Given(changed)
            outputs.append(model.speech(torch.zeros(1), torch.zeros(1))[0])
    assert outputs[0].shape[0] == N_QUERIES == 88
    differs = (outputs[0] - outputs[1]).abs().amax(1) > 1e-5
    assert differs.nonzero().flatten().tolist() == [2]


def test_it_is_listed_and_loaded_like_any_model(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("ALAS_MODEL_ROOTS", str(folder.parent))
    choice = next(choice for choice in choices() if choice.id == str(folder))
    assert choice.description == "SALMONN"
    model = registry.get(str(folder), CPU)
    assert model.info.family == "salmonn"
    assert "no published weights were run" in model.info.notes[0]
    before = registry.identify(str(folder)).revision
    monkeypatch.setattr(identity, "_revision", lambda _, stats: str(sorted(stats)))
    assert "salmonn_v1.pth" in registry.identify(str(folder)).revision
    assert "model.safetensors" in registry.identify(str(folder)).revision
    assert len(before) == 16
    registry.close()


def test_the_prompt_is_as_published(folder: Path) -> None:
    processor, prompt = load(folder).processor, Prompt("Repeat the words.", False)
    spoken = "<Speech><SpeechHere></Speech>"
    assert render_audio(processor, prompt) == f"USER: {spoken} Repeat the words.\nASSISTANT:"
    text, _ = render_text(processor, prompt, "the red fox")
    assert text == "USER: the red fox Repeat the words.\nASSISTANT:"
    assert render_text(processor, Prompt(), "the fox")[0] == "USER: the fox\nASSISTANT:"


def test_it_runs_in_bfloat16_which_it_is_in_on_a_gpu(folder: Path) -> None:
    assert registry.identify(str(folder), Loading(device="cuda")).dtype == "bfloat16"
    model = registry.get(str(folder), Loading(device="cpu", dtype="bfloat16"))
    states = model.audio_states(noise(1.0), PROMPT).hidden_states
    assert states.dtype == torch.bfloat16
    assert torch.isfinite(states).all()
    assert isinstance(model.answer(PROMPT, audio=noise(1.0), max_new_tokens=2), str)
    registry.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantization": "8bit"}, "SALMONN cannot be had with 8bit, expected full weights"),
        ({"device": "spread"}, "SALMONN cannot be had with device spread, .* device auto"),
        ({"untrained_seed": 3}, "cannot be had with random weights, .* leave this control out"),
    ],
)
def test_what_it_cannot_be_loaded_with_is_refused(folder: Path, options, message) -> None:
    """Left out in silence, it would be the trained model under another one's name."""
    with pytest.raises(ModelError, match=message):
        registry.get(str(folder), dataclasses.replace(CPU, **options))


def test_a_file_with_code_in_it_is_refused(broken: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"model": Evil()}, broken / "salmonn_v1.pth")
    with pytest.raises(ModelError, match=r"'salmonn_v1\.pth' cannot be read as tensors alone"):
        load(broken)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("salmonn_v1.pth", {"model": {}}, "is no SALMONN checkpoint"),
        ("salmonn_v1.pth", [1], "holds a list, expected a dictionary"),
        ("BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt", {"model": {}}, "is no BEATs checkpo"),
    ],
)
def test_other_files_say_what_they_are_not(broken: Path, name, content, message) -> None:
    torch.save(content, broken / name)
    with pytest.raises(ModelError, match=message):
        load(broken)


def test_missing_parts_and_odd_beats_are_named(broken: Path) -> None:
    state = read_tensors(broken / "salmonn_v1.pth")["model"]
    del state["speech_llama_proj.bias"]
    torch.save({"model": state}, broken / "salmonn_v1.pth")
    with pytest.raises(ModelError, match=r"has not the parts .*speech_llama_proj\.bias"):
        load(broken)
    with pytest.raises(ModelError, match="has deep_norm = False, expected True"):
        Beats({**tiny_salmonn.BEATS_CONFIG, "deep_norm": False})


def test_a_folder_with_a_part_missing_is_no_salmonn(broken: Path) -> None:
    (broken / "whisper-large-v2").unlink()
    assert salmonn_files(broken) is None
    with pytest.raises(ModelError, match="is not a model"):
        registry.identify(str(broken))
