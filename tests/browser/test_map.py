"""The map in a real browser: follows the page's choices, and chooses for all other views."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NEVER_AT_REST, Visitor, listen, played_once
from tests.browser.test_sheet import drawn, guests, sheet_server, told

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
__all__ = ["guests", "sheet_server"]  # fixtures

MAP = ".st-key-map_panel .alas-linked"


def shown(page: Page, **state: int | str) -> None:
    """Wait until the map shows this layer, word, frame and token."""
    parts = [str(state.get(name, "")) for name in ("layer", "word", "frame", "token")]
    page.wait_for_selector(f"{MAP}[data-drawn='{'/'.join(parts)}']")


def open_map(guests: type, **options: object) -> Visitor:
    guest = guests("plain&map=1", **options)
    shown(guest.page, layer=4)
    return guest


def trace(page: Page, name: str) -> dict:
    found = page.wait_for_function(
        """([root, name]) => {
          const { x, y, z } = document.querySelector(`${root} .js-plotly-plot`)?.data
            ?.find((trace) => trace.name === name) ?? {};
          return x && { x: [...x], y: [...y], z: z && [...z] };
        }""",
        arg=[MAP, name],
    )
    return found.json_value()


def click_point(page: Page, name: str, index: int) -> None:
    """Hover first: Plotly takes a click for the point that the mouse is on."""
    at = page.evaluate(
        """([root, name, index]) => {
          const plot = document.querySelector(`${root} .js-plotly-plot`);
          plot.scrollIntoView({ block: "center" });
          const { xaxis, yaxis } = plot._fullLayout;
          const trace = plot.data.find((trace) => trace.name === name);
          const box = plot.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.l2p(trace.x[index]),
                  box.top + yaxis._offset + yaxis.l2p(trace.y[index])];
        }""",
        [MAP, name, index],
    )
    page.mouse.move(at[0] + 3, at[1])
    page.mouse.move(*at)
    page.wait_for_selector(f"{MAP} .hoverlayer .hovertext")
    page.mouse.click(*at)


def test_a_point_of_the_map_is_chosen_everywhere_and_heard(guests: type) -> None:
    page = open_map(guests).page
    listen(page)
    click_point(page, "text token", 1)
    drawn(page, 4, 1)
    shown(page, layer=4, word=1, token=1)
    rings = trace(page, "chosen")
    assert len(rings["x"]) == 9  # eight frames of "red" and its token
    assert len(trace(page, "chosen ties")["x"]) == 24
    assert len(trace(page, "trail of the chosen word")["x"]) == 9
    played_once(page, "0.2-0.52")
    told(page, layer=4, word=1, token=1)


WINDOW = """(root) => {
  const { xaxis, yaxis } = document.querySelector(`${root} .js-plotly-plot`)._fullLayout;
  return [...xaxis.range, ...yaxis.range].map(Number);
}"""


def test_a_double_click_on_the_map_shows_all_of_the_recording_that_is_there_now(
    guests: type,
) -> None:
    page = open_map(guests).page
    before = page.evaluate(WINDOW, MAP)
    page.get_by_test_id("stSidebar").get_by_text("Other").click()
    page.wait_for_function(f"([root, old]) => ({WINDOW})(root).join() !== old.join()",
                           arg=[MAP, before])  # fmt: skip
    whole = page.evaluate(WINDOW, MAP)
    plot = page.locator(f"{MAP} .js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    x, y = box["x"] + box["width"] - 30, box["y"] + box["height"] - 30
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 80, y - 50, steps=5)
    page.mouse.up()
    moved = page.evaluate(WINDOW, MAP)
    assert max(abs(a - b) for a, b in zip(moved, whole, strict=True)) > 0.01
    page.mouse.dblclick(x, y)
    page.wait_for_function(
        f"([root, old]) => ({WINDOW})(root).every((end, i) => Math.abs(end - old[i]) < 1e-6)",
        arg=[MAP, whole],
    )


def test_a_word_chosen_far_down_the_page_does_not_move_it(guests: type) -> None:
    page = guests("plain&map=1", viewport={"width": 1440, "height": 500}).page
    shown(page, layer=4)
    click_point(page, "text token", 1)
    drawn(page, 4, 1)
    top = page.locator("[data-testid=stMain]").evaluate("(main) => main.scrollTop")
    assert top > 500
    click_point(page, "text token", 3)  # which scrolls to the map's middle, where it was
    drawn(page, 4, 3)
    assert page.locator("[data-testid=stMain]").evaluate("(main) => main.scrollTop") == top


def test_a_frame_chosen_on_the_sheet_is_marked_on_the_map(guests: type) -> None:
    page = open_map(guests).page
    page.evaluate(
        """() => [...globalThis[Symbol.for("alas.selections")].values()][0]
             .pick({ frame: 12, word: 1 })"""
    )
    shown(page, layer=4, word=1, frame=12)
    frame, mark = trace(page, "audio frame"), trace(page, "chosen point")
    assert mark["x"] == [frame["x"][12]]


def test_the_layer_moves_map_sheet_and_layers_without_the_server(guests: type) -> None:
    guest = open_map(guests)
    page = guest.page
    before, title = trace(page, "audio frame"), page.locator(f"{MAP} .alas-linked-title")
    expect(title).to_have_text("Map of audio frames and text tokens, layer 4")
    guest.context.set_offline(True)  # what is there must not need the server
    page.evaluate(NEVER_AT_REST)
    page.locator(".alas-sheet").focus()
    page.keyboard.press("ArrowDown")
    drawn(page, 5, "")
    shown(page, layer=5)
    expect(title).to_have_text("Map of audio frames and text tokens, layer 5")
    assert trace(page, "audio frame")["x"] != before["x"]
    crossing = page.evaluate(
        """() => document.querySelector(".st-key-layers .js-plotly-plot").layout.shapes
             .map((shape) => [shape.x0, shape.y0])"""
    )
    assert crossing == [[-0.5, 5], [5, -0.5]]
    for name in ("Map of audio frames and text tokens, layer 5", "Layers of hearing"):
        expect(page.get_by_role("group", name=name)).to_have_count(1)
    guest.context.set_offline(False)


FILLS = """(root) => [...document.querySelectorAll(`${root} .scatterlayer .point`)]
  .map((point) => getComputedStyle(point).fill)"""


def test_each_choice_of_colour_paints_the_points_anew(guests: type) -> None:
    page = open_map(guests).page
    seen = {"Modality": page.evaluate(FILLS, MAP)}
    assert len(seen["Modality"]) >= 45  # 40 frames and 5 tokens
    before = "Modality"
    for choice in ("Word", "Time", "Finds its word"):
        page.get_by_role("radio", name=choice, exact=True).click()
        page.wait_for_function(
            f"([root, before]) => String(({FILLS})(root)) !== String(before)",
            arg=[MAP, seen[before]],
        )
        seen[choice], before = page.evaluate(FILLS, MAP), choice
    kinds = {choice: len(set(fills)) for choice, fills in seen.items()}
    assert len({str(fills) for fills in seen.values()}) == 4
    assert kinds["Word"] >= 6  # five words and silence
    assert kinds["Time"] > 20


def test_outlines_are_drawn_around_frames_and_tokens(guests: type) -> None:
    page = open_map(guests).page
    assert page.locator(f"{MAP} .scatterlayer .js-fill:not([d=''])").count() == 0
    page.get_by_role("button", name="Outlines", exact=True).click()
    page.wait_for_selector(f"{MAP}[data-figure*='hulls']")
    for name, points in (("all frames", "audio frame"), ("all tokens", "text token")):
        outline, inside = trace(page, name), trace(page, points)
        assert len(outline["x"]) > 3
        for axis in "xy":
            assert max(outline[axis]) == max(inside[axis])
            assert min(outline[axis]) == min(inside[axis])
    expect(page.locator(f"{MAP} .scatterlayer .js-fill")).to_have_count(2)


def test_three_dimensions_follow_too(guests: type) -> None:
    page = open_map(guests).page
    page.get_by_role("radio", name="3-D", exact=True).click()
    page.wait_for_selector(f"{MAP}[data-figure*='/PCA3']")
    page.wait_for_selector(f"{MAP} .gl-container, {MAP} #scene", state="attached")
    page.locator(".alas-words button", has_text="red").click()
    shown(page, layer=4, word=1)
    rings = trace(page, "chosen")
    assert len(rings["z"]) == 9
