"""Speed and size as ratios measured in one run: ``make bench``.

Absolute times depend on the machine and on what else runs on it; a ratio of two things measured
in turn, in one process, much less. Each row is a function that returns `Row`; medians throughout.
``make bench ARGS="--only paths bundle"`` chooses rows.
"""

from __future__ import annotations

import argparse
import functools
import logging
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import runs

PICTURE = ".alas-sheet[data-ready] .main-svg"
"""The element without which nothing is to be seen: the sheet, drawn by Plotly."""

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
"""Streamlit's own mark of a page whose script has ended."""


@dataclass(frozen=True)
class Row:
    """One line of the table; `bound` is what the project promises, "" where it promises nothing."""

    what: str
    value: str
    detail: str
    bound: str = ""


def median_s(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock seconds of `work` after one run to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def in_turn_s(first: Callable[[], object], second: Callable[[], object], repeats: int) -> Any:
    """Medians of two works measured in turn, so that a busy moment hits both alike."""
    first(), second()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for work, kept in ((first, times[0]), (second, times[1])):
            start = time.perf_counter()
            work()
            kept.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


class Known:
    """An aligner that already knows the answer: leaves the reference's cost out of a ratio."""

    def __init__(self, reference: Any) -> None:
        self.name, self._reference = reference.name, reference

    def align(self, audio: object, transcript: str) -> Any:
        return self._reference


@functools.cache
def subject() -> tuple[Any, Any, Any]:
    """The demo model, its first utterance and that utterance's reference, all loaded and warm."""
    from alas_core import datasets
    from alas_core.models import registry
    from alas_core.reference import get_aligner

    data = datasets.demo()
    utterance = data.load(data.ids()[0].id)
    reference = get_aligner("pocketsphinx").align(utterance.audio, utterance.transcript)
    return registry.get("demo"), utterance, Known(reference)


def first_picture(n_null: int = 49) -> Any:
    """The analysis as soon as the picture stands: reference at hand, no null of other words."""
    from alas_core.pipeline import Request, steps
    from alas_core.types import Settings

    model, utterance, known = subject()
    request = Request(
        "demo", utterance, reference=known, settings=Settings(n_null=n_null), model=model
    )
    return next(step.analysis for step in steps(request) if step.analysis is not None)


def bare_passes() -> Callable[[], None]:
    """The two forward passes alone, on the very inputs that an analysis feeds, keeping nothing."""
    import torch

    model, _, _ = subject()
    network = model._open.model.base_model
    inputs: list[dict[str, Any]] = []
    hook = network.register_forward_pre_hook(
        lambda _module, _args, kwargs: inputs.append(dict(kwargs)), with_kwargs=True
    )
    try:
        first_picture(n_null=0)
    finally:
        hook.remove()
    if len(inputs) != 2:
        raise RuntimeError(f"an analysis made {len(inputs)} forward passes, expected 2")
    for kwargs in inputs:
        kwargs["output_hidden_states"] = False

    def run() -> None:
        with torch.no_grad():
            for kwargs in inputs:
                network(**kwargs)
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return run


def analysis_row(repeats: int) -> Row:
    whole, bare = in_turn_s(functools.partial(first_picture, 0), bare_passes(), repeats)
    detail = f"{whole * 1e3:.0f} ms / {bare * 1e3:.0f} ms; reference at hand, quick null, no answer"
    return Row("analysis / two bare forward passes", f"{whole / bare:.2f}", detail)


def reference_row(repeats: int) -> Row:
    from alas_core.reference import get_aligner

    _, utterance, _ = subject()
    aligner = get_aligner("pocketsphinx")
    align, whole = in_turn_s(
        lambda: aligner.align(utterance.audio, utterance.transcript),
        functools.partial(first_picture, 0),
        repeats,
    )
    detail = f"{align * 1e3:.0f} ms / {whole * 1e3:.0f} ms"
    return Row("pocketsphinx reference / analysis", f"{align / whole:.2f}", detail)


def null_row(repeats: int) -> Row:
    from alas_core.pipeline import Request, analyse

    model, utterance, known = subject()
    request = Request("demo", utterance, reference=known, model=model)
    spent = [analyse(request).provenance["seconds"]["null"] for _ in range(repeats)]
    null, whole = statistics.median(spent), median_s(functools.partial(first_picture, 0), repeats)
    detail = f"{null * 1e3:.0f} ms / {whole * 1e3:.0f} ms"
    return Row("null of 49 transcripts / analysis", f"{null / whole:.2f}", detail)


def paths_by_loops(similarity: np.ndarray) -> np.ndarray:
    """Monotonic alignment search, one layer and one frame at a time: the loop to beat."""
    n_layers, n_frames, n_tokens = similarity.shape
    paths = np.zeros((n_layers, n_frames), dtype=np.int16)
    for layer in range(n_layers):
        total = np.full((n_frames, n_tokens), -np.inf, dtype=np.float32)
        total[0, 0] = similarity[layer, 0, 0]
        for frame in range(1, n_frames):
            stay, rise = total[frame - 1], np.full(n_tokens, -np.inf, dtype=np.float32)
            rise[1:] = total[frame - 1, :-1]
            total[frame] = similarity[layer, frame] + np.maximum(stay, rise)
        token = n_tokens - 1
        for frame in range(n_frames - 1, -1, -1):
            paths[layer, frame] = token
            if frame and token and total[frame - 1, token - 1] > total[frame - 1, token]:
                token -= 1
    return paths


def paths_row(repeats: int) -> Row:
    from alas_core.paths import monotonic_paths

    rng = np.random.default_rng(0)
    maps = rng.uniform(-1, 1, (33, 750, 120)).astype(np.float32)
    if not np.array_equal(monotonic_paths(maps), paths_by_loops(maps)):
        raise RuntimeError("the two searches disagree")
    ours, loops = in_turn_s(lambda: monotonic_paths(maps), lambda: paths_by_loops(maps), repeats)
    detail = f"{ours * 1e3:.0f} ms / {loops * 1e3:.0f} ms at 33 layers x 750 frames x 120 tokens"
    return Row("all-layer paths / a layer at a time", f"{ours / loops:.2f}", detail)


def bundle_row(repeats: int) -> Row:
    from alas_core.bundle import dumps

    analysis = first_picture(0)
    size = len(dumps(analysis))
    positions = analysis.n_frames + analysis.n_tokens
    states = (analysis.n_layers + 1) * positions * analysis.model.d_model * 4
    detail = (
        f"{size / 1e3:.0f} kB / {states / 1e3:.0f} kB in float32 "
        f"({analysis.n_layers + 1} layers, {positions} positions, {analysis.model.d_model} wide; "
        "the bundle also holds the sound)"
    )
    return Row("bundle / the hidden states it stands for", f"{size / states:.2f}", detail)


def picture_rows(repeats: int) -> list[Row]:
    """Cold: from the start of the server to the picture. Warm: later visits, analysis kept.

    A visit ends only when the page is idle, so that no visit pays for the one before it.
    """
    from playwright.sync_api import sync_playwright

    from tests.browsers import MISSING_CHROMIUM, find_chromium, running_server

    executable = find_chromium()
    if executable is None:
        return [Row("time to the first picture", "-", MISSING_CHROMIUM)]
    cold, warm = [], []
    with sync_playwright() as playwright:
        for _ in range(repeats):
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            with tempfile.TemporaryDirectory() as folder:
                log, store = Path(folder, "log"), Path(folder, "store")
                start = time.perf_counter()
                with running_server(log, environment={"ALAS_STORE": str(store)}) as url:
                    cold.append(visit(browser, url) - start)
                    for _ in range(3):
                        start = time.perf_counter()
                        warm.append(visit(browser, url) - start)
            browser.close()
    first, second = statistics.median(cold), statistics.median(warm)
    return [
        Row("first picture, server just started", f"{first:.1f} s", "empty store", "< 20 s"),
        Row("first picture, server warm", f"{second:.1f} s", "a new visit", "< 2 s"),
        Row("warm / cold", f"{second / first:.2f}", f"{repeats} starts"),
    ]


def visit(browser: Any, url: str) -> float:
    """Open the page in a fresh context; the moment at which its picture was drawn."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    try:
        page = context.new_page()
        page.goto(url)
        page.locator(PICTURE).first.wait_for(state="visible", timeout=120_000)
        drawn = time.perf_counter()
        page.locator(IDLE).wait_for(timeout=120_000)
        page.locator("[data-testid=stProgress]").wait_for(state="detached", timeout=120_000)
    finally:
        context.close()
    return drawn


def runs_rows(_: int) -> list[Row]:
    n = int(os.environ.get("ALAS_BENCH_UTTERANCES", runs.MANY))
    whole, tenth, settled, most = runs.linear(n)
    return [
        Row(
            f"run of {n} utterances / 10 x its first {n // 10}",
            f"{whole / (10 * tenth):.2f}",
            f"{whole:.0f} s / 10 x {tenth:.1f} s; demo model, one thread, tables included",
            "<= 1.1",
        ),
        Row(
            "memory that a run takes on the way",
            f"{most - settled:.0f} MB",
            f"from {settled:.0f} MB after {runs.SETTLED} utterances",
            "<= 100 MB",
        ),
    ]


def ray_row(_: int) -> Row:
    one, two = runs.two_workers()
    detail = f"{two:.1f} / {one:.1f} utterances a second: two workers, one process with two threads"
    return Row("two Ray workers / one process", f"{two / one:.2f}", detail, ">= 1.5")


ROWS: dict[str, Callable[[int], Row | list[Row]]] = {
    "analysis": analysis_row,
    "reference": reference_row,
    "null": null_row,
    "paths": paths_row,
    "bundle": bundle_row,
    "picture": picture_rows,
    "runs": runs_rows,
    "ray": ray_row,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Speed and size as ratios measured in one run.")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    import torch

    print(
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"torch {torch.__version__}, medians of {options.repeats}"
    )
    failed = 0
    for name in options.only:
        try:
            rows = ROWS[name](3 if name == "picture" else options.repeats)
        except Exception as error:  # noqa: BLE001 - one broken row does not hide the others
            failed = 1
            rows = Row(name, "failed", f"{type(error).__name__}: {error}".splitlines()[0])
        for row in rows if isinstance(rows, list) else [rows]:
            bound = f" (promised {row.bound})" if row.bound else ""
            print(f"{row.what:<42}{row.value:>8}  {row.detail}{bound}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
