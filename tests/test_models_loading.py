"""Getting a model: progress, what goes wrong and what is then said, what a server allows."""

from __future__ import annotations

import errno
import importlib
import json
import shutil
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import httpx2
import huggingface_hub
import pytest
import safetensors.torch
import torch
import transformers
from huggingface_hub import errors as hub

from alas_core.__main__ import main
from alas_core.errors import ModelError
from alas_core.models import (
    fetching,
    guard,
    identity,
    inventory,
    loading,
    memory,
    problems,
    registry,
)
from alas_core.models.adapter import TransformersSpeechLLM
from alas_core.models.choices import choices
from alas_core.models.facts import FAMILIES
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.identity import Loading
from alas_core.models.protocol import Prompt
from alas_core.models.watching import Load, Stopped, Watched
from tests import tiny, tiny_salmonn

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CPU = Loading(device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.qwen2_audio(tmp_path_factory.mktemp("loading") / "tiny")


def test_float32_stays_float32_in_convolutions_on_a_gpu() -> None:
    """A convolution rounded to TF32 is what would part a GPU's scores from a CPU's."""
    assert torch.backends.cudnn.allow_tf32 is False
    assert torch.backends.cuda.matmul.allow_tf32 is False


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """No model from another test, and an empty cache of the hub."""
    cache = tmp_path / "hub"
    cache.mkdir()
    for module in (huggingface_hub.constants, huggingface_hub.file_download.constants):
        monkeypatch.setattr(module, "HF_HUB_CACHE", str(cache))
    registry.close()
    yield
    registry.close()


def answered(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=httpx2.Request("GET", "https://hub.test/x"))


# What goes wrong


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (hub.GatedRepoError("no", response=answered(403)), "is gated: .* accept the terms"),
        (
            hub.RepositoryNotFoundError("no", response=answered(404)),
            "there is no model 'a/b' on the hub, or it is private",
        ),
        (hub.RevisionNotFoundError("no", response=answered(404)), "no such revision, expected a"),
        (hub.OfflineModeIsEnabled("offline"), "neither in the local cache .*HF_HUB_OFFLINE is set"),
        (httpx2.ConnectError("no route"), "neither in the local cache nor reachable .no route"),
        (httpx2.ReadTimeout("slow"), "neither in the local cache nor reachable .slow"),
        (
            OSError(errno.ENOSPC, "No space left"),
            "the disk is full: 'a/b' does not fit; free space",
        ),
        (
            ImportError("requires the torchaudio library"),
            "needs torchaudio, .*pip install torchaud",
        ),
        (ImportError("you need to install mistral-common"), "pip install mistral-common"),
        (ValueError("what"), "files of 'a/b' cannot be had .what"),
    ],
)
def test_what_the_hub_raises_becomes_one_paragraph(monkeypatch, error, message) -> None:
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", fail)
    with pytest.raises(ModelError, match=message) as caught:
        registry.identify("a/b")
    assert "\n" not in str(caught.value)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelError, match=message):
        fetching.fetch("a/b", COMMIT, lambda _: None)


def test_the_cause_behind_a_wrapped_error_is_found() -> None:
    outer = OSError("cannot load")
    outer.__cause__ = hub.GatedRepoError("no", response=answered(403))
    assert "is gated" in (problems.explain(outer, "a/b") or "")
    assert problems.explain(RuntimeError("odd"), "a/b") is None


