"""How the binding grew: the snapshots of the training as small analyses of three utterances."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer

from alas_core.datasets import UtteranceFolder
from alas_core.demo.evaluation import Answerer
from alas_core.demo.grammar import INSTRUCTIONS
from alas_core.types import Analysis

logger = logging.getLogger(__name__)

SHOWN = ("demo-001", "demo-004", "demo-031")
"""A seen voice, a voice never heard, and a longer sentence."""
COMPONENTS = 8
"""Of the map's coordinates: enough for a picture, small on disk."""


@dataclass(frozen=True)
class Tools:
    """What the command line lends from above: the pipeline and the bundle format.

    Attributes
    ----------
    analyse : Callable[[Path, str, Sequence[str]], Sequence[Analysis]]
        Model folder, the name it gets, ids of shipped utterances; one analysis each.
    pack : Callable[[Analysis], bytes]
        The bytes of a bundle.
    """

    analyse: Callable[[Path, str, Sequence[str]], Sequence[Analysis]]
    pack: Callable[[Analysis], bytes]


def write_checkpoints(snapshots: Path, assets: Path, tools: Tools) -> list[dict[str, Any]]:
    """Write checkpoints/<step>/<utterance>.alas and checkpoints/index.json.

    Parameters
    ----------
    snapshots : Path
        Folder of step_XXXXX folders that the training left.
    assets : Path
        The folder assets/demo.
    tools : Tools
        See there.

    Returns
    -------
    list[dict[str, Any]]
        The rows of index.json: step, stage, minutes, word_error, and per utterance the scores.
    """
    target = assets / "checkpoints"
    shutil.rmtree(target, ignore_errors=True)
    rows = [
        _checkpoint(folder, target, UtteranceFolder(assets / "data", "demo"), tools)
        for folder in sorted(snapshots.glob("step_*"))
    ]
    index = json.dumps({"utterances": SHOWN, "checkpoints": rows}, indent=1)
    (target / "index.json").write_text(index + "\n", encoding="utf-8")
    return rows


def _checkpoint(
    folder: Path, target: Path, dataset: UtteranceFolder, tools: Tools
) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    step = f"{facts['step']:05d}"
    (target / step).mkdir(parents=True)
    scores = {}
    for analysis in tools.analyse(folder, f"demo at step {facts['step']}", SHOWN):
        small = dataclasses.replace(analysis, coords=analysis.coords[..., :COMPONENTS])
        name = analysis.utterance.id
        (target / step / f"{name}.alas").write_bytes(tools.pack(small))
        scores[name] = {
            score: [round(float(value), 4) for value in analysis.scores[score]]
            for score in ("alas", "hit_rate")
        }
    row = {**facts, "word_error": _word_error(folder, dataset), "scores": scores}
    logger.info("checkpoints: step %s, word error %.3f", step, row["word_error"])
    return row


def _word_error(folder: Path, dataset: UtteranceFolder) -> float:
    utterances = [dataset.load(row.id) for row in dataset.ids()]
    short = [one for one in utterances if one.audio.duration_s < 5]
    heard = Answerer(folder).from_audio(
        INSTRUCTIONS["transcribe"][0], [one.audio.samples for one in short], max_new_tokens=16
    )
    return round(min(1.0, float(jiwer.wer([one.transcript for one in short], heard))), 4)
