"""What comes later finds its place kept free: nothing that is being read moves away."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SLOW_MS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

# Where the map begins below the panel above it: each place where it rests for a moment, since one
# is taken away a frame before the other is drawn.
WATCH = """() => {
  window.places = [];
  window.waited = false;
  let [place, since] = [0, 0];
  const look = (now) => {
    const map = document.querySelector(".st-key-map_panel");
    const top = document.querySelector(".st-key-trust_panel");
    if (top?.querySelector(".stSkeleton")) window.waited = true;
    if (map && top) {
      const found = map.getBoundingClientRect().top - top.getBoundingClientRect().top;
      if (found !== place) [place, since] = [found, now];
      if (now - since > 150 && places.at(-1) !== place) places.push(place);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
SHOWN = """(figure) => window.waited
  || document.querySelector(`.st-key-trust_panel .st-key-${figure}_figure`)"""
LITTLE_PX = 80
"""A line of progress, a sentence more or less."""


def places(page: Page) -> list[float]:
    page.wait_for_timeout(400)
    return list(page.evaluate("() => places"))


def test_the_map_stays_where_it_is_when_read_out_and_trials_arrive(visitor) -> None:
    page = visitor.open("/?utterance=demo-009&layer=3")
    page.evaluate(WATCH)
    expect(page.locator(".alas-lens[data-ready]")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator(".st-key-reading .alas-chart[data-ready]")).to_be_visible()
    found = places(page)
    assert max(found) - min(found) <= LITTLE_PX, f"the read-out pushed the map away: {found}"
    for view, figure in (("Centering and sinks", "centering"), ("Sensitivity", "sensitivity")):
        page.evaluate("() => { places.length = 0; window.waited = false; }")
        page.get_by_role("radio", name=view, exact=True).click()
        page.wait_for_function(SHOWN, arg=figure)
        page.evaluate("() => { places.length = 0 }")
        drawn = page.locator(f".st-key-{figure}_figure .alas-chart[data-ready]")
        expect(drawn).to_be_visible(timeout=SLOW_MS)
        found = places(page)
        assert page.evaluate("() => waited"), f"{view} was there at once: nothing was tested"
        assert max(found) - min(found) <= LITTLE_PX, f"{view} pushed the map away: {found}"
