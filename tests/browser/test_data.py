"""Data sets in a real browser: a folder of the server, a table mapped by hand, several files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from alas_core import datasets
from tests.browser.conftest import IDLE, Visitor
from tests.browsers import running_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def rows():
    return datasets.demo().ids()[:2]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory, rows) -> Path:
    """A folder of two recordings and a bad one, and a table with columns of its own."""
    root = tmp_path_factory.mktemp("server") / "corpora"
    talks = root / "talks"
    talks.mkdir(parents=True)
    data = datasets.demo()
    lines = ["nr,lyd,ord"]
    for row in rows:
        shutil.copy(data.root / data.entry(row.id).audio, talks / f"{row.id}.flac")
        (talks / f"{row.id}.txt").write_text(row.transcript)
        lines.append(f"{row.id},talks/{row.id}.flac,{row.transcript}")
    (talks / "broken.wav").write_bytes(b"")
    (talks / "broken.txt").write_text("<b>nothing</b>")
    (root / "survey.csv").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module")
def data_server(tmp_path_factory, corpora) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("data-server")
    environment = {
        "ALAS_STORE": str(folder / "store"),
        "ALAS_DATA_ROOTS": str(corpora),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    with running_server(folder / "log.txt", environment=environment) as url:
        yield url


@pytest.fixture
def guest(browser, data_server) -> Iterator[Visitor]:
    visitor = Visitor(browser, data_server)
    yield visitor
    visitor.leave()


def test_a_folder_is_opened_its_bad_row_shown_and_a_table_mapped(guest, rows):
    page = guest.open("/?data=corpora/talks")
    guest.see_picture()
    chips = page.locator(".alas-words button")
    expect(chips).to_have_text(rows[0].transcript.split())
    expect(page.get_by_text("2 utterances")).to_be_visible()
    answers = page.locator(".st-key-answers")
    expect(answers).to_contain_text("Response filter")
    expect(answers).to_contain_text(re.compile("Right|Wrong"))
    guest.settle()
    page.get_by_role("button", name="1 row left out").click()
    expect(page.get_by_role("dialog").get_by_test_id("stDataFrame")).to_be_visible()
    guest.keep("data-rows-left-out")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)

    guest.choose("Recordings", "corpora/survey.csv")
    expect(page.get_by_text("cannot be read as it is")).to_be_visible()
    for label, column in (("Sound (a path)", "lyd"), ("What is said", "ord")):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=column, exact=True).click()
    guest.keep("data-columns")
    page.get_by_role("button", name="Use these columns").click()
    expect(page.get_by_text("2 utterances")).to_be_visible()
    expect(page).to_have_url(re.compile(r"audio%3Dlyd|audio=lyd"))
    guest.see_picture()
    expect(chips).to_have_text(rows[0].transcript.split())


def test_several_files_are_added_at_once(guest, corpora, rows):
    page = guest.open("/?data=yours")
    page.get_by_role("radio", name="Several").or_(
        page.get_by_role("button", name="Several")
    ).first.click()
    expect(page.get_by_role("button", name="Add them")).to_be_visible()
    expect(page.get_by_role("button", name="Analyse")).to_have_count(0)
    names = [f"{row.id}.{ending}" for row in rows for ending in ("flac", "txt")]
    files = [corpora / "talks" / name for name in names[:-1]]
    chooser = page.get_by_test_id("stSidebar").get_by_test_id("stFileUploaderDropzoneInput")
    page.wait_for_selector(IDLE)  # a file that is chosen while the page is being built is lost
    chooser.set_input_files(files)
    expect(page.get_by_test_id("stFileChipName")).to_have_count(len(files))
    page.get_by_role("button", name="Add them").click()
    guest.see_picture()
    chips = page.locator(".alas-words button")
    expect(chips).to_have_text(rows[0].transcript.split())
    expect(page.get_by_test_id("stSidebar")).to_contain_text("no words stand beside it")
    page.locator(".st-key-answers").scroll_into_view_if_needed()
    guest.keep("data-answers")
