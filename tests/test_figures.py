"""Figures: axes that are shared, arrays that are the analysis's own, text that stays text."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import itertools
import json
import math
import re
import sys
import threading
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from _plotly_utils import basevalidators
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load
from scipy.spatial import ConvexHull

from alas_core import frontend
from alas_core.alignment import Alignment, own_mass
from alas_core.bundle import dumps, loads
from alas_core.definitions import SCORES
from alas_core.errors import InputError
from alas_core.figures import axes, cross_layer_figure, linked, map_figure, payload, profile_figure
from alas_core.figures.cells import token_cells
from alas_core.figures.comparison import maps_figure, profiles_figure
from alas_core.figures.layers import cross_layer_payload
from alas_core.figures.lens_payload import lens_payload
from alas_core.figures.linked import quantise
from alas_core.figures.map_payload import map_payload, notes
from alas_core.figures.palette import DARK, LIGHT, PLAYHEAD, colour_at, rgb
from alas_core.figures.payload import sheet_payload
from alas_core.figures.readout_svg import readout_svg
from alas_core.figures.sheet import HEIGHT, sheet_figure
from alas_core.figures.trials import trials_figure
from alas_core.figures.views import word_cells
from alas_core.layouts import pca_layout, with_layer
from alas_core.numerals import number
from alas_core.sinks import valid_frames_and_tokens
from alas_core.types import Analysis, Audio, Reference, Token, WordTiming
from tests.factory import make_analysis, make_lens_of

EVIL = ("<b>x</b>", "<img src=x onerror=alert(1)>", r"$\alpha$", "a&amp;b", "%{x}")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return make_analysis()


def trace(figure: go.Figure, name: str) -> go.Scatter:
    (found,) = figure.select_traces({"name": name})
    return found


def shape(figure: go.Figure, name: str) -> go.layout.Shape:
    (found,) = [item for item in figure.layout.shapes if item.name == name]
    return found


def strings(value: object) -> list[str]:
    """Every string anywhere in a figure's JSON."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return []


def without_tokens(analysis: Analysis, **words: object) -> Analysis:
    """The analysis with the first word changed as told."""
    first = dataclasses.replace(analysis.words[0], **words)
    reference = Reference("planted", (first, *analysis.words[1:]))
    return dataclasses.replace(analysis, reference=reference)


def evil_analysis() -> Analysis:
    """Words, tokens and names that a renderer must not read as markup."""
    base = make_analysis(words="a b c d e")
    words = tuple(
        dataclasses.replace(word, word=text, problem=text)
        for word, text in zip(base.words, EVIL, strict=True)
    )
    utterance = dataclasses.replace(base.utterance, id=EVIL[1], transcript=" ".join(EVIL))
    return dataclasses.replace(
        base,
        reference=Reference(EVIL[1], words),
        utterance=utterance,
        tokens=tuple(Token(text, 0, len(text)) for text in EVIL),
        null=dataclasses.replace(base.null, name=" ".join(EVIL)),
        quick_null=dataclasses.replace(base.quick_null, name=" ".join(EVIL)),
    )


# --- the sheet ------------------------------------------------------------------------------------


def test_panels_share_their_axes(analysis: Analysis) -> None:
    figure = sheet_figure(analysis, layer=3)
    timed = ["mel", "waveform", "tier", "layers", "similarity", "reference", "path"]
    assert {trace(figure, name).xaxis for name in timed} == {"x"}
    assert {trace(figure, name).yaxis for name in ("layers", "profile", "null band")} == {"y4"}
    assert {trace(figure, name).yaxis for name in ("similarity", "token hits")} == {"y5"}
    assert trace(figure, "profile").xaxis == "x2"
    assert trace(figure, "token hits").xaxis == "x3"


def test_layers_and_tokens_run_down_from_zero(analysis: Analysis) -> None:
    figure = sheet_figure(analysis, layer=3)
    assert figure.layout.yaxis4.range == (analysis.n_layers + 0.5, -0.5)
    assert figure.layout.yaxis5.range == (analysis.n_tokens - 0.5, -0.5)


def test_every_visible_axis_says_what_it_measures(analysis: Analysis) -> None:
    layout = sheet_figure(analysis, layer=3, score="onset_error_ms").layout
    shown = {
        layout[name].title.text
        for name in layout
        if name[1:].startswith("axis") and layout[name].visible is not False
    }
    assert shown == {
        "time (s)",
        "Onset error (ms)",
        "share of frames",
        "kHz",
        "layer",
        "token",
    }


