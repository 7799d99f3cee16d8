"""Takes the pictures of every page that the README shows: `make screenshots`.

Each page is opened in a Chromium of its own at a usual width, in light and in dark, and pictured
once it has settled. The names of the files are page and theme.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browsers import MISSING_CHROMIUM, ROOT, find_chromium, running_server

TARGET = ROOT / "assets" / "screenshots"
PATIENCE_MS = 240_000
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass(frozen=True)
class Shot:
    """One page as it is shown: where it is, what it waits for, and how it is prepared."""

    name: str
    path: str
    ready: str
    prepare: Callable[[Page], None] | None = None
    height: int = 1000


SHEET = ".alas-sheet[data-ready] .main-svg"
SHOTS = (
    Shot("explore", "/", SHEET),
    Shot("method", "/method", "h1, [data-testid=stHeading]"),
)


def settle(page: Page, ready: str) -> None:
    """Wait until the page shows what it is for and nothing is being computed."""
    page.wait_for_selector(ready, timeout=PATIENCE_MS)
    progress = page.locator("[data-testid=stProgress]")
    expect(progress).to_have_count(0, timeout=PATIENCE_MS)
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
                size = {"width": width, "height": shot.height}
                context = browser.new_context(viewport=size, color_scheme=theme)
                page = context.new_page()
                page.goto(url + shot.path)
                settle(page, shot.ready)
                if shot.prepare is not None:
                    shot.prepare(page)
                    settle(page, shot.ready)
                suffix = "" if width == 1440 else f"-{width}"
                path = TARGET / f"{shot.name}-{theme}{suffix}.png"
                page.screenshot(path=path)
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
    with tempfile.TemporaryDirectory() as folder:
        environment = {"ALAS_STORE": f"{folder}/store", "HF_HUB_OFFLINE": "1"}
        with running_server(Path(folder) / "log.txt", environment=environment) as url:
            for path in take(url, shots, ("light", "dark"), options.width):
                print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
