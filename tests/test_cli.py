"""The command line as a program: what it prints, where, and with which exit status."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alas_core.__main__ import main
from alas_core.audio import to_wav_bytes
from alas_core.bundle import dumps, loads
from alas_core.datasets import demo
from alas_core.definitions import SCORES
from alas_core.pipeline import Progress
from alas_core.reference import from_file
from alas_core.resources import asset_path
from alas_core.tables import as_json, as_text
from alas_core.types import Analysis, Audio, Utterance
from tests.factory import make_analysis

Run = subprocess.CompletedProcess[str]
ROOT = Path(__file__).resolve().parent.parent


def alas(*arguments: str | Path, cwd: Path = ROOT) -> Run:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "alas_core", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )


def strict_json(text: str) -> dict[str, Any]:
    """Parse it; NaN and Infinity, which JSON does not have, are refused."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    loaded: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return loaded


@pytest.fixture
def with_unplaced() -> Analysis:
    """A planted analysis whose third word the aligner could not place."""
    analysis = make_analysis()
    words = list(analysis.words)
    words[2] = dataclasses.replace(
        words[2], start_s=math.nan, end_s=math.nan, problem="not in the dictionary"
    )
    scores = {name: values.copy() for name, values in analysis.word_scores.items()}
    for values in scores.values():
        values[:, 2] = np.nan
    reference = dataclasses.replace(analysis.reference, words=tuple(words))
    return dataclasses.replace(analysis, reference=reference, word_scores=scores)


@pytest.fixture(scope="module")
def demo_utterance() -> Utterance:
    data = demo()
    return data.load(data.ids()[0].id)


@pytest.fixture(scope="module")
def demo_flac(demo_utterance: Utterance) -> Path:
    return asset_path("demo", "data", "audio", f"{demo_utterance.id}.flac")


@pytest.fixture(scope="module")
def demo_run(
    demo_utterance: Utterance, demo_flac: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, Path]:
    """The demo model on real sound, from another folder, as JSON and as a bundle."""
    folder = tmp_path_factory.mktemp("cli")
    arguments = ["analyse", demo_flac, "--transcript", demo_utterance.transcript]
    return alas(*arguments, "--json", "--out", "kept.alas", cwd=folder), folder / "kept.alas"


def test_alas_is_a_command_of_its_own_once_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="alas")
    assert command.load() is main


def test_json_has_every_part_and_the_numbers_of_the_analysis() -> None:
    analysis = make_analysis()
    result = strict_json(json.dumps(as_json(analysis), allow_nan=False))
    assert analysis.null is not None
    assert result["model"] == "planted"
    assert result["reference"] == "planted"
    assert (result["n_frames"], result["n_tokens"]) == (40, 5)
    assert [row["layer"] for row in result["layers"]] == list(range(9))
    for layer, row in enumerate(result["layers"]):
        for name, values in analysis.scores.items():
            assert row[name] == pytest.approx(float(values[layer]), rel=1e-6)
        assert row["null_low"] == pytest.approx(float(analysis.null.low[layer]))
        assert row["null_high"] == pytest.approx(float(analysis.null.high[layer]))
        assert row["p"] == pytest.approx(float(analysis.null.p[layer]))
    assert set(result["layers"][0]) >= set(analysis.scores)
    assert set(analysis.scores) <= set(SCORES), "a score without a definition"
    assert [word["word"] for word in result["words"]] == "the red fox sleeps here".split()
    for index, word in enumerate(result["words"]):
        expected = analysis.word_scores["alas"][:, index]
        assert word["alas"] == pytest.approx(expected.tolist(), rel=1e-6)
        assert word["tokens"] == [analysis.tokens[index].text]
    assert result["unplaced"] == []
    assert result["provenance"]["settings"]["temperature"] == 0.1
    assert result["provenance"]["key"] == analysis.key.digest


def test_json_of_an_unplaced_word_has_nulls_not_nan(with_unplaced: Analysis) -> None:
    result = strict_json(json.dumps(as_json(with_unplaced), allow_nan=False))
    word = result["words"][2]
    assert result["unplaced"] == ["fox"]
    assert word["start_s"] is None
    assert word["end_s"] is None
    assert word["alas"] == [None] * 9
    assert word["problem"] == "not in the dictionary"


def test_without_the_null_of_transcripts_the_quick_one_is_named() -> None:
    analysis = make_analysis(with_null=False)
    result = as_json(analysis)
    assert result["null"]["name"] == analysis.quick_null.name
    assert result["layers"][3]["p"] == pytest.approx(float(analysis.quick_null.p[3]))


