"""One real server and one Chromium for all browser tests; a page that forgives no error."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from alas_core import frontend
from tests.browsers import ROOT, running_server

SCREENSHOTS = ROOT / "tests" / "screenshots"
SLOW_MS = 180_000
"""The first analysis of a cold server on a busy machine; later ones take a second or two."""

(REST_MS,) = re.findall(r"TELL_AFTER_MS = (\d+);", frontend.read("sheet.js"))
NEVER_AT_REST = f"""
const later = window.setTimeout;
window.setTimeout = (act, after, ...rest) => later(act, after === {REST_MS} ? 1e9 : after, ...rest);
"""
"""A script after which no choice is told to Python by resting alone, however long."""

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
"""The page while no run of its script is under way."""

expect.set_options(timeout=SLOW_MS / 1.5)

# Streamlit's own frontend asks for these below a page's address before it finds the root.
PROBES = ("/_stcore/health", "/_stcore/host-config")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server with a store and runs of its own."""
    folder = tmp_path_factory.mktemp("server")
    environment = {"ALAS_STORE": str(folder / "store"), "HF_HUB_OFFLINE": "1"}
    environment["ALAS_RUNS"] = str(folder / "runs")
    environment["OMP_NUM_THREADS"] = "1"  # on a busy machine two threads mostly wait for each other
    with running_server(folder / "log.txt", environment=environment) as url:
        yield url


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium without a sandbox of its own (tests often run as root in a container)."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--use-fake-device-for-media-stream"]
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        launched.close()


class Visitor:
    """A browser session that writes down everything that should not happen."""

    def __init__(self, browser: Browser, url: str, **options: object) -> None:
        size = {"width": 1440, "height": 900}
        self.context = browser.new_context(**{"viewport": size, **options})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(SLOW_MS)
        self.url = url
        self.troubles: list[str] = []
        self.page.on("console", self._hear)
        self.context.on("request", lambda request: self._watch(request.url))
        self.page.on("websocket", lambda socket: self._watch(socket.url))
        self.page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].endswith(PROBES):
            self.troubles.append(f"console: {message.text} ({message.location['url']})")

    def _watch(self, url: str) -> None:
        """Everything works without an internet: nothing is asked for anywhere else."""
        home, there = urlsplit(self.url), urlsplit(url)
        if there.scheme not in ("blob", "data") and there.netloc != home.netloc:
            self.troubles.append(f"a request to another host: {url}")

    def open(self, path: str = "/") -> Page:
        """Go to a page and wait until Streamlit has drawn something."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector("[data-testid=stSidebar]")
        return self.page

    def see_picture(self) -> None:
        """Wait until the sheet is drawn and no analysis is running."""
        self.page.wait_for_selector(".alas-sheet[data-ready] .main-svg", timeout=SLOW_MS)
        self.settle()

    def settle(self) -> None:
        """Wait until the script is idle and the analysis complete."""
        status = self.page.locator(".st-key-status")
        expect(status).to_contain_text("null:", timeout=SLOW_MS)
        expect(self.page.locator("[data-testid=stProgress]")).to_have_count(0, timeout=SLOW_MS)
        self.page.wait_for_selector(IDLE, timeout=SLOW_MS)

    def choose(self, label: str, option: str) -> None:
        """Pick an option of a selectbox by (part of) its text."""
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option).first.click()

    def keep(self, name: str) -> Path:
        """Save a screenshot of the window under tests/screenshots."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def leave(self) -> None:
        """Close, and fail on anything that went wrong."""
        boxes = self.page.locator("[data-testid=stException]").count()
        self.context.close()
        assert boxes == 0, "an exception box was on the page"
        assert self.troubles == []


def turn_away(page: Page) -> None:
    """Scroll as a reader does who is done choosing: Python is told at once, not after a rest."""
    page.evaluate("() => document.dispatchEvent(new WheelEvent('wheel'))")


def quiet(page: Page, frames: list[int]) -> None:
    """Wait until no frame of the websocket has been added for longer than a page polls."""
    before = -1
    while before != len(frames):
        before = len(frames)
        page.wait_for_timeout(1500)


def place_in(page: Page, name: str, x: float, y: float) -> tuple[float, float]:
    """Where a place of a figure's axes is in the window."""
    figure = page.locator(f".st-key-{name} .alas-chart[data-ready]")
    figure.scroll_into_view_if_needed()
    return tuple(
        figure.evaluate(
            """(root, [x, y]) => {
              const plot = root.querySelector(".js-plotly-plot");
              const { xaxis, yaxis } = plot._fullLayout;
              const { left, top } = plot.getBoundingClientRect();
              return [left + xaxis._offset + xaxis.l2p(x), top + yaxis._offset + yaxis.l2p(y)];
            }""",
            [x, y],
        )
    )


def listen(page: Page) -> None:
    """Write down every span that is played: a short word is over before a slow test looks."""
    page.evaluate(
        """() => {
          const root = document.querySelector(".alas-sheet");
          window.played = [];
          new MutationObserver(() => window.played.push(root.dataset.playing))
            .observe(root, { attributeFilter: ["data-playing"] });
        }"""
    )


def forget_played(page: Page) -> None:
    """Begin the list of `listen` anew."""
    page.evaluate("() => { window.played = []; }")


def played_once(page: Page, span: str) -> None:
    """Wait until exactly this span has been played, to its end."""
    page.wait_for_function("() => window.played.at(-1) === ''")
    assert page.evaluate("() => window.played.filter(Boolean)") == [span]


@pytest.fixture
def visitors(browser: Browser, server: str) -> Iterator[type]:
    """Makes visitors; each is checked when the test is over."""
    with contextlib.ExitStack() as stack:

        def make(**options: object) -> Visitor:
            visitor = Visitor(browser, server, **options)
            stack.callback(visitor.leave)
            return visitor

        yield make


@pytest.fixture
def visitor(visitors) -> Visitor:
    """One visitor with a wide window."""
    return visitors()
