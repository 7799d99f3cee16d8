"""Models of the hub: fetched by its library's own code into its own cache, without a network."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub
import pytest

from alas_core.errors import ModelError
from alas_core.models import facts, fetching, registry
from alas_core.models.grid import FrameGrid
from alas_core.models.identity import Loading
from alas_core.models.installed import installed
from alas_core.models.watching import Watched
from alas_core.reference import checkpoints, get_aligner, preparing
from tests import tiny, tiny_aligners
from tests.fake_hub import Hub, online

FIRST, SECOND = "1" * 40, "2" * 40
CPU = Loading(device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.qwen2_audio(tmp_path_factory.mktemp("hub") / "tiny")


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """No model from another test, and an empty cache of the hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ALAS_MODEL_ROOTS", raising=False)
    registry.close()
    yield
    registry.close()


@pytest.fixture
def hub(folder: Path, tmp_path: Path) -> Hub:
    """A model whose branch means its first commit; the second has other files of the same names."""
    second = tiny.qwen2_audio(tmp_path / "second", seed=1)
    return Hub("a/b", {FIRST: folder, SECOND: second}, {"main": FIRST})


def test_a_model_that_was_downloaded_is_local_from_then_on(hub):
    assert not registry.is_local("a/b")
    with online(hub):
        assert registry.get("a/b", CPU).info.revision == FIRST
    assert registry.is_local("a/b")
    assert [one.model_id for one in installed()] == ["a/b"]
    registry.close()
    assert registry.identify("a/b").revision == FIRST, "known without a network"
    assert registry.get("a/b", CPU).info.revision == FIRST


def test_a_named_revision_is_local_and_the_main_one_is_not(hub):
    hub.heads["v2"] = SECOND
    with online(hub):
        assert registry.get("a/b", Loading(device="cpu", revision="v2")).info.revision == SECOND
    assert registry.is_local("a/b", Loading(revision="v2"))
    assert not registry.is_local("a/b")
    assert installed() == []


def test_a_branch_that_moves_between_config_and_weights_mixes_no_files(hub):
    with online(hub):
        identity = registry.identify("a/b", CPU)
        hub.heads["main"] = SECOND
        place = fetching.fetch("a/b", identity.revision, lambda _: None)
    assert {commit for commit, _ in hub.asked} == {FIRST}
    weights = place / "model.safetensors"
    assert weights.read_bytes() == (hub.commits[FIRST] / "model.safetensors").read_bytes()
    assert registry.identify("a/b", CPU).revision == FIRST, "a later commit is not taken unasked"


@pytest.mark.parametrize("place", ["", "speech-lora"])
def test_a_download_that_broke_off_before_its_lora_is_taken_up_again(hub, place):
    files = ("adapter_config.json", "adapter_model.safetensors")
    source = hub.commits[SECOND] / place
    source.mkdir(exist_ok=True)
    for name in files:
        (source / name).write_text("{}")
    hub.heads["main"] = SECOND
    with online(hub):
        fetching.hub_config("a/b")
        folder = fetching.fetch("a/b", SECOND, lambda _: None)
    assert registry.is_local("a/b")
    for name in files:
        (folder / place / name).unlink()
        assert not registry.is_local("a/b")
        assert installed() == []
        with online(hub):
            assert fetching.fetch("a/b", SECOND, lambda _: None) == folder
        assert (folder / place / name).is_file()
    assert registry.is_local("a/b")
    assert [one.model_id for one in installed()] == ["a/b"]


def test_what_cannot_be_used_is_refused_before_its_weights_are_fetched(hub, monkeypatch):
    row = facts.Family("qwen2_audio", "Qwen2-Audio", FrameGrid(0.04), needs=("no_such_pkg",))
    monkeypatch.setitem(facts.FAMILIES, "qwen2_audio", row)
    with online(hub), pytest.raises(ModelError, match="needs no-such-pkg, which is not installed"):
        registry.get("a/b", CPU)
    (hub.commits[SECOND] / "config.json").write_text('{"model_type": "bert"}')
    hub.heads["v2"] = SECOND
    with online(hub), pytest.raises(ModelError, match="is of type 'bert', which is no speech LLM"):
        registry.get("a/b", Loading(device="cpu", revision="v2"))
    assert hub.asked == [(FIRST, "config.json"), (SECOND, "config.json")]


def test_the_same_weights_in_other_forms_are_not_fetched(hub):
    source = hub.commits[SECOND]
    others = ("model.fp32-00001-of-00002.safetensors", "model.safetensors.index.fp32.json")
    for name in (*others, "consolidated.00.safetensors", "pytorch_model.bin"):
        (source / name).write_text("{}")
    with online(hub):
        hub.heads["main"] = SECOND
        fetching.hub_config("a/b")
        fetching.fetch("a/b", SECOND, lambda _: None)
    names = {name for _, name in hub.asked}
    assert {name for name in names if "safetensors" in name or name.endswith("bin")} == {
        "model.safetensors"
    }


def test_bytes_are_counted_once_and_up_to_the_whole(hub):
    steps: list[Watched] = []
    with online(hub):
        fetching.hub_config("a/b")
        fetching.fetch("a/b", FIRST, steps.append)
    counts = [step.done for step in steps if step.stage == "Downloading the model"]
    fetched = [name for _, name in hub.asked if name != "config.json"]
    whole = sum((hub.commits[FIRST] / name).stat().st_size for name in fetched)
    assert len(counts) == len(fetched), "each is small enough to come in one piece"
    assert max(counts) == steps[-1].total == whole


def test_a_checkpoint_whose_main_branch_cannot_be_read_is_taken_from_another(hub):
    hub.model_id = "microsoft/Phi-4-multimodal-instruct"
    hub.heads["refs/pr/70"] = SECOND
    with online(hub):
        assert registry.get(hub.model_id, CPU).info.revision == SECOND
        named = Loading(device="cpu", revision="main")
        assert registry.identify(hub.model_id, named).revision == FIRST
    assert registry.is_local(hub.model_id)
    assert [one.model_id for one in installed()] == [hub.model_id]


def test_an_error_names_the_model_and_not_its_commit(hub):
    (hub.commits[FIRST] / "tokenizer.json").write_text("{")
    with online(hub), pytest.raises(ModelError, match=r"'a/b' is not a checkpoint") as failed:
        registry.get("a/b", CPU)
    assert FIRST not in str(failed.value)


def test_a_model_that_was_never_fetched_needs_the_network(hub):
    del hub
    with pytest.raises(ModelError, match="neither in the local cache nor reachable"):
        registry.identify("a/b")


def test_an_aligner_of_the_hub_says_how_far_its_download_is(tmp_path):
    hub = Hub("a/b", {FIRST: tiny_aligners.whisper(tmp_path / "whisper")}, {"main": FIRST})
    with online(hub):
        told = list(preparing(get_aligner("whisper:a/b")))
    checkpoints.close()
    stages = list(dict.fromkeys(step.stage for step in told))
    assert stages[1] == "Downloading the model"
    assert stages[-1] == "Loading the weights"
    counted = [step for step in told if step.stage == stages[1]]
    assert counted[-1].done == counted[-1].total > 0
