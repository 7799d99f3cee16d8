"""How fast a run of 5,000 utterances x 33 layers opens in a browser, and each control answers."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Row

N_UTTERANCES, N_LAYERS = 5000, 32
DRAWN = ".alas-chart[data-ready] .main-svg"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


def corpus_rows(repeats: int) -> list[Row]:
    """A row for the opening and one for each control."""
    spent = measure(repeats)
    first, opened = spent.pop("open, first"), spent.pop("open")
    size = f"{N_UTTERANCES} utterances x {N_LAYERS + 1} layers, in Chromium"
    detail = f"{size}; the first time {first:.2f} s"
    rows = [Row("run opens", f"{opened:.2f} s", detail, "< 3 s", opened < 3)]
    return rows + [
        Row(f"run, {name}", f"{seconds:.2f} s", "click to figure", "< 0.5 s", seconds < 0.5)
        for name, seconds in spent.items()
    ]


def measure(repeats: int) -> dict[str, float]:
    """Median seconds from a click (or from the address) to the new figure on the screen."""
    from playwright.sync_api import sync_playwright

    from tests.browsers import find_chromium, running_server
    from tests.runs import make_run

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        make_run(Path(folder) / "runs" / "large", n=N_UTTERANCES, n_layers=N_LAYERS)
        environment = {"ALAS_RUNS": str(Path(folder) / "runs"), "ALAS_STORE": f"{folder}/store"}
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        with running_server(Path(folder) / "log.txt", environment=environment) as url:
            opening = [_open(browser, url) for _ in range(repeats + 1)]
            page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
            page.goto(f"{url}/corpus?run=large")
            page.locator(DRAWN).first.wait_for()
            page.wait_for_selector(IDLE)
            found = _controls(page, repeats)
        browser.close()
    return {"open, first": opening[0], "open": statistics.median(opening[1:]), **found}


def _open(browser: Any, url: str) -> float:
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(f"{url}/corpus?run=large")
    page.locator(DRAWN).first.wait_for(timeout=120_000)
    spent = time.perf_counter() - start
    context.close()
    return spent


def _controls(page: Any, repeats: int) -> dict[str, float]:
    """Each control in turn; what is timed ends when another figure than before is drawn."""
    first = page.get_by_role("radiogroup", name="First").or_(page.locator(".st-key-run_first"))
    layer = page.get_by_test_id("stSidebar").get_by_role("slider", name="Layer")
    found = {}
    ways = ("best", "worst")
    found["sort"] = _timed(
        page, repeats, lambda i: first.get_by_role("radio", name=ways[i % 2]).click()
    )
    found["layer"] = _timed(page, repeats, lambda _: layer.press("ArrowLeft"))
    page.locator(".st-key-run_view").get_by_text("Filter", exact=True).click()
    threshold = page.get_by_role("slider", name="Threshold of similarity")
    threshold.wait_for()
    page.wait_for_selector(IDLE)
    found["threshold"] = _timed(page, repeats, lambda _: threshold.press("ArrowRight"))
    return found


def _timed(page: Any, repeats: int, act: Callable[[int], object]) -> float:
    times = []
    for index in range(repeats + 1):
        chart = page.locator(".alas-chart[data-ready]").first
        before = chart.get_attribute("data-ready")
        start = time.perf_counter()
        act(index)
        page.wait_for_function(
            "before => [...document.querySelectorAll('.alas-chart')]"
            ".some((e, i) => i === 0 && e.dataset.ready && e.dataset.ready !== before)",
            arg=before,
            timeout=60_000,
        )
        times.append(time.perf_counter() - start)
        page.wait_for_selector(IDLE)
    return statistics.median(times[1:])
