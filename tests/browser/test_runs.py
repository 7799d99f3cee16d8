"""The Runs page on the real server: start, watch, cancel, reload, resume, see the data set."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import SLOW_MS

pytestmark = pytest.mark.browser


def badge(page: Page, state: str) -> Locator:
    """The state in the run's card; an icon stands before it in the same paragraph."""
    return page.locator(".st-key-run-first p").filter(has_text=re.compile(rf"{state}$")).first


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_a_run_is_started_watched_cancelled_and_resumed_after_a_reload(visitors) -> None:
    first, second = (
        visitors(),
        visitors(color_scheme="dark", viewport={"width": 1024, "height": 800}),
    )
    page = first.open("/runs")
    expect(page.get_by_text("No run yet")).to_be_visible()
    first.choose("Reference (word times)", "own word times")
    page.get_by_role("spinbutton", name="Wrong transcripts").fill("0")
    page.get_by_role("textbox", name="Name of the run").fill("first")
    page.get_by_role("textbox", name="Name of the run").press("Enter")
    first.keep("runs-empty")
    button(page, "Start").click()
    expect(badge(page, "Running")).to_be_visible()
    expect(
        page.get_by_text(re.compile(r"Analysing \d+/48, .*/s, \d+ (s|min) left"))
    ).to_be_visible()
    first.keep("runs-running")
    other = second.open("/runs")
    expect(badge(other, "Running")).to_be_visible()
    button(other, "Pause").click()
    expect(badge(page, "Paused")).to_be_visible()
    button(page, "Cancel").click()
    expect(badge(page, "Cancelled")).to_be_visible()
    expect(badge(other, "Cancelled")).to_be_visible()
    second.keep("runs-cancelled-dark")
    kept = page.get_by_text(re.compile(r"\d+ of 48 utterances analysed")).inner_text()
    assert 0 < int(kept.split()[0]) < 48
    page.reload()
    button(page, "Resume").click()
    expect(badge(page, "Finished")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("48 of 48 utterances analysed, 0 skipped")).to_be_visible()
    first.keep("runs-finished")
    page.locator(".st-key-run-first").get_by_role("link", name="Data set").click()
    expect(page).to_have_url(re.compile(r"/corpus\?.*run=first"))
    expect(page.get_by_role("heading", name="Data set", exact=True)).to_be_visible()
