"""Models by id: identity without loading, one model in memory, folders that may be used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from alas_core.errors import InputError, ModelError
from alas_core.models import adapter, facts, identity, loading, measuring, registry
from alas_core.models.choices import choices
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.grid import FrameGrid
from alas_core.models.identity import Loading
from alas_core.models.installed import installed
from alas_core.models.protocol import Prompt
from alas_core.types import Audio
from tests import tiny

CPU = Loading(device="cpu")
PROMPT = Prompt("Repeat the words.")


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch):
    monkeypatch.delenv("ALAS_MODEL_ROOTS", raising=False)
    registry.close()
    yield
    registry.close()


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory) -> Path:
    return tiny.qwen2_audio(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copied(tiny_folder, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "copied"))


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_choosing_and_identifying_need_neither_torch_nor_transformers():
    code = (
        "import sys; from alas_core.models import choices, registry; choices.choices();"
        "print(registry.identify('demo').revision);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers')))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == registry.identify("demo").revision


def test_built_in_models_come_first_then_checkpoints_by_name(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    found = choices()
    assert [choice.id for choice in found[:2]] == ["demo", "demo-untrained"]
    assert "ships with ALAS" in found[0].description
    assert all("to be downloaded" in choice.description for choice in found[2:])
    labels = " ".join(choice.label for choice in found[2:])
    for name in (
        *("Qwen2-Audio", "Qwen2.5-Omni", "Qwen3-Omni", "Audio Flamingo 3", "Voxtral"),
        *("Granite Speech", "Phi-4 multimodal", "Gemma 3n", "Gemma 4", "GLM-ASR"),
    ):
        assert name in labels


def test_the_demo_hears_and_its_control_has_other_weights():
    audio = Audio(np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1, 16000)
    demo = registry.get("demo", CPU)
    trained = demo.audio_states(audio, PROMPT).hidden_states
    control = registry.get("demo-untrained", CPU)
    untrained = control.audio_states(audio, PROMPT).hidden_states
    assert trained.shape == untrained.shape
    assert not torch.allclose(trained[0], untrained[0], atol=1e-2)
    assert demo.info.revision != control.info.revision
    assert (demo.info.name, control.info.name) == (
        "Demo speech LLM",
        "Demo speech LLM, random weights",
    )
    registry.close()
    again = registry.get("demo-untrained", CPU).audio_states(audio, PROMPT).hidden_states
    assert torch.equal(untrained, again)


def test_one_model_is_held_and_the_previous_one_is_closed_first(tiny_folder, monkeypatch):
    first = registry.get("demo", CPU)
    assert registry.get("demo", CPU) is first
    closed_before_load = []
    load = loading.load

    def watch(*args, **options):
        with pytest.raises(ModelError, match="closed"):
            first.text_states("the", PROMPT)
        closed_before_load.append(True)
        return load(*args, **options)

    monkeypatch.setattr(loading, "load", watch)
    second = registry.get(str(tiny_folder), CPU)
    assert closed_before_load == [True]
    assert second.info.model_id == str(tiny_folder)
    assert registry.get(str(tiny_folder), CPU) is second


def test_many_threads_load_once(tiny_folder, monkeypatch):
    loads = []
    load = loading.load
    monkeypatch.setattr(loading, "load", lambda *a, **o: loads.append(1) or load(*a, **o))
    got, start = [], threading.Barrier(4)

    def work():
        start.wait()
        with registry.device_lock:
            got.append(registry.get(str(tiny_folder), CPU))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == [1]
    assert len(set(map(id, got))) == 1


def test_a_failed_load_leaves_no_model_behind(tiny_folder, copied):
    (copied / "tokenizer.json").write_text("{")
    registry.get(str(tiny_folder), CPU)
    with pytest.raises(ModelError):
        registry.get(str(copied), CPU)
    assert registry.get(str(tiny_folder), CPU).info.model_id == str(tiny_folder)


def test_a_changed_folder_is_another_revision_and_is_loaded_anew(copied):
    first = registry.get(str(copied), CPU)
    before = registry.identify(str(copied)).revision
    assert registry.identify(str(copied)).revision == before == first.info.revision
    edit_config(copied, note="changed")
    assert registry.identify(str(copied)).revision != before
    assert registry.get(str(copied), CPU) is not first


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "chat_template.jinja"])
def test_every_small_file_is_in_the_revision(copied, name):
    before = identity.folder_revision(copied)
    (copied / name).write_text((copied / name).read_text() + " ")
    assert identity.folder_revision(copied) != before


def test_changed_weights_of_the_same_size_are_another_revision(tmp_path, monkeypatch):
    """Also for files so large that only their header and samples are read."""
    monkeypatch.setattr(identity, "_WHOLE_BYTES", 1000)
    revisions = set()
    for value in (0.0, 1.0):
        folder = tmp_path / str(value)
        folder.mkdir()
        save_file({"weight": torch.full((100_000,), value)}, folder / "model.safetensors")
        revisions.add(identity.folder_revision(folder))
    assert len(revisions) == 2


def test_dtypes(monkeypatch):
    bf16 = {"dtype": "bfloat16"}
    assert identity.resolve_dtype("auto", "cpu", bf16) == "float32"
    assert identity.resolve_dtype("auto", "cuda", bf16) == "bfloat16"
    assert identity.resolve_dtype("auto", "cuda:1", {"torch_dtype": "float16"}) == "float32"
    assert identity.resolve_dtype("float16", "cpu", {}) == "float16"
    for config in ({"text_config": bf16}, {"thinker_config": {"text_config": bf16}}):
        assert identity.resolve_dtype("auto", "cuda", {"model_type": "x", **config}) == "bfloat16"
        assert identity.resolve_dtype("auto", "cuda", {"dtype": "float32", **config}) == "float32"
    assert identity.resolve_dtype("auto", "cuda", {"text_config": None}) == "float32"
    with pytest.raises(ModelError, match="dtype is 'int8', expected one of auto, float32"):
        Loading(dtype="int8")
    assert registry.identify("demo", Loading(dtype="bfloat16")).dtype == "bfloat16"


def test_half_precision_states_stay_in_the_models_dtype(tiny_folder):
    model = registry.get(str(tiny_folder), Loading(dtype="bfloat16", device="cpu"))
    audio = Audio(np.zeros(16000, dtype=np.float32), 16000)
    assert model.info.dtype == "bfloat16"
    assert model.audio_states(audio, PROMPT).hidden_states.dtype == torch.bfloat16
    assert isinstance(model.answer(PROMPT, audio=audio, max_new_tokens=2), str)


def test_unknown_words_and_instructions_of_the_checkpoint(copied):
    about = {
        "name": "Mine",
        "known_words": ["the", "Red"],
        "instructions": {"transcribe": "write it"},
        "max_audio_s": 4,
    }
    (copied / "alas_model.json").write_text(json.dumps(about))
    model = registry.get(str(copied), CPU)
    assert model.info.name == "Mine"
    assert model.unknown_words(["THE", "red", "Fox", "fox", "Fox"]) == ("Fox", "fox")
    assert model.default_instruction("transcribe") == "write it"
    assert "emotion" in model.default_instruction("emotion")
    with pytest.raises(InputError, match=r"lasts 5\.0 s, .* at most 4 s"):
        model.audio_states(Audio(np.zeros(80000, dtype=np.float32), 16000), PROMPT)


def test_a_model_without_a_vocabulary_of_its_own_knows_no_unknown_words(tiny_folder):
    model = registry.get(str(tiny_folder), CPU)
    assert model.unknown_words(["xyzzy"]) == ()
    assert model.default_instruction("transcribe") == "Repeat the words."


def test_a_prompt_longer_than_the_model_is_refused(copied):
    config = json.loads((copied / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 64
    (copied / "config.json").write_text(json.dumps(config))
    model = registry.get(str(copied), CPU)
    with pytest.raises(InputError, match=r"tokens, expected at most 64 .*shorten the transcript"):
        model.text_states("the red fox " * 50, PROMPT)
    with pytest.raises(InputError, match=r"tokens, expected at most 64 .*shorten the audio"):
        model.audio_states(Audio(np.zeros(48000, dtype=np.float32), 16000), PROMPT)


# What is not a model


def expect_error(model_id: object, pattern: str) -> None:
    for call in (registry.identify, registry.get):
        with pytest.raises(ModelError, match=pattern):
            call(str(model_id))


def test_ids_that_name_nothing():
    expect_error("no model", "there is no model 'no model'.*choose 'demo'")
    expect_error("/no/such/folder", "there is no model '/no/such/folder'")
    expect_error("", "there is no model|is not a model")


def test_a_hub_id_that_cannot_be_reached_says_so():
    expect_error("nobody/no-such-model", "neither in the local cache nor reachable")


def test_an_id_that_the_hub_can_not_have_needs_no_download_and_says_so():
    assert registry.is_local("a--b/c")
    expect_error("a--b/c", r"'a--b/c' cannot be had \(Cannot have -- .*check its name")


def test_a_file(tmp_path):
    (tmp_path / "model.bin").write_text("x")
    expect_error(tmp_path / "model.bin", "is a file, expected the folder")


def test_a_folder_that_is_no_model(tmp_path):
    expect_error(tmp_path, "is not a model: it is empty; expected config.json and safetensors")
    for i in range(9):
        (tmp_path / f"{i}.wav").write_text("x")
    expect_error(tmp_path, "it holds 0.wav, 1.wav, .* and 3 more; expected config.json")


def test_pickled_weights_are_never_loaded(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    expect_error(copied, "has no safetensors weights: it holds .*pytorch_model.bin")


def test_a_broken_config(copied):
    (copied / "config.json").write_text("{")
    expect_error(copied, "'config.json' of the model cannot be read as JSON")
    (copied / "config.json").write_text("[]")
    expect_error(copied, "holds a list, expected an object")


def test_a_model_that_is_no_speech_llm(copied):
    (copied / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ModelError, match=r"is of type 'bert', .* expected one of audioflamingo3"):
        registry.get(str(copied))


def test_truncated_weights(copied):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5000])
    with pytest.raises(ModelError, match=r"not a checkpoint|cannot be read"):
        registry.get(str(copied))


def test_code_in_a_checkpoint_is_never_run(copied, tmp_path):
    mark = tmp_path / "ran"
    (copied / "evil.py").write_text(f"open({str(mark)!r}, 'w').close()")
    edit_config(copied, auto_map={"AutoConfig": "evil.C", "AutoModel": "evil.M"}, model_type="x")
    with pytest.raises(ModelError):
        registry.get(str(copied))
    assert not mark.exists()


def test_a_family_that_needs_another_package_says_which(copied, monkeypatch):
    row = facts.Family("qwen2_audio", "Qwen2-Audio", FrameGrid(0.04), needs=("no_such_pkg",))
    monkeypatch.setitem(facts.FAMILIES, "qwen2_audio", row)
    with pytest.raises(ModelError, match="needs no-such-pkg, which is not installed; run 'pip"):
        registry.get(str(copied))


def test_a_checkpoint_whose_frames_are_not_as_the_facts_say_is_refused(copied, monkeypatch):
    row = facts.Family("qwen2_audio", "Qwen2-Audio", FrameGrid(0.08))
    monkeypatch.setitem(facts.FAMILIES, "qwen2_audio", row)
    with pytest.raises(ModelError, match="250 more frames, expected 125 for Qwen2-Audio"):
        registry.get(str(copied))


def test_the_familys_note_stands_with_its_results(copied, monkeypatch):
    audio = Audio(np.zeros(16000, dtype=np.float32), 16000)
    assert registry.get(str(copied), CPU).audio_states(audio, PROMPT).notes == ()
    row = facts.Family("qwen2_audio", "Strange", FrameGrid(0.04), note="It is odd.")
    monkeypatch.setitem(facts.FAMILIES, "qwen2_audio", row)
    registry.close()
    assert registry.get(str(copied), CPU).audio_states(audio, PROMPT).notes == ("It is odd.",)


def test_a_family_without_a_row_is_measured_and_says_so(copied, monkeypatch):
    monkeypatch.delitem(facts.FAMILIES, "qwen2_audio")
    model = registry.get(str(copied), CPU)
    states = model.audio_states(Audio(np.zeros(32000, dtype=np.float32), 16000), PROMPT)
    assert model.info.frame_rate_hz == pytest.approx(25)
    assert len(states.frame_spans) == 50
    assert "Unverified timing" in states.notes[0]
    assert "10 s against 20 s" in states.notes[0]


def test_a_folder_of_an_unknown_family_is_offered_where_its_config_names_an_audio_token(
    copied, monkeypatch
):
    monkeypatch.delitem(facts.FAMILIES, "qwen2_audio")
    monkeypatch.setenv("ALAS_MODEL_ROOTS", str(copied.parent))
    (found,) = [one for one in installed() if one.folder == copied]
    assert found.family.measured
    (choice,) = [choice for choice in choices() if choice.id == str(copied)]
    assert "not in the table" in choice.description
    config = json.loads((copied / "config.json").read_text())
    for name in [name for name in config if name.startswith("audio_token")]:
        del config[name]
    (copied / "config.json").write_text(json.dumps(config))
    assert copied not in [one.folder for one in installed()]


def test_a_family_whose_frames_do_not_grow_cannot_be_measured(copied, monkeypatch):
    monkeypatch.delitem(facts.FAMILIES, "qwen2_audio")
    monkeypatch.setattr(measuring, "frame_count", lambda *_: 188)
    with pytest.raises(ModelError, match=r"no more frames \(188\).*cannot be measured"):
        registry.get(str(copied), CPU)


# Folders that a visitor may use


def test_only_folders_below_the_roots_may_be_used(tiny_folder, copied, tmp_path, monkeypatch):
    monkeypatch.setenv("ALAS_MODEL_ROOTS", str(tiny_folder.parent))
    assert str(tiny_folder) in [choice.id for choice in choices()]
    assert registry.identify(str(tiny_folder)).model_id == str(tiny_folder)
    expect_error(copied, "lies outside the folders this server may load models from")
    expect_error(
        tiny_folder / ".." / ".." / copied.relative_to(tmp_path.parent), "there is no|outside"
    )
    link = tiny_folder.parent / "link"
    link.symlink_to(copied)
    try:
        expect_error(link, "lies outside")
        assert str(link) not in [choice.id for choice in choices()]
    finally:
        link.unlink()
    assert registry.identify("demo").model_id == "demo"


def test_links_in_an_allowed_folder_may_not_lead_out(copied, tmp_path, monkeypatch):
    monkeypatch.setenv("ALAS_MODEL_ROOTS", str(copied))
    assert registry.identify(str(copied)).model_id == str(copied)
    (copied / "notes.txt").symlink_to(tmp_path / "outside.txt")
    (tmp_path / "outside.txt").write_text("private")
    expect_error(copied, "lies outside")


# Models from the hub


def test_a_model_in_the_hubs_cache_is_used_offline_with_its_commit(tiny_folder, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--tiny--model"
    shutil.copytree(tiny_folder, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    code = (
        "from alas_core.models import registry;"
        "model = registry.get('tiny/model', registry.Loading(device='cpu'));"
        "print(registry.identify('tiny/model').revision, model.info.revision, model.info.n_layers)"
    )
    env = {**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == [commit, commit, "2"]


# Models of one's own


def test_a_registered_model_is_used_like_any_other():
    mine = FakeSpeechLLM(model_id="mine")
    registry.register(mine)
    try:
        assert "mine" in [choice.id for choice in choices()]
        assert registry.identify("mine").revision == mine.info.revision
        held = registry.get("demo", CPU)
        assert registry.get("mine") is mine
        assert registry.get("demo", CPU) is held
    finally:
        registry.unregister("mine")
    with pytest.raises(ModelError, match="no model 'mine'"):
        registry.identify("mine")
    with pytest.raises(ModelError, match="'demo' is built in"):
        registry.register(FakeSpeechLLM(model_id="demo"))


@pytest.mark.parametrize("model_id", ["demo", "demo-untrained"])
def test_random_weights_are_not_quantised_and_the_held_model_stays(model_id):
    held = registry.get("demo", CPU)
    seed = 3 if model_id == "demo" else None
    asked = Loading(device="cpu", quantization="8bit", untrained_seed=seed)
    with pytest.raises(ModelError, match="random weights cannot be had in 8bit, expected quant"):
        registry.get(model_id, asked)
    assert registry.held() is held


def test_a_registered_model_has_its_own_weights_only():
    registry.register(FakeSpeechLLM(model_id="mine"))
    try:
        with pytest.raises(ModelError, match=r"'mine' cannot be had with random weights, .* leave"):
            registry.get("mine", Loading(untrained_seed=3))
    finally:
        registry.unregister("mine")


def test_the_untrained_demo_has_the_weights_of_the_seed_it_is_asked_for():
    own = registry.get("demo-untrained", CPU).head().embedding.clone()
    other = registry.get("demo-untrained", Loading(device="cpu", untrained_seed=20_011))
    assert "seed 20011" in other.info.variant
    assert other.info.name == "Demo speech LLM, random weights"
    assert not torch.equal(other.head().embedding, own)


def test_a_class_without_states_before_the_norm_says_so(tiny_folder):
    """The note depends on the states themselves, not on the family's name."""
    model = registry.get(str(tiny_folder), CPU)
    assert isinstance(model, adapter.TransformersSpeechLLM)
    model._open.text_config.tie_last_hidden_states = True
    notes = model.audio_states(Audio(np.zeros(16000, dtype=np.float32), 16000), PROMPT).notes
    assert any("final norm" in note for note in notes)
