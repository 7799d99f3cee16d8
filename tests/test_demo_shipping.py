"""The end of the demo's recipe: a model is measured, and its figures stand where they are shown."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from alas_core.bundle import dumps, loads
from alas_core.datasets import demo
from alas_core.demo import __main__ as recipe
from alas_core.demo.cards import BEGIN, END, figures_table
from alas_core.demo.checkpoints import SHOWN, Tools, write_checkpoints
from alas_core.demo.grammar import INSTRUCTIONS
from alas_core.demo.shipping import ship
from alas_core.resources import asset_path
from tests.factory import make_analysis

MODEL = asset_path("demo/model")
DATA = asset_path("demo/data")


def speech_of(folder: Path) -> Path:
    """Shards of held-out sound, as the synthesis leaves them, of shipped utterances."""
    lines = (DATA / "utterances.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    folder.mkdir()
    for group, new in (("seen_voices", False), ("new_voices", True)):
        chosen = [r for r in rows if r["voice_heard_in_training"] is not new]
        sounds = [soundfile.read(DATA / r["file"], dtype="int16")[0] for r in chosen[:4]]
        starts = np.cumsum([0, *map(len, sounds)]).tolist()
        records = [
            {"start": start, "samples": len(sound), "text": row["transcript"],
             "voice": row["voice"], "answers": row["labels"]}
            for row, sound, start in zip(chosen, sounds, starts, strict=False)
        ]  # fmt: skip
        (folder / f"{group}_00.json").write_text(json.dumps(records), encoding="utf-8")
        np.save(folder / f"{group}_00.i16.npy", np.concatenate(sounds))
    return folder


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """What the training leaves: a model, without what the shipping says of it."""
    shutil.copytree(MODEL, tmp_path / "trained", ignore=shutil.ignore_patterns("alas_model.json"))
    return tmp_path / "trained"


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    (tmp_path / "assets" / "model").mkdir(parents=True)
    (tmp_path / "assets" / "model" / "before").write_text("the model that is shipped now")
    card = f"# Card\n{BEGIN}\nold\n{END}\nmore\n"
    (tmp_path / "assets" / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    return tmp_path / "assets"


def test_a_measured_model_is_shipped_with_its_figures_and_card(trained, assets, tmp_path) -> None:
    analysis, asked = make_analysis(), []

    def analyse(folder: Path) -> list:
        asked.append(folder)
        return [analysis, analysis]

    figures = ship(trained, speech_of(tmp_path / "speech"), assets, analyse)
    assert asked == [trained]
    kept = json.loads((assets / "evaluation.json").read_text(encoding="utf-8"))
    assert json.dumps(kept) == json.dumps(figures)  # nan where no utterance has the task
    assert figures["seen_voices"]["n"] == figures["new_voices"]["n"] == 4
    assert figures["seen_voices"]["word_error"] <= 0.1
    assert set(figures["seen_voices"]["tasks"]) == set(INSTRUCTIONS) - {"transcribe"}
    assert figures["layers"]["n"] == 2
    assert figures["layers"]["alas"] == pytest.approx(analysis.scores["alas"], abs=1e-4)
    card = (assets / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card == f"# Card\n{BEGIN}\n{figures_table(figures)}\n{END}\nmore\n"
    shipped = {path.name for path in (assets / "model").iterdir()}
    assert shipped == {path.name for path in MODEL.iterdir()}
    assert json.loads((assets / "untrained.json").read_text(encoding="utf-8"))["seed"] == 0


def test_without_speech_the_recipe_says_so_and_what_was_shipped_stays(
    trained, assets, tmp_path, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(recipe, "BUILD", tmp_path / "build")
    monkeypatch.setattr(recipe, "SPEECH", tmp_path / "build" / "speech")
    monkeypatch.setattr(recipe, "ASSETS", assets)
    (tmp_path / "build").mkdir()
    trained.rename(tmp_path / "build" / "model")
    assert recipe.main(["evaluate"]) == 1
    assert "run it first" in caplog.text
    assert [path.name for path in (assets / "model").iterdir()] == ["before"]


@pytest.mark.parametrize(
    ("device", "said"), [("cuda:99", "CUDA devices here"), ("tpu", "expected")]
)
def test_a_device_that_is_not_there_is_said_in_one_line(
    tmp_path, monkeypatch, caplog, device, said
) -> None:
    monkeypatch.setattr(recipe, "BUILD", tmp_path)
    assert recipe.main(["train", "--device", device]) == 1
    assert said in caplog.text
    assert "Traceback" not in caplog.text


def test_snapshots_become_small_analyses_with_their_word_errors(trained, tmp_path) -> None:
    step = tmp_path / "snapshots" / "step_00150"
    step.parent.mkdir()
    trained.rename(step)
    facts = {"step": 150, "stage": "listen", "minutes": 1.5}
    (step / "training.json").write_text(json.dumps(facts), encoding="utf-8")
    assets = tmp_path / "assets"
    shutil.copytree(DATA, assets / "data")

    def analyse(folder: Path, name: str, ids: tuple[str, ...]) -> list:
        assert (folder, name) == (step, "demo at step 150")
        return [dataclasses.replace(make_analysis(), utterance=demo().load(one)) for one in ids]

    (row,) = write_checkpoints(step.parent, assets, Tools(analyse, dumps))
    kept = json.loads((assets / "checkpoints" / "index.json").read_text(encoding="utf-8"))
    assert kept == {"utterances": list(SHOWN), "checkpoints": [row]}
    assert row["word_error"] < 0.1
    for name in SHOWN:
        small = loads((assets / "checkpoints" / "00150" / f"{name}.alas").read_bytes())
        assert small.coords.shape[-1] <= 8
        assert row["scores"][name]["alas"] == pytest.approx(small.scores["alas"], abs=1e-4)
