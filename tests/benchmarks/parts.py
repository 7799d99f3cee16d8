"""Rows on single parts: paths, cosine maps, references, and what a visitor waits for."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alas_core import datasets
from alas_core.datasets import UtteranceFolder
from alas_core.paths import monotonic_paths
from alas_core.reference import get_aligner
from alas_core.reference.agreement import agreement
from alas_core.reference.files import FileAligner
from alas_core.similarity import cosine_maps
from tests.benchmarks.measuring import Row, fastest_s, in_turn_s, ratio
from tests.benchmarks.subjects import demo

SPOKEN = Path(__file__).parents[1] / "data" / "espeak"
PICTURE = ".alas-sheet[data-ready] .main-svg"
"""The element without which nothing is to be seen: the sheet, drawn by Plotly."""

UMAP = ".st-key-map_panel .alas-linked[data-figure*='/UMAP']"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
"""Streamlit's own mark of a page whose script has ended."""


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


def paths_rows(repeats: int) -> list[Row]:
    rng = np.random.default_rng(0)
    maps = rng.uniform(-1, 1, (33, 750, 120)).astype(np.float32)
    if not np.array_equal(monotonic_paths(maps), paths_by_loops(maps)):
        raise RuntimeError("the two searches disagree")
    ours, loops = in_turn_s(lambda: monotonic_paths(maps), lambda: paths_by_loops(maps), repeats)
    return [
        Row("paths of 33 x 750 x 120", f"{ours * 1e3:.0f} ms", "all layers at once",
            "<= 50 ms", ours <= 0.05),
        ratio("all layers at once / a layer at a time", ours, loops, "33 x 750 x 120"),
    ]  # fmt: skip


def cosine_rows(repeats: int) -> list[Row]:
    """The maps with their norms against one plain batched product of the same states."""
    rows = []
    for layers, n_frames, n_tokens, width in ((25, 250, 40, 1024), (33, 750, 120, 4096)):
        frames, tokens = (torch.randn(layers, n, width) for n in (n_frames, n_tokens))
        maps, product = in_turn_s(
            lambda frames=frames, tokens=tokens: cosine_maps(frames, tokens),
            lambda frames=frames, tokens=tokens: torch.bmm(frames, tokens.transpose(1, 2)),
            repeats,
        )
        shape = f"{layers} x {n_frames} x {n_tokens}, width {width}, float32 on cpu"
        rows.append(ratio("cosine maps / one batched product", maps, product, shape, 1.2))
    return rows


def reference_rows(repeats: int) -> list[Row]:
    """What the default aligner costs, and how far its onsets are from the truth."""
    subject = demo()
    aligner, utterance = get_aligner("pocketsphinx"), subject.utterance
    align = fastest_s(lambda: aligner.align(utterance.audio, utterance.transcript), repeats)
    whole = fastest_s(subject.first_picture, repeats)
    return [
        ratio("pocketsphinx / analysis", align, whole, "demo utterance"),
        _onsets(UtteranceFolder(SPOKEN, "spoken"), "espeak-ng's word events"),
        _onsets(datasets.demo(), "its own times on the clean speech"),
    ]


def _onsets(data: Any, truth: str) -> Row:
    """Mean onset error of pocketsphinx over a data set whose references are the truth."""
    aligner = get_aligner("pocketsphinx")
    errors, n_words, n_lost = [], 0, 0
    for row in data.ids():
        utterance, path = data.load(row.id), data.reference_path(row.id)
        told = FileAligner(path).align(utterance.audio, utterance.transcript)
        onsets = agreement(told, aligner.align(utterance.audio, utterance.transcript)).onset_ms
        errors += np.abs(onsets[np.isfinite(onsets)]).tolist()
        n_words += len(onsets)
        n_lost += int((~np.isfinite(onsets)).sum())
    detail = (
        f"median {np.median(errors):.0f} ms, 95 % below {np.quantile(errors, 0.95):.0f} ms; "
        f"{len(data.ids())} utterances, {n_words} words, {n_lost} not placed; truth: {truth}"
    )
    return Row("pocketsphinx, mean onset error", f"{np.mean(errors):.0f} ms", detail)


def picture_rows(repeats: int) -> list[Row]:
    """Cold: from the start of the server to the picture. Warm: later visits, analysis kept.

    A visit ends only when the page is idle, so that no visit pays for the one before it.
    """
    from playwright.sync_api import sync_playwright

    from tests.browsers import MISSING_CHROMIUM, find_chromium, running_server

    executable = find_chromium()
    if executable is None:
        return [Row("time to the first picture", "-", MISSING_CHROMIUM)]
    cold, busy, warm = [], [], []
    with sync_playwright() as playwright:
        for _ in range(min(repeats, 3)):
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            with tempfile.TemporaryDirectory() as folder:
                log, store = Path(folder, "log"), Path(folder, "store")
                start = time.perf_counter()
                with running_server(log, environment={"ALAS_STORE": str(store)}) as url:
                    cold.append(visit(browser, url) - start)
                    for row in (busy, warm):
                        for _ in range(3):
                            start = time.perf_counter()
                            row.append(visit(browser, url) - start)
                        visit(browser, f"{url}/?projection=umap", UMAP)
            browser.close()
    first, between, second = map(statistics.median, (cold, busy, warm))
    return [
        Row("first picture, server just started", f"{first:.1f} s", "empty store", "< 20 s",
            first < 20),
        Row("first picture, in the next seconds", f"{between:.1f} s",
            "a new visit while UMAP is imported and compiled behind"),
        Row("first picture, server warm", f"{second:.1f} s", "a new visit", "< 2 s", second < 2),
    ]  # fmt: skip


def visit(browser: Any, url: str, picture: str = PICTURE) -> float:
    """Open the page in a fresh context; the moment at which the picture was drawn."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    try:
        page = context.new_page()
        page.goto(url)
        page.locator(picture).first.wait_for(state="visible", timeout=120_000)
        drawn = time.perf_counter()
        page.locator(IDLE).wait_for(timeout=120_000)
        page.locator("[data-testid=stProgress]").wait_for(state="detached", timeout=120_000)
    finally:
        context.close()
    return drawn
