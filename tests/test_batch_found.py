"""Which runs a server shows."""

import json
import os

import pytest

from alas_core.batch import found
from tests.runs import make_run


@pytest.fixture
def listed(tmp_path, monkeypatch):
    def look(*roots):
        monkeypatch.setenv(found.VARIABLE, os.pathsep.join(map(str, roots)))
        monkeypatch.setattr(found, "_example", lambda: iter(()))
        return {run.name: run for run in found.found_runs()}

    return look


def test_runs_of_a_folder_and_a_run_itself_are_listed_the_newest_first(listed, tmp_path):
    make_run(tmp_path / "runs" / "old", n=3)
    info = json.loads((make_run(tmp_path / "runs" / "new", n=4) / "run.json").read_text())
    later = json.dumps(info | {"created": "2026-02-01T00:00:00+00:00"})
    (tmp_path / "runs" / "new" / "run.json").write_text(later)
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "runs" / "note.txt").write_text("no run")
    runs = listed(tmp_path / "runs", tmp_path / "runs" / "old", "memory://nothing/here")
    assert list(runs) == ["new", "old", "old-2"]
    assert (runs["new"].n_done, runs["old"].n_done) == (4, 3)


def test_a_damaged_a_newer_run_and_a_wrong_root_are_listed_with_why(listed, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text("{")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "run.json").write_text('{"schema": 99, "state": "finished"}')
    (tmp_path / "file").write_text("a file")
    runs = listed(tmp_path, tmp_path / "file")
    assert "cannot be understood" in runs["bad"].problem
    assert "newer" in runs["later"].problem
    assert runs["file"].problem


def test_nothing_named_lists_nothing(listed):
    assert listed() == {}


def test_addresses_stay_whole(monkeypatch):
    monkeypatch.setenv(found.VARIABLE, f"/a{os.pathsep}s3://bucket/runs{os.pathsep}/b")
    assert found.roots() == ("/a", "s3://bucket/runs", "/b")
