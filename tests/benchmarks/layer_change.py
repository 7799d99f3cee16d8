"""A change of layer: in the browser until every linked view is painted, and on the server."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

from tests.benchmarks.measuring import Row
from tests.browsers import ROOT

CHANGE = """async (layer) => {
  const slider = document.querySelector(".alas-sheet input[type=range]");
  const all = ".alas-sheet, .alas-linked[data-figure], .alas-lens[data-ready]";
  const views = [...document.querySelectorAll(all)];
  const drawn = (view) => (view.dataset.drawn ?? "").startsWith(`${layer}/`);
  const frame = () => new Promise(requestAnimationFrame);
  const start = performance.now();
  slider.value = layer;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  while (!views.every(drawn)) await frame();
  await frame(); // painted
  return [performance.now() - start, views.length];
}"""

MOST_MS = 150
MOST_SERVER_MS = 300
READY_S = 180
PAUSE_MS = 1500
"""Python hears of each choice a moment later and runs the page: not part of the next change."""


def layer_change_rows(repeats: int) -> list[Row]:
    """The demo utterance, after load: matrix, layers, map, cross-layer map and read-out."""
    from playwright.sync_api import sync_playwright

    from tests.browsers import MISSING_CHROMIUM, find_chromium, running_server

    what = "layer change in the browser"
    executable = find_chromium()
    if executable is None:
        return [Row(what, MISSING_CHROMIUM)]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        store = {"ALAS_STORE": str(Path(folder, "store"))}
        with running_server(Path(folder, "log"), environment=store) as url:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.goto(url)
            for selector in (
                ".alas-sheet[data-drawn]",
                ".st-key-map_panel .alas-linked[data-drawn]",
                ".st-key-layers .alas-linked[data-drawn]",
                ".alas-lens[data-drawn]",
                "[data-testid=stApp][data-test-script-state=notRunning]",
            ):
                page.wait_for_selector(selector, timeout=180_000)
            times, views = [], 0
            for layer in [2, 5, 3, 6, 1, 4] * repeats:
                page.wait_for_timeout(PAUSE_MS)
                taken, views = page.evaluate(CHANGE, layer)
                times.append(taken)
        browser.close()
    median, worst = statistics.median(times), max(times)
    detail = f"{views} linked views; median of {len(times)}, slowest {worst:.0f} ms"
    return [Row(what, f"{median:.0f} ms", detail, f"< {MOST_MS} ms", median < MOST_MS)]


def server_rows(repeats: int) -> list[Row]:
    """What Python takes to run the page for another layer, with all views of the demo utterance."""
    from streamlit.testing.v1 import AppTest

    from alas_core.ui import opening

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, {"ALAS_STORE": folder}),
        mock.patch.object(opening, "PATIENCE_S", 0.0),  # no browser here says what it has drawn
    ):
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=READY_S).run()
        end = time.monotonic() + READY_S
        while not any("null" in caption.value for caption in page.caption) or page.get("progress"):
            if time.monotonic() > end:
                raise RuntimeError(f"the page is not complete after {READY_S} s")
            time.sleep(PAUSE_MS / 1000)
            page.run()
        times = []
        for layer in [2, 5, 3, 6, 1, 4] * repeats:
            page.session_state["layer"] = layer
            start = time.perf_counter()
            page.run()
            times.append(1000 * (time.perf_counter() - start))
    median, worst = statistics.median(times), max(times)
    detail = f"one run of the whole page; median of {len(times)}, slowest {worst:.0f} ms"
    return [
        Row("layer change on the server", f"{median:.0f} ms", detail, f"< {MOST_SERVER_MS} ms",
            median < MOST_SERVER_MS),
    ]  # fmt: skip
