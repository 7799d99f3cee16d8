"""The views below the sheet in a real browser: read-out, controls, centering, sensitivity."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from alas_core.variations import CONTROLS
from tests.browser.conftest import SLOW_MS, Visitor, turn_away

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ROOT = ".alas-lens"


@pytest.fixture(scope="module")
def guest(browser: Browser, server: str) -> Iterator[Visitor]:
    """One page load for all tests of this file, which go on from each other's state."""
    visitor = Visitor(browser, server, viewport={"width": 1440, "height": 1000})
    visitor.open("/?layer=2")
    visitor.see_picture()
    yield visitor
    visitor.leave()


def grid(page: Page) -> Locator:
    page.wait_for_selector(f"{ROOT}[data-ready]")
    return page.locator(".alas-lens-grid")


def cell(page: Page, layer: int, share: float) -> dict[str, float]:
    """Where a layer's row is, that far along the time axis."""
    box = grid(page).bounding_box()
    row = (box["height"] - 24 - 34) / 9
    return {"x": 86 + share * (box["width"] - 86 - 8), "y": 24 + (layer + 0.5) * row}


def test_a_cell_of_the_read_out_shows_its_ten_and_follows_one(guest: Visitor) -> None:
    page = guest.page
    grid(page).click(position=cell(page, 4, 0.4))
    page.wait_for_selector(f"{ROOT}[data-drawn^='4/']")
    expect(page.locator(".alas-lens-top li")).to_have_count(10)
    expect(page.locator(".alas-lens-title")).to_contain_text("Layer 4")
    first = page.locator(".alas-lens-top .alas-lens-token").first
    text = first.inner_text()
    first.click()
    page.wait_for_selector(f"{ROOT}[data-followed='{text}']")
    title = page.locator(".alas-lens-trail title")
    expect(title).to_contain_text(re.compile(rf"‘{re.escape(text)}’.*layer 4: \d"))
    guest.keep("readout-1440-light")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_selector(f"{ROOT}[data-followed='']")


def test_read_out_and_sheet_share_layer_word_and_frame(guest: Visitor) -> None:
    page = guest.page
    grid(page).click(position=cell(page, 6, 0.4))
    drawn = re.compile(r"^6/(\d+)")
    expect(page.locator(".alas-sheet")).to_have_attribute("data-drawn", drawn)
    word = drawn.match(page.locator(".alas-sheet").get_attribute("data-drawn")).group(1)
    expect(page.locator(ROOT)).to_have_attribute("data-drawn", re.compile(rf"^6/{word}/\d+$"))
    slider = page.locator(".alas-sheet").get_by_role("slider", name="Layer")
    expect(slider).to_have_value("6")
    page.locator(".alas-words button").first.click()
    expect(page.locator(ROOT)).to_have_attribute("data-drawn", re.compile(r"^6/0/\d+$"))
    whole = page.locator(ROOT).get_attribute("data-range")
    page.locator(".alas-sheet").press("+")
    page.wait_for_function(
        """(whole) => {
          const [from, to] = document.querySelector(".alas-figure")._fullLayout.xaxis.range;
          const seen = document.querySelector(".alas-lens").dataset.range;
          return seen !== whole && seen === `${from}-${to}`;
        }""",
        arg=whole,
    )
    page.locator(".alas-sheet").press("0")
    expect(page.locator(ROOT)).to_have_attribute("data-range", whole)


def test_the_playhead_is_in_the_read_out_where_it_is_in_the_sheet(guest: Visitor) -> None:
    page = guest.page
    line = page.locator(".alas-lens-playhead")
    expect(line).to_be_hidden()
    for key in ("Escape", "1", "Space"):  # slowly, so that there is time to pause
        page.locator(".alas-sheet").press(key)
    expect(line).to_be_visible()
    first = line.bounding_box()["x"]
    page.wait_for_function(
        "x => document.querySelector('.alas-lens-playhead').getBoundingClientRect().x > x + 20",
        arg=first,
    )
    page.locator(".alas-sheet").press("Space")
    page.wait_for_selector(".alas-sheet[data-playing='']")
    there, here, rows = page.evaluate(
        """() => [".alas-playhead", ".alas-lens-playhead", ".alas-lens-grid"]
             .map((name) => document.querySelector(name).getBoundingClientRect().toJSON())"""
    )
    assert here["x"] == pytest.approx(there["x"], abs=3)
    assert here["top"] <= rows["top"] + 25
    assert here["bottom"] >= rows["bottom"] - 35
    page.locator(".alas-sheet").press("5")