def test_the_seconds_of_a_part_are_said_to_be_its_own(analysis: Analysis) -> None:
    cut = dataclasses.replace(analysis.utterance, part="28.5-57")
    part = loads(dumps(dataclasses.replace(analysis, utterance=cut)))
    said = "time (s) within 28.5-57 s of the recording"
    assert sheet_figure(part, layer=3).layout.xaxis.title.text == said
    maps = maps_figure((part, analysis), layers=(3, 3)).layout
    assert (maps.xaxis.title.text, maps.xaxis2.title.text) == (said, "time (s)")
    times = map_figure(part, pca_layout(part), layer=3, colour="time").data
    (bar,) = [bar for trace in times if (bar := trace.marker.colorbar.title.text)]
    assert bar == "time in part (s)"
    lens = make_lens_of(part)
    assert f">{said}<" in readout_svg(part, lens)
    assert read_payload(lens_payload(part, lens))[0]["time"] == said


def test_rows_do_not_overlap_and_fill_the_known_height(analysis: Analysis) -> None:
    layout = sheet_figure(analysis, layer=3).layout
    rows = [layout[name].domain for name in ("yaxis2", "yaxis", "yaxis3", "yaxis4", "yaxis5")]
    assert rows[0][1] == 1
    assert rows[-1][0] == 0
    for upper, lower in itertools.pairwise(rows):
        assert upper[0] > lower[1]
    assert layout.height == HEIGHT


def test_height_is_the_same_for_every_analysis(analysis: Analysis) -> None:
    other = make_analysis(30, 60, "word " * 8)
    assert (
        sheet_figure(other, layer=0).layout.height == sheet_figure(analysis, layer=0).layout.height
    )


def test_similarity_is_the_chosen_layers_map(analysis: Analysis) -> None:
    drawn = trace(sheet_figure(analysis, layer=5), "similarity")
    np.testing.assert_allclose(drawn.z, analysis.similarity[5].T.astype(np.float32))
    assert len(drawn.x) == analysis.n_frames + 1
    np.testing.assert_allclose(drawn.x[:-1], analysis.frame_spans[:, 0])


def test_reference_outline_is_the_mask(analysis: Analysis) -> None:
    drawn = trace(sheet_figure(analysis, layer=0), "reference")
    x = np.array(drawn.x, dtype=float).reshape(-1, 6)
    y = np.array(drawn.y, dtype=float).reshape(-1, 6)
    middles = analysis.frame_spans.mean(axis=1)
    inside = np.zeros_like(analysis.mask)
    for xs, ys in zip(x, y, strict=True):
        frames = (middles > np.nanmin(xs)) & (middles < np.nanmax(xs))
        tokens = np.arange(analysis.n_tokens)
        inside |= frames[:, None] & ((tokens > np.nanmin(ys)) & (tokens < np.nanmax(ys)))[None]
    np.testing.assert_array_equal(inside, analysis.mask)


def test_path_is_drawn_over_its_halo_and_over_the_map(analysis: Analysis) -> None:
    figure = sheet_figure(analysis, layer=4)
    order = [item.name for item in figure.data]
    assert order.index("similarity") < order.index("path halo") < order.index("path")
    np.testing.assert_array_equal(trace(figure, "path").y[:-1], analysis.paths[4])
    np.testing.assert_array_equal(trace(figure, "path").y, trace(figure, "path halo").y)
    assert trace(figure, "path").line.shape == "hv"
    halo, line = trace(figure, "path halo").line.color, trace(figure, "path").line.color
    assert contrast(halo, line) > 7


def test_no_path_leaves_no_line(analysis: Analysis) -> None:
    without = dataclasses.replace(analysis, paths=np.full_like(analysis.paths, -1))
    assert np.isnan(np.array(trace(sheet_figure(without, layer=2), "path").y, dtype=float)).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_layers_panel_diverges_around_the_baseline(analysis: Analysis, theme: str) -> None:
    drawn = trace(sheet_figure(analysis, layer=0, theme=theme), "layers")
    np.testing.assert_array_equal(drawn.z, analysis.frame_scores["alas"])
    assert drawn.zmin == -drawn.zmax
    middle = next(colour for position, colour in drawn.colorscale if position == 0.5)
    red, green, blue = rgb(middle)
    assert max(red, green, blue) - min(red, green, blue) <= 16, "the baseline is not grey"


@pytest.mark.parametrize(
    ("score", "frames", "baseline"),
    [
        ("hit_rate", "hit_rate", "hit_rate"),
        ("path_accuracy", "path_hit", "path_accuracy"),
        ("onset_error_ms", "path_hit", "path_accuracy"),
    ],
)
def test_other_scores_per_frame_lose_their_baseline(
    analysis: Analysis, score: str, frames: str, baseline: str
) -> None:
    drawn = trace(sheet_figure(analysis, layer=0, score=score), "layers")
    expected = analysis.frame_scores[frames] - analysis.baselines[baseline][:, None]
    np.testing.assert_allclose(drawn.z, expected, rtol=1e-6)


def test_folded_into_words_each_cell_is_the_words_score(analysis: Analysis) -> None:
    drawn = trace(sheet_figure(analysis, layer=0, fold="words"), "layers")
    starts = np.array([word.start_s for word in analysis.words])
    ends = np.array([word.end_s for word in analysis.words])
    np.testing.assert_allclose(drawn.x, [*starts, ends[-1]])  # planted words leave no gap
    np.testing.assert_allclose(drawn.z, analysis.word_scores["alas"])
    assert drawn.yaxis == "y4"


