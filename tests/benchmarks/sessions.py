"""Ten people at once: `python -m tests.benchmarks.sessions` prints what a layer change takes.

Each session is a browser context of its own on the demo. It changes the layer by the sheet's
slider, which is drawn in the browser and told to the server afterwards. Taken is the time from the
key to the painted sheet, in the browser: Playwright's own looks are up to a second apart.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browsers import MISSING_CHROMIUM, find_chromium, running_server

PATIENCE_MS = 120_000
ALLOWED_P95_S = 1.0
WHOLE_PAGE = (
    ".alas-sheet[data-drawn] .main-svg",
    ".st-key-map_panel .alas-linked[data-drawn]",
    ".st-key-layers .alas-linked[data-drawn]",
    "[data-testid=stApp][data-test-script-state=notRunning]",
)


@dataclass
class Found:
    """What all sessions saw."""

    waits_s: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    opened_s: float = 0.0


CHANGE = """() => {
  const sheet = document.querySelector(".alas-sheet");
  const slider = sheet.querySelector("input[type=range]");
  const frame = () => new Promise(requestAnimationFrame);
  slider.focus();
  window.alasChange = new Promise((resolve) => {
    slider.addEventListener("keydown", async (pressed) => {
      const before = sheet.dataset.drawn;
      while (sheet.dataset.drawn === before) await frame();
      await frame(); // painted
      resolve(performance.now() - pressed.timeStamp);
    }, { once: true });
  });
  return [Number(slider.value), Number(slider.max)];
}"""
"""From the moment the browser took the key, before the page had time for it, to the new picture."""


async def opened(browser: Browser, url: str, number: int, found: Found) -> Page:
    """One person: a browser context of its own, with the whole page of the demo in it."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    page.on("pageerror", lambda error: found.troubles.append(f"{number}: {error}"))
    await page.goto(url)
    for drawn in WHOLE_PAGE:
        await page.wait_for_selector(drawn, timeout=PATIENCE_MS)
    return page


async def session(page: Page, number: int, until: float, look_s: float, found: Found) -> None:
    """Changes layers until the time is over."""
    chance = random.Random(number)
    while time.monotonic() < until:
        found.waits_s.append(await change_layer(page))
        await asyncio.sleep(chance.uniform(0.5, look_s))  # people look at what they see
    boxes = await page.locator("[data-testid=stException], [data-testid=stAlert]").count()
    if boxes:
        found.troubles.append(f"{number}: {boxes} error boxes")


async def change_layer(page: Page) -> float:
    """Seconds from the key to the sheet as painted at the new layer."""
    layer, last = await page.evaluate(CHANGE)
    await page.keyboard.press("ArrowLeft" if layer == last else "ArrowRight")
    waited: float = await asyncio.wait_for(page.evaluate("window.alasChange"), PATIENCE_MS / 1000)
    return waited / 1000


async def run(url: str, chromium: str, sessions: int, seconds: float, look_s: float = 2.0) -> Found:
    """All sessions at once."""
    found = Found()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--mute-audio"]
        )
        warm = await browser.new_page()  # the first look computes the analysis once
        await warm.goto(url)
        await warm.wait_for_selector(".alas-sheet[data-ready] .main-svg", timeout=PATIENCE_MS)
        await expect(warm.locator(".st-key-status")).to_contain_text("null:", timeout=PATIENCE_MS)
        await warm.close()
        began = time.monotonic()
        pages = await asyncio.gather(
            *(opened(browser, url, number, found) for number in range(sessions))
        )
        found.opened_s = time.monotonic() - began
        until = time.monotonic() + seconds  # of all of them at once
        people = (session(page, number, until, look_s, found) for number, page in enumerate(pages))
        for outcome in await asyncio.gather(*people, return_exceptions=True):
            if isinstance(outcome, BaseException):
                found.troubles.append((str(outcome).splitlines() or [repr(outcome)])[0])
        await browser.close()
    return found


def main() -> int:
    """Start the server, let the sessions run, print the figures; 1 if one failed or was slow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument(
        "--look",
        type=float,
        default=2.0,
        help="the longest look at a layer in seconds; after 3 s of rest the page is run",
    )
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None:
        print(MISSING_CHROMIUM, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        log, store = Path(folder, "log.txt"), str(Path(folder, "store"))
        environment = {"ALAS_STORE": store, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        with running_server(log, environment=environment) as url:
            found = asyncio.run(run(url, chromium, options.sessions, options.seconds, options.look))
        defects = re.findall(
            r"defect \w+.*|Traceback.*\n(?:[ \t].*\n)*.*", log.read_text(encoding="utf-8")
        )
        # Streamlit's own: it closes a socket once more whose browser has just gone.
        defects = [text for text in defects if "WebSocketDisconnected" not in text]
    print(f"{options.sessions} sessions, {options.seconds:g} s on the demo")
    print(f"looks of up to {options.look:g} s, all opened after {found.opened_s:.0f} s")
    p95 = report("layer change", found.waits_s)
    for trouble in (*found.troubles, *defects):
        print(f"error: {trouble}")
    if p95 >= ALLOWED_P95_S:
        print(f"too slow: a p95 of {p95:.2f} s, allowed are {ALLOWED_P95_S:g} s")
    return 1 if found.troubles or defects or p95 >= ALLOWED_P95_S else 0


def report(name: str, waits: list[float]) -> float:
    """Print median, 95th percentile and number of the waits; the 95th percentile, in seconds."""
    if len(waits) < 2:
        return math.inf
    p95 = statistics.quantiles(waits, n=20)[-1]
    middle = statistics.median(waits)
    print(f"{name:24}{len(waits):5}  median {middle:.2f} s  p95 {p95:.2f} s")
    return p95


if __name__ == "__main__":
    sys.exit(main())
