"""Folders of bundles: listed from their heads, opened whole, and what is no bundle said so."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load, save

from alas_core import bundles
from alas_core.bundle import dumps
from alas_core.errors import StoreError
from tests.browsers import ROOT
from tests.factory import make_analysis


@pytest.fixture(scope="module")
def raw() -> bytes:
    return dumps(make_analysis())


@pytest.fixture
def folder(tmp_path: Path, raw: bytes) -> Path:
    root = tmp_path / "kept"
    for name in ("step_1/a.alas", "step_1/b.alas", "step_2/a.alas"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(raw)
    return root


def newer(raw: bytes) -> bytes:
    """The same bundle as a later version of the program might write it."""
    length = int.from_bytes(raw[:8], "little")
    head = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["alas"])
    return save(load(raw), {"alas": json.dumps(head | {"schema": 99, "key": "of another kind"})})


def test_the_last_folder_comes_first_and_ids_are_paths(folder):
    found = bundles.listed([folder])
    assert list(found) == ["kept/step_2/a", "kept/step_1/a", "kept/step_1/b"]
    one = found["kept/step_1/b"]
    assert (one.transcript, one.model, one.problem) == ("the red fox sleeps here", "planted", "")
    assert bundles.open_bundle(one.path).utterance.transcript == one.transcript


def test_two_folders_of_one_name_do_not_hide_each_other(folder, tmp_path, raw):
    other = tmp_path / "other" / "kept"
    other.mkdir(parents=True)
    (other / "x.alas").write_bytes(raw)
    assert "kept-2/x" in bundles.listed([folder, other, tmp_path / "not there"])


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path, raw):
    (tmp_path / "secret.alas").write_bytes(raw)
    (folder / "link.alas").symlink_to(tmp_path / "secret.alas")
    assert not any("link" in name for name in bundles.listed([folder]))


def test_the_folders_come_from_the_environment_and_the_demo_is_always_there(monkeypatch, folder):
    monkeypatch.setenv(bundles.VARIABLE, str(folder))
    assert bundles.roots()[0] == folder
    monkeypatch.delenv(bundles.VARIABLE)
    found = bundles.listed(bundles.roots())
    assert len(found) >= 3
    first = next(iter(found.values()))
    assert bundles.open_bundle(first.path).scores["alas"].max() > 0.5  # a trained model's


BROKEN = {
    "empty": (lambda raw: b"", "cannot be read"),
    "text": (lambda raw: b"only text " * 50, "cannot be read"),
    "cut": (lambda raw: raw[: len(raw) // 2], "cannot be read"),
    "huge head": (lambda raw: b"\xff" * 8 + raw[8:], "cannot be read"),
    "newer": (newer, "newer version"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_bundle_is_named_with_its_reason(folder, raw, kind):
    broken, reason = BROKEN[kind]
    path = folder / "broken.alas"
    path.write_bytes(broken(raw))
    with pytest.raises(StoreError, match=f"'broken.alas'.*{reason}"):
        bundles.open_bundle(path)
    kept = bundles.listed([folder])["kept/broken"]
    assert kind == "cut" or reason in kept.problem  # a cut file still has its head


def test_a_changed_file_is_read_anew(folder, raw):
    assert not bundles.listed([folder])["kept/step_1/a"].problem
    (folder / "step_1" / "a.alas").write_bytes(b"only text " * 50)
    assert bundles.listed([folder])["kept/step_1/a"].problem


def test_a_bundle_of_a_model_folder_shows_the_folders_name(tmp_path):
    analysis = make_analysis()
    model = dataclasses.replace(analysis.model, model_id="/models/qwen/step_9/")
    (tmp_path / "x.alas").write_bytes(dumps(dataclasses.replace(analysis, model=model)))
    (kept,) = bundles.listed([tmp_path]).values()
    assert kept.model == "step_9"


def test_opening_and_reporting_need_no_torch(folder):
    code = (
        "import sys; from pathlib import Path; from alas_core import bundles, report\n"
        f"analysis = bundles.open_bundle(Path({str(folder / 'step_1' / 'a.alas')!r}))\n"
        "report.report_html(analysis)\n"
        "sys.exit(sum(name in sys.modules for name in ('torch', 'transformers', 'umap')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "model_id", "title"),
    [
        ("Qwen2-Audio", "demo at step 150", "Qwen2-Audio (demo at step 150)"),
        ("Qwen2-Audio", "Qwen/Qwen2-Audio-7B-Instruct", "Qwen2-Audio-7B-Instruct"),
        ("Qwen2-Audio", "/models/checkpoint-500", "Qwen2-Audio (checkpoint-500)"),
        ("Demo speech LLM", "demo", "Demo speech LLM"),
        ("", "Qwen/Qwen2-Audio-7B", "Qwen2-Audio-7B"),
    ],
)
def test_a_models_title_tells_it_from_others_of_its_family(name, model_id, title):
    model = dataclasses.replace(make_analysis().model, name=name, model_id=model_id)
    assert model.title == title
