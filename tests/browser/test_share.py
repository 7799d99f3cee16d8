"""Passing on what is on the screen: bundles, reports, links, files, in a real browser."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from urllib.parse import parse_qs, quote

import numpy as np
import pytest
from playwright.sync_api import expect

from alas_core.bundle import loads
from alas_core.figures import cross_layer_figure
from alas_core.figures.reading import reading_figure
from tests.browser.conftest import IDLE, SLOW_MS, Visitor, listen, place_in, turn_away
from tests.browsers import running_server
from tests.shipped import EARLY, STEPS, kept

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def chips(visitor: Visitor):
    return visitor.page.locator(".alas-words button")


def download(visitor: Visitor, button: str) -> Path:
    with visitor.page.expect_download(timeout=SLOW_MS) as caught:
        visitor.page.get_by_role("button", name=button).click()
    return Path(caught.value.path())


PAINTED = """(id) => new Set(
  document.getElementById(id)._fullData.find((trace) => trace.type === "heatmap").z
    .flatMap((row) => [...row]).filter(Number.isFinite)).size"""


TIMES = """() => {
  const root = document.querySelector(".alas-sheet");
  const clock = document.querySelector(".alas-clock");
  window.times = [];
  new MutationObserver(() => {
    if (root.dataset.playing) times.push(parseFloat(clock.innerText));
  }).observe(clock, { childList: true });
}"""
"""Writes down where the playhead is while something is played."""


def test_the_share_menu_copies_a_link_to_what_is_seen(visitors):
    """A page that frames the app, as a Space does, shows no address to copy."""
    visitor = visitors()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.open("/?data=bundle")
    visitor.see_picture()
    chips(visitor).nth(2).click()
    page.get_by_role("button", name="Share").click()
    field = page.get_by_role("textbox", name="Link to this view")
    expect(field).to_have_value(re.compile(r"[?&]word=2(&|$)"))
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link == field.input_value() == page.url

    other = visitors()
    other.page.goto(link)
    other.see_picture()
    expect(chips(other).nth(2)).to_have_attribute("aria-pressed", "true")


def test_one_step_back_is_one_step(visitor):
    """Streamlit makes two entries of the browser's history for each page; none leads nowhere."""
    page = visitor.open("/?data=bundle")
    visitor.see_picture()
    for title, choices in (("Training", r"/training\?.*series="), ("Compare", r"/compare\?.*b=")):
        page.get_by_role("link", name=title).click()
        expect(page).to_have_url(re.compile(choices))
        page.wait_for_selector(IDLE)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/training\?.*series="))
    expect(page.get_by_role("link", name="Training")).to_have_attribute("aria-current", "page")
    page.go_back()
    expect(page).to_have_url(re.compile(r"/\?data=bundle"))
    visitor.see_picture()