def test_chosen_layer_word_and_tokens_are_marked(analysis: Analysis) -> None:
    figure = sheet_figure(analysis, layer=6, word=2)
    across, down = shape(figure, "layer"), shape(figure, "word")
    assert (across.y0, across.y1, across.xref, across.x0, across.x1) == (5.5, 6.5, "paper", 0, 1)
    word = analysis.words[2]
    assert (down.x0, down.x1, down.yref, down.y0, down.y1) == (
        word.start_s,
        word.end_s,
        "paper",
        0,
        1,
    )
    tokens = shape(figure, "word tokens")
    assert (tokens.yref, tokens.y0, tokens.y1) == ("y5", 1.5, 2.5)


@pytest.mark.parametrize("score", ["alas", "hit_rate"])
def test_the_chosen_word_has_its_own_line_in_the_profile(analysis: Analysis, score: str) -> None:
    line = trace(sheet_figure(analysis, layer=6, word=2, score=score), "word profile")
    np.testing.assert_allclose(line.x, analysis.word_scores[score][:, 2], rtol=1e-6)
    assert (line.visible, line.text, line.xaxis, line.yaxis) == (True, "‘fox’", "x2", "y4")
    assert SCORES[score].label in line.hovertemplate
    assert trace(sheet_figure(analysis, layer=6, score=score), "word profile").visible is False


def test_a_score_of_no_word_has_no_line_for_one(analysis: Analysis) -> None:
    figure = sheet_figure(analysis, layer=6, word=2, score="path_accuracy")
    assert not list(figure.select_traces({"name": "word profile"}))
    sheet, tensors = read_payload(sheet_payload(analysis, layer=1, score="path_accuracy"))
    assert "data" not in sheet["changes"]["words"]
    assert "word_profile" not in tensors


def test_nothing_is_marked_without_a_word_or_where_it_has_no_place(analysis: Analysis) -> None:
    figure = sheet_figure(analysis, layer=6)
    assert shape(figure, "word").visible is False
    unplaced = without_tokens(analysis, start_s=math.nan, end_s=math.nan)
    figure = sheet_figure(unplaced, layer=6, word=0)
    assert shape(figure, "word").visible is False
    assert shape(figure, "word tokens").visible is True
    json.loads(figure.to_json())


def test_thirty_tokens_are_all_named_and_more_are_thinned() -> None:
    full = sheet_figure(make_analysis(2, 80, "word " * 30), layer=0)
    assert len(full.layout.yaxis5.ticktext) == 30
    thinned = sheet_figure(make_analysis(2, 220, "word " * 100), layer=0)
    assert 20 <= len(thinned.layout.yaxis5.ticktext) <= 30


def test_pieces_of_a_word_are_told_from_its_beginning(analysis: Analysis) -> None:
    pieces = dataclasses.replace(analysis, token_word=np.array([0, 0, 1, 1, -1]))
    assert axes.token_texts(pieces) == ["the", "·red", "fox", "·sleeps", "here"]


@pytest.mark.parametrize("fold", ["time", "words"])
def test_hover_names_time_layer_token_and_value(analysis: Analysis, fold: str) -> None:
    figure = sheet_figure(analysis, layer=5, fold=fold)
    cells = trace(figure, "similarity")
    assert cells.customdata[2][20] == ["0.80 s – 0.84 s", "token ‘fox’"]
    assert "layer 5" in cells.hovertemplate
    assert "cosine %{z:.2r}" in cells.hovertemplate
    layers = trace(figure, "layers")
    assert layers.customdata[7][2][1] == "layer 7"
    assert np.shape(layers.customdata)[:2] == np.shape(layers.z)


@pytest.mark.parametrize("fold", ["time", "words"])
def test_silence_can_be_chosen_and_says_so(fold: str) -> None:
    analysis = make_analysis()
    earlier = dataclasses.replace(analysis.words[1], end_s=analysis.words[1].end_s - 0.08)
    words = (analysis.words[0], earlier, *analysis.words[2:])
    frame_word = analysis.frame_word.copy()
    frame_word[11:13] = -1
    paused = dataclasses.replace(
        analysis, reference=Reference("planted", words), frame_word=frame_word
    )
    layers = trace(sheet_figure(paused, layer=3, fold=fold), "layers")
    assert layers.hoverongaps
    silent = [label for label, _ in layers.customdata[3] if label.endswith(" · no word here")]
    if fold == "words":
        assert silent == ["0.44 s – 0.52 s · no word here"]
        assert layers.text[3][2] == "no value"
    else:
        assert len(silent) == (frame_word < 0).sum() == 6
        assert silent[2] == "0.44 s – 0.48 s · no word here"