def test_the_transcripts_tokens_are_read_likewise(guest: Visitor) -> None:
    page = guest.page
    page.get_by_role("button", name="Transcript tokens").click()
    page.wait_for_selector(f"{ROOT}[data-side='text']")
    grid(page).click(position=cell(page, 0, 0.02))
    page.wait_for_selector(f"{ROOT}[data-drawn='0/0/0']")
    expect(page.locator(".alas-lens-title")).to_contain_text("token")
    # At layer 0 of the text run the nearest input embedding is the token's own.
    expect(page.locator(".alas-lens-top .alas-lens-value").first).to_have_text("1.0")
    expect(page.locator(".alas-lens-status")).to_contain_text("the word itself")
    page.get_by_role("button", name="Audio frames").click()


def test_it_is_said_and_shown_at_which_layer_each_word_is_read(guest: Visitor) -> None:
    panel = guest.page.locator(".st-key-trust_panel")
    expect(panel.get_by_text(re.compile(r"names \d+ of \d+ words"))).to_be_visible()
    told(guest)  # Python marks what the test before chose, and draws the figure anew for it
    drawn = panel.locator(".st-key-reading .alas-chart[data-ready]")
    drawn.scroll_into_view_if_needed()
    expect(drawn.locator(".ytick")).to_have_count(9)
    # The second word's cell of layer 3; below the last layer there may be a row for unread words.
    x, y = drawn.evaluate(
        """(chart) => {
          const inner = chart.querySelector(".nsewdrag").getBoundingClientRect();
          const label = chart.querySelectorAll(".ytick text")[3].getBoundingClientRect();
          const words = chart.querySelectorAll(".xtick").length;
          return [inner.left + 1.5 / words * inner.width, label.top + label.height / 2];
        }"""
    )
    guest.page.mouse.click(x, y)
    guest.page.wait_for_selector(".alas-sheet[data-layer='3'][data-word='1']")


def told(guest: Visitor) -> None:
    """Wait until Python knows the sheet's layer and word, and has drawn what follows from them."""
    turn_away(guest.page)
    guest.page.wait_for_function(
        """() => {
          const [told, { layer, word }] = [
            new URLSearchParams(location.search), document.querySelector(".alas-sheet").dataset];
          return told.get("layer") === layer && (told.get("word") ?? "") === word;
        }"""
    )
    guest.settle()


def view(page: Page, name: str) -> Locator:
    """Open one of the views below the sheet and wait until nothing is computed any more."""
    panel = page.locator(".st-key-trust_panel")
    panel.get_by_role("radio", name=name, exact=True).click()
    return panel


def drawn_names(panel: Locator, figure: str) -> Locator:
    return panel.locator(f".st-key-{figure} :is(.legendtext, .legend2text)")


def test_controls_are_run_on_demand_and_drawn_under_the_real_curve(guest: Visitor) -> None:
    page = guest.page
    panel = view(page, "Controls")
    expect(drawn_names(panel, "controls_figure")).to_have_text(
        ["wrong transcripts", "this recording"]
    )
    for name in ("Noise instead", "Other speed"):
        panel.get_by_role("button", name=name, exact=True).click()
    curves = ["wrong transcripts", "this recording", "Noise instead", "Other speed, 0.9×"]
    expect(drawn_names(panel, "controls_figure")).to_have_text(curves, timeout=SLOW_MS)
    said = panel.get_by_text(re.compile(r"ALAS −?[\d.]+ at layer \d \(recording \d\.\d"))
    expect(said).to_have_count(2)
    for control in CONTROLS.values():
        if control.label not in ("Noise instead", "Other speed"):
            panel.get_by_role("button", name=control.label, exact=True).click()
    drawn_with(panel, {"snr": ", 0 dB", "speed": ", 0.9×"})
    for label in ("Noise added", "Other speed"):
        panel.get_by_role("slider", name=label).press("ArrowRight")
    drawn_with(panel, {"snr": ", -5 dB", "speed": ", 1.1×"})
    expect(said).to_have_count(len(CONTROLS))
    expect(panel.get_by_test_id("stProgress")).to_have_count(0)
    guest.keep("controls-1440-light")


