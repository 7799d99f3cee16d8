"""The Explore and Method pages in a real browser, on the real server and the demo model."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from playwright.sync_api import expect

from alas_core import datasets
from alas_core.words import split_words
from tests.browser.conftest import NEVER_AT_REST, SLOW_MS, Visitor, quiet, turn_away
from tests.browsers import running_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def rows():
    return datasets.demo().ids()


@pytest.fixture(scope="module")
def spoken():
    """A demo utterance as the bytes of a wav file, and its words."""
    utterance = datasets.demo().load(datasets.demo().ids()[2].id)
    stream = io.BytesIO()
    soundfile.write(stream, utterance.audio.samples, utterance.audio.sample_rate, format="WAV")
    return stream.getvalue(), utterance.transcript


def chips(visitor: Visitor):
    return visitor.page.locator(".alas-words button")


def saved(place, button: str) -> Path:
    """The file that a button gives."""
    page = getattr(place, "page", place)
    with page.expect_download(timeout=SLOW_MS) as caught:
        place.get_by_role("button", name=button, exact=True).click()
    return Path(caught.value.path())


def upload(visitor: Visitor, name: str, data: bytes, transcript: str) -> None:
    page = visitor.page
    payload = {"name": name, "mimeType": "audio/wav", "buffer": data}
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(payload)
    expect(page.locator("[data-testid=stFileChipName]")).to_contain_text(name[-8:])
    page.get_by_role("textbox", name="What is said").fill(transcript)
    page.get_by_role("button", name="Analyse").click()


def test_all_of_many_fast_steps_to_the_next_utterance_count(visitor):
    page = visitor.open("/?word=1")
    visitor.see_picture()
    group = page.get_by_role("group", name="Neighbours in the list")
    following, before = (group.get_by_role("button", name=name) for name in ("Next", "Previous"))
    expect(before).to_be_disabled()
    for _ in range(6):
        following.click()
        page.wait_for_timeout(80)  # the pace of a quick hand
    expect(group).to_contain_text("7 of 48")
    expect(page).to_have_url(re.compile("utterance=demo-007"))
    assert "word" not in parse_qs(urlsplit(page.url).query)
    visitor.see_picture()
    expect(group).to_contain_text("7 of 48")
    before.click()
    expect(page).to_have_url(re.compile("utterance=demo-006"))


def test_first_look_needs_no_click(visitor, rows):
    page = visitor.open()
    visitor.see_picture()
    expect(page.get_by_text("Binding is strongest at layer")).to_be_visible()
    expect(chips(visitor)).to_have_text(rows[0].transcript.split())
    expect(page.locator(".st-key-status", has_text="49 wrong transcripts")).to_be_visible()
    assert visitor.keep("explore-1440-light").stat().st_size > 20_000


NOTE_WHEN_DRAWN = """
new MutationObserver((_, watcher) => {
  if (!document.querySelector(".alas-sheet[data-ready]")) return;
  globalThis.drawnAt = performance.now();
  watcher.disconnect();
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-ready"] });
"""
FETCHED = """(name) => performance.getEntriesByType("resource")
  .filter((entry) => entry.name.includes(`/${name}.`)).map((entry) => entry.startTime)"""


def test_the_sheet_is_drawn_before_tables_are_fetched(visitor):
    page = visitor.page
    page.add_init_script(NOTE_WHEN_DRAWN)
    visitor.open()
    visitor.see_picture()
    expect(page.locator("[data-testid=stDataFrame]").first).to_be_attached()
    drawn_at = page.evaluate("globalThis.drawnAt")
    tables = page.evaluate(FETCHED, "DataFrame")
    assert tables
    assert min(tables) > drawn_at
    assert not page.evaluate(FETCHED, "PlotlyChart"), "a second Plotly, of 4.7 MB"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_window_and_both_themes(visitors, scheme):
    visitor = visitors(viewport={"width": 1024, "height": 768}, color_scheme=scheme)
    visitor.open()
    visitor.see_picture()
    visitor.keep(f"explore-1024-{scheme}")


def test_a_layer_chosen_at_the_map_is_everywhere_and_in_the_link(visitor):
    page = visitor.open("/?layer=1")
    visitor.see_picture()
    page.locator(".st-key-map_panel").get_by_role("slider", name="Layer").press("ArrowRight")
    expect(page.get_by_text("text tokens, layer 2")).to_be_visible()
    turn_away(page)
    expect(page).to_have_url(re.compile(r"[?&]layer=2\b"))
    expect(page.locator(".alas-layer")).to_have_text(re.compile(r"^2 of "))


def test_another_layer_is_in_every_view_without_a_word_to_the_server(visitor):
    sent = []
    page = visitor.page
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: sent.append(len(frame))))
    page.add_init_script(NEVER_AT_REST)
    visitor.open("/?layer=2")
    visitor.see_picture()
    views = [".alas-sheet", ".st-key-map_panel .alas-linked", ".st-key-layers .alas-linked"]
    views.append(".alas-lens")
    for view in views:
        page.wait_for_selector(f"{view}[data-drawn^='2/']", state="attached")
    visitor.settle()
    quiet(page, sent)  # while the answers are compared by meaning, the page asks on
    assert sent
    sent.clear()
    page.locator(".alas-sheet").focus()
    for layer in (3, 4, 5):
        page.keyboard.press("ArrowDown")
        for view in views:
            page.wait_for_selector(f"{view}[data-drawn^='{layer}/']", state="attached")
    assert sent == []
    page.get_by_role("link", name="Method").focus()  # the reader turns away: now it is told
    expect(page).to_have_url(re.compile(r"[?&]layer=5\b"))
    assert sent


@pytest.mark.parametrize("turn", ["pointer", "focus", "wheel"])
def test_the_page_is_run_for_a_choice_when_the_reader_turns_to_it(visitor, turn):
    visitor.page.add_init_script(NEVER_AT_REST)
    page = visitor.open()
    visitor.see_picture()
    slider = page.locator(".alas-sheet").get_by_role("slider", name="Layer")
    slider.hover()
    layer = 1 + int(slider.input_value())
    slider.press("ArrowRight")
    drawn = re.compile(rf"^{layer}/")
    expect(page.locator(".alas-sheet")).to_have_attribute("data-drawn", drawn)
    expect(page.locator(".st-key-map_panel .alas-linked")).to_have_attribute("data-drawn", drawn)
    assert "layer=" not in page.url
    if turn == "pointer":
        page.get_by_role("link", name="Method").hover()
    elif turn == "focus":
        page.get_by_role("combobox", name="Score").focus()
    else:
        page.mouse.wheel(0, 50)
    expect(page).to_have_url(re.compile(rf"[?&]layer={layer}\b"))


def test_best_layer_button_follows_the_best_again(visitor):
    page = visitor.open("/?layer=1")
    visitor.see_picture()
    button = page.get_by_role("button", name="Best layer")
    best = re.search(r"\d+", button.inner_text()).group()
    button.click()
    expect(page.get_by_text(f"text tokens, layer {best}")).to_be_visible()
    expect(page).not_to_have_url(re.compile("layer="))


def test_a_word_chosen_on_the_sheet_is_in_the_link(visitor):
    page = visitor.open()
    visitor.see_picture()
    chips(visitor).nth(2).click()
    turn_away(page)
    expect(page).to_have_url(re.compile(r"[?&]word=2\b"))
    expect(page).not_to_have_url(re.compile("layer="))


def test_utterance_and_model_change_the_picture(visitor, rows):
    page = visitor.open()
    visitor.see_picture()
    visitor.choose("Utterance", rows[3].transcript)
    expect(chips(visitor)).to_have_text(rows[3].transcript.split())
    expect(page).to_have_url(re.compile(f"utterance={rows[3].id}"))
    visitor.settle()
    visitor.choose("Model", "Demo, untrained")
    expect(page).to_have_url(re.compile("model=demo-untrained"))
    visitor.settle()
    expect(page.get_by_test_id("stSidebar").get_by_text("random weights")).to_be_visible()
    visitor.keep("explore-untrained")


def test_a_link_with_state_opens_that_view(visitor, rows):
    page = visitor.open(f"/?utterance={rows[4].id}&layer=3&score=hit_rate&word=1")
    visitor.see_picture()
    expect(chips(visitor)).to_have_text(rows[4].transcript.split())
    expect(page.get_by_text("text tokens, layer 3")).to_be_visible()
    expect(page.get_by_text("How is Hit rate computed?")).to_be_visible()
    expect(chips(visitor).nth(1)).to_have_attribute("aria-pressed", "true")


def test_a_link_with_nonsense_opens_the_first_look(visitor, rows):
    page = visitor.open("/?utterance=none&layer=-1&score=%3Cb%3E&word=x&model=%2Fetc&data=q")
    visitor.see_picture()
    expect(chips(visitor)).to_have_text(rows[0].transcript.split())
    expect(page.get_by_text("The link names the model /etc")).to_be_visible()


def test_an_uploaded_wav_with_its_transcript_is_analysed_and_survives_a_reload(visitor, spoken):
    page = visitor.open("/?data=yours")
    expect(page.get_by_text("No recording yet")).to_be_visible()
    visitor.keep("empty")
    upload(visitor, "mine.wav", *spoken)
    visitor.see_picture()
    expect(chips(visitor)).to_have_text(spoken[1].split())
    visitor.keep("uploaded")
    page.reload()
    visitor.see_picture()
    expect(chips(visitor)).to_have_text(spoken[1].split())


def test_what_is_said_into_the_microphone_is_analysed(browser, chromium, server, tmp_path):
    utterance = datasets.demo().load(datasets.demo().ids()[2].id)
    audio, file = utterance.audio, tmp_path / "spoken.wav"
    pause = np.zeros(audio.sample_rate // 2, np.float32)  # while the browser opens its microphone
    soundfile.write(file, np.concatenate([pause, audio.samples]), audio.sample_rate, "PCM_16")
    speaking = f"--use-file-for-fake-audio-capture={file}%noloop"
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", speaking]
    launched = browser.browser_type.launch(executable_path=chromium, args=arguments)
    visitor = Visitor(launched, server, permissions=["microphone"])
    page = visitor.open("/?data=yours")
    page.get_by_role("radio", name="Record", exact=True).click()
    recorder = page.get_by_test_id("stAudioInput")
    recorder.get_by_role("button", name="Record").click()
    clock = recorder.get_by_test_id("stAudioInputWaveformTimeCode")
    expect(clock).to_have_text(re.compile(r"00:0[5-9]"))  # the sentence ends at 4.2 s
    recorder.get_by_role("button", name="Stop recording").click()
    cleared = recorder.get_by_role("button", name="Clear recording")
    cleared.wait_for(state="attached")  # it comes when the sound has reached the server
    page.get_by_role("textbox", name="What is said").fill(utterance.transcript)
    page.get_by_role("button", name="Analyse").click()
    visitor.see_picture()
    expect(chips(visitor)).to_have_text(utterance.transcript.split())
    expect(page.locator(".alas-words .alas-unplaced")).to_have_count(0)
    expect(page.get_by_role("combobox", name="Utterance")).to_have_value(re.compile("microphone"))
    # Streamlit's recorder lets its own sound go before the browser has fetched it.
    visitor.troubles = [one for one in visitor.troubles if "blob:" not in one]
    visitor.leave()
    launched.close()


def test_a_text_file_named_wav_gives_a_clear_error_and_is_not_listed(visitor):
    page = visitor.open("/?data=yours")
    upload(visitor, "notes.wav", b"these are only words\n" * 50, "these are only words")
    alert = page.get_by_role("alert").filter(has_text="notes.wav")
    expect(alert).to_contain_text("cannot be read as audio")
    expect(alert).not_to_contain_text("`")
    expect(page.get_by_text("No recording yet")).to_be_visible()
    visitor.keep("error-not-audio")


def test_a_silent_recording_gives_a_clear_error_and_keeps_the_picture(visitor, rows):
    page = visitor.open()
    visitor.see_picture()
    expect(page.locator(".alas-sheet")).to_have_attribute("data-live", "true")
    visitor.choose("Recordings", "My own")
    expect(page.get_by_text("No recording yet")).to_be_visible()
    stream = io.BytesIO()
    soundfile.write(stream, np.zeros(16_000, np.float32), 16_000, format="WAV")
    upload(visitor, "silence.wav", stream.getvalue(), "these are only words")
    expect(page.get_by_role("alert").filter(has_text="silent")).to_be_visible(timeout=SLOW_MS)
    expect(chips(visitor)).to_have_text(rows[0].transcript.split())
    sheet = page.locator(".alas-sheet")
    expect(sheet).to_have_attribute("data-live", "false")  # its words are not those of silence.wav


def begins(words: str) -> re.Pattern[str]:
    """A label that holds the first of these words."""
    return re.compile(re.escape(words[:12]))


def test_another_source_of_recordings_names_its_own_utterance(visitor, rows):
    page = visitor.open(f"/?utterance={rows[2].id}")
    visitor.see_picture()
    box = page.get_by_role("combobox", name="Utterance", exact=True)
    expect(box).to_have_value(begins(rows[2].transcript))
    visitor.choose("Recordings", "Open a bundle")
    expect(chips(visitor)).not_to_have_text(rows[2].transcript.split())
    visitor.see_picture()
    words = " ".join(chips(visitor).all_inner_texts())
    assert words
    expect(box).to_have_value(begins(words))
    visitor.choose("Recordings", "Demo")
    expect(chips(visitor)).to_have_text(rows[0].transcript.split())
    expect(box).to_have_value(begins(rows[0].transcript))


@pytest.mark.parametrize("transcript", ["", " … ?! "])
def test_a_transcript_without_a_word_is_asked_for(visitor, spoken, transcript):
    page = visitor.open("/?data=yours")
    upload(visitor, "mine.wav", spoken[0], transcript)
    expect(page.get_by_role("alert")).to_contain_text("The transcript holds no word")


def test_markup_in_a_transcript_is_shown_letter_by_letter(visitor, spoken):
    # The right words in markup: the aligner refuses a transcript that does not fit the sound.
    first, second, third, fourth, *rest = spoken[1].split()
    nasty = " ".join((f"<b>{first}</b>", f"**{second}**", third, f"${fourth}$", *rest))
    page = visitor.open("/?data=yours")
    upload(visitor, "**x** $y$.wav", spoken[0], nasty)
    visitor.see_picture()
    expect(chips(visitor)).to_have_text([word.word for word in split_words(nasty)])
    expect(page.get_by_role("combobox", name="Utterance")).to_have_value(
        re.compile(re.escape(nasty))
    )
    main = page.get_by_test_id("stMain")
    expect(main.locator("b, strong", has_text=first)).to_have_count(0)
    expect(main.locator(".st-key-picture .katex")).to_have_count(0)


def test_two_sessions_at_once_get_their_own_pictures(visitors, rows):
    first, second = visitors(), visitors()
    first.open(f"/?utterance={rows[5].id}&n_null=60")
    second.open(f"/?utterance={rows[6].id}&n_null=60&model=demo-untrained")
    for visitor, row in ((first, rows[5]), (second, rows[6])):
        visitor.see_picture()
        expect(chips(visitor)).to_have_text(row.transcript.split())


def test_a_reload_in_the_middle_finds_the_analysis_again(visitor, rows):
    page = visitor.open(f"/?utterance={rows[7].id}&n_null=199")
    page.wait_for_selector("[data-testid=stProgress]", timeout=SLOW_MS)
    page.reload()
    visitor.see_picture()
    expect(chips(visitor)).to_have_text(rows[7].transcript.split())
    expect(page.locator(".st-key-status", has_text="199 wrong transcripts")).to_be_visible()


def test_details_have_scores_words_provenance_and_downloads(visitor):
    page = visitor.open()
    visitor.see_picture()
    for view in ("Words", "Provenance"):
        page.get_by_role("radio", name=view, exact=True).click()
        expect(page.get_by_test_id("stDataFrame").last).to_be_visible()
    page.get_by_role("radio", name="Download", exact=True).click()
    page.get_by_role("button", name="Scores of all layers").click()
    text = saved(page, "CSV").read_text()
    assert text.splitlines()[0].startswith("layer,alas,alas_baseline")
    assert pq.read_table(saved(page, "Parquet")).column_names[:2] == ["layer", "alas"]
    page.keyboard.press("Escape")
    assert "2505.19937" in saved(page, "Citation (BibTeX)").read_text()
    page.get_by_role("combobox", name="Figure", exact=True).scroll_into_view_if_needed()
    print_figure = page.locator(".st-key-print .alas-chart[data-ready]")
    expect(print_figure).to_be_visible()
    svg = saved(print_figure, "SVG").read_text()
    assert svg.startswith("<svg")
    assert "mel spectrogram" in svg
    traces = json.loads(saved(print_figure, "JSON").read_text())["data"]
    labelled = {trace["name"]: trace["customdata"][0][0] for trace in traces if trace.get("meta")}
    assert labelled["layers"][1] == "layer 0"
    png = saved(print_figure, "PNG").read_bytes()
    assert int.from_bytes(png[16:20]) >= 3 * print_figure.bounding_box()["width"] - 3
    # The read-out comes after the first picture.
    expect(page.locator(".st-key-status")).to_contain_text("null:", timeout=SLOW_MS)
    page.get_by_role("combobox", name="Figure", exact=True).focus()
    page.keyboard.type("Vocabulary")
    page.keyboard.press("Enter")
    readout = page.locator(".st-key-print_readout")
    expect(readout.locator("img")).to_have_js_property("complete", True)
    assert readout.locator("img").evaluate("one => one.naturalWidth") > 100, "it is drawn"
    assert "Vocabulary read-out" in saved(readout, "SVG").read_text()


def test_a_word_ticked_in_the_details_is_chosen_in_every_view(visitor):
    page = visitor.open()
    visitor.see_picture()
    page.get_by_role("radio", name="Words", exact=True).click()
    table = page.locator("[class*=st-key-word_table]")
    rows = table.locator("canvas").first
    rows.scroll_into_view_if_needed()
    visitor.settle()
    box = rows.bounding_box()
    page.mouse.click(box["x"] + 14, box["y"] + 35 * 2.5)  # the box before the second word
    sheet = page.locator(".alas-sheet")
    expect(sheet).to_have_attribute("data-word", "1")
    expect(page).to_have_url(re.compile(r"[?&]word=1\b"))
    ticked = table.locator("[role=row][aria-selected=true]")
    expect(ticked).to_have_attribute("aria-rowindex", "3")  # the first is the heading
    chips(visitor).first.click()
    turn_away(page)
    expect(ticked).to_have_attribute("aria-rowindex", "2")


def test_umap_takes_the_place_of_pca_when_it_is_ready(visitor):
    page = visitor.open()
    visitor.see_picture()
    drawn = page.locator(".st-key-map_panel .alas-linked")
    expect(drawn).to_have_attribute("data-figure", re.compile("/PCA2"))
    note = drawn.locator("li", has_text="15 nearest neighbours")
    expect(note).to_contain_text(re.compile(r"% of a point's .* % if audio and text were mixed"))
    plot, beside = drawn.evaluate(
        """(map) => [map.querySelector(".main-svg"),
             [...map.querySelectorAll("li")].find((li) => li.innerText.includes("15 nearest"))]
             .map((node) => node.getBoundingClientRect().toJSON())"""
    )
    assert beside["x"] >= plot["right"]
    assert plot["y"] <= beside["y"] <= plot["bottom"]
    page.evaluate(
        """() => {
          window.heights = [];
          window.points = [];
          const look = () => {
            points.push(document.querySelectorAll(".st-key-map_panel .point").length);
            requestAnimationFrame(look);
          };
          look();
          new ResizeObserver(([panel]) => heights.push(panel.contentRect.height))
            .observe(document.querySelector(".st-key-map_panel"));
        }"""
    )
    page.get_by_role("radio", name="UMAP", exact=True).click()
    expect(drawn).to_have_attribute("data-figure", re.compile(r"/UMAP2\.9\.9/"), timeout=SLOW_MS)
    expect(page.locator(".st-key-map_panel")).to_contain_text(re.compile(r"Trustworthiness 0\.\d"))
    expect(page.locator(".st-key-map_panel .main-svg").first).to_be_visible()
    visitor.keep("map-umap")
    points = page.evaluate("() => points")
    assert len(points) > 20
    assert min(points) > 40, "the map was empty while UMAP was computed"
    heights = page.evaluate("() => heights")
    assert max(heights) - min(heights) <= 2, "the page jumped while UMAP was computed"


def test_method_computes_its_example_and_keeps_the_view(visitor):
    page = visitor.open("/?layer=2")
    visitor.see_picture()
    page.get_by_role("link", name="Method").click()
    expect(page.get_by_role("heading", name="How binding is measured")).to_be_visible()
    expect(page.get_by_text("playhead: where the sound is")).to_be_visible()
    expect(page.locator(".katex-html", has_text="0.961")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("radio", name="Even", exact=True).click()
    expect(page.locator(".katex-html", has_text="0.000")).to_be_visible()
    visitor.keep("method")
    page.get_by_role("link", name="Explore").click()
    expect(page.get_by_text("text tokens, layer 2")).to_be_visible()


def test_a_fresh_servers_first_link_may_be_to_the_method_page(browser, tmp_path):
    with running_server(tmp_path / "log.txt", environment={"ALAS_STORE": str(tmp_path)}) as url:
        visitor = Visitor(browser, url)
        visitor.open("/method")
        expect(visitor.page.get_by_role("link", name="Explore")).to_be_visible()
        expect(visitor.page.get_by_role("combobox", name="Model")).to_be_visible()
        visitor.leave()


def test_the_map_of_tokens_shows_cosines_or_what_alas_makes_of_them(visitor):
    page = visitor.open()
    visitor.see_picture()
    sheet = page.locator(".alas-sheet")
    expect(sheet).to_contain_text("cosine at layer")
    page.get_by_role("radio", name="Share of mass").click()
    expect(sheet).to_contain_text("share of mass at layer")
    expect(page).to_have_url(re.compile(r"[?&]cells=share\b"))
    layer = sheet.get_attribute("data-drawn").split("/")[0]
    sheet.press("ArrowUp")
    expect(sheet).to_contain_text(f"share of mass at layer {int(layer) - 1}")
    drawn = page.evaluate(
        """() => {
          const figure = document.querySelector(".alas-figure");
          const map = figure._fullData.find((trace) => trace.name === "similarity");
          const columns = map.z[0].map((_, i) => map.z.reduce((sum, row) => sum + row[i], 0));
          return [map.zmin, map.zmax, Math.min(...columns), Math.max(...columns)];
        }"""
    )
    assert drawn[:2] == [0, 1]
    assert drawn[2:] == pytest.approx([1, 1], abs=1e-3), "each frame's shares sum to one"