def test_p_of_the_table_is_the_corrected_one_and_of_the_json_as_short_as_it_is() -> None:
    analysis = make_analysis()
    p = np.full(9, 0.08, np.float32)
    null = dataclasses.replace(analysis.null, p=p, p_adjusted=np.full(9, 0.36, np.float32))
    analysis = dataclasses.replace(analysis, null=null)
    layers = as_json(analysis)["layers"]
    assert [(row["p"], row["p_adjusted"]) for row in layers] == [(0.08, 0.36)] * 9
    text = as_text(analysis)
    assert "p corrected  " in text
    assert "0.36  " in text
    assert "0.080" not in text


def test_a_file_that_is_no_analysis_is_named_in_plain_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["show", str(ROOT / "README.md")]) == 2
    told = capsys.readouterr().err
    assert "'README.md': the bundle cannot be read: it is damaged or another file" in told
    assert "Error" not in told


def test_table_marks_the_best_layer_and_names_unplaced_words(with_unplaced: Analysis) -> None:
    lines = as_text(with_unplaced).splitlines()
    marked = [line.split()[0] for line in lines if line.lstrip().startswith("*")]
    assert marked[0] == f"*{with_unplaced.best_layer}"
    (fox,) = [line for line in lines if line.startswith("fox ")]
    assert "not placed: not in the dictionary" in fox
    assert sum(line.strip().split(" ")[0].lstrip("*").isdigit() for line in lines) == 9


def test_what_differs_from_the_checkpoint_stands_in_table_and_json() -> None:
    analysis = make_analysis()
    model = dataclasses.replace(analysis.model, variant="4bit, LoRA off")
    quantised = dataclasses.replace(analysis, model=model)
    assert f" layers, 4bit, LoRA off, {model.dtype} on {model.device}\n" in as_text(quantised)
    assert as_json(quantised)["provenance"]["variant"] == "4bit, LoRA off"
    assert f" layers, {model.dtype} on {model.device}\n" in as_text(analysis)


def test_a_transcript_cannot_steer_the_terminal() -> None:
    analysis = make_analysis()
    utterance = dataclasses.replace(analysis.utterance, transcript="red\x1b[2J\x07 fox")
    text = as_text(dataclasses.replace(analysis, utterance=utterance))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_show_prints_a_kept_analysis_without_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = make_analysis()
    bundle = tmp_path / "kept.alas"
    bundle.write_bytes(dumps(analysis))
    monkeypatch.setitem(sys.modules, "alas_core.pipeline", None)  # importing it would fail now
    assert main(["show", str(bundle)]) == 0
    assert "the red fox sleeps here" in capsys.readouterr().out
    assert main(["show", str(bundle), "--json"]) == 0
    assert strict_json(capsys.readouterr().out) == json.loads(json.dumps(as_json(analysis)))


def test_analyse_prints_one_json_object_and_nothing_else(
    demo_run: tuple[Run, Path], demo_utterance: Utterance
) -> None:
    run, _ = demo_run
    assert run.returncode == 0, run.stderr
    assert "Loading the model ..." in run.stderr.splitlines()
    result = strict_json(run.stdout)
    assert result["model"] == "demo"
    assert result["reference"].startswith("pocketsphinx")
    config = json.loads(asset_path("demo", "model", "config.json").read_text(encoding="utf-8"))
    assert len(result["layers"]) == config["text_config"]["num_hidden_layers"] + 1
    assert [word["word"] for word in result["words"]] == demo_utterance.transcript.split()
    assert result["null"] == {"name": "wrong transcripts", "n": 49}
    best = result["layers"][result["best_layer"]]
    assert best["alas"] > best["null_high"]
    assert result["provenance"]["seconds"]


def test_out_keeps_what_was_printed(demo_run: tuple[Run, Path]) -> None:
    run, kept = demo_run
    assert strict_json(run.stdout) == json.loads(json.dumps(as_json(loads(kept.read_bytes()))))
    assert [path.name for path in kept.parent.iterdir()] == ["kept.alas"]


def test_the_reference_is_written_for_praat_and_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    analysis = make_analysis()
    bundle, grid = tmp_path / "kept.alas", tmp_path / "words.TextGrid"
    bundle.write_bytes(dumps(analysis))
    assert main(["show", str(bundle), "--textgrid", str(grid)]) == 0
    utterance = analysis.utterance
    again = from_file(grid, grid.name, utterance.transcript, utterance.audio.duration_s)
    for ours, theirs in zip(again.words, analysis.words, strict=True):
        assert (ours.word, ours.start_s) == (theirs.word, pytest.approx(theirs.start_s))
    assert main(["show", str(bundle), "--textgrid", str(tmp_path / "words.txt")]) == 2
    assert "--textgrid" in capsys.readouterr().err