def test_a_recording_without_sound_is_drawn_without_its_sound_panel(analysis: Analysis) -> None:
    silent = dataclasses.replace(analysis.utterance, audio=Audio(np.zeros(0, np.float32), 16000))
    figure = sheet_figure(dataclasses.replace(analysis, utterance=silent), layer=0)
    assert not list(figure.select_traces({"name": "mel"}))
    assert trace(figure, "similarity").z is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"layer": 9}, "expected 0 to 8"),
        ({"layer": -1}, "expected 0 to 8"),
        ({"layer": 0, "word": 5}, "expected 0 to 4"),
        ({"layer": 0, "score": "beauty"}, "expected one of alas"),
    ],
)
def test_what_is_not_there_is_refused(
    analysis: Analysis, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        sheet_figure(analysis, **wrong)


# --- frames that share a window -------------------------------------------------------------------


@pytest.fixture(scope="module")
def windows() -> Analysis:
    """Three frames a window of 0.12 s; the last window holds one."""
    return make_analysis(per_window=3)


def test_frames_that_share_a_window_have_columns_of_their_own(windows: Analysis) -> None:
    np.testing.assert_array_equal(windows.frame_spans[0], windows.frame_spans[2])
    figure = sheet_figure(windows, layer=4)
    maps = maps_figure((windows, windows), layers=(4, 5))
    drawn = [trace(figure, name).x for name in ("layers", "similarity", "path", "path halo")]
    for x in (*drawn, *(item.x for item in maps.data if item.name in ("similarity", "path"))):
        assert len(x) == windows.n_frames + 1
        np.testing.assert_allclose(np.diff(x), 0.04, atol=1e-6)


def test_a_frame_of_a_window_says_when_it_sounds_and_which_it_is(windows: Analysis) -> None:
    labels = trace(sheet_figure(windows, layer=4), "similarity").customdata[0]
    told = [label for label, _ in labels]
    assert told[:3] == [f"0.00 s – 0.12 s, frame {k} of 3 of this window" for k in (1, 2, 3)]
    assert told[39] == "1.56 s – 1.60 s"


def test_what_is_drawn_of_a_window_is_apart_and_what_is_heard_is_whole(windows: Analysis) -> None:
    sheet, tensors = read_payload(sheet_payload(windows, layer=4))
    np.testing.assert_array_equal(tensors["frame_spans"], windows.frame_spans)
    cells = tensors["frame_cells"]
    np.testing.assert_allclose(cells[1:, 0], cells[:-1, 1], atol=1e-6)
    np.testing.assert_allclose(cells[:4], [[0, 0.04], [0.04, 0.08], [0.08, 0.12], [0.12, 0.16]],
                               atol=1e-6)  # fmt: skip
    mark = sheet["changes"]["frames"]["shapes"]["frame"]
    np.testing.assert_allclose(np.stack([mark["x0"], mark["x1"]], axis=1), cells, atol=1e-6)


# --- text stays text ------------------------------------------------------------------------------


@pytest.mark.parametrize("fold", ["time", "words"])
@pytest.mark.parametrize("with_null", [True, False])
def test_text_of_users_is_never_markup(fold: str, with_null: bool) -> None:
    evil = evil_analysis()
    if not with_null:
        evil = dataclasses.replace(evil, null=None)
    figures = [
        sheet_figure(evil, layer=0, word=1, fold=fold),
        profile_figure(evil, layer=0),
        profiles_figure((evil, make_analysis()), layers=(0, 0)),
        trials_figure(evil, []),
        map_figure(evil, pca_layout(evil), layer=0, word=1),
    ]
    for figure in figures:
        for text in strings(json.loads(figure.to_json())):
            assert "<img" not in text
            assert "<b>x" not in text
            assert "$" not in text
    shown = trace(figures[0], "similarity").customdata[1][0][1]
    assert shown == "token ‘&lt;img src=x onerror=alert(1)&gt;’"


@given(st.text(max_size=40))
def test_escaped_text_reads_as_it_was_written(text: str) -> None:
    escaped = axes.escape(text)
    assert not set(escaped) & set("<>$")
    back = escaped.replace("&#36;", "$").replace("&gt;", ">").replace("&lt;", "<")
    assert back.replace("&amp;", "&") == " ".join(text.split())


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.8449, "0.84"),
        (0.0314, "0.031"),
        (-0.25, "−0.25"),
        (1.0, "1.0"),
        (0.999, "1.0"),
        (123.4, "120"),
        (12.34, "12"),
        (0.0, "0"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_numbers_have_two_digits(value: float, shown: str) -> None:
    assert number(value) == shown


@given(st.floats(1e-3, 1e6))
def test_two_digits_are_near(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, rel=0.0501)


# --- words as cells -------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    spans=st.lists(
        st.one_of(st.none(), st.tuples(st.floats(0, 1.6), st.floats(0, 0.5))),
        min_size=5,
        max_size=5,
    )
)
def test_word_cells_are_a_partition(
    analysis: Analysis, spans: list[tuple[float, float] | None]
) -> None:
    starts = iter(sorted(span[0] for span in spans if span))
    words = []
    for index, span in enumerate(spans):
        start = math.nan if span is None else next(starts)
        end = math.nan if span is None else start + span[1]
        words.append(WordTiming("w", index, index + 1, start, end))
    changed = dataclasses.replace(analysis, reference=Reference("any", tuple(words)))
    edges, columns, names = word_cells(changed, analysis.word_scores["alas"])
    assert (np.diff(edges) > 0).all()
    assert columns.shape == (analysis.n_layers + 1, len(edges) - 1)
    assert len(names) == len(edges) - 1