@pytest.mark.parametrize(
    "reason",
    [
        "OSError('libcudart.so.13: cannot open shared object file')",
        "RuntimeError('operator torchvision::nms does not exist')",
        "ImportError('undefined symbol: _ZN3c10')",
    ],
)
def test_a_package_that_does_not_fit_torch_is_named(monkeypatch, tmp_path, reason) -> None:
    """As transformers gives it on: the package's own error behind one about a missing module."""
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(f"raise {reason}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with pytest.raises((OSError, RuntimeError, ImportError)) as caught:
        importlib.import_module("torchvision")
    outer = ModuleNotFoundError("Could not import module 'X'.")
    outer.__cause__ = caught.value
    text = problems.explain(outer, "a/b") or ""
    assert "'a/b' needs torchvision, and the one installed does not load beside torch" in text
    assert torch.__version__ in text
    assert reason.split("'")[1] in text
    assert "install the build of torchvision that belongs to this torch" in text


def test_too_little_disk_is_said_before_the_download(monkeypatch) -> None:
    plan = [SimpleNamespace(file_size=16 * 10**9, will_download=True)]
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: plan)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * 10**9))
    with pytest.raises(
        ModelError, match=r"needs 16\.0 GB more .* 2\.0 GB are free; .*HF_HUB_CACHE"
    ):
        fetching.fetch("a/b", COMMIT, lambda _: None)


def test_memory_that_is_full_while_loading_says_what_would_fit(folder, monkeypatch) -> None:
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8.00 GiB")

    released = []
    monkeypatch.setattr(guard, "release_memory", lambda: released.append(True))
    monkeypatch.setattr(transformers.AutoModelForMultimodalLM, "from_pretrained", full)
    monkeypatch.setattr(memory, "weights", lambda _: memory.Weights(7 * 10**9))
    found = memory.DeviceMemory("cpu", 10 * 2**30, 16 * 2**30)
    monkeypatch.setattr(memory, "device_memory", lambda _: found)
    with pytest.raises(
        ModelError, match=r"memory of cpu is full .*10 GiB are free: 8bit, .*7\.\d GiB"
    ):
        registry.get(str(folder), CPU)
    assert released == [True]
    assert registry.held() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "cuda:7"}, "device is cuda:7, and torch sees [0-7] CUDA devices"),
    ],
)
def test_a_device_or_package_that_is_not_there(folder, options, message) -> None:
    with pytest.raises(ModelError, match=message):
        registry.get(str(folder), Loading(**options))


@pytest.mark.parametrize(
    "options",
    [{"dtype": "int8"}, {"device": "tpu"}, {"device": "cuda:x"}, {"quantization": "2bit"}],
)
def test_options_that_nobody_knows(options) -> None:
    with pytest.raises(ModelError, match="expected"):
        Loading(**options)


def test_quantised_and_spread_weights_are_asked_for_as_the_library_wants_it() -> None:
    spread = loading._placing(Loading(device="spread"), "cuda", torch.bfloat16)
    assert spread == {"device_map": "auto"}
    four = loading._placing(Loading(quantization="4bit"), "cuda:1", torch.bfloat16)
    assert four["device_map"] == {"": "cuda:1"}
    assert four["quantization_config"].load_in_4bit
    assert four["quantization_config"].bnb_4bit_compute_dtype == torch.bfloat16
    with pytest.raises(ModelError, match=r"8bit weights need a CUDA device or the CPU, .* is mps"):
        loading._placing(Loading(quantization="8bit"), "mps", torch.float32)


def test_every_option_that_changes_the_network_is_in_the_identity(folder) -> None:
    identities = {
        registry.identify(str(folder), one)
        for one in (Loading(), Loading(quantization="4bit"), Loading(dtype="float16"))
    }
    assert len(identities) == 3
    assert Loading(lora=False).variant("granite_speech") == "LoRA off"
    assert Loading(lora=False).variant("qwen2_audio") == ""
    assert Loading(quantization="8bit", lora=False).variant("phi4_multimodal") == "8bit, LoRA off"


# Progress


def fake_hub(monkeypatch, folder: Path, place: Path) -> None:
    """A hub with one model, whose download moves the library's own progress bar."""

    def snapshot(_, *, dry_run=False, tqdm_class=None, **options):
        assert options["revision"] == COMMIT
        assert not any(
            pattern.endswith((".bin", ".py", "*")) for pattern in options["allow_patterns"]
        )
        if dry_run:
            return [SimpleNamespace(file_size=1000, will_download=True)]
        with tqdm_class(desc="Downloading", total=0, initial=0, unit="B", unit_scale=True) as bar:
            bar.total += 1000
            for _ in range(4):
                bar.update(250)
        shutil.copytree(folder, place)
        return str(place)

    config = {"model_type": "qwen2_audio"}
    monkeypatch.setattr(fetching, "hub_config", lambda *_: (COMMIT, config))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)


