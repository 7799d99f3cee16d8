"""The list of a server's runs, and the log of what was skipped."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from alas_core.batch import schema
from alas_core.batch.lock import RunLock
from alas_core.batch.plan import RunOrder
from alas_core.batch.record import Record, dumps
from alas_core.batch.roots import found_runs, new_name, run_url, runs_root, skipped_log
from alas_core.errors import InputError
from alas_core.place import Place
from tests.runs import make_run


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALAS_RUNS", str(tmp_path))
    return tmp_path


def change(folder: Path, **fields: object) -> None:
    path = folder / schema.RUN_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_runs_are_listed_with_the_state_they_are_really_in(root: Path) -> None:
    for name in ("done", "killed", "going", "newer"):
        make_run(root / name, n=2, n_layers=2)
    change(root / "done", updated="2026-02")
    change(root / "killed", state="running")
    change(root / "going", state="paused", updated="2026-03")
    change(root / "newer", schema=99)
    (root / "no run").mkdir()
    (root / "empty").mkdir()
    (root / "notes.txt").write_text("no folder")
    with RunLock(Place(str(root / "going"))):
        runs = {run.name: run for run in found_runs()}
    assert list(runs)[:2] == ["going", "done"]
    states = {name: run.state for name, run in runs.items()}
    assert states == {"going": "paused", "done": "finished", "killed": "interrupted", "newer": ""}
    assert "newer version" in runs["newer"].problem
    assert runs["going"].owner["pid"] == os.getpid()
    assert (runs["done"].progress.done, runs["done"].progress.total) == (2, 4)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a" * 101, "x y", "s3://x"])
def test_a_name_leads_nowhere_else(name: str) -> None:
    with pytest.raises(InputError, match="cannot be called"):
        run_url(name)


def test_new_names_are_names(root: Path) -> None:
    for source in ("demo", "folder:/data/my corpus", "manifest:/data/ä.csv?audio=x", "hf:a/b"):
        name = new_name(RunOrder(source, model="/models/some model"))
        assert run_url(name) == f"{runs_root()}/{name}"


def test_a_new_name_says_nothing_twice(root: Path) -> None:
    assert new_name(RunOrder("demo", model="demo")).startswith("demo-2")
    assert new_name(RunOrder("demo", model="other")).startswith("demo-other-2")


def test_the_log_of_skipped_items_is_there_while_the_run_goes(root: Path) -> None:
    place = Place(str(root / "a"))
    skipped = {"stage": "Listening", "reason": "too long", "kind": "InputError"}
    place.write("parts/1-2.skipped", dumps(Record("u1", skipped=skipped)))
    place.write("parts/3-4.done", dumps(Record("u2")))
    assert skipped_log(place.url) == [{"utterance": "u1", **skipped}]
    assert skipped_log(run_url("none")) == []