def test_html_writes_a_report_whole_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    analysis = make_analysis()
    utterance = dataclasses.replace(analysis.utterance, transcript="red <b>fox</b>")
    bundle, report = tmp_path / "kept.alas", tmp_path / "report.html"
    bundle.write_bytes(dumps(dataclasses.replace(analysis, utterance=utterance)))
    assert main(["report", str(bundle), "--html", str(report)]) == 0
    assert capsys.readouterr().out == f"{report}\n"
    page = report.read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "red &lt;b&gt;fox" in page
    assert "<b>fox" not in page
    shown = tmp_path / "shown.html"
    assert main(["show", str(bundle), "--html", str(shown)]) == 0  # as it was called at first
    assert len(shown.read_text(encoding="utf-8")) == len(page)
    shown.unlink()
    assert main(["report", str(bundle), "--html", str(tmp_path / "report.txt")]) == 2
    assert "--html" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"kept.alas", "report.html"}


def test_a_part_takes_its_words_along_and_a_long_recording_names_its_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, samples, words = demo(), [], []
    for row in data.ids()[:6]:
        utterance = data.load(row.id)
        samples += [utterance.audio.samples, np.zeros(8_000, np.float32)]
        words.append(utterance.transcript)
    sound = np.concatenate(samples)
    path = tmp_path / "long.wav"
    path.write_bytes(to_wav_bytes(Audio(sound, 16_000)))
    command = ["analyse", str(path), "--transcript", " ".join(words), "--null", "0"]
    assert main(command) == 2
    told = capsys.readouterr().err
    assert "hears at most 12 s" in told
    first = re.search(r"in seconds: ([\d.]+-[\d.]+)", told)[1]
    assert main([*command, "--part", first, "--json"]) == 0
    heard = strict_json(capsys.readouterr().out)
    kept = heard["transcript"]
    assert " ".join(words).startswith(kept)
    assert 0 < len(kept) < len(" ".join(words))
    assert main([*command, "--part", "5-4"]) == 2
    assert "expected its start and a later end" in capsys.readouterr().err


