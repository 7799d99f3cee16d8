"""The folder of a run as its readers see it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from alas_core.batch import schema
from alas_core.batch.folder import open_run
from alas_core.bundle import loads
from alas_core.definitions import SCORES
from alas_core.errors import StoreError
from alas_core.place import Place
from tests.runs import make_run


def test_tables_have_the_columns_of_the_schema(tmp_path: Path) -> None:
    run = open_run(str(make_run(tmp_path / "run", n=12, n_layers=4)))
    assert run.state == "finished"
    for name in schema.TABLES:
        columns = run.table(name).schema
        for field in schema.arrow_schema(name):
            assert columns.field(field.name).type == field.type
    assert len(run.table("scores")) == 12 * 5
    assert set(SCORES) < set(run.table("scores").column_names)
    assert "meta_voice" in run.table("utterances").column_names


def test_a_bundle_opens_and_nothing_outside_does(tmp_path: Path) -> None:
    run = open_run(str(make_run(tmp_path / "run", n=3, n_layers=4, n_bundles=1)))
    paths = run.table("utterances")["bundle"].to_pylist()
    assert loads(run.bundle(paths[0])).n_layers == 4
    for wrong in (paths[1], "run.json", "bundles/../run.json", "/etc/passwd", "bundles/", ""):
        with pytest.raises(StoreError, match="has no analysis"):
            run.bundle(wrong)


def test_a_newer_run_is_refused_by_name(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", n=2, n_layers=2)
    info = json.loads((folder / schema.RUN_FILE).read_text())
    (folder / schema.RUN_FILE).write_text(json.dumps(info | {"schema": schema.RUN_SCHEMA + 1}))
    with pytest.raises(StoreError, match="newer version"):
        open_run(str(folder))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": "1", "state": "x"}', b"\xff"])
def test_what_is_no_run_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(StoreError, match="holds no run"):
        open_run(str(tmp_path))
    (tmp_path / schema.RUN_FILE).write_bytes(content)
    with pytest.raises(StoreError, match="cannot be understood"):
        open_run(str(tmp_path))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("counts", None),
        ("counts", [1, 2, 3]),
        ("counts", {"total": 4, "done": "2", "skipped": 0}),
        ("settings", None),
        ("rate_per_s", "fast"),
    ],
)
def test_a_run_that_lacks_what_is_shown_of_it_says_which_field(
    tmp_path: Path, field: str, value: object
) -> None:
    folder = make_run(tmp_path / "run", n=2, n_layers=2)
    info = json.loads((folder / schema.RUN_FILE).read_text())
    (folder / schema.RUN_FILE).write_text(json.dumps(info | {field: value}))
    with pytest.raises(StoreError, match=f"cannot be understood \\('{field}' "):
        open_run(str(folder))


def test_an_older_table_is_completed_and_a_damaged_one_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", n=2, n_layers=2)
    path = folder / schema.file_name("scores")
    pq.write_table(pq.read_table(path).drop_columns(["lift"]), path)
    assert open_run(str(folder)).table("scores")["lift"].null_count == 6
    path.write_bytes(b"PAR1 nothing")
    with pytest.raises(StoreError, match=r"scores\.parquet"):
        open_run(str(folder)).table("scores")
    path.unlink()
    assert len(open_run(str(folder)).table("scores")) == 0


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(str(tmp_path / "a") if request.param == "disk" else f"memory:/{tmp_path}")


def test_a_place_writes_whole_files_and_creates_once(place: Place) -> None:
    assert place.read("parts/x") is None
    assert place.names("parts") == []
    place.write("parts/x", b"1")
    place.write("parts/x", b"22")
    assert place.create("lock", b"me")
    assert not place.create("lock", b"you")
    assert (place.read("parts/x"), place.read("lock")) == (b"22", b"me")
    assert [place.has(name) for name in ("parts/x", "parts/y", "parts", "lock")] == [
        True, False, False, True,
    ]  # fmt: skip
    assert place.names("parts") == ["x"]
    place.remove("lock")
    place.remove("lock")
    assert place.create("lock", b"you")


def test_a_file_system_without_links_still_has_one_creator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    place = Place(str(tmp_path))
    assert place.create("lock", b"me")
    assert not place.create("lock", b"you")
    assert place.read("lock") == b"me"


def test_a_place_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    for url in ("nosuch://x", "abfs://container/x"):
        with pytest.raises(StoreError, match="cannot be used"):
            Place(url)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Place(str(tmp_path / "file" / "below")).write("x", b"")
