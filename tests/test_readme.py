"""The README's own command for a run does what the README says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from alas_core.bundle import SUFFIX
from alas_core.bundles import open_bundle
from tests.browsers import ROOT

RUNS = (ROOT / "README.md").read_text().partition("\n## Runs\n")[2].partition("\n## ")[0]


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