# --- profile --------------------------------------------------------------------------------------


def test_profile_has_band_baseline_and_best_layer(analysis: Analysis) -> None:
    figure = profile_figure(analysis)
    band = trace(figure, "null band")
    assert analysis.null is not None
    np.testing.assert_allclose(band.x, [*analysis.null.low, *analysis.null.high[::-1]], rtol=1e-6)
    assert band.fill == "toself"
    assert trace(figure, "best layer").y == (analysis.best_layer,)
    assert figure.layout.yaxis.range == (analysis.n_layers + 0.5, -0.5)
    assert "wrong transcripts" in trace(figure, "profile").customdata[3]


def test_quick_null_is_dotted_until_the_null_is_there() -> None:
    figure = profile_figure(make_analysis(with_null=False))
    assert not list(figure.select_traces({"name": "null band"}))
    assert {item.line.dash for item in figure.data if "permuted words" in item.name} == {"dot"}


def test_other_scores_have_their_own_baseline_and_no_band(analysis: Analysis) -> None:
    figure = profile_figure(analysis, score="path_accuracy")
    assert not list(figure.select_traces({"name": "null band"}))
    line = trace(figure, "baseline: the straight diagonal path")
    np.testing.assert_allclose(line.x, analysis.baselines["path_accuracy"])


def test_a_score_without_a_known_baseline_draws_none(analysis: Analysis) -> None:
    figure = profile_figure(analysis, score="aps")
    assert not [item.name for item in figure.data if item.name.startswith("baseline")]


def test_a_score_that_could_not_be_computed_has_no_best_layer(analysis: Analysis) -> None:
    empty = np.full(analysis.n_layers + 1, np.nan)
    without = dataclasses.replace(analysis, scores={**analysis.scores, "path_accuracy": empty})
    assert not [
        item
        for item in profile_figure(without, score="path_accuracy").data
        if item.name == "best layer"
    ]
    json.loads(sheet_figure(without, layer=0, score="path_accuracy").to_json())


# --- what the browser gets ------------------------------------------------------------------------


def read_payload(data: bytes) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    return json.loads(header["__metadata__"]["sheet"]), load(data)


def rows_of(tensors: dict[str, np.ndarray], name: str, index: int) -> np.ndarray:
    row = tensors[name][index]
    if f"{name}.step" in tensors:
        return tensors[f"{name}.low"][index] + tensors[f"{name}.step"][index] * row
    return row


def decoded(values: object) -> np.ndarray:
    """An array as plotly's JSON may hold it: numbers, or their bytes as base64."""
    if not isinstance(values, dict):
        return np.array(values, dtype=float)
    flat = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    return flat.reshape([int(n) for n in str(values.get("shape", flat.size)).split(",")])


@pytest.mark.parametrize(
    ("score", "fold", "cells"),
    [
        ("alas", "time", "cosine"),
        ("alas", "words", "share"),
        ("hit_rate", "time", "share"),
        ("hit_rate", "words", "cosine"),
    ],
)
def test_following_a_click_gives_the_figure_python_would_draw(
    analysis: Analysis, score: str, fold: str, cells: str
) -> None:
    shown = {"score": score, "fold": fold, "cells": cells}
    sheet, tensors = read_payload(sheet_payload(analysis, layer=1, **shown))
    figure = go.Figure(sheet["figure"])
    for index, table in ((6, sheet["changes"]["layers"]), (3, sheet["changes"]["words"])):
        for part, items in table.items():
            for name, changes in items.items():
                place = figure.data if part == "data" else figure.layout[part]
                (item,) = [candidate for candidate in place if candidate.name == name]
                for key, values in changes.items():
                    new = values[index] if isinstance(values, list) else None
                    item[key] = rows_of(tensors, values[1:], index) if new is None else new
    expected = sheet_figure(analysis, layer=6, word=3, cell_labels=False, **shown)
    assert figure.layout == expected.layout
    for got, wanted in zip(figure.data, expected.data, strict=True):
        assert got.name == wanted.name
        assert got.hovertemplate == wanted.hovertemplate
        if got.type == "scatter":
            assert (got.visible, got.text) == (wanted.visible, wanted.text)
        for key in ("x", "y", "z"):
            if key in wanted and wanted[key] is not None:
                np.testing.assert_allclose(decoded(got[key]), decoded(wanted[key]), atol=1e-4)