def test_a_bundle_and_a_report_are_taken_along_and_opened_elsewhere(visitors, browser, tmp_path):
    visitor = visitors()
    page = visitor.open("/?data=bundle")  # the demo model's training is always there to open
    visitor.see_picture()
    words = chips(visitor).all_inner_texts()
    page.get_by_role("button", name="Share").click()
    bundle, report = download(visitor, "Bundle (.alas)"), download(visitor, "Report (HTML)")

    other = visitors()
    page = other.open(f"/?data=bundle&utterance={kept('demo-004', STEPS[0])}")
    other.see_picture()
    expect(chips(other)).not_to_have_text(words)
    sent = tmp_path / "sent.alas"
    sent.write_bytes(bundle.read_bytes())
    upload = page.locator("[data-testid=stFileUploaderDropzoneInput]")
    refused = page.get_by_role("alert").filter(has_text="x.alas")
    for _ in range(3):  # a file that is chosen while the page is still being built is lost
        upload.set_input_files({"name": "x.alas", "mimeType": "", "buffer": b"only text " * 99})
        with contextlib.suppress(AssertionError):
            expect(refused).to_contain_text("cannot be read", timeout=SLOW_MS / 9)
            break
    expect(refused).to_contain_text("cannot be read")
    upload.set_input_files(sent)
    expect(chips(other)).to_have_text(words, timeout=SLOW_MS)
    expect(page).to_have_url(re.compile(r"data=bundle&utterance=[0-9a-f]{24}"))

    assert report.stat().st_size < 15_000_000
    saved = tmp_path / "report.html"
    saved.write_bytes(report.read_bytes())
    offline = Visitor(browser, saved.as_uri(), offline=True)
    page = offline.page
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(offline.url)
    page.wait_for_selector(".alas-sheet[data-ready] .main-svg", timeout=SLOW_MS)
    expect(chips(offline)).to_have_text(words)
    expect(page.locator("#map .main-svg").first).to_be_visible()
    before = page.locator(".alas-layer").inner_text()
    page.get_by_role("slider", name="Layer").press("ArrowRight")
    expect(page.locator(".alas-layer")).not_to_have_text(before)
    taken = loads(bundle.read_bytes())
    drawn = cross_layer_figure(taken), reading_figure(taken, taken.lens)
    for name, figure in zip(("layers", "reading"), drawn, strict=True):
        page.locator(f"#{name} .heatmaplayer image").scroll_into_view_if_needed()
        values = np.asarray(figure.data[0].z)
        assert page.evaluate(PAINTED, name) == len(np.unique(values[np.isfinite(values)]))
    listen(page)
    page.evaluate(TIMES)
    longest = chips(offline).nth(max(range(len(words)), key=lambda place: len(words[place])))
    longest.click()
    expect(longest).to_have_attribute("aria-pressed", "true")
    page.wait_for_function("() => window.played.at(-1) === '' && window.times.length > 1")
    (span,) = filter(None, page.evaluate("() => window.played"))
    start, end = (float(side) for side in span.split("-"))
    heard = page.evaluate("() => window.times")
    assert start <= min(heard) < max(heard) <= end + 0.1
    expect(page.get_by_text("Binding is strongest at layer")).to_be_visible()
    expect(page.get_by_text("@software{alas_explorer")).to_be_visible()
    offline.keep("report")
    assert not [url for url in requests if not url.startswith(("file:", "blob:", "data:"))]
    offline.leave()


STATE = """() => {
  const all = (where, what) => [...document.querySelectorAll(where)].map(what);
  const pressed = (node) => node.getAttribute("aria-checked") ?? node.getAttribute("aria-pressed");
  return {
    inputs: all("input, textarea", (node) => [node.type, node.value, node.checked]),
    choices: all("[data-variant]", (node) => [node.innerText, pressed(node)]),
    views: all("[data-drawn]", (node) => [node.dataset.drawn, node.dataset.figure]),
  };
}"""