def test_download_and_weights_are_counted_on_the_way(folder, monkeypatch, tmp_path) -> None:
    fake_hub(monkeypatch, folder, tmp_path / "snapshot")
    steps = list(registry.opening("a/b", CPU))
    stages = [step.stage for step in steps]
    assert stages[0] == "Asking the hub for the model's files"
    bytes_seen = [step.done for step in steps if step.stage == "Downloading the model"]
    assert bytes_seen == [250, 500, 750, 1000]
    weights = [step for step in steps if step.stage == "Loading the weights"]
    assert [step.done for step in weights] == list(range(weights[0].total))
    model = registry.held()
    assert model is not None
    assert (model.info.model_id, model.info.revision) == ("a/b", COMMIT)
    assert list(registry.opening("a/b", CPU)) == [], "it is loaded already"


def test_a_load_that_nobody_waits_for_stops(folder, monkeypatch, tmp_path) -> None:
    fake_hub(monkeypatch, folder, tmp_path / "snapshot")
    steps = registry.opening("a/b", CPU)
    assert next(steps).stage == "Asking the hub for the model's files"
    steps.close()
    assert registry.held() is None
    assert not [thread for thread in threading.enumerate() if thread.name == "alas-load"]
    assert registry.device_lock.acquire(blocking=False)
    registry.device_lock.release()


def test_a_load_that_ends_just_before_it_is_left_leaves_no_model_behind(monkeypatch) -> None:
    loaded = FakeSpeechLLM()

    def load(_, __, report):
        report(Watched("loading"))
        return loaded

    monkeypatch.setattr(registry, "_load", load)
    steps = registry.opening("demo", CPU)
    next(steps)
    for thread in threading.enumerate():
        if thread.name == "alas-load":
            thread.join()
    steps.close()
    assert registry._loading is None
    with pytest.raises(ModelError, match="was closed"):
        loaded.text_states("the red fox", Prompt())


def test_the_one_that_is_left_of_two_keeps_the_model(monkeypatch) -> None:
    loaded = FakeSpeechLLM()

    def load(_, __, report):
        report(Watched("loading"))
        return loaded

    monkeypatch.setattr(registry, "_load", load)
    first, second = registry.opening("demo", CPU), registry.opening("demo", CPU)
    next(second)
    list(first)
    second.close()
    assert registry.held() is loaded
    assert loaded.text_states("the red fox", Prompt()).tokens


def test_watched_work_is_stopped_at_its_next_report() -> None:
    stopped = threading.Event()

    def work(report):
        try:
            while True:
                report(Watched("working"))
        except Stopped:
            stopped.set()
            raise

    load = Load(work)
    one, two = load.watch(), load.watch()
    next(one)
    next(two)
    one.close()
    next(two)
    assert not stopped.is_set(), "somebody still waits"
    two.close()
    assert stopped.is_set()
    assert load.failed


def test_two_jobs_of_one_thread_share_a_load(folder, monkeypatch) -> None:
    """The runner lets them take turns inside the lock, which is one thread's."""
    loads = []
    load = loading.load
    monkeypatch.setattr(loading, "load", lambda *a, **o: loads.append(1) or load(*a, **o))
    jobs = [registry.opening(str(folder), CPU) for _ in range(2)]
    models = []
    while jobs:
        for job in tuple(jobs):
            try:
                next(job)
            except StopIteration as end:
                models.append(end.value)
                jobs.remove(job)
    assert loads == [1]
    assert models[0] is models[1] is registry.held()


# What a server allows


