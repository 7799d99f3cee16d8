"""The report: complete, self-contained, small; nothing in it is executed but its own scripts."""

import base64
import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from alas_core.citation import PAPER, bibtex
from alas_core.definitions import SCORES
from alas_core.figures import payload
from alas_core.figures.lens_payload import token_label
from alas_core.figures.readout_svg import runs
from alas_core.findings import findings, reading_sentence
from alas_core.report import report_html
from alas_core.types import Analysis
from tests.factory import make_analysis, make_lens_of

NASTY = '<img src=x onerror="alert(1)"> </script><script>alert(2)</script> & $\\alpha$'


class Page(HTMLParser):
    """Collects tags, attributes and visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, data):
        self.text += data


def made(**options) -> Analysis:
    """A planted analysis with a read-out."""
    bare = make_analysis(**options)
    return dataclasses.replace(bare, lens=make_lens_of(bare))


@pytest.fixture(scope="module")
def html() -> str:
    return report_html(made())


def test_it_holds_findings_scores_settings_and_citation(html):
    page = Page(html)
    for finding in findings(made()):
        assert finding.text in page.text
    for score in SCORES.values():
        assert score.label in page.text
    assert "2505.19937" in page.text
    assert "temperature" in page.text


def test_nothing_is_fetched(html):
    assert Page(html).links == []
    assert "default-src 'none'" in html
    assert len(html) < 2_000_000


def test_sound_and_drawing_library_are_inside(html):
    held = dict(re.findall(r'<script type="text/plain" id="([^"]+)">([^<]*)</script>', html))
    libraries = {"plotly", "wavesurfer", "js-plotly", "js-wavesurfer"}
    assert set(held) == libraries | {"sheet", "js-data", "js-sheet"}
    assert b"fLaC" in base64.b64decode(held["sheet"])
    assert base64.b64decode(held["plotly"])[:2] == b"\x1f\x8b"


def sheet_of(html: str) -> tuple[dict, set[str]]:
    """What the report's sheet holds: its head with the name it has, and the names of its arrays."""
    held = re.search(r'id="sheet">([^<]*)<', html).group(1)
    raw = base64.b64decode(held)
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    about = header.pop("__metadata__")
    return json.loads(about["sheet"]) | {"id": about["id"]}, set(header)


def test_more_layers_fit_into_a_file_than_into_a_page(monkeypatch):
    monkeypatch.setattr(payload, "MAX_BYTES", 10)
    head, arrays = sheet_of(report_html(made()))
    assert "similarity" in arrays
    assert head["id"].endswith("/all")


def test_the_report_opens_at_the_layer_and_word_that_are_asked_for():
    def opened(**asked):
        found = re.search(
            r'<script type="application/json" id="choice">(.*?)</script>',
            report_html(made(), **asked),
        )
        choice = json.loads(found[1])
        return choice["layer"], choice["word"]

    assert opened() == (made().best_layer, None)
    assert opened(layer=7, word=1) == (7, 1)


def test_a_file_too_small_for_all_layers_promises_none(monkeypatch):
    monkeypatch.setattr(payload, "MAX_ALONE_BYTES", 10)
    html = report_html(made())
    head, arrays = sheet_of(html)
    assert "similarity" not in arrays
    layer, titles = head["drawn_layer"], head["changes"]["layers"]["annotations"]["tokens title"]
    for other, title in enumerate(titles["text"]):
        said = f"path at layer {other}; this file holds the cosine of {layer} only"
        assert title.endswith(f"cosine at layer {layer}" if other == layer else said)
    choice = re.search(r'<script type="application/json" id="choice">(.*?)</script>', html)
    assert json.loads(choice.group(1))["id"] == head["id"], "the page waits for it by this name"


def test_words_of_users_and_models_stay_text():
    analysis = made()
    first, *others = analysis.words
    heard = dataclasses.replace(
        analysis.reference, words=(dataclasses.replace(first, word=NASTY), *others)
    )
    nasty = dataclasses.replace(
        analysis,
        utterance=dataclasses.replace(analysis.utterance, transcript=NASTY, id=NASTY),
        warnings=(NASTY,),
        answers={"audio": NASTY, "text": "x"},
        model=dataclasses.replace(analysis.model, name=NASTY),
        provenance={"instruction": NASTY, "device": NASTY},
        lens=dataclasses.replace(
            analysis.lens, vocabulary=tuple(NASTY for _ in analysis.lens.vocabulary)
        ),
        reference=heard,
    )
    page, plain = Page(report_html(nasty)), Page(report_html(analysis))
    assert page.tags.count("script") == plain.tags.count("script")
    assert "img" not in page.tags
    assert page.text.count(NASTY) >= 5 + analysis.n_layers  # a cell's title at each layer


def test_figures_beside_the_sheet_are_inside(html):
    held = json.loads(
        re.search(r'<script type="application/json" id="figures">(.*?)</script>', html).group(1)
    )
    assert set(held) == {"map", "layers", "reading"}
    for name in held:
        assert f'<div id="{name}"></div>' in html
        assert held[name]["data"]


def test_the_read_out_is_a_still_grid_of_first_tokens(html):
    analysis = made()
    page, (layers, positions) = Page(html), analysis.lens.tops.shape[:2]
    assert positions == analysis.n_frames + analysis.n_tokens
    assert reading_sentence(analysis, analysis.lens) in page.text
    assert html.count("<svg") == 1
    for layer in range(layers):
        cells = list(runs(analysis.lens, layer, analysis.n_frames))
        frames = [frame for run in cells for frame in range(run.start, run.stop)]
        assert frames == list(range(analysis.n_frames))
        for run in cells:
            for frame in (run.start, run.stop - 1):
                assert run.token == analysis.lens.tops[layer, frame, 0]
                assert run.names == analysis.lens.names()[layer, frame]
            label = token_label(analysis.lens.vocabulary[run.token])
            start_s = analysis.frame_spans[run.start, 0]
            assert f"layer {layer}, {start_s:.2f} to " in page.text
            assert f"‘{label}’" in page.text
    assert "the word itself" in page.text


def test_an_analysis_without_a_read_out_says_so_in_a_sentence():
    html = report_html(make_analysis())
    assert "This analysis holds no read-out" in Page(html).text
    assert "<svg" not in html


def test_the_citation_names_paper_and_program_with_what_the_result_came_from():
    analysis = make_analysis()
    odd = dataclasses.replace(
        analysis, model=dataclasses.replace(analysis.model, model_id="a_b/{c} 100%\\d")
    )
    text = bibtex(odd)
    assert text.startswith(PAPER)
    assert r"a\_b/\{c\} 100\%\textbackslash d" in text
    assert analysis.key.digest in text
    assert "temperature 0.1" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
