"""A run before its end: the tables made of its parts, and what is shown of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alas_core.batch import schema, standing
from alas_core.batch.folder import open_run
from alas_core.batch.runner import Run
from alas_core.batch.standing import as_it_stands
from alas_core.corpus.profiles import best_of
from alas_core.corpus.run import open_run as open_tables
from alas_core.models import registry
from tests.corpora import fake_model, fake_order, make_corpus


@pytest.fixture(autouse=True)
def model() -> Iterator[None]:
    registry.register(fake_model())
    yield
    registry.unregister("fake-run")


@pytest.fixture
def out(tmp_path: Path) -> str:
    return str(tmp_path / "out")


def finish(tmp_path: Path, out: str) -> None:
    order = fake_order(make_corpus(tmp_path / "corpus", 5, {2: "cut"}))
    for _ in Run(order, out).steps():
        pass


def say(out: str, **changes: Any) -> None:
    file = Path(out, schema.RUN_FILE)
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_before_its_end_a_run_has_the_tables_that_its_parts_come_to(
    tmp_path: Path, out: str
) -> None:
    finish(tmp_path, out)
    whole = {name: open_run(out).table(name) for name in schema.TABLES}
    say(out, state="running")
    for table in Path(out).glob("*.parquet"):
        table.unlink()
    stands = as_it_stands(open_run(out))
    for name, table in whole.items():
        assert stands.table(name).equals(table), name
    done = sorted(Path(out, schema.PARTS).glob("*.done"))
    done[0].unlink()
    fewer = open_tables(out)
    assert (len(fewer), len(fewer.skipped)) == (3, 1)


def test_a_run_of_skipped_utterances_alone_stands_without_rows(tmp_path: Path, out: str) -> None:
    finish(tmp_path, out)
    say(out, state="running")
    for part in Path(out, schema.PARTS).glob("*.done"):
        part.unlink()
    run = open_tables(out)
    assert (len(run), len(run.skipped)) == (0, 1)


def test_a_finished_run_and_one_of_many_parts_have_their_own_tables(
    tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(tmp_path, out)
    folder = open_run(out)
    assert as_it_stands(folder) is folder
    say(out, state="running")
    monkeypatch.setattr(standing, "MOST", 4)
    folder = open_run(out)
    assert as_it_stands(folder) is folder


def test_what_a_run_comes_to_is_told_with_it(tmp_path: Path, out: str) -> None:
    finish(tmp_path, out)
    told = open_run(out).info["result"]
    run = open_tables(out)
    best = best_of(run, run.everyone())
    assert best is not None
    assert (told["layer"], told["n"]) == (best.layer, 4)
    for name in ("alas", "null_high"):
        expected = np.nanmean(run.matrix(name)[:, best.layer])
        assert told[name] == pytest.approx(expected, rel=1e-5)