@pytest.mark.parametrize("fine", [True, False])
def test_quantised_similarity_is_off_by_half_a_step_at_most(
    analysis: Analysis, fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fine:
        monkeypatch.setattr(linked, "MAX_FINE_BYTES", 0)
    exact = analysis.similarity.astype(np.float32)
    tensors = quantise("similarity", exact)
    assert tensors["similarity"].dtype == (np.uint16 if fine else np.uint8)
    step = tensors["similarity.step"][:, None, None]
    back = tensors["similarity.low"][:, None, None] + step * tensors["similarity"]
    assert (np.abs(back - exact) <= 0.501 * step + 1e-6).all()


def test_a_flat_layer_survives_quantising() -> None:
    tensors = quantise("similarity", np.full((2, 3, 4), 0.5, np.float32))
    back = tensors["similarity.low"][0] + tensors["similarity.step"][0] * tensors["similarity"][0]
    np.testing.assert_allclose(back, 0.5)


@pytest.mark.parametrize("mask_sinks", [False, True])
def test_the_cells_of_the_share_are_what_alas_averages(mask_sinks: bool) -> None:
    made = make_analysis()
    changed = dataclasses.replace(made.key.settings, temperature=0.07, mask_sinks=mask_sinks)
    made = dataclasses.replace(made, key=dataclasses.replace(made.key, settings=changed))
    norms = made.norms.copy()
    norms[2, made.n_frames + 1] = 1000  # a token that only masking leaves out, at one layer
    made = dataclasses.replace(made, norms=norms)
    shares = token_cells(made, "share")
    np.testing.assert_allclose(shares.sum(axis=2), 1, atol=1e-5)
    alignment = Alignment(
        made.similarity.astype(np.float32),
        made.frame_word,
        made.token_word,
        np.array([word.start_s for word in made.words]),
        made.frame_spans[:, 0],
        *valid_frames_and_tokens(made),
    )
    expected = own_mass(alignment, 0.07)
    own = np.where(made.mask[None], shares, 0).sum(axis=2)
    np.testing.assert_allclose(own, expected, atol=1e-5)
    assert (shares[2, :, 1] == 0).all() == mask_sinks
    drawn = trace(sheet_figure(made, layer=2, cells="share"), "similarity")
    np.testing.assert_allclose(drawn.z, shares[2].T, atol=1e-6)
    assert (drawn.zmin, drawn.zmax) == (0, 1)
    assert "share %{z" in drawn.hovertemplate
    texts = [note.text for note in sheet_figure(made, layer=2, cells="share").layout.annotations]
    assert "<b>tokens × time</b>  share of mass at layer 2" in texts


def test_too_large_a_similarity_goes_one_layer_at_a_time(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"score": "alas", "fold": "time", "theme": "light"}
    assert payload.sheet_name(analysis, layer=1, **options) == payload.sheet_name(
        analysis, layer=2, **options
    )
    monkeypatch.setattr(payload, "MAX_BYTES", 10)
    sheet, tensors = read_payload(sheet_payload(analysis, layer=2))
    assert "similarity" not in tensors
    change = sheet["changes"]["layers"]
    assert set(change["data"]["similarity"]) == {"opacity"}  # neither its cells nor their labels
    assert [value == 1 for value in change["data"]["similarity"]["opacity"]] == [
        layer == sheet["drawn_layer"] == 2 for layer in range(analysis.n_layers + 1)
    ]
    titles = change["annotations"]["tokens title"]["text"]
    assert titles[2].endswith("cosine at layer 2")
    assert titles[5].endswith("path at layer 5, cosine still of 2")
    assert payload.sheet_name(analysis, layer=1, **options) != payload.sheet_name(
        analysis, layer=2, **options
    )


@pytest.mark.parametrize(("score", "name"), [("alas", "ALAS"), ("hit_rate", "Hit rate − baseline")])
def test_a_words_value_is_named_as_it_is_computed(
    analysis: Analysis, score: str, name: str
) -> None:
    sheet, _ = read_payload(sheet_payload(analysis, layer=1, score=score))
    assert sheet["word_score"] == name
    values = analysis.word_scores[score][:, 2] - analysis.baselines[score]
    assert sheet["chips"][2]["values"] == [number(value) for value in values]


def test_a_word_says_what_it_is_taken_for_and_how_late_the_path_begins_it(
    analysis: Analysis,
) -> None:
    similarity = analysis.similarity.copy()
    similarity[3, analysis.frame_word == 1] = [0.1, 0.2, 0.9, 0.1, 0.1]  # "red" is near to "fox"
    shifts = analysis.word_scores["onset_shift_ms"].copy()
    shifts[3, :4] = [0.2, 40.0, -120.0, np.nan]
    changed = dataclasses.replace(
        analysis,
        similarity=similarity,
        word_scores={**analysis.word_scores, "onset_shift_ms": shifts},
    )
    sheet, _ = read_payload(sheet_payload(changed, layer=1))
    said = [chip["taken_for"][3] for chip in sheet["chips"]]
    assert said[1] == "taken for ‘fox’ in 8 of 8 frames"
    assert [chip["shift"][3] for chip in sheet["chips"]][:4] == [
        "onset shift 0 ms", "onset shift +40 ms", "onset shift −120 ms", ""
    ]  # fmt: skip
    lean = dataclasses.replace(analysis, word_scores={"alas": analysis.word_scores["alas"]})
    sheet, _ = read_payload(sheet_payload(lean, layer=1))
    assert sheet["chips"][1]["shift"] == [""] * (analysis.n_layers + 1)


def test_the_null_changes_the_payloads_name(analysis: Analysis) -> None:
    options = {"layer": 0, "score": "alas", "fold": "time", "theme": "light"}
    early = dataclasses.replace(analysis, null=None)
    assert payload.sheet_name(analysis, **options) != payload.sheet_name(early, **options)


def test_payload_of_a_long_recording_stays_small() -> None:
    long = make_analysis(n_layers=24, n_frames=250, words="word " * 40)
    assert len(sheet_payload(long, layer=0)) < 1_500_000


# --- map and cross-layer matrices -----------------------------------------------------------------


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("colour", ["modality", "word", "time", "correct"])
def test_map_draws_every_frame_and_token(analysis: Analysis, dimensions: int, colour: str) -> None:
    layout = pca_layout(analysis, dimensions)
    figure = map_figure(analysis, layout, layer=4, word=1, colour=colour)
    frames, tokens = trace(figure, "audio frame"), trace(figure, "text token")
    np.testing.assert_allclose(frames.x, layout.points[4, : analysis.n_frames, 0])
    np.testing.assert_allclose(tokens.y, layout.points[4, analysis.n_frames :, 1])
    assert tokens.text == ("the", "red", "fox", "sleeps", "here")
    assert (frames.z is not None) if dimensions == 3 else not hasattr(frames, "z")
    if colour in ("word", "correct"):
        assert len(frames.marker.color) == analysis.n_frames


def test_map_ties_each_spoken_frame_to_its_word(analysis: Analysis) -> None:
    figure = map_figure(analysis, pca_layout(analysis), layer=4, word=2)
    spoken = int((analysis.frame_word != -1).sum())
    own = int((analysis.frame_word == 2).sum())
    assert len(trace(figure, "frame to its word").x) == 3 * spoken
    assert len(trace(figure, "chosen ties").x) == 3 * own
    assert len(trace(figure, "chosen").x) == own + 1
    names = {
        item.name for item in map_figure(analysis, pca_layout(analysis), layer=4, lines=False).data
    }
    assert not {"frame to its word", "chosen ties"} & names


def test_outlines_are_the_hulls_of_frames_and_tokens(analysis: Analysis) -> None:
    layout = pca_layout(analysis)
    figure = map_figure(analysis, layout, layer=4)
    for name, members in (("all frames", slice(0, 40)), ("all tokens", slice(40, 45))):
        corners = np.stack([trace(figure, name).x, trace(figure, name).y], axis=1)
        np.testing.assert_array_equal(corners[0], corners[-1])
        hull = ConvexHull(layout.points[4, members])
        assert ConvexHull(corners).volume == pytest.approx(hull.volume, rel=1e-5)


def test_trails_run_through_all_layers(analysis: Analysis) -> None:
    layout = pca_layout(analysis)
    figure = map_figure(analysis, layout, layer=4, word=1, trails=(3,))
    own = layout.points[:, : analysis.n_frames][:, analysis.frame_word == 3].mean(axis=1)
    np.testing.assert_allclose(trace(figure, "trail of ‘sleeps’").x, own[:, 0], rtol=1e-5)
    text = layout.points[:, analysis.n_frames + 1]
    np.testing.assert_allclose(
        trace(figure, "trail of the chosen word: its text").y, text[:, 1], rtol=1e-5
    )
    drawn = [one for one in figure.data if "trail" in one.name and len(one.x)]
    assert [one.name for one in drawn if one.showlegend] == [
        "trail of the chosen word", "trail of ‘sleeps’",
    ]  # fmt: skip
    assert len(drawn) == 4


def test_map_marks_the_frames_whose_nearest_token_is_right(analysis: Analysis) -> None:
    figure = map_figure(analysis, pca_layout(analysis), layer=0, colour="correct")
    codes = np.array(trace(figure, "audio frame").marker.color)
    hits = analysis.frame_scores["hit_rate"][0]
    np.testing.assert_array_equal(codes, np.where(np.isnan(hits), 0, 1 + (hits == 1)))
    assert len({shade for _, shade in trace(figure, "audio frame").marker.colorscale}) == 3


def test_points_of_another_analysis_are_refused(analysis: Analysis) -> None:
    other = pca_layout(make_analysis(n_frames=30))
    with pytest.raises(InputError, match=r"expected \(9, 45, 2\) or \(9, 45, 3\)"):
        map_figure(analysis, other, layer=0)
    with pytest.raises(InputError, match="layer is 9, expected 0 to 8"):
        map_figure(analysis, pca_layout(analysis), layer=9)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_following_a_layer_gives_the_map_python_would_draw(
    analysis: Analysis, dimensions: int
) -> None:
    layout = pca_layout(analysis, dimensions)
    head, tensors = read_payload(map_payload(analysis, layout, name="x", colour="correct"))
    places = rows_of(tensors, "points", 6)
    expected = map_figure(analysis, layout, layer=6, word=3, colour="correct")
    for made in head["figure"]["data"]:
        at = made["meta"].get("at")
        for index, table in ((6, head["changes"]["layers"]), (3, head["changes"]["words"])):
            at = table["data"].get(made["name"], {}).get("meta.at", [at] * 9)[index]
        if at:
            wanted = trace(expected, made["name"])
            got = [None if i is None else float(places[0, i]) for i in at]
            np.testing.assert_allclose(np.array(got, float), np.array(wanted.x, float), atol=1e-3)
    for axis, name in enumerate("xyz"[:dimensions]):
        path = f"scene.{name}axis.range" if dimensions == 3 else f"{name}axis.range"
        window = head["changes"]["layers"]["layout"][path][6]
        assert window[0] < places[axis].min() < places[axis].max() < window[1]


def test_notes_beside_the_map_say_what_to_compare_with(analysis: Analysis) -> None:
    layout = pca_layout(analysis)
    assert notes(analysis, layout, 4)[0].startswith("Trustworthiness: being measured")
    measured = with_layer(analysis, layout, 4, layout.points[4])
    first, kept, mixing = notes(analysis, measured, 4)
    assert re.match(r"Trustworthiness 0\.\d+: .* about 0\.5 for points thrown at random", first)
    assert "% of the components' variance" in kept
    assert re.search(r"\d+ % of a point's 15 nearest .* \d+ % if audio and text were mixed", mixing)


def test_a_click_on_the_cross_layer_map_means_the_row(analysis: Analysis) -> None:
    name, data = cross_layer_payload(analysis, score="cka")
    head, _ = read_payload(data)
    assert head["figure"]["data"][0]["meta"] == {"pick": {"y": "layer"}}
    lines = head["changes"]["layers"]["shapes"]
    assert lines["audio layer"]["y0"][5] == lines["text layer"]["x1"][5] == 5
    assert name != cross_layer_payload(analysis, score="layer_correlation")[0]


def test_cross_layer_rows_are_the_audio_run(analysis: Analysis) -> None:
    figure = cross_layer_figure(analysis, score="cka", layer=3)
    np.testing.assert_allclose(figure.data[0].z, analysis.cross_layer["cka"], rtol=1e-6)
    assert "audio" in figure.layout.yaxis.title.text
    assert "text" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert figure.layout.xaxis.range[0] < figure.layout.xaxis.range[1]
    with pytest.raises(InputError, match="cka, layer_correlation"):
        cross_layer_figure(analysis, score="rsa")


def test_plotly_waits_for_a_module_that_another_thread_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import tests.test_figures as t\nt.STARTED.set()\nassert t.GO.wait(30)\nSeries = int\n"
    (tmp_path / "half_there.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    importer = threading.Thread(target=importlib.import_module, args=["half_there"])
    importer.start()
    assert STARTED.wait(30)
    assert not hasattr(sys.modules["half_there"], "Series")
    threading.Timer(0.2, GO.set).start()
    assert basevalidators.get_module("half_there", should_load=False).Series is int
    assert basevalidators.get_module("not_there_at_all", should_load=False) is None
    importer.join()


STARTED, GO = threading.Event(), threading.Event()


# --- colours --------------------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [part / 255 for part in rgb(colour)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_can_be_read_on_its_background(colours: object) -> None:
    assert contrast(colours.foreground, colours.background) > 7
    assert contrast(colours.muted, colours.background) > 4.5


@pytest.mark.parametrize("view", ["sheet", "lens"])
def test_the_playhead_can_be_seen_on_everything_it_crosses(view: str) -> None:
    css = re.search(r"playhead \{(.*?)\}", frontend.read(f"{view}.css"), re.DOTALL).group(1)
    line = re.search(r"background: (#\w+);", css).group(1)
    halo = re.search(r"box-shadow: 0 0 0 1px (#\w+);", css).group(1)
    assert line == PLAYHEAD
    assert contrast(halo, line) > 7
    for crossed in (LIGHT.background, DARK.background, "#00224e", "#fee838"):  # cividis' ends
        assert max(contrast(line, crossed), contrast(halo, crossed)) > 7


def test_colours_between_the_stops_are_mixed() -> None:
    scale = ((0.0, "#000000"), (0.5, "#808080"), (1.0, "#ffffff"))
    assert colour_at(scale, 0) == "#000000"
    assert colour_at(scale, 0.25) == "#404040"
    assert colour_at(scale, 2.0) == "#ffffff"
