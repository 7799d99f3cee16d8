"""A run on a local Ray cluster of two workers, one of them killed; what is done about the dead."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from alas_core.batch import cluster, reaching
from alas_core.batch.folder import open_run
from alas_core.batch.plan import Item, Outcome, RunOrder
from alas_core.batch.runner import Run
from alas_core.datasets import open_source
from alas_core.errors import InputError, ModelError
from alas_core.models import plugins as registered
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    corpus = make_corpus(tmp_path / "corpus", 8, {5: "cut"})
    plugins, log = tmp_path / "plugins", tmp_path / "log.txt"
    plugins.mkdir()
    offer_the_fake(plugins / "fake_run-1.0.dist-info")
    killed = open_source(str(corpus)).load("u003").audio.sha
    monkeypatch.setenv("FAKE_LOG", str(log))
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{plugins}",
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
    assert told.endswith("workers, 7 done, finished")
    begun = Counter(log.read_text().split())
    assert begun.pop(killed) == 2
    assert set(begun.values()) == {1}, "the kill cost more than the item in flight"
    far = open_run(str(out))
    monkeypatch.syspath_prepend(str(plugins))
    registered.offered.cache_clear()  # tests before this one may have looked already
    request.addfinalizer(registered.offered.cache_clear)
    for _ in Run(fake_order(corpus), str(tmp_path / "near")).steps():
        pass
    registry.close()
    near = open_run(str(tmp_path / "near"))
    for table in ("scores", "utterances", "words", "skipped", "cross_layer"):
        assert far.table(table).equals(near.table(table)), f"{table} differs from one process's"


class Lost(Exception):
    """What the stand-in for Ray raises when an actor has died."""


class Actor:
    """An actor without Ray: does an item when it is asked for the result."""

    def __init__(self, deadly: set[str]) -> None:
        self._deadly, self._dead = deadly, False
        self.work = SimpleNamespace(remote=self._later)

    def _later(self, item: Item) -> Callable[[], Outcome]:
        def result() -> Outcome:
            self._dead = self._dead or item.id in self._deadly
            if self._dead:
                raise Lost("the worker is gone")
            return Outcome(item, {}, 0.1)

        return result


def pool_without_ray(
    out: Path, deadly: set[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[cluster.OnRay, list[Actor]]:
    """Two workers, and the list of all actors that are ever made."""
    ray = SimpleNamespace(
        exceptions=SimpleNamespace(RayError=Lost, RayTaskError=ZeroDivisionError),
        wait=lambda references, timeout: (references[:1], references[1:]),
        get=lambda reference: reference(),
    )
    monkeypatch.setattr(cluster, "connected", lambda _: ray)
    pool = cluster.OnRay(RunOrder("demo"), str(out))
    made: list[Actor] = []
    monkeypatch.setattr(pool, "_actor", lambda: made.append(Actor(deadly)) or made[-1])
    pool._actors = [pool._actor(), pool._actor()]
    return pool, made


def test_an_item_that_kills_three_workers_is_recorded_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [Item(f"u{i}", f"{i}-0") for i in range(9)]
    pool, made = pool_without_ray(tmp_path, {"u4"}, monkeypatch)
    outcomes = [outcome for outcome in pool.outcomes(iter(items)) if outcome]
    assert sorted(outcome.item.id for outcome in outcomes) == [item.id for item in items]
    (skipped,) = [outcome for outcome in outcomes if outcome.skipped]
    assert skipped.item.id == "u4"
    assert "3 workers died on it" in skipped.skipped["reason"]
    assert len(made) == 2 + 3
    (part,) = (tmp_path / "parts").iterdir()
    assert part.name == "4-0.skipped"


def test_workers_that_die_at_everything_end_the_run_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [Item(f"u{i}", f"{i}-0") for i in range(9)]
    pool, _ = pool_without_ray(tmp_path, {item.id for item in items}, monkeypatch)
    with pytest.raises(ModelError, match="in a row died"):
        list(pool.outcomes(iter(items)))


def test_a_paused_feed_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [Item(f"u{i}", f"{i}-0") for i in range(3)]
    pool, _ = pool_without_ray(tmp_path, set(), monkeypatch)
    outcomes = list(pool.outcomes(iter([None, items[0], None, None, *items[1:]])))
    assert outcomes.count(None) >= 1
    assert len([outcome for outcome in outcomes if outcome]) == 3


def test_without_ray_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="pip install"):
        reaching.connected("auto")


def test_an_address_at_which_nothing_answers_is_refused_before_ray_tries_for_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    init = stand_in(monkeypatch)
    with pytest.raises(InputError, match=rf"'ray://127.0.0.1:{port}' does not answer .*ray start"):
        reaching.connected(f"ray://127.0.0.1:{port}")
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    with pytest.raises(InputError, match=f"'127.0.0.1:{port}' does not answer"):
        reaching.connected("auto")
    assert not init


@pytest.mark.parametrize(
    ("token", "mode", "then"),
    [(True, None, "token"), (False, None, None), (True, "disabled", "disabled")],
)
def test_a_token_that_is_here_is_used_for_a_named_cluster(
    token: bool,
    mode: str | None,
    then: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    init = stand_in(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    if token:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("a" * 64)
    if mode:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    with socket.create_server(("127.0.0.1", 0)) as server:
        reaching.connected(f"127.0.0.1:{server.getsockname()[1]}")
    assert init == [then]
    assert ("RAY_AUTH_MODE=disabled" in str(cluster._cause(Lost()))) == (token and not mode)


def test_a_cluster_that_does_not_let_in_is_told_with_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch, ConnectionError("Failed to connect"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(InputError, match=r"Failed to connect.*first machine's token.*auth_token"),
    ):
        reaching.connected(f"127.0.0.1:{server.getsockname()[1]}")


def stand_in(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[str | None]:
    """Put something in the place of Ray that lists how RAY_AUTH_MODE stood at each `init`."""
    modes: list[str | None] = []

    def init(**_: object) -> None:
        modes.append(os.environ.get("RAY_AUTH_MODE"))
        if error:
            raise error

    ray = SimpleNamespace(init=init, exceptions=SimpleNamespace(RayError=Lost))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(reaching, "_set_here", False)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    return modes


@pytest.mark.parametrize(
    ("resources", "cpus", "workers", "threads"),
    [({"CPU": 8}, 2, 4, 2), ({"CPU": 16, "GPU": 4}, 1, 4, 4), ({"CPU": 1, "GPU": 2}, 1, 2, 1)],
)
def test_the_workers_of_a_machine_share_its_cores(
    resources: dict[str, int],
    cpus: int,
    workers: int,
    threads: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    taken: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    pool = pool_that_loads(["float32"] * workers, resources, cpus, tmp_path, monkeypatch)
    told = pool.prepare()
    assert len(told["devices"]) == workers
    assert told["dtype"] == "float32"
    assert taken == [threads] * workers


def test_workers_that_would_load_the_model_in_two_number_formats_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    pool = pool_that_loads(["bfloat16", "float32"], {"GPU": 2}, 1, tmp_path, monkeypatch)
    with pytest.raises(ModelError, match=r"'demo' in bfloat16 and float32, .*--dtype float32"):
        pool.prepare()


def pool_that_loads(
    dtypes: list[str],
    resources: dict[str, int],
    cpus: int,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> cluster.OnRay:
    """A pool without Ray whose workers, one after another, have their models in these formats."""
    left = iter(dtypes)

    def warm() -> SimpleNamespace:
        return SimpleNamespace(n_layers=4, device="cpu", dtype=next(left))

    monkeypatch.setattr(cluster, "Worker", lambda *_: SimpleNamespace(warm=warm))

    def remote(kind: type[cluster.HeldWorker]) -> SimpleNamespace:
        def make(*arguments: object) -> SimpleNamespace:
            return SimpleNamespace(warm=SimpleNamespace(remote=kind(*arguments).warm))

        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=make))

    ray = SimpleNamespace(
        cluster_resources=lambda: resources,
        remote=remote,
        get=list,
        exceptions=SimpleNamespace(RayError=Lost),
    )
    monkeypatch.setattr(cluster, "connected", lambda _: ray)
    return cluster.OnRay(RunOrder("demo"), str(place), cpus=cpus)
