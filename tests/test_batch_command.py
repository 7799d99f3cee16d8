"""``alas run``: what it prints, where, and with which exit status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from alas_core.__main__ import main
from alas_core.batch import control, schema
from alas_core.batch.command import duration, progress_text
from alas_core.batch.folder import open_run
from alas_core.batch.progress import Progress
from alas_core.models import registry
from alas_core.tasks import TASKS
from tests.corpora import fake_model, make_corpus


@pytest.fixture
def command(tmp_path: Path) -> Iterator[list[str]]:
    corpus = make_corpus(tmp_path / "corpus", 4, {2: "cut"})
    model = fake_model()
    registry.register(model)
    options = ["--model", "fake-run", "--reference", "own", "--null", "3"]
    yield ["run", str(corpus), *options, "--out", str(tmp_path / "out")]
    registry.unregister(model.info.model_id)


def test_the_summary_stands_with_its_null(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    printed = capsys.readouterr()
    assert "3 of 4, 1 skipped" in printed.out
    assert "the null's mean is" in printed.out
    assert "1 for InputError: u002" in printed.out
    assert "skipped u002" in printed.err


def test_json_is_one_object_with_the_counts(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--json", "--no-bundles", "--no-answers"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["counts"] == {"total": 4, "done": 3, "skipped": 1}
    assert result["settings"]["n_null"] == 3
    assert result["best"]["n"] == 3
    run = open_run(result["out"])
    rows = run.table("utterances").to_pylist()
    assert [(row["bundle"], row["answer_audio"]) for row in rows] == [(None, None)] * 3
    assert not Path(run.url, schema.BUNDLES).exists()


def test_cancelled_from_outside_it_says_how_to_go_on(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control.Listener, "wish", control.CANCEL)
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "cancelled" in out
    assert "the same command goes on" in out
    monkeypatch.undo()
    assert main(command) == 0
    assert "finished" in capsys.readouterr().out


def test_interrupted_it_leaves_tables_and_no_lock(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("alas_core.batch.command._Line.show", interrupted)
    assert main(command) == 130
    assert "interrupted; what was done is kept: the same command" in capsys.readouterr().err
    out = Path(command[-1])
    assert open_run(str(out)).state == "cancelled"
    assert not (out / schema.LOCK_FILE).exists()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--model", "no-such-model"], "no-such-model"),
        (["--reference", "no-such"], "no reference is called"),
        (["--limit", "0"], "limit"),
        (["--null", "-1"], "n_null"),
        (["--out", "nosuch://bucket/run"], "cannot be used"),
        (["--out", __file__], "is a file, expected a folder"),
        (["--out", f"{__file__}/below"], "'test_batch_command.py' is a file"),
    ],
)
def test_bad_input_is_status_2_and_one_line(
    command: list[str], wrong: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, *wrong]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err
    assert printed.err.count("\n") == 1


def test_the_tasks_that_there_are_stand_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"of all utterances: {', '.join(TASKS)} (each its own)" in shown


def test_progress_line() -> None:
    text = progress_text(Progress("running", "Analysing", 100, 38, 2, 0.5))
    assert text == "Analysing 40/100, 2 skipped, 0.50/s, 2 min left"
    assert "left" not in progress_text(Progress("paused", "Analysing", 100, 40, 0, 0.5))
    assert [duration(s) for s in (40, 600, 12_000)] == ["40 s", "10 min", "3 h 20 min"]
