"""Keys and focus in a real browser: whose a key is, and that nobody loses their place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import IDLE, NEVER_AT_REST, place_in, quiet
from tests.browser.test_sheet import ROOT, drawn, guests, listen, sheet_server
from tests.browser.test_trust import cell, grid

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
__all__ = ["guests", "sheet_server"]  # fixtures

LENS = ".alas-lens"
HAS_FOCUS = "(inside) => Boolean(document.activeElement.closest(inside))"


def watched(guests: type, case: str) -> tuple[Page, list[int]]:
    """A page at rest, and the lengths of what it tells the server from now on."""
    page, sent = guests(case).page, []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(len(frame))))
    page.reload()
    page.wait_for_selector(f"{ROOT}[data-drawn]")
    page.wait_for_selector(IDLE)
    quiet(page, sent)
    assert sent
    sent.clear()
    return page, sent


def open_lens(guests: type) -> Page:
    """The sheet and its read-out, where nothing is told to Python by resting."""
    page = guests("plain&lens=1").page
    page.evaluate(NEVER_AT_REST)
    page.wait_for_selector(f"{LENS}[data-ready]")
    return page


def choose(page: Page, **change: int) -> None:
    page.evaluate(
        """(change) => [...globalThis[Symbol.for("alas.selections")].values()][0].pick(change)""",
        change,
    )


def chosen(page: Page) -> dict[str, int | None]:
    state = page.evaluate(
        """() => [...globalThis[Symbol.for("alas.selections")].values()][0].state"""
    )
    return {name: state[name] for name in ("layer", "word", "frame", "token")}


def scrolled(page: Page) -> float:
    return page.locator("[data-testid=stMain]").evaluate("(main) => main.scrollTop")


def test_r_is_the_sheets_and_runs_no_script(guests: type) -> None:
    page, sent = watched(guests, "plain")
    page.locator(ROOT).press("r")
    page.wait_for_timeout(1500)
    assert sent == []


def test_the_slider_of_layers_keeps_its_arrows_alone(guests: type) -> None:
    page = guests().page
    listen(page)
    slider = page.locator(ROOT).get_by_role("slider", name="Layer")
    slider.press("ArrowRight")
    drawn(page, 5, "")
    slider.press("Space")
    page.wait_for_function("() => window.played.at(-1) === '0-1.6'")


def test_a_figure_of_which_nothing_can_be_chosen_does_not_look_or_act_so(guests: type) -> None:
    page, sent = watched(guests, "plain&chart=1&lens=1")
    cursors = {}
    for name in ("still", "reading"):
        figure = page.locator(f".st-key-{name} .alas-chart[data-ready] .nsewdrag").first
        figure.scroll_into_view_if_needed()
        cursors[name] = figure.evaluate("(node) => getComputedStyle(node).cursor")
    assert cursors["still"] != "pointer"
    assert cursors["reading"] == "pointer"
    page.locator(".st-key-still .nsewdrag").click()
    page.wait_for_selector(".st-key-still .hoverlayer .hovertext")
    page.wait_for_timeout(1500)
    assert sent == []


MARKS = """(name) => document.querySelector(`.st-key-${name} .js-plotly-plot`).layout.shapes
  .filter((shape) => shape.visible !== false && ["layer", "word"].includes(shape.name))
  .map(({ name, x0, y0, y1 }) => [name, name === "word" ? x0 : y0 === y1 ? y0 : null])"""


def marks(page: Page, name: str) -> dict[str, float]:
    return dict(page.evaluate(MARKS, name))


def test_figures_below_the_sheet_choose_and_follow_without_the_server(guests: type) -> None:
    page = guests("plain&trials=1&lens=1").page
    page.evaluate(NEVER_AT_REST)
    page.wait_for_selector(".st-key-curves .alas-chart[data-layer]")
    page.wait_for_selector(".st-key-reading .alas-chart[data-layer]")
    listen(page)
    # Beside every curve, a little off the row: the layer of the place, not of the nearest point.
    page.mouse.click(*place_in(page, "curves", 0.02, 2.3))
    page.wait_for_selector(f"{ROOT}[data-layer='2']")
    page.wait_for_selector(".st-key-reading .alas-chart[data-layer='2']")
    assert marks(page, "curves") == {"layer": 2}
    assert marks(page, "reading") == {"layer": 2}
    assert page.evaluate("() => window.played.filter(Boolean)") == []  # no word was chosen
    page.keyboard.press("ArrowDown")  # the sheet's key, and the figure has the focus
    page.wait_for_selector(".st-key-curves .alas-chart[data-layer='3']")
    page.mouse.click(*place_in(page, "reading", 1, 4))
    page.wait_for_selector(f"{ROOT}[data-layer='4'][data-word='1']")
    page.wait_for_function("() => window.played.some(Boolean)")
    assert marks(page, "reading") == {"layer": 4, "word": 0.5}
    assert marks(page, "curves") == {"layer": 4}
    page.locator(".alas-words button").nth(2).click()
    page.wait_for_function(
        "() => document.querySelector('.st-key-reading .js-plotly-plot').layout.shapes"
        ".some(({ name, x0 }) => name === 'word' && x0 === 1.5)"
    )
    page.locator(ROOT).press("Escape")
    page.wait_for_function(
        "() => document.querySelector('.st-key-reading .js-plotly-plot').layout.shapes"
        ".every(({ name, visible }) => name !== 'word' || visible === false)"
    )


def test_one_word_is_a_stop_for_tab_and_arrows_go_on_from_there(guests: type) -> None:
    page = guests("long").page
    page.get_by_label("Play on click").uncheck()
    chips = page.locator(".alas-words button")
    stops = page.locator(".alas-words button[tabindex='0']")
    assert chips.count() == 48
    expect(stops).to_have_count(1)
    page.get_by_role("slider", name="Layer").last.focus()  # the last stop before the words
    page.keyboard.press("Tab")
    expect(chips.first).to_be_focused()
    for word in (0, 1, 2):
        page.keyboard.press("ArrowRight")
        expect(chips.nth(word)).to_be_focused()
        expect(chips.nth(word)).to_have_attribute("tabindex", "0")
    expect(stops).to_have_count(1)
    page.keyboard.press("Tab")
    assert not page.evaluate(HAS_FOCUS, ".alas-words")


def test_a_word_keeps_the_focus_while_layers_are_fetched(guests: type) -> None:
    page = guests("large").page
    page.locator(".alas-words button").first.focus()
    for layer in (5, 6):
        page.keyboard.press("ArrowDown")
        page.wait_for_selector(f"{ROOT}[data-ready$='/{layer}']")
        drawn(page, layer, "")
    expect(page.locator(".alas-words button").first).to_be_focused()


def test_who_follows_a_token_keeps_their_place(guests: type) -> None:
    page = open_lens(guests)
    choose(page, word=1, frame=7)
    third = page.locator(".alas-lens-top button").nth(2)
    third.click()
    page.wait_for_selector(f"{LENS}[data-followed]:not([data-followed=''])")
    top = scrolled(page)
    assert top > 0
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(f"{LENS}[data-drawn^='5/1/']")
    expect(third).to_be_focused()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_selector(f"{LENS}[data-followed='']")
    expect(page.locator(LENS)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(f"{LENS}[data-drawn^='6/1/']")
    assert scrolled(page) == top


def test_a_step_of_layers_in_the_read_out_leaves_the_rest_chosen(guests: type) -> None:
    page = open_lens(guests)
    choose(page, word=1, frame=7, token=1)
    page.locator(LENS).press("ArrowDown")
    page.wait_for_selector(f"{LENS}[data-drawn^='5/1/']")
    assert chosen(page) == {"layer": 5, "word": 1, "frame": 7, "token": 1}
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{LENS}[data-drawn='5/1/8']")
    assert chosen(page) == {"layer": 5, "word": 1, "frame": 8, "token": None}


def test_after_a_click_in_the_read_out_the_keys_are_the_sheets(guests: type) -> None:
    page = open_lens(guests)
    page.get_by_label("Play on click").uncheck()
    grid(page).click(position=cell(page, 4, 0.3))
    page.wait_for_selector(f"{LENS}[data-drawn^='4/1/']")
    top = scrolled(page)
    listen(page)
    page.keyboard.press("r")
    page.wait_for_function(
        "() => window.played.includes('0.2-0.52') && window.played.at(-1) === ''"
    )
    page.keyboard.press("Space")
    page.wait_for_function("() => window.played.at(-1)")
    assert scrolled(page) == top
    page.locator(".alas-lens-top button").first.click()
    page.wait_for_selector(f"{LENS}[data-followed]:not([data-followed=''])")
    page.keyboard.press("Escape")  # first it lets go of the token, then of the word
    page.wait_for_selector(f"{LENS}[data-followed='']")
    assert chosen(page)["word"] == 1
    page.keyboard.press("Escape")
    page.wait_for_selector(f"{ROOT}[data-word='']")
