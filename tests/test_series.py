"""Checkpoints in the order of their steps: found by their names, drawn as layer x step."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from alas_core import bundles, series
from alas_core.__main__ import main
from alas_core.bundle import dumps, loads
from alas_core.errors import InputError
from alas_core.figures.palette import palette
from alas_core.figures.series import series_figure
from alas_core.pipeline import run_key
from alas_core.reference import get_aligner
from alas_core.resources import asset_path
from alas_core.series import checkpoints
from tests.factory import make_analysis

STRENGTHS = {100: 0.0, 20: 0.3, 3000: 0.9}


def checkpoint(step: int, model_id: str) -> bytes:
    analysis = make_analysis(binding=np.full(9, STRENGTHS.get(step, 0.5)), seed=step)
    model = dataclasses.replace(analysis.model, model_id=model_id)
    return dumps(dataclasses.replace(analysis, model=model))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three steps named three ways, and a bundle that says no step."""
    root = tmp_path_factory.mktemp("x") / "grown"
    for name, step, model in (
        ("a.alas", 100, "runs/checkpoint-100"),
        ("00020/b.alas", 20, "mine"),
        ("step_3000-c.alas", 3000, "mine"),
        ("other.alas", 5, "mine"),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(checkpoint(step, model))
    return root


def test_steps_are_read_from_names_and_put_in_order(folder):
    (found,) = series.find_series([folder]).values()
    assert found.steps == (20, 100, 3000)
    assert all(np.isnan(found.word_errors))


def test_two_folders_of_one_name_are_two_series_that_open_their_own(folder, tmp_path):
    other = tmp_path / "grown"
    for step in ("00007", "00008"):
        (other / step).mkdir(parents=True)
        (other / step / "x.alas").write_bytes(checkpoint(int(step), "mine"))
    found = series.find_series([folder, other])
    assert {one.name: one.steps for one in found.values()} == {
        "grown": (20, 100, 3000), "grown-2": (7, 8)
    }  # fmt: skip
    known = bundles.listed([folder, other])
    for one in found.values():
        assert [known[kept.id].path for kept in one.kept] == [kept.path for kept in one.kept]


def test_a_folders_number_goes_before_what_the_recording_is_called(tmp_path):
    for step in ("00150", "00300"):
        (tmp_path / step).mkdir()
        (tmp_path / step / "take_step2.alas").write_bytes(checkpoint(int(step), "mine"))
    (found,) = series.find_series([tmp_path]).values()
    assert found.steps == (150, 300)


def test_a_year_that_names_the_whole_folder_is_no_step(tmp_path):
    root = tmp_path / "2024"
    root.mkdir()
    for step in (20, 100):
        (root / f"step_{step}.alas").write_bytes(checkpoint(step, "mine"))
    (found,) = series.find_series([root]).values()
    assert found.steps == (20, 100)


def test_word_errors_come_from_the_index_if_it_can_be_read(folder):
    index = folder / "index.json"
    index.write_text(json.dumps({"checkpoints": [{"step": 20, "word_error": 0.5}, {"step": 1}]}))
    (found,) = series.find_series([folder]).values()
    assert found.word_errors[0] == 0.5
    index.write_text("{")
    (found,) = series.find_series([folder]).values()
    assert all(np.isnan(found.word_errors))
    index.unlink()


def test_growth_holds_each_checkpoints_scores_and_what_is_above_its_own_null(folder):
    (found,) = series.find_series([folder]).values()
    grown = series.growth(found, "alas")
    assert grown.values.shape == (9, 3)
    for column, kept in enumerate(found.kept):
        analysis = bundles.open_bundle(kept.path)
        assert grown.values[:, column] == pytest.approx(analysis.scores["alas"])
        assert (grown.above[:, column] == (analysis.null.p_adjusted <= 0.05)).all()
    told = series.emergence(found, grown)
    assert told.startswith("ALAS first beats its wrong transcripts")
    assert "at step 20 (" in told
    assert "at step 3,000 it is highest at layer" in told
    lowest = grown.values[:, -1].argmin()
    grown.values[lowest, -1] = np.nan  # a layer without a score is not the highest
    assert series.emergence(found, grown) == told


def test_models_of_different_depth_are_no_series(folder, tmp_path):
    for step, layers in ((1, 8), (2, 4)):
        analysis = make_analysis(n_layers=layers)
        (tmp_path / f"step_{step}.alas").write_bytes(dumps(analysis))
    (found,) = series.find_series([tmp_path]).values()
    with pytest.raises(InputError, match="4, 8 layers, expected one model"):
        series.growth(found, "alas")


def test_the_figure_has_a_labelled_cell_for_every_layer_and_step(folder):
    (found,) = series.find_series([folder]).values()
    grown = series.growth(found, "alas")
    figure = series_figure(found, grown)
    cells = figure.data[0]
    assert cells.z.shape == grown.values.shape
    assert cells.meta["columns"] == ["step 20", "step 100", "step 3,000"]
    dots = next(trace for trace in figure.data if trace.name == "above the null")
    assert len(dots.x) == grown.above.sum()
    assert list(figure.layout.xaxis.ticktext) == ["20", "100", "3,000"]
    known = dataclasses.replace(found, word_errors=(1.0, 0.5, 0.1))
    errors = next(t for t in series_figure(known, grown).data if t.name == "word error")
    assert list(errors.y) == [100, 50, 10]


@pytest.mark.parametrize("score", ["alas", "hit_rate", "onset_error_ms"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figure_is_grey_at_the_baseline_and_green_where_it_is_better(folder, score, theme):
    (found,) = series.find_series([folder]).values()
    grown = series.growth(found, score)
    cells = series_figure(found, grown, score=score, theme=theme).data[0]
    assert cells.z == pytest.approx(grown.values - grown.baselines)
    assert cells.zmin == -cells.zmax
    assert cells.colorscale == tuple(map(tuple, palette(theme).diverging))
    assert cells.reversescale == (score == "onset_error_ms")
    for column, kept in enumerate(found.kept):
        analysis = bundles.open_bundle(kept.path)
        assert grown.baselines[:, column] == pytest.approx(analysis.baselines[score])


def test_the_demo_models_own_training_is_a_series():
    found = series.find_series(bundles.roots())
    assert [len(one.steps) for one in found.values()] == [8] * 3
    one = found["checkpoints/demo-001"]
    assert one.word_errors[0] > one.word_errors[-1]
    grown = series.growth(one, "alas")
    assert grown.values[:, -1].max() > grown.values[:, 0].max()


def test_checkpoints_are_told_apart_by_epoch_and_by_the_last_number(tmp_path):
    for name in ("Qwen2-Audio-epoch1", "Qwen2-Audio-epoch2", "Qwen2-Audio-30"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    assert [step for step, _ in checkpoints(tmp_path)] == [1, 2, 30]
    (tmp_path / "step-30").mkdir()
    (tmp_path / "step-30" / "config.json").write_text("{}")
    with pytest.raises(InputError, match="are both step 30"):
        checkpoints(tmp_path)


@pytest.mark.parametrize("place", ["a file", "a file/below"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_computed(
    place, tmp_path, monkeypatch, capsys
):
    for name in ("checkpoint-1", "checkpoint-2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setattr("alas_core.pipeline.steps", lambda _: pytest.fail("it was computed"))
    recording = sorted(asset_path("demo", "data").rglob("*.flac"))[0]
    said = ["--transcript", "the red fox sleeps here", "--out", str(tmp_path / place)]
    assert main(["series", str(tmp_path), str(recording), *said]) == 2
    told = capsys.readouterr().err
    assert f"--out '{tmp_path / place}' cannot take files" in told
    assert "choose another place" in told


def test_the_command_analyses_one_recording_with_every_checkpoint(tmp_path, monkeypatch, capsys):
    for name in ("checkpoint-10", "checkpoint-9"):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "config.json").write_text("{}")
    asked, asked_of = [], []

    def steps(request):
        asked.append(Path(request.model_id).name)
        analysis = loads(checkpoint(int(asked[-1].split("-")[1]), request.model_id))
        asked_of.append((request.instruction, request.loading.dtype))
        key = run_key(analysis.model, request, get_aligner(request.reference).name, "", ())
        yield progress_of(dataclasses.replace(analysis, utterance=request.utterance, key=key))

    def progress_of(analysis):
        from alas_core.pipeline import Progress

        return Progress("Done", 1, 1, analysis)

    monkeypatch.setattr("alas_core.pipeline.steps", steps)
    recording = sorted(asset_path("demo", "data").rglob("*.flac"))[0]
    out = tmp_path / "kept"
    said = ["--transcript", "the red fox sleeps here", "--out", str(out)]
    assert main(["series", str(tmp_path / "models"), str(recording), *said]) == 0
    assert asked == ["checkpoint-9", "checkpoint-10"]
    assert sorted(path.parent.name for path in out.rglob("*.alas")) == ["000009", "000010"]
    told = capsys.readouterr().out
    assert "ALAS first beats" in told
    assert f"Kept in {out}" in told
    command = ["series", str(tmp_path / "models"), str(recording), *said]
    assert main([*command, "--dtype", "float32"]) == 0, "the same may be made anew"
    assert asked_of == [(None, "auto")] * 2 + [(None, "float32")] * 2
    kept = {path: path.read_bytes() for path in out.rglob("*.alas")}
    for other, what in (
        (["--transcript", "the red fox"], "another transcript"),
        (["--instruction", "Listen."], "another instruction"),
        (["--dtype", "bfloat16"], "another number format"),
        (["--quantization", "4bit"], "another number format"),
    ):
        capsys.readouterr()
        assert main([*command, *other]) == 2
        assert f"is there, of {what}, expected" in capsys.readouterr().err
    (tmp_path / "models").rename(tmp_path / "others")
    assert main(["series", str(tmp_path / "others"), *command[2:]]) == 2
    assert "of another model" in capsys.readouterr().err
    assert len(asked) == 4, "it was computed"
    assert kept == {path: path.read_bytes() for path in out.rglob("*.alas")}
    assert main(["series", str(tmp_path / "kept"), str(recording), *said]) == 2
    assert "expected at least two folders" in capsys.readouterr().err
