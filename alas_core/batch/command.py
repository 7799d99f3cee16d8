"""``alas run``: a data set through a model, from the command line."""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alas_core.definitions import SCORES
from alas_core.errors import InputError
from alas_core.models.options import adapter_of, add_loading, loading_of
from alas_core.numerals import number
from alas_core.setting_options import add_settings, settings_of
from alas_core.tasks import TASKS

if TYPE_CHECKING:
    from alas_core.batch.folder import RunFolder
    from alas_core.batch.plan import RunOrder
    from alas_core.batch.progress import Progress
    from alas_core.batch.runner import Pool

_LINE_EVERY_S = 10.0
"""Where stderr is no terminal, a line so often; it may be a log file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``alas run`` takes."""
    add = parser.add_argument
    add("source", metavar="SOURCE", help="demo, or a data set (see README, Your own data)")
    add("--out", required=True, metavar="DIR|URL", help="folder of the run, or an fsspec URL")
    add("--model", default="demo", help="demo, a folder, a hub id or a plug-in (demo)")
    add("--task", metavar="NAME", help=f"of all utterances: {', '.join(TASKS)} (each its own)")
    add("--instruction", metavar="TEXT", help="beside the audio (the utterance's, or the model's)")
    add(
        "--reference",
        default="pocketsphinx",
        metavar="NAME|own",
        help="as of 'alas analyse', or own: the data set's word times (pocketsphinx)",
    )
    add("--limit", type=int, metavar="N", help="only the first N utterances")
    add("--no-answers", action="store_true", help="do not have the model answer")
    add("--no-bundles", action="store_true", help="keep the tables only")
    add("--ray", metavar="auto|ADDRESS", help="on a Ray cluster: one worker a GPU, or see --cpus")
    add(
        "--cpus",
        type=int,
        default=1,
        metavar="N",
        help="cores of each Ray worker where there is no GPU (%(default)s)",
    )
    add("--retry-skipped", action="store_true", help="do those again that could not be analysed")
    add_settings(parser)
    add_loading(parser)
    parser.set_defaults(interrupted="interrupted; what was done is kept: the same command goes on")


def run(options: argparse.Namespace) -> str:
    """Do the run and return its summary."""
    with _own_model(options) as own:
        return _run(options, own or options.model)


@contextlib.contextmanager
def _own_model(options: argparse.Namespace) -> Iterator[str]:
    """The id under which the class of `--adapter` is known in the meantime; empty without one."""
    if options.adapter and options.ray is not None:
        raise InputError(
            "--adapter names a class that only this process can see, expected a model that every "
            "worker of --ray finds; offer the class as a plug-in (see README, Your own model) and "
            "give its name to --model"
        )
    model = adapter_of(options)
    if model is None:
        yield ""
        return
    from alas_core.models import registry

    registry.register(model)
    try:
        yield model.info.model_id
    finally:
        registry.unregister(model.info.model_id)


def _run(options: argparse.Namespace, model: str) -> str:
    order = _order(options, model)
    _check_out(options.out)
    from alas_core.batch.folder import open_run
    from alas_core.batch.runner import Run

    pool = pool_for(options.ray, options.cpus)
    line = _Line()
    last = None
    try:
        for last in Run(order, options.out, pool=pool, retry_skipped=options.retry_skipped).steps():
            line.show(last)
    finally:
        line.wipe()
    folder = open_run(options.out)
    if options.json:
        return json.dumps(_summary(folder), allow_nan=False, ensure_ascii=False) + "\n"
    return _text(folder)


def _check_out(url: str) -> None:
    """Refuse a file as the run's folder, or as one above it."""
    from alas_core.place import Place

    place = Place(url)
    path = Path(place.path(""))
    there = next((one for one in (path, *path.parents) if one.exists()), None)
    if place.local and there is not None and not there.is_dir():
        raise InputError(
            f"--out '{url}' cannot take a run: '{there.name}' is a file, expected a folder that is "
            "there or can be made; choose another"
        )


def pool_for(ray: str | None, cpus: int = 1) -> Callable[[RunOrder, str], Pool]:
    """Who does the items: this process, or workers of so many cores each on a Ray cluster."""
    if ray is None:
        from alas_core.batch.runner import Here

        return Here
    from alas_core.batch.cluster import OnRay

    return functools.partial(OnRay, address=ray, cpus=cpus)


