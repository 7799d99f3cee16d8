"""No page is wider than its window."""

from __future__ import annotations

import pytest
from playwright.sync_api import TimeoutError as Late

from tests.browser.conftest import IDLE, Visitor
from tests.shipped import EARLY, kept

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PAGES = {
    "/": ".alas-lens[data-ready]",
    f"/compare?data=bundle&utterance={kept('demo-001')}": (
        f"[data-testid=stMain]:has(.st-key-changes:has-text('step {EARLY} →')) .st-key-maps svg"
    ),
    "/corpus?run=example": ".st-key-run_heat .alas-chart[data-ready]",
    "/training?series=checkpoints/demo-004": ".st-key-series_figure .main-svg",
    "/models": "[data-testid=stMain] [data-testid=stDataFrame]",
    "/runs": "[data-testid=stMain] :text('Runs are kept in')",
    "/method": ".katex-html",
}
"""A link to each page, and what is on it when its content is there."""

WIDER = """() => {
  const main = document.querySelector("[data-testid=stMain]");
  const edge = main.getBoundingClientRect().left + main.clientWidth + 1;
  const scrolls = (node) => node !== main
    && (getComputedStyle(node).overflowX !== "visible" || scrolls(node.parentElement));
  return [main, ...main.querySelectorAll("*")].filter((node) => node === main
    ? main.scrollWidth > main.clientWidth + 1
    : node.getBoundingClientRect().right > edge && node.clientWidth && !scrolls(node.parentElement),
  ).map((node) => `${node.tagName} ${node.className} ${node.textContent.slice(0, 60)}`);
}"""
"""Elements that reach beyond the window; a table may be wider inside a frame that scrolls."""

AT_REST = """() => new Promise((done) => {
  let [widths, since] = ["", performance.now()];
  const look = (now) => {
    const found = [...document.querySelectorAll("[data-testid=stMain], .main-svg")]
      .map((node) => node.getBoundingClientRect().width).join();
    if (found !== widths) [widths, since] = [found, now];
    if (now - since > 500) done();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
"""Waits until no figure has changed its width for half a second."""


@pytest.mark.parametrize("path", PAGES)
def test_no_element_reaches_beyond_the_window(visitor: Visitor, path: str) -> None:
    page = visitor.page
    page.goto(visitor.url + path)
    page.wait_for_selector(PAGES[path], state="attached")
    page.wait_for_selector(IDLE)
    for width in (1024, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(AT_REST)
        try:  # figures follow the window a moment later
            page.wait_for_function(f"() => ({WIDER})().length === 0", timeout=10_000)
        except Late:
            assert page.evaluate(WIDER) == []
    page.evaluate(
        """() => {
          const wide = document.createElement("p");
          wide.style.width = "3000px";
          document.querySelector("[data-testid=stMain]").firstElementChild.append(wide);
        }"""
    )
    assert page.evaluate(WIDER)
