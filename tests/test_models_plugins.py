"""Models of one's own: the README's example, entry points, and what is said when one is wrong."""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import soundfile

from alas_core.__main__ import main
from alas_core.errors import ModelError
from alas_core.models import plugins, registry
from alas_core.models.choices import choices
from alas_core.models.protocol import Prompt
from alas_core.types import Audio
from tests.corpora import make_corpus


@pytest.fixture
def my_model(repo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's example as a file in an empty folder, which is the current one."""
    section = (repo_root / "README.md").read_text().partition("## Your own model")[2]
    (code,) = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    (tmp_path / "my_model.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_model", raising=False)
    return tmp_path


def test_the_readmes_example_runs_from_the_command_line(my_model: Path, capsys) -> None:
    samples = np.random.default_rng(0).standard_normal(32000).astype(np.float32) * 0.1
    soundfile.write(my_model / "speech.wav", samples, 16000)
    words = [{"word": "red", "start_s": 0.1, "end_s": 0.9}]
    words += [{"word": "fox", "start_s": 1.0, "end_s": 1.8}]
    (my_model / "words.json").write_text(json.dumps(words))
    command = ["analyse", "speech.wav", "--transcript", "red fox", "--reference", "words.json"]
    assert main([*command, "--adapter", "my_model:MyModel", "--null", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n_frames"] == 50
    assert found["n_tokens"] == 6
    assert len(found["layers"]) == 4
    assert "my-model" in json.dumps(found["model"])


def test_a_class_of_ones_own_takes_a_whole_data_set(my_model: Path, capsys) -> None:
    corpus = make_corpus(my_model / "corpus", 2)
    command = ["run", str(corpus), "--out", str(my_model / "out"), "--reference", "own"]
    command += ["--adapter", "my_model:MyModel", "--null", "0", "--json"]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == "my-model"
    assert found["counts"] == {"total": 2, "done": 2, "skipped": 0}
    assert all(choice.id != "my-model" for choice in choices())
    assert main([*command, "--ray", "auto"]) == 2
    assert "offer the class as a plug-in" in capsys.readouterr().err


def entry(name: str, value: str) -> metadata.EntryPoint:
    return metadata.EntryPoint(name, value, plugins.GROUP)


def offer(monkeypatch: pytest.MonkeyPatch, *entries: metadata.EntryPoint) -> None:
    monkeypatch.setattr(
        plugins.metadata, "entry_points", lambda group: entries if group == plugins.GROUP else ()
    )
    plugins.offered.cache_clear()


@pytest.fixture(autouse=True)
def only_what_is_installed():
    """No plug-in of one test is seen by another."""
    plugins.offered.cache_clear()
    yield
    plugins.offered.cache_clear()


def test_an_entry_point_is_listed_unloaded_and_loaded_when_chosen(my_model, monkeypatch) -> None:
    offer(monkeypatch, entry("mine", "my_model:MyModel"))
    sys.path.insert(0, str(my_model))
    (choice,) = [choice for choice in choices() if choice.id == "mine"]
    assert choice.description.startswith("Plug-in:")
    assert "my_model" not in sys.modules, "listing imports nothing"
    first = registry.get("demo", registry.Loading(device="cpu"))
    with registry.device_lock:
        model = registry.get("mine")
        states = model.audio_states(Audio(np.zeros(16000, np.float32), 16000), Prompt())
    assert states.hidden_states.shape == (4, 25, 64)
    assert registry.get("mine") is model
    assert registry.identify("mine").revision == "v1"
    with pytest.raises(ModelError, match="closed"):
        first.text_states("the", Prompt())
    registry.close()
    monkeypatch.setenv("ALAS_MODELS", "other")
    assert "mine" not in [choice.id for choice in choices()]
    with pytest.raises(ModelError, match="does not load 'mine'"):
        registry.get("mine")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("os.path", "expected package.module:Class"),
        ("no_such_module:Class", "cannot be made: ModuleNotFoundError"),
        ("json:NoSuchClass", "cannot be made: AttributeError"),
        ("json:JSONDecodeError", "cannot be made: TypeError"),
        ("collections:Counter", "lacks info, audio_states, text_states"),
    ],
)
def test_what_is_no_adapter_says_what_is_wrong(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        plugins.from_name(name)


def test_a_model_that_a_visitor_types_is_never_imported(my_model) -> None:
    with pytest.raises(ModelError, match="there is no model 'my_model:MyModel'"):
        registry.get("my_model:MyModel")
    assert "my_model" not in sys.modules