def test_the_whole_view_is_in_the_link(visitors):
    tall = {"viewport": {"width": 1440, "height": 1700}}  # a list closes where the page scrolls
    visitor = visitors(**tall)
    page = visitor.open("/?n_null=5&utterance=demo-002")

    def told(name: str, value: str) -> None:
        """Wait for it: of three choices made within one run of the script one can be lost."""
        page.wait_for_url(re.compile(rf"[?&]{name}={value}"))

    visitor.see_picture()
    visitor.choose("Model", "untrained")
    told("model", "demo-untrained")
    visitor.settle()
    page.get_by_text("How good is the reference?").click()
    told("quality", "True")
    page.get_by_text("Settings", exact=True).click()
    page.get_by_role("spinbutton", name="Temperature").fill("0.2")
    page.get_by_role("spinbutton", name="Temperature").press("Enter")
    told("temperature", "0.2")
    page.get_by_role("textbox", name="Instruction").fill("write what you hear")
    page.get_by_role("textbox", name="Instruction").press("Control+Enter")
    told("instruction", "write")
    page.get_by_text("Mask attention sinks", exact=True).click()
    told("mask_sinks", "True")
    visitor.choose("Centering", "mean")
    told("centering", "mean")
    visitor.choose("Reference alignment", "Came with the recording")
    told("reference", "own")
    visitor.choose("Score", "Hit rate")
    told("score", "hit_rate")
    for kind, choice, name, value in (
        ("radio", "UMAP", "projection", "umap"),
        ("radio", "3-D", "dimensions", "3-D"),
        ("radio", "Layers × words", "fold", "words"),
        ("radio", "Time", "map_colour", "time"),
        ("radio", "Correlation", "cross_layer", "layer_correlation"),
        ("radio", "Provenance", "details", "Provenance"),
        ("radio", "Controls", "trust", "controls"),
        ("button", "Lines", "map_parts", "-"),
        ("button", "Outlines", "map_parts", "hulls"),
        ("button", "Silence instead", "controls", "silence"),
    ):
        page.get_by_role(kind, name=choice, exact=True).click()
        told(name, value)
    page.get_by_role("button", name="Trails").click()
    page.get_by_role("button", name="wanted", exact=True).last.click()
    told("trails", "3")
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="Read-out", exact=True).click()
    visitor.settle()
    page.wait_for_selector(".alas-lens[data-ready]")
    best = int(page.locator(".alas-sheet").get_attribute("data-layer"))
    layer = best - 1 if best else 1
    page.evaluate(
        """(layer) => [...globalThis[Symbol.for("alas.selections")].values()].at(-1)
             .pick({ layer, word: 1, frame: 12, token: 3 })""",
        layer,
    )
    turn_away(page)
    expect(page).to_have_url(re.compile(rf"layer={layer}&word=1&frame=12&token=3\b"))
    visitor.settle()
    told = set(parse_qs(page.url.partition("?")[2]))
    assert told >= {"reference", "score", "fold", "n_null", "map_colour", "map_parts"}
    assert told >= {"cross_layer", "details", "controls", "quality", "temperature", "centering"}
    assert told >= {"model", "instruction", "mask_sinks", "trails", "projection", "dimensions"}

    other = visitors(**tall)
    other.open(page.url.removeprefix(other.url))
    other.see_picture()
    expect(other.page.locator(".alas-sheet")).to_have_attribute("data-drawn", f"{layer}/1/12/3")
    expect(other.page.locator(".alas-lens")).to_have_attribute("data-drawn", f"{layer}/1/12")
    for one in (page, other.page):
        shown = one.locator(".st-key-map_panel .alas-linked")
        expect(shown).to_have_attribute("data-figure", re.compile(r"/UMAP3\.(\d+)\.\1/"))
    assert other.page.evaluate(STATE) == page.evaluate(STATE)


def test_two_sides_are_compared_and_the_link_opens_the_same_elsewhere(visitors):
    visitor = visitors()
    page = visitor.open(f"/compare?data=bundle&utterance={kept('demo-001')}")
    changes = page.locator(".st-key-changes")
    expect(changes).to_contain_text(f"model: demo at step {EARLY} → demo at step", timeout=SLOW_MS)
    expect(changes).to_contain_text("alone differ by")
    for figure in ("profiles", "pair_words", "maps"):
        expect(page.locator(f".st-key-{figure} .main-svg").first).to_be_visible()
    visitor.choose("Kept analysis", "four white boxes")
    expect(changes).to_contain_text("utterance: demo-001 → demo-004", timeout=SLOW_MS)
    expect(changes).to_contain_text("Words found on one side only")
    page.get_by_role("radio", name="Relative depth").click()
    expect(page.locator(".st-key-profiles", has_text="relative depth (%)")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]axis=depth\b"))
    expect(page).to_have_url(re.compile(r"[?&]b_kept=checkpoints%2F\d+%2Fdemo-004"))
    page.mouse.click(*place_in(page, "profiles", 0.1, 77))  # per cent: of 9 layers nearest to 6
    expect(page).to_have_url(re.compile(r"[?&]layer=6\b"))
    expect(changes).to_contain_text("At A layer 6, B layer 6")
    expect(page.get_by_role("slider", name="Layer")).to_have_value("6")
    page.keyboard.press("ArrowDown")  # deeper, as in every figure; the focus is the figure's
    expect(page).to_have_url(re.compile(r"[?&]layer=7\b"))
    for _ in range(2):  # the second before the figure is there anew
        page.keyboard.press("ArrowUp")
    expect(page).to_have_url(re.compile(r"[?&]layer=5\b"))
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(r"[?&]layer=6\b"))
    expect(changes).to_contain_text("At A layer 6, B layer 6")
    visitor.keep("compare")
    told = changes.inner_text()

    other = visitors(color_scheme="dark", viewport={"width": 1024, "height": 768})
    other.open(page.url.removeprefix(other.url))
    changes = other.page.locator(".st-key-changes")
    expect(changes).to_have_text(told, use_inner_text=True, timeout=SLOW_MS)
    expect(other.page.locator(".st-key-profiles", has_text="relative depth (%)")).to_be_visible()
    other.keep("compare-1024-dark")


