"""Figures of a run: the arrays that were measured, axes that are shared, text that stays text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from alas_core.corpus import accuracy, answers, choosing, heat, layers, profiles, words
from alas_core.corpus.run import open_run
from alas_core.figures.corpus import HEAT, corpus_figure, groups_figure
from alas_core.figures.corpus_maps import corpus_layers_figure, pooled_figure
from alas_core.figures.corpus_views import (
    accuracy_figure,
    filter_figure,
    lengths_figure,
    means_figure,
    words_figure,
)
from alas_core.figures.palette import LIGHT
from tests.runs import make_run
from tests.test_figures import EVIL, strings, trace

LAYER = 5


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(str(make_run(tmp_path_factory.mktemp("runs") / "planted", n=50, seed=1)))


@pytest.mark.parametrize("score", ["alas", "path_l1"])
def test_heatmap_and_mean_share_the_layers(run, score):
    ordered = choosing.order(run, run.everyone(), "alas", LAYER)
    drawn, mean = heat.heat(run, ordered, score), profiles.profile(run, ordered, score)
    labels = [f"<b>{row}</b>" for row in ordered]
    figure = corpus_figure(drawn, mean, labels, layer=LAYER, sorted_by="<i>x</i>")
    cells = trace(figure, HEAT)
    np.testing.assert_allclose(cells.z, run.matrix(score)[ordered].T, rtol=1e-5)
    assert cells.zmin == -cells.zmax  # the baseline is the grey middle of the scale
    assert bool(cells.reversescale) == (score == "path_l1")
    assert len(cells.meta["columns"]) == 50
    (line,) = [t for t in figure.data if "n = 50" in (t.name or "")]
    np.testing.assert_array_equal(line.x, mean.band.mean)
    assert (line.yaxis, line.xaxis) == ("y", "x2")
    assert figure.layout.yaxis.range == (8.5, -0.5)
    band = {t.name for t in figure.data} & {"null band"}
    assert band == ({"null band"} if score == "alas" else set())
    assert not [text for text in strings(json.loads(figure.to_json())) if "<b>" in text]


def test_a_figure_of_many_utterances_is_small(run):
    drawn = heat.Heat(
        np.arange(5000), np.linspace(0, 5000, 401).astype(int), np.zeros((400, 33), np.float32),
        np.zeros((400, 33), np.float32),
    )  # fmt: skip
    mean = profiles.profile(run, run.everyone())
    figure = corpus_figure(drawn, mean, [f"utterances {i}" for i in range(400)], layer=0,
                           sorted_by="ALAS")  # fmt: skip
    assert len(figure.to_json()) < 200_000
    assert "400 columns" in figure.layout.xaxis.title.text


def test_groups_have_a_line_and_a_band_each_and_depth_is_relative(run):
    groups = choosing.groups(run, run.everyone(), "speaker")
    found = profiles.by_group(run, groups)
    figure = groups_figure(found, layer=LAYER)
    for one in found:
        line = trace(figure, f"{one.name} (n = {int(one.band.n[0])})")
        np.testing.assert_array_equal(line.x, one.band.mean)
        low_high = trace(figure, f"{one.name} band")
        assert len(low_high.x) == 18
    assert len({t.line.color for t in figure.data if t.mode == "lines+markers"}) == len(found)
    deep = groups_figure(found, layer=LAYER, depth=True)
    assert trace(deep, figure.data[-1].name).y.max() == 1
    assert "depth" in deep.layout.yaxis.title.text


def test_words_stand_with_their_intervals(run):
    table = words.ranked_words(words.placed_words(run, run.everyone()))
    figure = words_figure(table, 0.5)
    mean = trace(figure, "mean")
    np.testing.assert_allclose(mean.x + mean.error_x.array, table["high"])
    np.testing.assert_allclose(mean.x - mean.error_x.arrayminus, table["low"])
    by_length = words.by_length(words.placed_words(run, run.everyone()), "letters")
    assert len(trace(lengths_figure(by_length, 0.5, "letters"), "mean").x) == len(by_length)


def test_the_scatter_knows_the_rows_of_its_points(run):
    found = accuracy.pairs(run, run.everyone(), 0, "correct_audio")
    figure = accuracy_figure(found, list(EVIL) * 10, score="alas", outcome="Right", binary=True)
    rows = [row for points in figure.data for (row,) in points.customdata]
    assert sorted(rows) == list(range(50))
    for points in figure.data:
        own = [row for (row,) in points.customdata]
        np.testing.assert_array_equal(points.x, run.matrix("alas")[own, 0])
        right = np.array(run.column("correct_audio")[own].to_list())
        assert (np.abs(points.y - right) < 0.2).all()
    assert not [text for text in strings(json.loads(figure.to_json())) if "<img" in text]


def test_the_filter_shows_what_is_kept(run):
    counts, edges = answers.histogram(run, run.everyone())
    bars = trace(filter_figure(counts, edges, 0.7), "pairs")
    assert sum(bars.y) == 50
    kept = [y for y, x in zip(bars.y, bars.x, strict=True) if x >= 0.7]
    assert sum(kept) == (answers.similarities(run, run.everyone()) >= 0.7).sum()
    found = answers.filtered(run, run.everyone(), 0.7, LAYER)
    figure = means_figure([("all", found.all_mean), ("none", None or found.kept_mean)], "alas",
                          theme="light")  # fmt: skip
    assert figure.data[0].x[0] == found.all_mean.value


@pytest.mark.parametrize("side", ["audio", "text"])
def test_layers_stand_with_their_diagonal_and_tree(run, side):
    matrix = layers.cross_layer(run, "cka")
    tree = layers.layer_tree(matrix, side)
    figure = corpus_layers_figure(matrix, tree, layer=LAYER, side=side)
    np.testing.assert_array_equal(trace(figure, "cka").z, matrix.values)
    np.testing.assert_array_equal(trace(figure, "diagonal").x, matrix.diagonal)
    assert [int(t) for t in figure.layout.yaxis3.ticktext] == list(tree.order)
    strip = trace(figure, "groups of layers")
    assert len(set(strip.marker.color)) == len(set(tree.groups))
    bare = corpus_layers_figure(matrix, None, layer=0)
    assert {t.name for t in bare.data} == {"cka", "diagonal"}


@pytest.mark.parametrize("colour", ["modality", "word"])
def test_the_map_holds_every_word_once_and_shows_it_letter_by_letter(colour):
    rng = np.random.default_rng(0)
    names = [*EVIL, *(f"word {i}" for i in range(15))]
    points = rng.normal(size=(2 * len(names), 2))
    kinds = ["audio"] * len(names) + ["text"] * len(names)
    figure = pooled_figure(points, kinds, names * 2, ["u"] * len(points), colour=colour)
    assert sum(len(t.x) for t in figure.data) == len(points)
    texts = strings(json.loads(figure.to_json()))
    assert not [text for text in texts if "<b>" in text or "<img" in text]
    if colour == "word":
        assert {t.marker.color for t in figure.data if "other words" in t.name} == {LIGHT.muted}