def test_settings_reach_the_analysis(
    demo_flac: Path,
    demo_utterance: Utterance,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = tmp_path / "words.txt"
    words.write_text(demo_utterance.transcript + "\n", encoding="utf-8")
    arguments = (
        "--temperature .2 --centering mean --mask-sinks --instruction-last --null 3 "
        "--model demo-untrained --instruction Listen. --device cpu --dtype float32 --json"
    )
    status = main(["analyse", str(demo_flac), "--transcript", f"@{words}", *arguments.split()])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    result = strict_json(printed.out)
    settings = result["provenance"]["settings"]
    assert settings["temperature"] == 0.2
    assert settings["centering"] == "mean"
    assert settings["mask_sinks"] is True
    assert settings["instruction_first"] is False
    assert settings["n_null"] == 3
    assert result["provenance"]["instruction"] == "Listen."
    assert result["model"] == "demo-untrained"
    assert result["null"] == {"name": "wrong transcripts", "n": 3}
    assert result["transcript"] == demo_utterance.transcript


def write_bad_wav(folder: Path) -> Path:
    path = folder / "text.wav"
    path.write_text("this is not sound", encoding="utf-8")
    return path


BAD_INPUT: dict[str, Callable[[Path, Path], list[str | Path]]] = {
    "no command": lambda *_: [],
    "no transcript": lambda flac, _: ["analyse", flac],
    "unknown option": lambda flac, _: ["analyse", flac, "--transcript", "a", "--volume", "3"],
    "not a number": lambda flac, _: ["analyse", flac, "--transcript", "a", "--null", "many"],
    "missing audio": lambda _, folder: ["analyse", folder / "none.wav", "--transcript", "a"],
    "folder as audio": lambda _, folder: ["analyse", folder, "--transcript", "a"],
    "text as audio": lambda _, folder: ["analyse", write_bad_wav(folder), "--transcript", "a"],
    "missing transcript file": lambda flac, _: ["analyse", flac, "--transcript", "@none.txt"],
    "binary transcript file": lambda flac, _: ["analyse", flac, "--transcript", f"@{flac}"],
    "empty transcript": lambda flac, _: ["analyse", flac, "--transcript", " "],
    "punctuation": lambda flac, _: ["analyse", flac, "--transcript", "?!"],
    "temperature": lambda flac, _: ["analyse", flac, "--transcript", "a", "--temperature", "0"],
    "unknown model": lambda flac, _: [
        "analyse",
        flac,
        "--transcript",
        "a",
        "--model",
        "no-such-model",
    ],
    "model folder": lambda flac, folder: ["analyse", flac, "--transcript", "a", "--model", folder],
    "unknown reference": lambda flac, _: [
        "analyse",
        flac,
        "--transcript",
        "a",
        "--reference",
        "no-such-reference",
    ],
    "broken reference": lambda flac, folder: [
        "analyse",
        flac,
        "--transcript",
        "a",
        "--reference",
        write_bad_textgrid(folder),
    ],
    "another tier": lambda flac, _: [
        "analyse",
        flac,
        "--transcript",
        "a",
        "--reference",
        str(ROOT / "tests" / "data" / "utterances" / "references" / "bridge.json"),
        "--tier",
        "phones",
    ],
    "no checkpoint": lambda flac, folder: [
        "analyse",
        flac,
        "--transcript",
        "a",
        "--reference",
        f"whisper:{folder}",
    ],
    "unknown device": lambda flac, _: ["analyse", flac, "--transcript", "a", "--device", "abacus"],
    "unknown dtype": lambda flac, _: ["analyse", flac, "--transcript", "a", "--dtype", "int1"],
    "out without suffix": lambda flac, _: ["analyse", flac, "--transcript", "a", "--out", "x"],
    "out nowhere": lambda flac, folder: [
        "analyse",
        flac,
        "--transcript",
        "a",
        "--out",
        folder / "none" / "x.alas",
    ],
    "missing bundle": lambda *_: ["show", "none.alas"],
    "not a bundle": lambda flac, _: ["show", flac],
    "no report of a missing bundle": lambda *_: ["report", "none.alas", "--html", "x.html"],
    "no report of another file": lambda flac, _: ["report", flac, "--html", "x.html"],
}


def write_bad_textgrid(folder: Path) -> Path:
    path = folder / "bad.TextGrid"
    path.write_text('File type = "ooTextFile"\nObject class = "Nonsense"\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_status_2_and_one_line(
    case: str,
    demo_flac: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        status = main([str(argument) for argument in BAD_INPUT[case](demo_flac, tmp_path)])
    except SystemExit as leaving:  # argparse leaves this way
        status = leaving.code
    printed = capfd.readouterr()
    assert status == 2, printed.err
    assert printed.out == ""
    *stages, told = printed.err.splitlines()
    assert told.startswith("alas")
    assert all(stage.endswith(" ...") for stage in stages), printed.err
    assert "Traceback" not in printed.err
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("case", ["unknown option", "text as audio", "unknown model"])
def test_bad_input_leaves_the_program_with_status_2(
    case: str, demo_flac: Path, tmp_path: Path
) -> None:
    run = alas(*BAD_INPUT[case](demo_flac, tmp_path), cwd=tmp_path)
    assert run.returncode == 2
    assert run.stdout == ""
    *stages, told = run.stderr.splitlines()
    assert told.startswith("alas")
    assert all(stage.endswith(" ...") for stage in stages), run.stderr


def test_a_defect_is_one_line_that_names_debug(
    demo_flac: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("on\npurpose")

    monkeypatch.setattr("alas_core.pipeline.steps", broken)
    arguments = ["analyse", str(demo_flac), "--transcript", "a"]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "ZeroDivisionError: on purpose" in printed.err
    assert "--debug" in printed.err
    assert main([*arguments, "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_progress_is_a_line_a_stage_and_on_a_terminal_one_that_is_wiped(
    demo_flac: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    analysis = make_analysis()

    def steps(_: object) -> Iterator[Progress]:
        yield Progress("Listening")
        yield Progress("Checking", 0, 49, analysis)
        yield Progress("Checking", 7, 49, analysis)
        yield Progress("Done", 1, 1, analysis)

    monkeypatch.setattr("alas_core.pipeline.steps", steps)
    arguments = ["analyse", str(demo_flac), "--transcript", "a"]
    assert main(arguments) == 0
    assert capsys.readouterr().err == "Listening ...\nChecking ...\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(arguments) == 0
    printed = capsys.readouterr()
    assert printed.out == as_text(analysis)
    assert "Checking 7/49" in printed.err
    assert printed.err.endswith("\r\x1b[K")


def test_version_and_help_are_quick_and_need_no_model() -> None:
    code = (
        "import sys; from alas_core.__main__ import main\n"
        "try: main(['analyse', '--help'])\n"
        "finally: sys.stderr.write(str('torch' in sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0
    assert run.stderr == "False"
    assert "--transcript" in run.stdout