def drawn_with(panel: Locator, values: dict[str, str]) -> None:
    """Wait until all controls are drawn, with these values."""
    curves = [control.label + values.get(name, "") for name, control in CONTROLS.items()]
    names = drawn_names(panel, "controls_figure")
    expect(names).to_have_text(["wrong transcripts", "this recording", *curves], timeout=SLOW_MS)


def test_centering_shows_its_effect_and_what_masking_leaves_out(guest: Visitor) -> None:
    panel = view(guest.page, "Centering and sinks")
    curves = ["As published", "Mean removed", "Standardised", "Sinks masked"]
    names = drawn_names(panel, "centering_figure")
    expect(names).to_have_text(["wrong transcripts", "this recording", *curves], timeout=SLOW_MS)
    expect(panel.get_by_text("Masked positions")).to_be_visible()


def test_sensitivity_has_its_small_multiples_and_its_rule(guest: Visitor) -> None:
    panel = view(guest.page, "Sensitivity")
    expect(panel.locator(".st-key-sensitivity_figure .subplot")).to_have_count(8)
    names = ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "as given", "±20 ms", "±40 ms", "±80 ms"]
    expect(drawn_names(panel, "sensitivity_figure")).to_have_text(names)
    sentence = r"^(All \d+ other scores rank the layers|The ranking of layers depends on the score)"
    expect(panel.get_by_role("listitem").filter(has_text=re.compile(sentence))).to_be_visible()
    expect(panel.get_by_text("Kendall's tau-b over the layers is below 0.5")).to_be_visible()
    expect(panel.get_by_text("Moving every boundary of the reference")).to_be_visible()


def show(guest: Visitor, said: str) -> str:
    """From the page's end, press the Show of a finding without scrolling to it; its text."""
    guest.settle()  # a run that is under way may put another button in its place
    page = guest.page
    row = page.locator(".st-key-findings [data-testid=stHorizontalBlock]", has_text=said).last
    main = page.get_by_test_id("stMain")
    main.evaluate("(main) => { main.scrollTop = main.scrollHeight; }")
    text = row.inner_text()
    row.get_by_role("button", name="Show").evaluate("(button) => button.click()")
    return text


def test_a_finding_leads_to_the_view_that_shows_it(guest: Visitor) -> None:
    page = guest.page
    panel = view(page, "Sensitivity")
    expect(panel.get_by_role("radio", name="Sensitivity")).to_be_checked()
    show(guest, "vocabulary read-out")
    expect(panel).to_be_in_viewport()
    expect(panel.get_by_role("radio", name="Read-out")).to_be_checked()
    expect(panel.locator(ROOT)).to_be_visible()
    page.wait_for_function(  # below the page's own bar, not under it
        """() => document.querySelector(".st-key-trust_panel").getBoundingClientRect().top
          >= document.querySelector("[data-testid=stHeader]").getBoundingClientRect().bottom"""
    )


def test_a_finding_chooses_the_layer_and_word_that_it_speaks_of(guest: Visitor) -> None:
    page, sheet = guest.page, guest.page.locator(".alas-sheet")
    best = re.search(r"\d+", page.get_by_role("button", name="Best layer").inner_text()).group()
    sheet.press("Escape")
    sheet.press("ArrowUp" if int(best) > 4 else "ArrowDown")
    expect(sheet).not_to_have_attribute("data-layer", best)
    expect(sheet).to_have_attribute("data-word", "")
    layer = sheet.get_attribute("data-layer")
    turn_away(page)
    expect(page).to_have_url(re.compile(rf"[?&]layer={layer}\b(?!.*word=)"))
    text = show(guest, "the weakest:")
    weakest = re.search(r"the weakest: \W(.+?)\W [-−.\d]", text).group(1)
    expect(sheet).to_be_in_viewport()
    expect(sheet).to_have_attribute("data-layer", best)
    word = page.locator(".alas-words button", has_text=re.compile(f"^{re.escape(weakest)}$"))
    expect(word).to_have_attribute("aria-pressed", "true")
    places = page.locator(".alas-words button").all_inner_texts()
    expect(sheet).to_have_attribute("data-word", str(places.index(weakest)))
