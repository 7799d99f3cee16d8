"""Takes the pictures of every page that the README shows: `make screenshots`.

Each page is opened in a Chromium of its own at a usual width, in light and in dark, and pictured
once it has settled. The names of the files are page and theme.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browsers import MISSING_CHROMIUM, ROOT, find_chromium, running_server

TARGET = ROOT / "assets" / "screenshots"
PATIENCE_MS = 240_000
HEIGHT = 1000
QUALITY = 85
"""Of WebP: about 80 kB a picture, and small letters stay sharp."""

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass(frozen=True)
class Shot:
    """One page as it is shown: where it is, what it waits for, and how it is prepared."""

    name: str
    path: str
    ready: str
    prepare: Callable[[Page], None] | None = None


def with_null(page: Page) -> None:
    """Until the sheet's grey band is that of the wrong transcripts."""
    expect(page.locator(".st-key-status")).to_contain_text("wrong transcripts", timeout=PATIENCE_MS)


def run_started(page: Page) -> None:
    """A run of the demo's first recordings, which the second theme finds finished."""
    card = page.locator(".st-key-run-first-look")
    page.get_by_role("button", name="Start").wait_for()
    if not card.count():
        page.get_by_role("spinbutton", name="Utterances").fill("12")
        page.get_by_role("textbox", name="Name of the run").fill("first-look")
        page.get_by_role("textbox", name="Name of the run").press("Enter")
        page.get_by_role("button", name="Start").click()
    expect(card.get_by_text("12 of 12 utterances analysed")).to_be_visible(timeout=PATIENCE_MS)
    page.reload()  # with an empty form again


def model_checked(page: Page) -> None:
    """The demo model loaded, with its two prompts token by token."""
    page.get_by_role("button", name="Load and check").click()
    prompts = page.locator(".st-key-model_check .alas-prompt")
    expect(prompts).to_have_count(2, timeout=PATIENCE_MS)
    page.mouse.move(0, 0)  # away from the button's help
    expect(page.get_by_role("tooltip")).to_have_count(0)


HEADING = "[data-testid=stHeading]"
SHOTS = (
    Shot("explore", "/", ".alas-sheet[data-ready] .main-svg", with_null),
    Shot("compare", "/compare?b=model&b_model=demo-untrained", ".st-key-profiles .main-svg"),
    Shot("training", "/training", ".st-key-series_figure .main-svg"),
    Shot("runs", "/runs", HEADING, run_started),
    Shot("corpus", "/corpus?run=example", ".st-key-run_heat .alas-chart[data-ready] .main-svg"),
    Shot("models", "/models", HEADING, model_checked),
    Shot("method", "/method", ".katex-html"),
)


def settle(page: Page, ready: str) -> None:
    """Wait until the page shows what it is for and nothing is being computed."""
    page.wait_for_selector(ready, timeout=PATIENCE_MS)
    waiting = page.locator("[data-testid=stProgress], [data-testid=stSkeleton]")
    expect(waiting).to_have_count(0, timeout=PATIENCE_MS)
    page.wait_for_selector(IDLE, timeout=PATIENCE_MS)


def take(url: str, shots: tuple[Shot, ...], themes: tuple[str, ...], width: int) -> list[Path]:
    """Picture each page in each theme; the files written."""
    executable = find_chromium()
    if executable is None:
        raise SystemExit(MISSING_CHROMIUM)
    TARGET.mkdir(exist_ok=True)
    written = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for shot in shots:
            for theme in themes:
                size = {"width": width, "height": HEIGHT}
                context = browser.new_context(viewport=size, color_scheme=theme)
                page = context.new_page()
                page.goto(url + shot.path)
                settle(page, shot.ready)
                if shot.prepare is not None:
                    shot.prepare(page)
                    settle(page, shot.ready)
                suffix = "" if width == 1440 else f"-{width}"
                path = TARGET / f"{shot.name}-{theme}{suffix}.webp"
                with Image.open(io.BytesIO(page.screenshot())) as picture:
                    picture.save(path, quality=QUALITY, method=6)
                written.append(path)
                context.close()
        browser.close()
    return written


def main() -> None:
    """Start the server, take the pictures, say which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pages to picture (all)")
    parser.add_argument("--width", type=int, default=1440)
    options = parser.parse_args()
    shots = tuple(shot for shot in SHOTS if not options.names or shot.name in options.names)
    with tempfile.TemporaryDirectory(prefix="alas-") as folder:
        environment = {"ALAS_STORE": f"{folder}/store", "ALAS_RUNS": f"{folder}/runs"}
        environment["HF_HUB_OFFLINE"] = "1"
        with running_server(Path(folder) / "log.txt", environment=environment) as url:
            for path in take(url, shots, ("light", "dark"), options.width):
                print(path.relative_to(ROOT), f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
