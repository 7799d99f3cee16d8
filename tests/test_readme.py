"""The README's own command for a run does what the README says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from alas_core.audio import READABLE, to_wav_bytes
from alas_core.bundle import SUFFIX
from alas_core.bundles import open_bundle
from alas_core.datasets import UtteranceFolder
from alas_core.datasets.opening import LAYOUTS
from alas_core.reference import from_file
from alas_core.resources import asset_path
from alas_core.ui.shelf import MAX_UPLOAD_MB
from tests.browsers import ROOT


def section(title: str) -> str:
    readme = (ROOT / "README.md").read_text()
    return readme.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


RUNS = section("Runs")


def test_the_readmes_python_gives_tables_a_figure_and_a_bundle(tmp_path, monkeypatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", section("From Python"), flags=re.DOTALL)
    utterance = UtteranceFolder(asset_path("demo", "data"), "demo").load("demo-003")
    (tmp_path / "speech.wav").write_bytes(to_wav_bytes(utterance.audio))
    monkeypatch.chdir(tmp_path)
    words = "the red fox sleeps here"
    assert words in code
    names: dict[str, Any] = {}
    exec(code.replace(words, utterance.transcript), names)
    analysis, layers = names["analysis"], names["layers"]
    assert layers["alas"].idxmax() == analysis.best_layer
    assert layers["p_adjusted"].between(0, 1).all()
    assert len(layers) == analysis.n_layers + 1
    assert names["cosines"].shape == (analysis.n_frames, analysis.n_tokens)
    assert len(names["sheet"].data) > 5
    assert names["again"].utterance.transcript == utterance.transcript
    np.testing.assert_array_equal(names["again"].scores["alas"], analysis.scores["alas"])


def test_the_word_times_of_the_readme_can_be_read() -> None:
    blocks = re.findall(r"(?:^ {4}.*\n)+", section("Your own data"), re.MULTILINE)
    assert len(blocks) == 2
    for block, name in zip(blocks, ("talk.json", "talk.ctm"), strict=True):
        words = from_file(block.encode(), name, "Hello there!", 1.0).words
        times = [(word.start_s, word.end_s) for word in words]
        assert times == [pytest.approx((0.12, 0.45)), pytest.approx((0.45, 0.8))]


def test_the_readme_names_every_layout_and_format() -> None:
    told = section("Your own data")
    assert not [name for name in LAYOUTS if f"| `{name}:" not in told]
    for name in READABLE.replace(" or ", ", ").split(", "):
        assert re.search(rf"\b{name}\b", told), name
    assert f"{MAX_UPLOAD_MB} MB each" in told.replace("\n", " ")


@pytest.mark.timeout(900)
def test_the_first_run_of_the_readme_leaves_the_tables_and_bundles_that_it_lists(tmp_path: Path):
    line = next(line for line in RUNS.splitlines() if line.strip().startswith(".venv/bin/alas run"))
    program, *options = shlex.split(line, comments=True)
    out = options[options.index("--out") + 1]
    options[options.index(out)] = str(tmp_path / out)
    assert program == ".venv/bin/alas"
    subprocess.run(
        [sys.executable, "-m", "alas_core", *options, "--limit", "4"],
        cwd=ROOT,
        env={**os.environ, "ALAS_STORE": str(tmp_path / "store"), "HF_HUB_OFFLINE": "1"},
        check=True,
        capture_output=True,
        timeout=800,
    )
    listed = re.findall(r"^\| (`.+`) \|", RUNS, re.MULTILINE)
    names = [name for cell in listed for name in re.findall(r"`([^`]+)`", cell)]
    assert {"scores.parquet", "utterances.parquet", "run.json", "bundles/"} <= set(names)
    for name in names:
        assert (tmp_path / out / name).exists(), name
    scores, utterances = (
        pq.read_table(tmp_path / out / f"{table}.parquet").to_pandas()
        for table in ("scores", "utterances")
    )
    assert len(utterances) == 4
    layers = scores.groupby("utterance")["layer"].nunique()
    assert layers.tolist() == [scores["layer"].max() + 1] * 4
    assert scores[["alas", "null_high", "p"]].notna().all(axis=None)
    kept = sorted((tmp_path / out / "bundles").rglob(f"*{SUFFIX}"))
    said = {open_bundle(path).utterance.transcript for path in kept}
    assert said == set(utterances["transcript"])
