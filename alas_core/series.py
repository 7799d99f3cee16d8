"""Checkpoints of one model in the order of their steps: how the binding grew while it was trained.

A series is a folder of bundles. The step of a bundle is the number in its model's name ("demo at
step 150", "checkpoint-500"), else in the name of its folder ("00150"), else in its own. A file
`index.json` beside them may hold `checkpoints`, rows with `step` and `word_error` (0 to 1).
"""

from __future__ import annotations

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alas_core.bundle import SUFFIX, dumps, read_head
from alas_core.bundles import Kept, below, named, open_bundle
from alas_core.errors import InputError, StoreError
from alas_core.files import make_folder, write_file
from alas_core.numerals import number
from alas_core.types import Analysis, BoolArray, FloatArray, Utterance, content_sha
from alas_core.variations import beats_null

if TYPE_CHECKING:
    from alas_core.pipeline import Progress, Request

_MARKED = re.compile(r"(?:step|checkpoint|ckpt|iter(?:ation)?|epoch)[ _-]*(\d+)", re.IGNORECASE)
_BARE = re.compile(r"(\d+)")
INDEX = "index.json"
QUANTIZED = ("8bit", "4bit")


@dataclass(frozen=True)
class Series:
    """One recording through the checkpoints of a model, the first step first.

    Parameters
    ----------
    name : the folder
    steps : of training, one a checkpoint
    kept : the bundle of each checkpoint
    word_errors : of each checkpoint, nan where it is not known
    """

    name: str
    utterance: str
    transcript: str
    steps: tuple[int, ...]
    kept: tuple[Kept, ...]
    word_errors: tuple[float, ...]


@dataclass(frozen=True)
class Growth:
    """Scores of a series, each array (n_layers + 1, n_steps).

    `baselines` is nan where a score has none; `above` is where ALAS beats the checkpoint's own null
    by the rule of `variations.beats_null`; `null_name` is the first one's.
    """

    values: FloatArray
    baselines: FloatArray
    above: BoolArray
    null_name: str


def step_of(kept: Kept) -> int | None:
    """The training step of a bundle, or None if nothing in its names says it."""
    parent, stem = kept.path.parent.name, kept.path.stem
    below = kept.id.count("/") > 1  # the series' own folder may be called after a year
    for found in (
        _MARKED.search(kept.model),
        _MARKED.search(parent),
        _BARE.fullmatch(parent) if below else None,
        _MARKED.search(stem),
    ):
        if found:
            return int(found.group(1))
    return None


def find_series(folders: Iterable[Path]) -> dict[str, Series]:
    """The series below the folders, by "folder/utterance": recordings with two steps or more."""
    found: dict[str, Series] = {}
    for name, root in named(folders):
        groups: dict[str, dict[int, Kept]] = defaultdict(dict)
        for kept in below(name, root):
            step = None if kept.problem else step_of(kept)
            if step is not None:
                groups[kept.utterance].setdefault(step, kept)
        errors = _word_errors(root / INDEX)
        for utterance, by_step in groups.items():
            if len(by_step) > 1:
                steps = tuple(sorted(by_step))
                found[f"{name}/{utterance}"] = Series(
                    name,
                    utterance,
                    by_step[steps[0]].transcript,
                    steps,
                    tuple(by_step[step] for step in steps),
                    tuple(errors.get(step, float("nan")) for step in steps),
                )
    return dict(sorted(found.items()))


def _word_errors(path: Path) -> Mapping[int, float]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["checkpoints"]
        return {int(row["step"]): float(row["word_error"]) for row in rows if "word_error" in row}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # the index is an extra: a series is whole without it


def growth(series: Series, score: str) -> Growth:
    """A score at every layer and step.

    Raises
    ------
    AlasError
        If a bundle cannot be read, the score is not in it, or the checkpoints differ in depth.
    """
    analyses = [_opened(kept.path, kept.path.stat().st_mtime_ns) for kept in series.kept]
    depths = {analysis.n_layers for analysis in analyses}
    if len(depths) > 1:
        raise InputError(
            f"the checkpoints in '{series.name}' have {', '.join(map(str, sorted(depths)))} "
            "layers, expected one model; keep each model's checkpoints in a folder of its own"
        )
    missing = [kept.id for kept, a in zip(series.kept, analyses, strict=True)
               if score not in a.scores]  # fmt: skip
    if missing:
        raise InputError(f"{missing[0]} holds no score '{score}', choose another score")
    values = np.stack([analysis.scores[score] for analysis in analyses], axis=1)
    nothing = np.full(len(values), np.nan)
    baselines = np.stack([a.baselines.get(score, nothing) for a in analyses], axis=1)
    nulls = [analysis.main_null for analysis in analyses]
    above = np.stack([beats_null(null.p_adjusted) for null in nulls], axis=1)
    name = nulls[0].name
    return Growth(values.astype(np.float32), baselines.astype(np.float32), above, name)