def _order(options: argparse.Namespace, model: str) -> RunOrder:
    from alas_core.batch.plan import RunOrder

    return RunOrder(
        options.source,
        model=model,
        task=options.task,
        instruction=options.instruction,
        reference=options.reference,
        settings=settings_of(options),
        limit=options.limit,
        bundles=not options.no_bundles,
        answers=not options.no_answers,
        loading=loading_of(options),
    )


def progress_text(progress: Progress) -> str:
    """Counts, rate and time left on one line."""
    finished = progress.done + progress.skipped
    parts = [f"{progress.stage} {finished}/{progress.total}"]
    if progress.skipped:
        parts.append(f"{progress.skipped} skipped")
    if progress.state == "paused":
        parts.append("paused")
    elif progress.rate_per_s and progress.left_s is not None:
        parts += [f"{number(progress.rate_per_s)}/s", f"{duration(progress.left_s)} left"]
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A length of time for people: "40 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


class _Line:
    """Progress on stderr: one line that changes on a terminal, else one now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._written = time.monotonic()

    def show(self, progress: Progress) -> None:
        if progress.last and progress.last.skipped:
            self._tell(f"skipped {progress.last.item.id}: {progress.last.skipped['reason']}")
        text = progress_text(progress)
        if self._terminal:
            filled = 20 * (progress.done + progress.skipped) // max(progress.total, 1)
            sys.stderr.write(f"\r\x1b[K[{'#' * filled}{'.' * (20 - filled)}] {text}")
            sys.stderr.flush()
        elif time.monotonic() - self._written > _LINE_EVERY_S:
            self._tell(text)

    def wipe(self) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")

    def _tell(self, text: str) -> None:
        self.wipe()
        shown = "".join(char if char.isprintable() else "?" for char in text)
        sys.stderr.write(f"alas: {shown}\n")
        sys.stderr.flush()
        self._written = time.monotonic()


def _summary(folder: RunFolder) -> dict[str, Any]:
    """`run.json` with the profile's best layer, and where the tables are."""
    return {**folder.info, "out": folder.url, "best": best_layer(folder)}


def best_layer(folder: RunFolder) -> dict[str, Any] | None:
    """The layer with the highest mean ALAS and its null; None if nothing was analysed."""
    table = (
        folder.table("scores")
        .group_by("layer")
        .aggregate(
            [("alas", "mean"), ("null_mean", "mean"), ("null_high", "mean"), ("alas", "count")]
        )
    )
    rows = [row for row in table.to_pylist() if row["alas_mean"] is not None]
    if not rows:
        return None
    row = max(rows, key=lambda row: (row["alas_mean"], -row["layer"]))
    return {
        "layer": row["layer"],
        "alas": row["alas_mean"],
        "null_mean": row["null_mean_mean"],
        "null_high": row["null_high_mean"],
        "n": row["alas_count"],
    }


def _text(folder: RunFolder) -> str:
    info: Mapping[str, Any] = folder.info
    counts = info["counts"]
    rows = [
        ("Run", f"{folder.url}, {folder.state}"),
        ("Model", ", ".join(filter(None, (info["model"], info.get("variant"), info["dtype"])))),
        ("Reference", str(info["reference_name"])),
        ("Utterances", f"{counts['done']} of {counts['total']}, {counts['skipped']} skipped"),
    ]
    best = best_layer(folder)
    if best is not None:
        rows.append(
            (
                f"Mean {SCORES['alas'].label}",
                f"{number(best['alas'])} at its best layer, {best['layer']}; the null's mean is "
                f"{number(best['null_mean'])}, its upper end {number(best['null_high'])}",
            )
        )
    skipped = folder.table("skipped").to_pylist()
    kinds = sorted({row["kind"] for row in skipped})
    for kind in kinds:
        ids = [row["utterance"] for row in skipped if row["kind"] == kind]
        rows.append(("Skipped", f"{len(ids)} for {kind}: {', '.join(ids[:5])}"))
    if counts["done"] + counts["skipped"] < counts["total"]:
        rows.append(("Next", "the same command goes on where this stopped"))
    return "".join(f"{name:<12}{value}\n" for name, value in rows)