def test_a_cell_of_the_training_opens_that_checkpoint_at_that_layer(visitor):
    page = visitor.page
    page.goto(f"{visitor.url}/training?series=checkpoints/demo-004")
    expect(page.locator(".st-key-emergence")).to_contain_text(
        f"at step {STEPS[-1]:,} it is highest"
    )
    expect(page.locator(".st-key-series_figure", has_text="word error (%)")).to_be_visible()
    expect(page.get_by_role("img", name="Figure: training checkpoints demo 004")).to_be_visible()
    visitor.keep("training")
    box = page.locator(".st-key-series_figure .heatmaplayer image").bounding_box()
    column, layer = 2, 5  # the third checkpoint
    page.mouse.click(
        box["x"] + box["width"] * (column + 0.5) / 8, box["y"] + box["height"] * (layer + 0.5) / 9
    )
    opened = f"utterance={quote(kept('demo-004', STEPS[column]), safe='')}"
    expect(page).to_have_url(re.compile(opened))
    visitor.see_picture()
    expect(page).to_have_url(re.compile(r"[?&]layer=5\b"))
    expect(chips(visitor)).to_have_text("four white boxes are beside the library".split())


def test_a_checkpoint_of_the_training_is_opened_with_the_keyboard_alone(visitor):
    page = visitor.page
    page.goto(f"{visitor.url}/training?series=checkpoints/demo-004")
    expect(page.locator(".st-key-series_figure .alas-chart[data-ready]")).to_be_visible()
    step = page.get_by_role("combobox", name="Training step")
    step.focus()
    page.keyboard.type(f"{EARLY:,}")
    page.keyboard.press("Enter")
    expect(step).to_have_value(f"{EARLY:,}")
    page.get_by_role("button", name="Open this checkpoint").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"utterance={quote(kept('demo-004'), safe='')}"))
    visitor.see_picture()


def test_a_gallery_below_a_path_shows_kept_analyses_and_no_way_to_a_model(browser, tmp_path):
    environment = {"ALAS_READONLY": "1", "ALAS_STORE": str(tmp_path / "store")}
    with running_server(
        tmp_path / "log.txt",
        environment=environment,
        options=["--server.allowedHosts=*"],
        base="/tools/alas",
    ) as url:
        visitor = Visitor(browser, url)
        page = visitor.open("/?model=demo-untrained&data=yours")
        visitor.see_picture()
        expect(page.get_by_role("combobox", name="Model")).to_have_count(0)
        expect(page.locator("[data-testid=stFileUploader]")).to_have_count(0)
        expect(page.get_by_role("link", name="Models")).to_have_count(0)
        expect(page.get_by_role("link", name="Runs")).to_have_count(0)
        expect(page.get_by_text("Binding is strongest at layer")).to_be_visible()
        visitor.keep("gallery")
        page.get_by_role("link", name="Compare").click()
        expect(page.locator(".st-key-changes")).to_contain_text("model: demo at step")
        expect(page).to_have_url(re.compile(r"/tools/alas/compare\?"))
        page.goto(f"{url}/models")
        expect(page.get_by_text("it loads no models and starts no runs")).to_be_visible()
        visitor.leave()
