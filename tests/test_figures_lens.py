"""The read-out's payload and the figure of where each word is read."""

from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pytest
from safetensors.numpy import load

from alas_core.figures import sheet_figure
from alas_core.figures.lens_payload import (
    MARGINS,
    lens_height,
    lens_name,
    lens_payload,
    token_label,
)
from alas_core.figures.reading import reading_figure
from alas_core.figures.readout_svg import readout_svg
from alas_core.types import Analysis, Lens
from tests.factory import make_analysis, make_lens_of
from tests.test_figures import evil_analysis, strings


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return make_analysis()


@pytest.fixture(scope="module")
def lens(analysis: Analysis) -> Lens:
    return make_lens_of(analysis)


def about(data: bytes) -> dict:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["__metadata__"]["id"]
    return json.loads(header["__metadata__"]["sheet"])


def test_the_payload_holds_the_numbers_of_the_read_out(analysis: Analysis, lens: Lens) -> None:
    data = lens_payload(analysis, lens)
    tensors, head = load(data), about(data)
    np.testing.assert_array_equal(tensors["tops"], lens.tops)
    np.testing.assert_allclose(tensors["values"] / 65535, lens.values, atol=1e-4)
    np.testing.assert_array_equal(tensors["own_rank"], lens.own_rank)
    assert head["vocabulary"] == [text.strip() for text in lens.vocabulary]
    assert head["analysis"] == analysis.key.digest, "the selection is found by it"
    assert len(head["frame_word"]) == analysis.n_frames
    assert len(head["tokens"]) == analysis.n_tokens
    assert len(head["shades"]) == 64


def test_frames_that_share_a_window_have_cells_of_their_own() -> None:
    analysis = make_analysis(per_window=3)
    lens = make_lens_of(analysis)
    data = lens_payload(analysis, lens)
    cells = load(data)["frame_cells"]
    np.testing.assert_allclose(cells[1:, 0], cells[:-1, 1], atol=1e-6)
    np.testing.assert_allclose(cells[:, 1] - cells[:, 0], 0.04, atol=1e-6)
    assert about(data)["frames"][1] == "0.00 s – 0.12 s, frame 2 of 3 of this window"
    lens.tops[:, :, 0] = np.arange(lens.tops.shape[1]) % 2  # each frame a run of its own
    boxes = re.findall(r'<g><title>.*?<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"',
                       readout_svg(analysis, lens))  # fmt: skip
    assert len(boxes) == 9 * analysis.n_frames
    lefts, widths = np.array(boxes[: analysis.n_frames], dtype=float).T
    assert (lefts[1:] >= lefts[:-1] + widths[:-1]).all()


def test_ranks_and_cosines_beyond_the_steps_are_cut(analysis: Analysis, lens: Lens) -> None:
    far = dataclasses.replace(
        lens,
        own_rank=np.full_like(lens.own_rank, 149_999),
        values=np.full_like(lens.values, -0.5),
    )
    tensors = load(lens_payload(analysis, far))
    assert (tensors["own_rank"] == 65535).all()
    assert (tensors["values"] == 0).all()


def test_a_second_stands_where_it_stands_on_the_sheet(analysis: Analysis, lens: Lens) -> None:
    figure = sheet_figure(analysis, layer=0)
    assert {"left": figure.layout.margin.l, "right": figure.layout.margin.r} == MARGINS
    place = about(lens_payload(analysis, lens))["place"]
    assert figure.layout.xaxis.domain == (0, place["grid"])
    assert figure.layout.xaxis2.domain == (place["detail"], 1)
    assert figure.layout.xaxis.range == (0, about(lens_payload(analysis, lens))["end_s"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" doctor", "doctor"),
        ("ly", "ly"),
        ("\n", "↵"),
        ("  ", "␣␣"),
        ("", "∅"),
        ("<|im_end|>", "<|im_end|>"),
        (" <b>x", "<b>x"),
    ],
)
def test_a_token_is_shown_without_its_space(text: str, shown: str) -> None:
    assert token_label(text) == shown


def test_the_theme_makes_another_name(analysis: Analysis) -> None:
    assert lens_name(analysis, "light") != lens_name(analysis, "dark")


def test_thirty_seconds_of_a_large_model_travel_in_two_megabytes() -> None:
    words = "seven yellow birds sing " * 15
    analysis = make_analysis(n_layers=32, n_frames=750, words=words.strip())
    assert len(lens_payload(analysis, make_lens_of(analysis))) < 2e6
    assert 300 < lens_height(8) < lens_height(32) < 620


def test_each_word_is_marked_where_it_is_read(analysis: Analysis, lens: Lens) -> None:
    rank = np.full_like(lens.own_rank, 9)
    frames = np.flatnonzero(analysis.frame_word == 1)
    rank[3, frames[0]] = 1
    rank[5:, frames] = 1
    figure = reading_figure(analysis, dataclasses.replace(lens, own_rank=rank), layer=4, word=1)
    found = {trace.name: trace for trace in figure.data}
    assert (found["first frame"].x, found["first frame"].y) == ((1,), (3,))
    assert (found["half of its frames"].x, found["half of its frames"].y) == ((1,), (5,))
    assert found["never"].x == (0, 2, 3, 4)
    heat = np.array(found["share read"].z)
    assert heat[3, 1] == pytest.approx(1 / len(frames))
    assert (heat[5:, 1] == 1).all()
    assert heat[:, [0, 2, 3, 4]].sum() == 0
    shapes = {shape.name: shape for shape in figure.layout.shapes}
    assert shapes["word"].x0 == 0.5
    assert shapes["layer"].y0 == 4
    assert figure.layout.yaxis.range[0] > max(found["never"].y)


@pytest.mark.parametrize(("n_words", "named", "gap"), [(5, 5, 2), (30, 15, 2), (150, 22, 0)])
def test_many_words_are_thinned_below_and_all_named_by_hover(
    n_words: int, named: int, gap: int
) -> None:
    words = [f"w{k}" for k in range(n_words)]
    analysis = make_analysis(n_layers=4, n_frames=8 * n_words, words=" ".join(words))
    lens = make_lens_of(analysis)
    unread = dataclasses.replace(lens, own_rank=np.full_like(lens.own_rank, 9))
    figure = reading_figure(analysis, unread)
    assert len(figure.layout.xaxis.ticktext) == len(figure.layout.xaxis.tickvals) == named
    assert [words[k] for k in figure.layout.xaxis.tickvals] == list(figure.layout.xaxis.ticktext)
    heat, never = (one for one in figure.data if one.name in ("share read", "never"))
    assert heat.xgap == gap
    assert all(list(row) == words for row in heat.customdata)
    assert len(heat.customdata) == 5
    assert list(never.customdata) == words
    assert ("text" in never.mode) == (n_words <= 24)
    assert "%{x}" not in heat.hovertemplate + never.hovertemplate


def test_without_a_silent_word_there_is_no_room_for_one(analysis: Analysis, lens: Lens) -> None:
    read = dataclasses.replace(lens, own_rank=np.ones_like(lens.own_rank))
    assert reading_figure(analysis, read).layout.yaxis.range == (8.5, -0.5)


def test_text_of_users_is_never_markup() -> None:
    evil = evil_analysis()
    figure = reading_figure(evil, make_lens_of(evil))
    assert not [text for text in strings(figure.to_plotly_json()) if "<b>" in text or "<a" in text]
