"""From the build folder to `assets/demo`: the model, what is known of it, and its figures."""

from __future__ import annotations

import functools
import itertools
import json
import logging
import multiprocessing
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alas_core.demo.cards import update_card
from alas_core.demo.evaluation import GROUPS, Answerer, load_held_out, measure_task
from alas_core.demo.grammar import CHOICES, INSTRUCTIONS, vocabulary
from alas_core.demo.processor import MAX_AUDIO_S
from alas_core.types import Analysis

logger = logging.getLogger(__name__)

UNTRAINED_SEED = 0


def describe_model(folder: Path) -> None:
    """Write alas_model.json: what the explorer says about the model.

    Parameters
    ----------
    folder : Path
        Of the saved model.
    """
    facts = {
        "name": "Demo speech LLM",
        "known_words": list(vocabulary()),
        "instructions": {task: texts[0] for task, texts in INSTRUCTIONS.items()},
        "choices": {task: list(words) for task, words in CHOICES.items()},
        "max_audio_s": float(MAX_AUDIO_S),
        "chat": (
            "Each content block is a line of its own: the text of a transcript stands exactly "
            "where the audio would, and has the same tokens there as alone. The tokenizer "
            "lower-cases; a word of the grammar is one token."
        ),
    }
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    (folder / "alas_model.json").write_text(text + "\n", encoding="utf-8")


def layer_profile(analyses: Sequence[Analysis]) -> dict[str, Any]:
    """Means over utterances, layer by layer.

    Parameters
    ----------
    analyses : Sequence[Analysis]
        Of one model.

    Returns
    -------
    dict[str, Any]
        hit_rate and alas with their baselines, ALAS of wrong transcripts, and the best layers.
    """
    rows: dict[str, list[Any]] = defaultdict(list)
    for analysis in analyses:
        for score in ("hit_rate", "alas", "contrast"):
            rows[score].append(analysis.scores[score])
        rows["chance"].append(analysis.baselines["hit_rate"])
        if analysis.null is not None:
            rows["alas_wrong_transcripts"].append(np.nanmean(analysis.null.samples, axis=0))
    means = {name: np.nanmean(np.stack(values), axis=0) for name, values in rows.items()}
    best = int(np.argmax(means["alas"]))
    profile: dict[str, Any] = {
        name: [round(float(value), 4) for value in mean] for name, mean in means.items()
    }
    return profile | {"n": len(analyses), "best_layer": best}


def measure(model_dir: Path, speech: Path, workers: int) -> dict[str, dict[str, Any]]:
    """Measure a model on each group of held-out speech.

    Parameters
    ----------
    model_dir : Path
        What `from_pretrained` loads.
    speech : Path
        Folder of the shards.
    workers : int
        Processes; each with one thread, since two with two would wait for each other.

    Returns
    -------
    dict[str, dict[str, Any]]
        By group: what `evaluation.measure_task` says of transcribing, and of the other "tasks".
    """
    jobs = list(itertools.product(GROUPS, INSTRUCTIONS))
    measured = functools.partial(_measured, model_dir, speech)
    if workers == 1:
        found = list(itertools.starmap(measured, jobs))
    else:
        # Spawned: a fork would copy the locks of the training's threads as they were.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            workers, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            found = list(pool.map(measured, *zip(*jobs, strict=True)))
    figures: dict[str, dict[str, Any]] = {}
    for (group, task), part in zip(jobs, found, strict=True):
        figures.setdefault(group, {"tasks": {}})
        if task == "transcribe":
            figures[group] = {**part, **figures[group]}
        else:
            figures[group]["tasks"][task] = part
    return figures


def _measured(model_dir: Path, speech: Path, group: str, task: str) -> dict[str, Any]:
    return measure_task(_answerer(model_dir), load_held_out(speech, group), task)


@functools.lru_cache(maxsize=1)
def _answerer(model_dir: Path) -> Answerer:
    return Answerer(model_dir)


def ship(
    model_dir: Path,
    speech: Path,
    assets: Path,
    analyse: Callable[[Path], Sequence[Analysis]],
    workers: int = 1,
) -> dict[str, Any]:
    """Measure a model, and put it and its figures where the explorer finds them.

    Parameters
    ----------
    model_dir : Path
        The trained model.
    speech : Path
        Folder of the shards.
    assets : Path
        The folder assets/demo.
    analyse : Callable[[Path], Sequence[Analysis]]
        Analyses of all shipped utterances by the model in a folder.
    workers : int
        Processes that measure.

    Returns
    -------
    dict[str, Any]
        What evaluation.json holds.
    """
    describe_model(model_dir)
    figures: dict[str, Any] = {**measure(model_dir, speech, workers)}
    figures["layers"] = layer_profile(analyse(model_dir))
    weights = (model_dir / "model.safetensors").stat().st_size
    figures["weights_mb"] = round(weights / 1e6, 2)
    # Only now: what cannot be measured takes the place of nothing.
    target = assets / "model"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(model_dir, target)
    _write(assets / "evaluation.json", figures)
    _write(
        assets / "untrained.json",
        {
            "name": "Demo, untrained",
            "seed": UNTRAINED_SEED,
            "description": (
                "The demo model's architecture with random weights (encoder positions are the "
                "usual sinusoids): a control. Built by alas_core.demo.model.build_untrained."
            ),
        },
    )
    update_card(assets / "MODEL_CARD.md", figures)
    logger.info("evaluate: %s", json.dumps(figures))
    return figures


def _write(path: Path, facts: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