@lru_cache(maxsize=64)
def _opened(path: Path, mtime_ns: int) -> Analysis:
    del mtime_ns  # the cache's key: a file that has changed is read anew
    return open_bundle(path)


def emergence(series: Series, grown: Growth) -> str:
    """When, and where first, ALAS leaves the null behind; and where it ends."""
    first = np.flatnonzero(grown.above.any(axis=0))
    best = int(np.nan_to_num(grown.values[:, -1], nan=-np.inf).argmax())
    value = number(float(grown.values[best, -1]))
    last = f"at step {series.steps[-1]:,} it is highest at layer {best}: {value}"
    if not first.size:
        return f"At no step does ALAS beat its {grown.null_name}; {last}."
    step = int(first[0])
    layers = np.flatnonzero(grown.above[:, step])
    return (
        f"ALAS first beats its {grown.null_name} at step {series.steps[step]:,} "
        f"({layers.size} of {len(grown.above)} layers, the strongest layer "
        f"{int(layers[grown.values[layers, step].argmax()])}); {last}."
    )


def checkpoints(folder: Path) -> tuple[tuple[int, Path], ...]:
    """The model folders below a folder with their steps, the first step first.

    Raises
    ------
    InputError
        If there are not at least two whose names hold a number, or two hold the same.
    """
    if not folder.is_dir():
        raise InputError(f"'{folder}' is no folder, expected one that holds checkpoint folders")
    found = []
    for model in folder.iterdir():
        marked = _MARKED.search(model.name)
        # Else the last number: what stands before it is the model's name ("Qwen2-Audio-1500").
        number = marked.group(1) if marked else (_BARE.findall(model.name) or [""])[-1]
        if number and (model / "config.json").is_file():
            found.append((int(number), model))
    if len(found) < 2:
        raise InputError(
            f"'{folder}' holds {len(found)} checkpoints, expected at least two folders with a "
            "config.json and the step in their names, such as checkpoint-500"
        )
    found.sort()
    for (step, one), (other, two) in itertools.pairwise(found):
        if step == other:
            raise InputError(
                f"'{one.name}' and '{two.name}' in '{folder}' are both step {step}, expected each "
                "step once; rename one, or move it elsewhere"
            )
    return tuple(found)


def make_series(folder: Path, request: Request, out: Path) -> Iterator[Progress]:
    """Analyse one utterance with every checkpoint and keep it as out/<step>/<utterance>.alas.

    Parameters
    ----------
    request : its model is replaced by each checkpoint in turn

    Raises
    ------
    AlasError
        If there are no checkpoints, the folder cannot be written or holds the analysis of another
        request under such a name, or an analysis fails; the last alone once something is computed.
    """
    from dataclasses import replace

    from alas_core import pipeline

    found = checkpoints(folder)
    make_folder(out, "--out")
    name = f"{_file_name(request.utterance)}{SUFFIX}"
    targets = [(step, model, out / f"{step:06d}" / name) for step, model in found]
    for _, model, target in targets:
        _check_same(target, replace(request, model_id=str(model)))
    for step, model, target in targets:
        analysis = None
        for progress in pipeline.steps(replace(request, model_id=str(model))):
            analysis = progress.analysis or analysis
            yield replace(progress, stage=f"step {step}: {progress.stage}")
        if analysis is None:
            raise RuntimeError("the pipeline ended without an analysis")
        make_folder(target.parent, "the step's folder")
        write_file(target, dumps(analysis))


def _check_same(target: Path, request: Request) -> None:
    """Refuse to write over the analysis of another request; the same one may be made anew."""
    if not target.exists():
        return
    from alas_core.reference import get_aligner

    reference = request.reference
    name = get_aligner(reference).name if isinstance(reference, str) else reference.name
    try:
        with target.open("rb") as stream:
            key = read_head(stream)["key"]
        loading, variant = request.loading, key.get("variant", "")
        same = {
            "another recording": key["audio_sha"] == request.utterance.audio.sha,
            "another transcript": key["transcript_sha"]
            == content_sha(request.utterance.transcript),
            "another model": Path(key["model_id"]).resolve() == Path(request.model_id).resolve(),
            "another reference": key["reference"] == name,
            "another instruction": request.instruction is None
            or key["prompt_sha"] == content_sha(request.instruction),
            "another number format": loading.dtype in ("auto", key["dtype"])
            and all((kind == loading.quantization) == (kind in variant) for kind in QUANTIZED)
            and (loading.lora or "LoRA off" in variant),
        }
    except (OSError, StoreError, KeyError, TypeError):
        same = {"something that is no analysis": False}
    others = [what for what, equal in same.items() if not equal]
    if others:
        raise InputError(
            f"'{target}' is there, of {others[0]}, expected none or one of the same request; "
            "choose another --out, rename the recording, or move that file away"
        )


def _file_name(utterance: Utterance) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", utterance.id).strip("-.") or "utterance"
