"""The Data set page in a real browser: order, groups, threshold, files, and on to Explore."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from alas_core.corpus import choosing
from alas_core.corpus.profiles import best_of
from alas_core.corpus.run import open_run
from alas_core.resources import asset_path
from tests.browser.conftest import IDLE, Visitor, place_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

HEAT = ".st-key-run_heat .alas-chart[data-ready]"


@pytest.fixture(scope="module")
def run():
    return open_run(str(asset_path("demo", "run")))


def drawn(page: Page, key: str) -> str:
    """Waits for a figure and returns the name of its content."""
    chart = page.locator(f".st-key-{key} .alas-chart[data-ready]")
    expect(chart.locator(".main-svg").first).to_be_visible()
    return chart.get_attribute("data-ready")


def view(page: Page, name: str) -> None:
    page.locator(".st-key-run_view").get_by_text(name, exact=True).click()


def saved(page: Page, button: str, key: str) -> bytes:
    """What a button below a figure saves."""
    with page.expect_download() as download:
        page.locator(f".st-key-{key}").get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_bytes()


def cell(page: Page, column: int, n_columns: int) -> tuple[float, float]:
    """Where a column of the heatmap is on the screen, at half its height."""
    box = page.locator(f"{HEAT} .xy .nsewdrag, {HEAT} .nsewdrag.drag").first.bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / n_columns, box["y"] + box["height"] / 2


def test_a_run_is_read_sorted_clicked_and_opens_in_explore(visitor: Visitor, run):
    page = visitor.open("/corpus?run=example")
    first = drawn(page, "run_heat")
    best = best_of(run, run.everyone())
    expect(page.get_by_text(f"Binding is strongest at layer {best.layer} of")).to_be_visible()
    visitor.keep("corpus-1440-light")
    page.locator(".st-key-run_first").get_by_text("best", exact=True).click()
    expect(page.locator(f"{HEAT}:not([data-ready='{first}'])")).to_be_visible()
    expect(page).to_have_url(re.compile("run_first=best"))
    visitor.choose("Sort by", "Duration")
    expect(page.locator(HEAT).get_by_text("by Duration")).to_be_visible()
    figure = json.loads(saved(page, "JSON", "run_heat"))
    order = choosing.order(run, run.everyone(), "duration_s", best.layer)
    columns = figure["data"][0]["meta"]["columns"]
    ids = run.utterances["utterance"]
    assert [text.split(" · ")[0] for text in columns] == [ids[int(row)] for row in order]
    assert b"<svg" in saved(page, "SVG", "run_heat")
    assert saved(page, "PNG", "run_heat").startswith(b"\x89PNG")

    column = 17  # what the pointer's label names is what opens
    page.mouse.move(*cell(page, column, len(columns)))
    wanted = ids[int(order[column])]
    expect(page.locator(f"{HEAT} .hoverlayer")).to_contain_text(wanted)
    page.mouse.click(*cell(page, column, len(columns)))
    expect(page).to_have_url(re.compile(f"utterance={wanted}"))
    visitor.see_picture()
    words = run.utterances["transcript"][int(order[column])].split()
    expect(page.locator(".alas-words button")).to_have_text(words)


def test_groups_threshold_words_and_tables(visitor: Visitor, run):
    page = visitor.open("/corpus?run=example&run_view=profiles")
    drawn(page, "run_groups")
    visitor.choose("Group by", "Task")
    names = {group.name for group in choosing.groups(run, run.everyone(), "task")}
    legend = page.locator(".st-key-run_groups .legendtext")
    expect(legend).to_have_count(len(names))
    expect(page).to_have_url(re.compile("run_group=task"))
    visitor.page.wait_for_selector(IDLE)
    page.mouse.click(*place_in(page, "run_groups", 0.1, 5.2))
    expect(page).to_have_url(re.compile(r"run_layer=5\b"))
    expect(page.get_by_role("slider", name="Layer")).to_have_value("5")

    view(page, "Filter")
    before = drawn(page, "run_filter")
    kept = page.get_by_text(re.compile(r"^\d+ of \d+ pairs are kept"))
    expect(kept).to_be_visible()
    page.get_by_role("slider", name="Threshold of similarity").press("End")
    expect(
        page.locator(f".st-key-run_filter .alas-chart:not([data-ready='{before}'])")
    ).to_be_visible()
    similar = run.utterances["answer_similarity"]
    passing = int(((similar >= 1.0) | similar.is_null() & run.utterances["kept"]).sum())
    expect(kept).to_contain_text(f"{passing} of {len(run)} pairs are kept")

    view(page, "Words")
    drawn(page, "run_words_figure")
    player = page.locator("audio").first
    expect(player).to_be_attached()
    page.wait_for_function("() => document.querySelector('audio').duration > 0.1")

    view(page, "Download")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    text = Path(download.value.path()).read_text()
    assert text.count("\n") == len(run) + 1


def figures_of_many_points_are_saved_as_the_others_are(page: Page) -> None:
    """The map, PCA and then UMAP, and the scatter: WebGL on the screen, vectors in the file."""
    expect(page.get_by_role("group", name=re.compile("^Figure: example map"))).to_be_visible()
    first = json.loads(saved(page, "JSON", "run_map_save"))
    assert b"<path" in saved(page, "SVG", "run_map_save")
    page.get_by_role("radio", name="UMAP").click()
    expect(page.get_by_text("Showing PCA meanwhile")).to_have_count(0, timeout=240_000)
    page.wait_for_function(
        "x => document.querySelector('.st-key-run_map .js-plotly-plot')?.data[0].x.bdata !== x",
        arg=first["data"][0]["x"]["bdata"],
    )
    second = json.loads(saved(page, "JSON", "run_map_save"))
    assert [trace["text"] for trace in second["data"]] == [t["text"] for t in first["data"]]
    view(page, "Accuracy")
    expect(page.locator(".st-key-run_scatter .gl-container canvas").first).to_be_attached()
    assert saved(page, "PNG", "run_scatter_save").startswith(b"\x89PNG")
    view(page, "Map")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_map_and_layers_in_a_narrow_window(visitors, scheme):
    visitor = visitors(viewport={"width": 1024, "height": 900}, color_scheme=scheme)
    page = visitor.open("/corpus?run=example&run_view=map")
    expect(page.locator(".js-plotly-plot .gl-container canvas").first).to_be_attached()
    expect(page.get_by_text("have a text of the same word")).to_be_visible()
    visitor.keep(f"corpus-map-1024-{scheme}")
    if scheme == "light":
        figures_of_many_points_are_saved_as_the_others_are(page)
    view(page, "Layers")
    drawn(page, "run_layers")
    visitor.keep(f"corpus-layers-1024-{scheme}")
