"""What a run survives: kill -9 at any moment, a full disk, a folder that cannot be written, S3."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alas_core.__main__ import main
from alas_core.batch import record, schema
from alas_core.batch.folder import open_run
from alas_core.batch.runner import Run
from alas_core.bundle import loads
from alas_core.models import registry
from tests.corpora import fake_model, fake_order, make_corpus

ROOT = Path(__file__).resolve().parent.parent
KILLS = 20
TABLES = ("scores", "utterances", "words", "skipped", "cross_layer")


@pytest.fixture(autouse=True)
def model() -> Iterator[None]:
    registry.register(fake_model())
    yield
    registry.unregister("fake-run")


class Nursery:
    """The process whose children are killed."""

    def __init__(self, corpus: Path, out: Path, log: Path) -> None:
        command = [sys.executable, "-m", "tests.killable", str(corpus), str(out), str(log)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def start(self) -> int:
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> int:
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=60)


def committed(out: Path) -> set[str]:
    folder = out / schema.PARTS
    return {path.stem for path in folder.glob("*.done")} if folder.is_dir() else set()


def wait_for_more(out: Path, before: int, more: int, pid: int) -> None:
    while len(committed(out)) < before + more and Path(f"/proc/{pid}").exists():
        time.sleep(0.001)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="watches children through /proc")
def test_killed_at_20_random_moments_nothing_is_lost_repeated_or_half_written(
    tmp_path: Path,
) -> None:
    corpus = make_corpus(tmp_path / "corpus", 30)
    out, log = tmp_path / "out", tmp_path / "log.txt"
    moments = random.Random(5)
    nursery = Nursery(corpus, out, log)
    kills = 0
    while kills < KILLS:
        safe, begun = committed(out), log.read_text().split() if log.exists() else []
        child = nursery.start()
        wait_for_more(out, len(safe), moments.choice([0, 0, 1, 2]), child)
        time.sleep(moments.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
        kills += nursery.wait() == signal.SIGKILL
        assert safe <= committed(out), "something was lost"
        again = log.read_text().split()[len(begun) :] if log.exists() else []
        assert not safe & set(again), "something was repeated"
        for path in out.glob(f"{schema.PARTS}/*.done"):
            record.loads(path.read_bytes(), path.name)
    assert committed(out), "every kill came before the first commit: the test saw nothing"
    nursery.start()
    assert nursery.wait() == 0
    nursery.close()
    run = open_run(str(out))
    assert run.info["counts"] == {"total": 30, "done": 30, "skipped": 0}
    for path in run.table("utterances")["bundle"].to_pylist():
        loads(run.bundle(path))
    assert len(list((out / schema.BUNDLES).iterdir())) == 30
    assert not list(out.rglob("*.tmp"))
    for _ in Run(fake_order(corpus), str(tmp_path / "calm")).steps():
        pass
    calm = open_run(str(tmp_path / "calm"))
    for table in TABLES:
        assert run.table(table).equals(calm.table(table)), table


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small tmpfs needs root and mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_stops_the_run_with_one_line_and_keeps_what_was_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = make_corpus(tmp_path / "corpus", 20)
    with small_disk(tmp_path / "disk", 160) as disk:
        command = ["run", str(corpus), "--model", "fake-run", "--reference", "own", "--null", "0"]
        command += ["--out", str(disk / "out")]
        assert main(command) == 2
        told = capsys.readouterr().err
        assert "No space left" in told
        assert "Traceback" not in told
        kept = committed(disk / "out")
        assert 0 < len(kept) < 20
        for path in (disk / "out" / schema.PARTS).glob("*.done"):
            record.loads(path.read_bytes(), path.name)
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert main(command) == 0
        assert open_run(str(disk / "out")).info["counts"]["done"] == 20
        assert kept <= committed(disk / "out")


def test_an_out_that_cannot_be_written_is_said_before_the_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(tmp_path / "corpus", 2)
    monkeypatch.setattr(registry, "get", lambda *_: pytest.fail("a model was loaded"))

    def told(out: Path) -> str:
        command = ["run", str(corpus), "--model", "fake-run", "--reference", "own"]
        assert main([*command, "--out", str(out)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        return printed.err

    (tmp_path / "file").write_text("in the way")
    assert "'file' is a file, expected a folder" in told(tmp_path / "file" / "out")
    with small_disk(tmp_path / "disk", 160) as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert "cannot be written (Read-only file system)" in told(disk / "out")
