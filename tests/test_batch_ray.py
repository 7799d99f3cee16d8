"""A run on a local Ray cluster of two workers: one is killed, and one item kills its workers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.compute as compute
import pytest

from alas_core.batch import cluster
from alas_core.batch.folder import open_run
from alas_core.batch.runner import Run
from alas_core.datasets import open_source
from alas_core.models import registry
from tests.corpora import fake_order, make_corpus

ROOT = Path(__file__).resolve().parent.parent


def a_network_of_its_own() -> list[str]:
    """The command that runs another one where only the loopback exists."""
    command = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"]).returncode:
        pytest.skip("Ray would listen on the network: needs unshare --net, which is not allowed")
    return command


def offer_the_fake(folder: Path) -> None:
    """Install the fake model as a plug-in, as far as Python can see."""
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-run\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[alas_core.models]\nfake-run = tests.ray_run:model\n")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_worker_costs_its_item_in_flight_and_results_are_those_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(tmp_path / "corpus", 10)
    plugins, log = tmp_path / "plugins", tmp_path / "log.txt"
    plugins.mkdir()
    offer_the_fake(plugins / "fake_run-1.0.dist-info")
    data = open_source(str(corpus))
    deadly, killed = (data.load(name).audio.sha for name in ("u003", "u006"))
    monkeypatch.setenv("FAKE_LOG", str(log))
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{plugins}",
        "FAKE_DEADLY": deadly,
        "FAKE_KILLED": killed,
        "OMP_NUM_THREADS": "1",
    }
    out = tmp_path / "out"
    command = [*a_network_of_its_own(), sys.executable, "-m", "tests.ray_run"]
    result = subprocess.run(
        [*command, str(corpus), str(out)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=570,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    told = result.stdout.splitlines()[-1]
    assert int(told.split()[0]) >= 2, told
    assert told.endswith("workers, 9 done, finished")
    begun = Counter(log.read_text().split())
    assert (begun.pop(deadly), begun.pop(killed)) == (3, 2)
    assert set(begun.values()) == {1}, "the kill cost more than the item in flight"
    far = open_run(str(out))
    (skipped,) = far.table("skipped").to_pylist()
    assert skipped["utterance"] == "u003"
    assert "3 workers died on it" in skipped["reason"]
    monkeypatch.syspath_prepend(str(plugins))
    for _ in Run(fake_order(corpus), str(tmp_path / "near")).steps():
        pass
    registry.close()
    near = open_run(str(tmp_path / "near"))
    for table in ("scores", "utterances", "words"):
        rows = near.table(table)
        rows = rows.filter(compute.not_equal(rows["utterance"], "u003"))
        assert far.table(table).equals(rows), f"{table} differs from that of one process"


def test_without_ray_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(cluster.InputError, match="pip install"):
        cluster._connected("auto")