def test_the_servers_list_limits_what_is_shown_and_loaded(folder, monkeypatch) -> None:
    monkeypatch.setenv("ALAS_MODELS", f"Qwen/Qwen2-Audio-7B-Instruct, {folder}, mine/own")
    ids = [choice.id for choice in choices()]
    assert ids == [
        *("demo", "demo-untrained", "Qwen/Qwen2-Audio-7B-Instruct", str(folder), "mine/own"),
    ]
    assert registry.identify(str(folder / ".." / folder.name)).model_id.endswith(folder.name)
    for model_id in ("a/b", "google/gemma-3n-E4B-it", str(folder.parent)):
        with pytest.raises(
            ModelError, match=r"this server does not load .* offers the demo models"
        ):
            registry.identify(model_id)
    assert registry.identify("demo").model_id == "demo"


def test_models_in_the_hubs_cache_and_below_the_roots_are_found(
    folder, monkeypatch, tmp_path
) -> None:
    place = tmp_path / "hub" / "models--some--model"
    shutil.copytree(folder, place / "snapshots" / COMMIT)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(COMMIT)
    part = tmp_path / "hub" / "models--half--model"
    shutil.copytree(folder, part / "snapshots" / COMMIT)
    (part / "snapshots" / COMMIT / "model.safetensors").unlink()
    (part / "refs").mkdir()
    (part / "refs" / "main").write_text(COMMIT)
    monkeypatch.setenv("ALAS_MODEL_ROOTS", str(folder.parent))
    row = next(row for row in inventory.as_objects() if row["model_type"] == "qwen2_audio")
    assert [one["model_id"] for one in row["installed"]] == [str(folder), "some/model"]
    weights = sum(p.numel() for p in loading.load(folder, CPU).model.parameters())
    assert row["installed"][0]["parameters"] == pytest.approx(weights, rel=0.01)
    listed = {choice.id for choice in choices()}
    assert {"some/model", str(folder)} <= listed
    assert "half/model" not in listed


# The list of families


def test_the_command_prints_one_object_a_family(capsys) -> None:
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["model_type"] for row in rows] == list(FAMILIES)
    by_type = {row["model_type"]: row for row in rows}
    for row in rows:
        assert row["frames_per_second"] > 0
        assert row["runnable"] == (not row["missing"])
    assert by_type["qwen2_audio"]["runnable"]
    assert by_type["granite_speech"]["lora_switch"]
    assert by_type["granite_speech"]["frames_per_second"] == pytest.approx(10)
    assert not by_type["gemma3n"]["lens"]
    assert main(["models"]) == 0
    text = capsys.readouterr().out
    assert "Audio Flamingo 3" in text
    assert len(text.splitlines()) > len(FAMILIES)


def test_the_table_of_families_fits_a_terminal_and_says_how_to_install(capsys, monkeypatch) -> None:
    monkeypatch.setattr(inventory, "_is_there", lambda _: False)
    assert main(["models"]) == 0
    *table, _, remedy = capsys.readouterr().out.splitlines()
    assert max(map(len, table)) <= 100
    assert "no: needs mistral-common" in "\n".join(table)
    assert remedy.strip().startswith(f"{sys.executable} -m pip install mistral-common peft ")


def test_a_package_that_is_not_there_is_missing(monkeypatch) -> None:
    monkeypatch.setattr(inventory, "_is_there", lambda name: name != "mistral_common")
    row = next(row for row in inventory.as_objects() if row["model_type"] == "voxtral")
    assert row["missing"] == ["mistral-common"]
    assert not row["runnable"]


def test_a_family_with_a_speech_lora_needs_what_loads_it(monkeypatch) -> None:
    monkeypatch.setattr(inventory, "_is_there", lambda name: name != "peft")
    rows = {row["model_type"]: row for row in inventory.as_objects()}
    assert {name for name, row in rows.items() if "peft" in row["missing"]} == {
        name for name, row in rows.items() if row["lora_switch"]
    }
    assert not rows["granite_speech"]["runnable"]
    assert rows["qwen2_audio"]["runnable"]


