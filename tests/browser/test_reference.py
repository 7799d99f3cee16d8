"""The reference in a real browser: how good it is, and where its word times can be taken to."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_reference_is_compared_and_taken_along(visitor):
    page = visitor.open()
    visitor.see_picture()
    page.get_by_text("How good is the reference?").click()
    expect(
        page.get_by_text("every boundary moved at random by up to 20, 40, 80 ms")
    ).to_be_visible()
    expect(page.locator(".st-key-jitter .main-svg").first).to_be_visible()
    page.get_by_text("Compare with a second reference").click()
    visitor.choose("Second reference", "Came with the recording")
    expect(page.get_by_text("ms apart on average")).to_be_visible()
    expect(page.locator(".st-key-agreement .main-svg").first).to_be_visible()
    visitor.choose("Second reference", "Whisper checkpoint")
    page.get_by_role("button", name="Download and load").click()
    problem = (
        page.get_by_text("openai/whisper-large-v3")
        .filter(has_text="cannot be")
        .or_(page.get_by_text("neither in the local cache nor reachable"))
    )
    expect(problem.first).to_be_visible()
    expect(page.locator(".st-key-jitter .main-svg").first).to_be_visible()
    page.get_by_role("radio", name="Download", exact=True).click()
    with page.expect_download() as caught:
        page.get_by_role("button", name="Word times (TextGrid)").click()
    assert "IntervalTier" in Path(caught.value.path()).read_text()
