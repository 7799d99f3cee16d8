"""The sheet in a real browser: follows clicks and keys at once, tells Python, plays one word."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from alas_core import frontend
from tests.browser.conftest import (
    IDLE,
    NEVER_AT_REST,
    Visitor,
    forget_played,
    listen,
    played_once,
    quiet,
    turn_away,
)
from tests.browsers import running_server
from tests.factory import make_analysis

pytestmark = pytest.mark.browser

APP = Path(__file__).with_name("sheet_app.py")
ROOT = ".alas-sheet"


@pytest.fixture(scope="module")
def sheet_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("sheet") / "log.txt", script=APP) as url:
        yield url


@pytest.fixture
def guests(browser: Browser, sheet_server: str) -> Iterator[type]:
    with contextlib.ExitStack() as stack:

        def make(case: str = "plain", **options: object) -> Visitor:
            guest = Visitor(browser, sheet_server, **options)
            stack.callback(guest.leave)
            guest.open(f"/?case={case}")
            guest.page.wait_for_selector(f"{ROOT}[data-drawn]")
            return guest

        yield make


@pytest.fixture
def page(guests: type) -> Page:
    return guests().page


def drawn(page: Page, layer: int, word: int | str) -> None:
    """Wait until the sheet shows this layer and word."""
    page.wait_for_selector(f"{ROOT}[data-drawn^='{layer}/{word}/']")


def told(page: Page, **expected: int | None) -> None:
    """Turn away from the sheet, and wait until Python has heard of this choice."""
    turn_away(page)
    heard_of(page, **expected)


def heard_of(page: Page, **expected: int | None) -> None:
    """Wait until Python has heard of this choice."""
    event = {"layer": None, "word": None, "frame": None, "token": None, **expected}
    expect(page.locator("[data-testid=stCode] code")).to_have_text(json.dumps([event]))


def point(page: Page, x: float, y: float, x_axis: str = "xaxis", y_axis: str = "yaxis4") -> list:
    """Where a value of two axes is on the screen."""
    return page.evaluate(
        """([x, y, xName, yName]) => {
          const figure = document.querySelector(".alas-figure");
          figure.scrollIntoView({ block: "center" });
          const [across, down] = [figure._fullLayout[xName], figure._fullLayout[yName]];
          const box = figure.getBoundingClientRect();
          return [box.left + across._offset + across.l2p(x), box.top + down._offset + down.l2p(y)];
        }""",
        [x, y, x_axis, y_axis],
    )


def click(page: Page, x: float, y: float, **axes: str) -> None:
    """Move there first: Plotly takes a click for the point that the mouse hovers over."""
    at = point(page, x, y, **axes)
    page.mouse.move(*at)
    page.wait_for_selector(".alas-figure .hoverlayer *", state="attached")
    page.mouse.click(*at)


def time_range(page: Page) -> list[float]:
    return page.evaluate(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range.map(Number)"
    )


def test_a_cell_of_layers_and_time_sets_layer_word_and_frame(page: Page) -> None:
    click(page, 0.82, 6)
    drawn(page, 6, 2)
    told(page, layer=6, word=2, frame=20)
    expect(page.get_by_test_id("stSidebar").get_by_role("slider")).to_have_value("6")


def test_silence_is_a_cell_like_any_other(page: Page) -> None:
    listen(page)
    click(page, 0.02, 6)
    label = page.locator(".alas-figure .hoverlayer .hovertext").first
    expect(label).to_have_text("0.00 s – 0.04 s · no word here · layer 6 · no value")
    page.wait_for_selector(f"{ROOT}[data-drawn='6//0/']")
    page.wait_for_function("() => window.played.at(-1) === ''")
    (span,) = filter(None, page.evaluate("() => window.played"))
    assert [float(end) for end in span.split("-")] == pytest.approx([0, 0.04])
    told(page, layer=6, frame=0)


def test_a_cell_of_tokens_and_time_sets_word_frame_and_token(page: Page) -> None:
    click(page, 0.3, 3, y_axis="yaxis5")
    drawn(page, 4, 1)
    told(page, layer=4, word=1, frame=7, token=3)
    page.locator(ROOT).press("ArrowDown")  # another layer alone leaves the rest as it is
    page.wait_for_selector(f"{ROOT}[data-drawn='5/1/7/3']")
    told(page, layer=5, word=1, frame=7, token=3)


@pytest.mark.parametrize(
    ("frame", "time", "heard"),
    [(0, 0.02, (0, 0.12)), (1, 0.06, (0, 0.12)), (2, 0.1, (0.08, 0.24))],  # there a word begins
)
def test_frames_of_one_window_are_drawn_apart_and_heard_together(
    guests: type, frame: int, time: float, heard: tuple[float, float]
) -> None:
    page = guests("windows").page
    listen(page)
    click(page, time, 3, y_axis="yaxis5")
    told = f"0.00 s – 0.12 s, frame {frame + 1} of 3 of this window"
    expect(page.locator(".alas-figure .hoverlayer")).to_contain_text(told)
    page.wait_for_selector(f"{ROOT}[data-drawn$='/{frame}/3']")
    page.wait_for_function("() => window.played.at(-1) === ''")
    (span,) = page.evaluate("() => window.played.filter(Boolean)")
    assert [float(end) for end in span.split("-")] == pytest.approx(heard, abs=1e-6)


def test_a_choice_that_rests_is_told_though_nobody_turns_away(page: Page) -> None:
    page.locator(ROOT).press("ArrowDown")
    drawn(page, 5, "")
    heard_of(page, layer=5)


def test_a_point_of_the_profile_sets_the_layer(page: Page) -> None:
    value = page.evaluate(
        """() => document.querySelector(".alas-figure")._fullData
             .find((trace) => trace.name === "profile").x[7]"""
    )
    click(page, value, 7, x_axis="xaxis2")
    drawn(page, 7, "")
    told(page, layer=7)


def test_the_chosen_word_has_its_own_line_in_the_profile(page: Page) -> None:
    line = """() => {
      const { visible, x } = document.querySelector(".alas-figure")._fullData
        .find((trace) => trace.name === "word profile");
      return visible && [...x];
    }"""
    assert page.evaluate(line) is False
    page.get_by_role("button", name="sleeps").click()
    drawn(page, 4, 3)
    analysis = make_analysis()
    values = analysis.word_scores["alas"][:, 3]
    assert page.evaluate(line) == pytest.approx(values.tolist(), rel=1e-5)
    layer = int(abs(values - analysis.scores["alas"]).argmax())  # there no other point is near
    page.mouse.move(*point(page, float(values[layer]), layer, x_axis="xaxis2"))
    label = page.locator(".alas-figure .hoverlayer .hovertext").first
    expect(label).to_contain_text(f"‘sleeps’ · layer {layer} · ALAS")
    page.locator(ROOT).press("Escape")
    drawn(page, 4, "")
    assert page.evaluate(line) is False


def test_a_bar_of_the_hit_rates_sets_the_tokens_word(page: Page) -> None:
    click(page, 0.3, 1, x_axis="xaxis3", y_axis="yaxis5")
    drawn(page, 4, 1)
    told(page, layer=4, word=1, token=1)


def test_a_word_of_the_tier_is_chosen_and_heard(page: Page) -> None:
    listen(page)
    click(page, 0.8, 0, y_axis="yaxis3")
    played_once(page, "0.52-1.08")
    drawn(page, 4, 2)
    told(page, layer=4, word=2, frame=20)


def test_a_chip_plays_just_its_word_and_stops(page: Page) -> None:
    listen(page)
    page.get_by_role("button", name="red").click()
    played_once(page, "0.2-0.52")
    expect(page.locator(".alas-playhead")).to_be_hidden()
    expect(page.get_by_role("button", name="red")).to_have_attribute("aria-pressed", "true")


def test_after_a_click_on_a_word_the_keys_are_the_sheets(page: Page) -> None:
    page.get_by_role("button", name="red").click()
    assert page.evaluate("() => document.activeElement.className").startswith("alas-sheet")
    listen(page)
    page.keyboard.press("ArrowRight")
    drawn(page, 4, 2)
    page.wait_for_function(
        "() => window.played.includes('0.52-1.08') && window.played.at(-1) === ''"
    )
    forget_played(page)
    page.keyboard.press("Space")
    page.wait_for_function("() => window.played.at(-1)?.startsWith('0.52-')")
    expect(page.get_by_role("button", name="fox")).to_have_attribute("aria-pressed", "true")


def test_the_chosen_word_is_told_in_numbers(page: Page) -> None:
    line, sheet = page.locator(".alas-line"), page.locator(ROOT)
    expect(line).to_have_text("No word is chosen.")
    height = sheet.bounding_box()["height"]
    page.get_by_role("button", name="fox").click()
    number = r"ALAS −?\d\.\d+ at layer"
    told = "‘fox’ · 0.52 – 1.08 s · 560 ms · 14 frames · "
    shift = r"( · onset shift \S+ ms)?"
    expect(line).to_have_text(re.compile(f"^{told}{number} 4{shift}$"))
    first = line.inner_text()
    sheet.press("ArrowDown")
    expect(line).to_have_text(re.compile(f"^{told}{number} 5{shift}$"))
    assert line.inner_text() != first.replace("layer 4", "layer 5")
    click(page, 0.02, 3, y_axis="yaxis5")
    expect(line).to_have_text("no word · 0.00 – 0.04 s · frame 0")
    assert sheet.bounding_box()["height"] == height
    expect(page.locator(".alas-clock")).to_have_text(re.compile(r"^\d\.\d\d / 1\.60 s$"))


def test_sound_that_cannot_be_played_is_told_to_every_reader(page: Page) -> None:
    page.evaluate(
        """() => {
          window.decode = BaseAudioContext.prototype.decodeAudioData;
          BaseAudioContext.prototype.decodeAudioData = () => Promise.reject(new Error("no codec"));
        }"""
    )
    page.locator(ROOT).press("3")
    page.get_by_role("button", name="fox").click()
    for place in (".alas-line", ".alas-status"):
        expect(page.locator(place)).to_have_text("This browser cannot play the sound: no codec")
    page.evaluate("() => { BaseAudioContext.prototype.decodeAudioData = window.decode; }")
    page.locator(ROOT).press("5")
    page.get_by_role("button", name="red").click()
    expect(page.locator(".alas-line")).to_have_text(re.compile("^‘red’ · "))


def test_another_views_choice_is_shown_heard_and_told(page: Page) -> None:
    listen(page)
    heard = page.evaluate(
        """() => {
          const [chosen] = globalThis[Symbol.for("alas.selections")].values();
          window.moves = [];
          chosen.subscribe((state, event) => { if (event.stir) moves.push(state.playhead); });
          chosen.pick({ layer: 6, word: 1, frame: 7 }, true);
          return { ...chosen.state };
        }"""
    )
    assert heard | {"playhead": None} == {
        "layer": 6, "word": 1, "frame": 7, "token": None, "playhead": None, "range": None
    }  # fmt: skip
    drawn(page, 6, 1)
    played_once(page, "0.2-0.52")
    told(page, layer=6, word=1, frame=7)
    assert page.evaluate("() => moves.some((at) => at > 0.2 && at < 0.53) && moves.at(-1) === null")


@pytest.mark.parametrize("key", ["r", "Enter"])
def test_a_key_plays_the_chosen_word_again(page: Page, key: str) -> None:
    page.get_by_label("Play on click").uncheck()
    page.get_by_role("button", name="red").click()
    drawn(page, 4, 1)
    listen(page)
    page.locator(ROOT).press(key)
    played_once(page, "0.2-0.52")
    drawn(page, 4, 1)


def test_enter_on_a_button_is_that_buttons(page: Page) -> None:
    listen(page)
    page.get_by_role("button", name="red").click()
    played_once(page, "0.2-0.52")
    forget_played(page)
    page.get_by_role("button", name="fox").press("Enter")
    played_once(page, "0.52-1.08")


def test_nothing_is_heard_if_that_is_switched_off(page: Page) -> None:
    page.get_by_label("Play on click").uncheck()
    page.get_by_role("button", name="red").click()
    drawn(page, 4, 1)
    told(page, layer=4, word=1)
    assert page.locator(ROOT).get_attribute("data-playing") in (None, "")


def test_space_plays_and_pauses_and_the_line_moves(page: Page) -> None:
    page.locator(ROOT).press("1")  # slowly, so that there is time to pause
    page.keyboard.press("Space")
    page.wait_for_selector(f"{ROOT}[data-playing^='0-1.6']")
    line = page.locator(".alas-playhead")
    first = line.bounding_box()["x"]
    page.wait_for_function(
        "x => document.querySelector('.alas-playhead').getBoundingClientRect().x > x + 20",
        arg=first,
    )
    page.keyboard.press("Space")
    page.wait_for_selector(f"{ROOT}[data-playing='']")
    expect(line).to_be_visible()


def test_the_playhead_crosses_every_panel_where_the_sound_is(page: Page) -> None:
    page.locator(ROOT).press("1")  # slowly, so that there is time to pause
    page.locator(ROOT).press("Space")
    page.wait_for_selector(f"{ROOT}[data-playing^='0-1.6']")
    page.wait_for_function(
        "() => parseFloat(document.querySelector('.alas-clock').innerText) > 0.2"
    )
    page.locator(ROOT).press("Space")
    page.wait_for_selector(f"{ROOT}[data-playing='']")
    line, panels, at = page.evaluate(
        """() => {
          const figure = document.querySelector(".alas-figure");
          const [box, line] = [figure, document.querySelector(".alas-playhead")]
            .map((node) => node.getBoundingClientRect());
          const { xaxis, yaxis, yaxis3, yaxis4, yaxis5 } = figure._fullLayout;
          const panels = [yaxis, yaxis3, yaxis4, yaxis5]
            .map(({ _offset, _length }) => [box.top + _offset, box.top + _offset + _length]);
          const time = parseFloat(document.querySelector(".alas-clock").innerText);
          return [{ top: line.top, bottom: line.bottom, x: line.left + line.width / 2 },
            panels, box.left + xaxis._offset + xaxis.l2p(time)];
        }"""
    )
    for top, bottom in panels:
        assert line["top"] - 1 <= top < bottom <= line["bottom"] + 1
    assert line["x"] == pytest.approx(at, abs=4)


def test_the_waveform_lies_on_the_time_axis_at_every_zoom(page: Page) -> None:
    lane = """() => {
      const root = document.querySelector(".alas-lane div").shadowRoot;
      const [stage, lane] = [".alas-stage", ".alas-lane"].map(
        (name) => document.querySelector(name).getBoundingClientRect());
      const { xaxis } = document.querySelector(".alas-figure")._fullLayout;
      const [scroll, wrapper] = [root.querySelector(".scroll"), root.querySelector(".wrapper")];
      return { left: lane.left - stage.left, width: lane.width, scroll: scroll.scrollLeft,
        whole: wrapper.getBoundingClientRect().width, drawn: root.querySelectorAll("canvas").length,
        from: xaxis._offset + xaxis.l2p(Math.max(xaxis.range[0], 0)),
        scale: xaxis._length / (xaxis.range[1] - xaxis.range[0]), start: xaxis.range[0] };
    }"""
    page.wait_for_selector(".alas-lane canvas", state="attached")
    whole = page.evaluate(lane)
    assert whole["left"] == pytest.approx(whole["from"], abs=1)
    assert whole["width"] == pytest.approx(1.6 * whole["scale"], abs=2)
    page.locator(ROOT).focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] > 0.5"
    )
    page.wait_for_function(
        """() => document.querySelector(".alas-lane div").shadowRoot
             .querySelector(".scroll").scrollLeft > 100"""
    )
    close = page.evaluate(lane)
    assert close["start"] == pytest.approx(0.6, abs=0.01)
    assert close["whole"] == pytest.approx(1.6 * close["scale"], rel=0.01)
    assert close["scroll"] == pytest.approx(0.6 * close["scale"], abs=3)
    page.keyboard.press("0")
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] === 0"
    )


def test_number_keys_set_the_speed_and_keep_the_pitch(page: Page) -> None:
    page.locator(ROOT).focus()
    page.keyboard.press("3")
    expect(page.get_by_label("Speed")).to_have_value("0.5")
    listen(page)
    page.evaluate("() => { window.started = performance.now(); }")
    page.get_by_role("button", name="fox").click()
    played_once(page, "0.52-1.08")
    assert page.evaluate("() => performance.now() - started") > 1000  # 0.56 s at half speed
    heard = page.evaluate(
        f"""() => {{
          {frontend.read("stretch.js")}
          const rate = 16000, tone = Float32Array.from({{ length: rate }},
            (_, i) => Math.sin(2 * Math.PI * 220 * i / rate));
          return [0.5, 0.75, 2].map((speed) => {{
            const out = stretch(tone, rate, speed);
            let turns = 0;
            for (let i = 1; i < out.length; i += 1) turns += out[i - 1] < 0 && out[i] >= 0;
            return [out.length / rate, turns / (out.length / rate), Math.max(...out)];
          }});
        }}"""
    )
    for (seconds, hertz, peak), speed in zip(heard, (0.5, 0.75, 2), strict=True):
        assert seconds == pytest.approx(1 / speed, rel=0.001)
        assert hertz == pytest.approx(220, rel=0.02)
        assert 0.9 < peak < 1.1


@pytest.mark.parametrize(("key", "speed"), [("2", 0.4), ("9", 2)])
def test_the_sound_lasts_as_long_as_the_speed_says(page: Page, key: str, speed: float) -> None:
    page.locator(ROOT).press(key)
    expect(page.get_by_label("Speed")).to_have_value(str(speed))
    page.evaluate(
        """() => {
          const root = document.querySelector(".alas-sheet");
          window.times = [];
          new MutationObserver(() => window.times.push(performance.now()))
            .observe(root, { attributeFilter: ["data-playing"] });
        }"""
    )
    page.locator(ROOT).press("Space")
    page.wait_for_function("() => window.times.length >= 2")
    began, ended = page.evaluate("() => window.times.slice(0, 2)")
    wanted = 1600 / speed  # wide bounds for a busy machine; at the usual speed both would fail
    assert 0.6 * wanted < ended - began < 1.8 * wanted


def looped(page: Page, span: str) -> None:
    """Wait until this span, and no other, has begun three times."""
    page.wait_for_function("() => window.played.filter(Boolean).length >= 3")
    assert set(page.evaluate("() => window.played")) == {span}


def test_a_word_is_looped_until_paused_and_then_from_its_start(page: Page) -> None:
    listen(page)
    page.locator(ROOT).focus()
    page.keyboard.press("l")
    expect(page.get_by_label("Loop")).to_be_checked()
    page.get_by_role("button", name="red").click()
    looped(page, "0.2-0.52")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_selector(f"{ROOT}[data-playing='']")
    forget_played(page)
    page.locator(ROOT).press("Space")
    looped(page, "0.2-0.52")


def test_a_word_that_has_ended_is_looped_from_its_start(page: Page) -> None:
    listen(page)
    page.get_by_role("button", name="red").click()
    played_once(page, "0.2-0.52")
    forget_played(page)
    for key in ("l", "Space"):
        page.locator(ROOT).press(key)
    looped(page, "0.2-0.52")


def test_a_loop_without_a_word_starts_again_where_it_first_did(page: Page) -> None:
    for key in ("l", "1"):  # slowly, so that there is time to pause
        page.locator(ROOT).press(key)
    page.get_by_role("button", name="fox").click()
    page.wait_for_selector(f"{ROOT}[data-playing='0.52-1.08']")
    page.locator(ROOT).press("Escape")  # what is played goes on
    page.locator(ROOT).press("Space")
    page.wait_for_selector(f"{ROOT}[data-playing='']")
    listen(page)
    page.locator(ROOT).press("Space")
    page.wait_for_function("() => window.played.length >= 2")
    rest, *again = page.evaluate("() => window.played")
    assert re.fullmatch(r"[01]\.\d+-1\.08", rest)
    assert float(rest.split("-")[0]) > 0.52
    assert set(again) == {"0.52-1.08"}


def test_a_word_that_was_paused_goes_on_to_its_own_end(page: Page) -> None:
    page.locator(ROOT).press("1")
    page.get_by_role("button", name="fox").click()
    page.wait_for_selector(f"{ROOT}[data-playing='0.52-1.08']")
    page.locator(ROOT).press("Space")
    page.wait_for_selector(f"{ROOT}[data-playing='']")
    listen(page)
    page.locator(ROOT).press("Space")
    page.wait_for_function("() => window.played.at(-1) === ''")
    (rest,) = filter(None, page.evaluate("() => window.played"))
    assert rest.endswith("-1.08")


def test_the_last_moment_is_heard_and_not_the_whole_sound(guests: type) -> None:
    page = guests("short").page
    listen(page)
    page.evaluate(
        """() => [...globalThis[Symbol.for("alas.selections")].values()][0]
             .pick({ word: null, frame: 39 }, true)"""
    )
    page.wait_for_function("() => window.played.at(-1) === ''")
    (span,) = filter(None, page.evaluate("() => window.played"))
    assert [float(end) for end in span.split("-")] == pytest.approx([1.56, 1.565])


def test_a_speed_that_is_left_and_taken_again_makes_one_player(page: Page) -> None:
    page.evaluate(
        """() => {
          const decode = BaseAudioContext.prototype.decodeAudioData;
          const wait = new Promise((open) => { window.open = open; });
          BaseAudioContext.prototype.decodeAudioData = async function (...given) {
            await wait;
            return decode.apply(this, given);
          };
        }"""
    )
    page.wait_for_selector(".alas-lane > div", state="attached")
    for key in ("3", "5", "3"):
        page.locator(ROOT).press(key)
    page.evaluate("() => window.open()")
    listen(page)
    page.get_by_role("button", name="red").click()
    played_once(page, "0.2-0.52")
    assert page.locator(".alas-lane > div").count() == 1


def test_a_word_under_the_mouse_is_heard_if_that_is_switched_on(page: Page) -> None:
    listen(page)
    chip = page.get_by_role("button", name="sleeps")
    chip.hover()
    page.get_by_label("Play on hover").check()
    assert page.evaluate("() => window.played") == []
    chip.hover()
    played_once(page, "1.08-1.2")
    drawn(page, 4, "")  # heard, not chosen


def test_a_word_of_the_tier_under_the_mouse_is_heard_likewise(page: Page) -> None:
    page.get_by_label("Play on hover").check()
    listen(page)
    page.mouse.move(*point(page, 0.8, 0, y_axis="yaxis3"))
    played_once(page, "0.52-1.08")
    drawn(page, 4, "")


def test_a_choice_outside_the_zoom_is_scrolled_to(page: Page) -> None:
    page.get_by_role("button", name="the").click()
    page.locator(ROOT).focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[1] < 0.5"
    )
    page.evaluate(
        """() => [...globalThis[Symbol.for("alas.selections")].values()][0].pick({ word: 4 })"""
    )
    drawn(page, 4, 4)
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] > 1"
    )


def test_a_long_transcript_scrolls_to_its_chosen_word(guests: type) -> None:
    page = guests("long").page
    chips = page.locator(".alas-words button")
    for word in (40, 3):
        page.evaluate(
            """(word) => [...globalThis[Symbol.for("alas.selections")].values()][0]
                 .pick({ word })""",
            word,
        )
        expect(chips.nth(word)).to_have_attribute("aria-pressed", "true")
        row, chip = page.locator(".alas-words").bounding_box(), chips.nth(word).bounding_box()
        assert row["x"] <= chip["x"] + 1
        assert chip["x"] + chip["width"] <= row["x"] + row["width"] + 1


def test_keys_step_through_layers_and_words(page: Page) -> None:
    page.get_by_label("Play on click").uncheck()
    page.locator(ROOT).focus()
    page.keyboard.press("ArrowUp")
    drawn(page, 3, "")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    drawn(page, 3, 1)
    page.keyboard.press("ArrowLeft")
    drawn(page, 3, 0)
    told(page, layer=3, word=0)
    page.keyboard.press("Escape")
    drawn(page, 3, "")
    told(page, layer=3)


def test_fast_keys_are_neither_lost_nor_taken_back(page: Page) -> None:
    page.evaluate(
        """() => {
          const root = document.querySelector(".alas-sheet");
          window.seen = [];
          new MutationObserver(() => window.seen.push(Number(root.dataset.layer)))
            .observe(root, { attributeFilter: ["data-layer"] });
          root.focus();
        }"""
    )
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    drawn(page, 8, "")
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    drawn(page, 0, "")
    told(page, layer=0)
    steps = page.evaluate("() => window.seen")
    assert steps == [5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_words_beyond_the_row_are_hinted_at(page: Page) -> None:
    row = page.locator(".alas-words")
    expect(row).not_to_have_attribute("data-after", "")
    row.evaluate("(node) => { node.style.width = '120px'; node.scrollLeft = 1; }")
    row.evaluate("(node) => node.scrollTo(0, 0)")
    expect(row).to_have_attribute("data-after", "")
    expect(row).not_to_have_attribute("data-before", "")
    row.evaluate("(node) => node.scrollTo(1e4, 0)")
    expect(row).to_have_attribute("data-before", "")
    expect(row).not_to_have_attribute("data-after", "")


def test_python_moves_the_sheet(page: Page) -> None:
    handle = page.get_by_test_id("stSidebar").get_by_role("slider")
    handle.press("ArrowRight")
    drawn(page, 5, "")


def test_another_fold_keeps_choice_and_zoom(page: Page) -> None:
    page.get_by_role("button", name="fox").click()
    drawn(page, 4, 2)
    left, right = point(page, 0.4, 2), point(page, 1.2, 2)
    page.mouse.move(*left)
    page.mouse.down()
    page.mouse.move(*right, steps=8)
    page.mouse.up()
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] > 0.3"
    )
    page.get_by_test_id("stSidebar").get_by_text("Words").click()
    page.wait_for_function(
        """() => document.querySelector('.alas-figure').layout.annotations
             .some((note) => note.text.includes('layers × words'))"""
    )
    drawn(page, 4, 2)
    assert time_range(page) == pytest.approx([0.4, 1.2], abs=0.02)
    page.get_by_role("button", name="Reset zoom").click()
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] === 0"
    )
    assert time_range(page) == pytest.approx([0, 1.6])


FOLDED = """(fold) => document.querySelector('.alas-figure').layout.annotations
  .some((note) => note.text.includes(`layers × ${fold}`))"""


def test_a_zoom_by_keys_outlives_every_new_picture(page: Page) -> None:
    fold = page.get_by_test_id("stSidebar").get_by_text("Words")
    page.get_by_role("button", name="fox").click()
    page.locator(ROOT).press("+")
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] > 0.3"
    )
    for name in ("words", "time", "words"):
        fold.click()
        page.wait_for_function(FOLDED, arg=name)
        drawn(page, 4, 2)
        assert time_range(page) == pytest.approx([0.4, 1.2], abs=0.01)
    page.mouse.dblclick(*point(page, 0.8, 2))
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] === 0"
    )
    assert time_range(page) == pytest.approx([0, 1.6])


def test_a_double_click_shows_all_of_the_recording_that_is_there_now(page: Page) -> None:
    page.get_by_test_id("stSidebar").get_by_text("Other").click()
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[1] > 2"
    )
    page.locator(ROOT).press("+")
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] > 0.5"
    )
    page.mouse.dblclick(*point(page, 1.2, 2))
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] === 0"
    )
    assert time_range(page) == pytest.approx([0, 2.4])


def test_a_zoom_by_keys_outlives_the_fetching_of_a_layer(guests: type) -> None:
    page = guests("large").page
    page.locator(ROOT).press("+")
    page.wait_for_function(
        "() => document.querySelector('.alas-figure')._fullLayout.xaxis.range[0] > 0.3"
    )
    page.locator(ROOT).press("ArrowDown")
    page.wait_for_selector(f"{ROOT}[data-ready$='/5']")
    assert time_range(page) == pytest.approx([0.4, 1.2], abs=0.01)


def test_the_null_replaces_the_quick_one_without_losing_the_choice(page: Page) -> None:
    toggle = page.get_by_test_id("stSidebar").get_by_text("Early")
    toggle.click()
    page.wait_for_function(
        """() => document.querySelector('.alas-figure').data
             .some((trace) => trace.name === 'permuted words low')"""
    )
    page.locator(ROOT).focus()
    page.keyboard.press("ArrowDown")
    drawn(page, 5, "")
    told(page, layer=5)
    toggle.click()
    page.wait_for_function(
        """() => document.querySelector('.alas-figure').data
             .some((trace) => trace.name === 'null band')"""
    )
    drawn(page, 5, "")


def test_hover_says_time_layer_token_and_cosine(page: Page) -> None:
    page.mouse.move(*point(page, 0.82, 2, y_axis="yaxis5"))
    label = page.locator(".alas-figure .hoverlayer .hovertext").first
    expect(label).to_contain_text("0.80 s – 0.84 s · layer 4 · token ‘fox’ · cosine 0.")


def test_text_of_users_stays_text(guests: type) -> None:
    page = guests("evil").page
    chips = page.locator(".alas-words button")
    expect(chips.nth(1)).to_have_text("<img src=x onerror=alert(1)>")
    expect(chips.nth(2)).to_have_text(r"$\alpha$")
    assert page.locator(f"{ROOT} img, {ROOT} .alas-words b").count() == 0
    labels = page.locator(".alas-figure .yaxislayer-above text, .alas-figure .y5tick text")
    assert "<b>x</b>" in labels.all_text_contents()
    page.mouse.move(*point(page, 0.82, 0, y_axis="yaxis5"))
    expect(page.locator(".hoverlayer .hovertext").first).to_contain_text("token ‘<b>x</b>’")


def test_a_word_without_a_place_says_why_and_is_silent(guests: type) -> None:
    page = guests("unplaced").page
    chip = page.get_by_role("button", name="fox")
    expect(chip).to_have_attribute("title", "fox: not in the dictionary")
    chip.click()
    drawn(page, 4, 2)
    expect(page.locator(".alas-line")).to_have_text("‘fox’ · not in the dictionary")
    assert page.locator(ROOT).get_attribute("data-playing") in (None, "")


def test_a_change_of_layer_sends_neither_library_nor_data_again(
    browser: Browser, sheet_server: str
) -> None:
    guest = Visitor(browser, sheet_server)
    received: list[int] = []
    guest.page.on(
        "websocket", lambda ws: ws.on("framereceived", lambda frame: received.append(len(frame)))
    )
    page = guest.open("/?case=long")
    page.wait_for_selector(f"{ROOT}[data-drawn]")
    assert sum(received) > 900_000
    layer = int(page.locator(ROOT).get_attribute("data-layer"))
    page.wait_for_selector(IDLE)
    quiet(page, received)  # what the first run still sends is no part of it
    received.clear()
    page.locator(ROOT).focus()
    page.keyboard.press("ArrowDown")
    drawn(page, layer + 1, "")
    told(page, layer=layer + 1)
    assert 0 < sum(received) < 60_000
    guest.leave()


def similarity(page: Page) -> dict:
    return page.evaluate(
        """() => {
          const { _fullData, layout } = document.querySelector(".alas-figure");
          const { z, opacity, hovertemplate } =
            _fullData.find((trace) => trace.name === "similarity");
          const { text } = layout.annotations.find((note) => note.name === "tokens title");
          return { z: z[0][0], opacity, hovertemplate, title: text };
        }"""
    )


def test_a_layer_whose_similarity_is_not_here_is_fetched_at_once(guests: type) -> None:
    page = guests("large").page
    page.evaluate(NEVER_AT_REST)
    drawn_id = page.locator(ROOT).get_attribute("data-ready")
    assert drawn_id.endswith("/4")
    before = similarity(page)
    assert "cosine at layer 4" in before["title"]
    page.evaluate(
        """() => {
          const plot = document.querySelector(".alas-figure");
          window.titles = [];
          plot.on("plotly_afterplot", () => window.titles.push(
            plot.layout.annotations.find((note) => note.name === "tokens title").text));
        }"""
    )
    page.locator(ROOT).press("ArrowDown")
    page.wait_for_selector(f"{ROOT}[data-ready$='/5']")
    told(page, layer=5)
    after = similarity(page)
    assert "cosine at layer 5" in after["title"]
    assert after["z"] != before["z"]
    assert "layer 5" in after["hovertemplate"]
    titles = page.evaluate("() => [...new Set(window.titles)].map((text) => text.split('  ')[1])")
    # A last drawing of layer 4 may still come before the key.
    assert titles[-2:] == ["path at layer 5, cosine still of 4", "cosine at layer 5"]


def test_a_choice_on_a_picture_that_waits_for_another_is_not_told(page: Page) -> None:
    sidebar = page.get_by_test_id("stSidebar")
    sidebar.get_by_text("Waiting").click()
    page.wait_for_selector(f"{ROOT}[data-live=false]")
    listen(page)
    page.get_by_role("button", name="red").click()
    drawn(page, 4, 1)
    played_once(page, "0.2-0.52")
    sidebar.get_by_text("Waiting").click()  # turns to the page, at which choices are told at once
    page.wait_for_selector(f"{ROOT}[data-live=true]")
    expect(page.locator("[data-testid=stCode] code")).to_have_text("[]")
    page.get_by_role("button", name="fox").click()
    told(page, layer=4, word=2)


def test_sheet_can_leave_and_come_back(page: Page) -> None:
    page.locator(ROOT).focus()
    page.keyboard.press("Space")
    toggle = page.get_by_test_id("stSidebar").get_by_text("Hide")
    toggle.click()
    expect(page.locator(ROOT)).to_have_count(0)
    toggle.click()
    drawn(page, 4, "")
    page.get_by_role("button", name="red").click()
    drawn(page, 4, 1)


def test_the_sheet_is_saved_as_a_picture(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert download.value.suggested_filename == "alas-planted-layer-4.svg"
    picture = tmp_path / "sheet.svg"
    download.value.save_as(picture)
    text = picture.read_text()
    assert "cosine at layer 4" in text
    assert "rgb(255, 255, 255)" in text


@pytest.mark.parametrize("width", [1024, 1440, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off(guests: type, width: int, scheme: str) -> None:
    guest = guests("long", viewport={"width": width, "height": 1100}, color_scheme=scheme)
    page = guest.page
    page.get_by_role("button", name="yellow").last.click()
    page.evaluate(
        """() => [...globalThis[Symbol.for("alas.selections")].values()][0].pick({ layer: 0 })"""
    )
    expect(page.locator(".alas-line")).to_contain_text("at layer 0 · taken for")
    guest.keep(f"sheet-{width}-{scheme}")
    outside = page.evaluate(
        """() => {
          const stage = document.querySelector(".alas-stage").getBoundingClientRect();
          return [...document.querySelectorAll(".alas-stage text")]
            .filter((node) => node.textContent && node.getBoundingClientRect().width > 0)
            .filter((node) => {
              const box = node.getBoundingClientRect();
              return box.left < stage.left - 1 || box.right > stage.right + 1
                || box.bottom > stage.bottom + 1;
            }).map((node) => node.textContent);
        }"""
    )
    assert outside == []
    for part in (".alas-keys", ".alas-line"):
        fits = (
            "(node) => [node.scrollWidth - node.clientWidth, node.scrollHeight - node.clientHeight]"
        )
        assert page.locator(part).evaluate(fits) == [0, 0]
    bar = page.locator(".alas-bar").first.bounding_box()
    last = page.get_by_role("button", name="SVG").bounding_box()
    assert last["x"] + last["width"] <= bar["x"] + bar["width"] + 1