def test_weights_that_no_file_holds_are_said(folder, tmp_path) -> None:
    """The library makes them at random: without a word the picture would be one of noise."""
    whole = TransformersSpeechLLM(loading.load(folder, CPU), "whole", "test")
    assert not any("at random" in note for note in whole.info.notes)
    broken = shutil.copytree(folder, tmp_path / "broken")
    weights = safetensors.torch.load_file(broken / "model.safetensors")
    del weights["language_model.model.layers.1.self_attn.q_proj.weight"]
    safetensors.torch.save_file(weights, broken / "model.safetensors", {"format": "pt"})
    note = TransformersSpeechLLM(loading.load(broken, CPU), "broken", "test").info.notes[0]
    assert note.startswith("1 weight is in none of the model's files and was made at random")
    assert "layers.1.self_attn.q_proj.weight" in note


def test_a_checkpoint_is_loaded_in_the_dtype_that_its_key_names(folder, tmp_path, monkeypatch):
    """Also where the config names one in a part only, as the Omni families' do."""
    copy = shutil.copytree(folder, tmp_path / "parts")
    config = json.loads((copy / "config.json").read_text())
    del config["dtype"]
    config["text_config"]["dtype"] = "bfloat16"
    (copy / "config.json").write_text(json.dumps(config))
    on_a_gpu = registry.identify(str(copy), Loading(device="cuda")).dtype
    real = identity.resolve_dtype
    monkeypatch.setattr(loading, "resolve_dtype", lambda dtype, _, held: real(dtype, "cuda", held))
    assert str(loading.load(copy, CPU).dtype) == f"torch.{on_a_gpu}" == "torch.bfloat16"


# Memory


def test_salmonns_four_parts_are_counted(tmp_path) -> None:
    assert memory.weights(tiny_salmonn.salmonn(tmp_path)).count == pytest.approx(
        sum(weight.numel() for weight in _every_weight(tmp_path)), rel=0.2
    )
    shutil.rmtree(tmp_path / "whisper-large-v2")
    (tmp_path / "whisper-large-v2").mkdir()
    assert memory.weights(tmp_path).count == 0


def _every_weight(folder):
    for path in folder.glob("*/*.safetensors"):
        yield from safetensors.torch.load_file(path).values()
    for path in (*folder.glob("*.pt"), *folder.glob("*.pth")):
        yield from torch.load(path, weights_only=True)["model"].values()


def test_a_model_spread_over_several_gpus_is_compared_with_all_their_memory(monkeypatch) -> None:
    free = {0: 3 * 2**30, 1: 5 * 2**30}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(free))
    monkeypatch.setattr(
        torch.cuda, "mem_get_info", lambda card: (free[int(str(card)[-1])], 8 * 2**30)
    )
    monkeypatch.setattr(inventory, "accelerator", lambda: "cuda")
    one, all_of_them = (
        inventory.estimate("demo", Loading(device=device)).memory for device in ("cuda:1", "spread")
    )
    assert (one.free, one.total) == (5 * 2**30, 8 * 2**30)
    assert (all_of_them.free, all_of_them.total) == (8 * 2**30, 16 * 2**30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert memory.device_memory("spread").total == memory.device_memory("cpu").total


def test_memory_is_counted_from_headers(folder) -> None:
    held = memory.weights(folder)
    assert held.count > 50_000
    half, whole = (held.needed(dtype) for dtype in ("bfloat16", "float32"))
    assert 2 * half == pytest.approx(whole, abs=2)
    found = memory.device_memory("cpu")
    assert found is not None
    assert 0 < found.free < found.total
    assert "float32" in memory.what_fits(held, 2**40)
    assert "smaller model" in memory.what_fits(memory.Weights(10**12), 2**30)
    assert memory.gib(15.3 * 2**30) == "15 GiB"
