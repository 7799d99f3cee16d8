"""What is said of trials, sinks and sensitivity; and their figures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from alas_core.figures.sensitivity import sensitivity_figure
from alas_core.figures.trials import trials_figure
from alas_core.findings import ranking_sentence
from alas_core.numerals import number, signed
from alas_core.rankings import METRICS, agreements
from alas_core.sensitivity import measure
from alas_core.sinks import sink_positions, sinks
from alas_core.types import Analysis
from alas_core.variations import (
    CONTROLS,
    TREATMENTS,
    TrialResult,
    best_of,
    judgement,
    sensitivity_sentences,
)
from tests.factory import make_analysis


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return make_analysis()


def result(name: str, alas: float, p: float = 1.0, value: float | None = None) -> TrialResult:
    trial, made = CONTROLS.get(name) or TREATMENTS[name], make_analysis()
    null = made.null if name in CONTROLS else made.quick_null
    null = dataclasses.replace(null, p_adjusted=np.full(9, p, np.float32))
    return TrialResult(trial, value, np.full(9, alas, np.float32), null)


@pytest.mark.parametrize(
    ("name", "alas", "p", "said"),
    [
        ("noise", 0.0, 1.0, "does not beat wrong transcripts, as it should"),
        ("random", 0.99, 0.02, "words alone cannot explain"),
        ("speed", 0.99, 0.05, "still beats wrong transcripts, as it should"),
        ("speed", 0.0, 0.06, "though the words are there"),
        ("snr", 0.1, 1.0, "of the recording's"),
    ],
)
def test_a_trial_is_judged_against_recording_and_null(analysis, name, alas, p, said) -> None:
    text = judgement(analysis, result(name, alas, p))
    layer = analysis.best_layer
    assert text.startswith(f"ALAS {number(alas)} at layer {layer}")
    assert f"recording {number(analysis.scores['alas'][layer])}" in text
    assert f"wrong transcripts reach {number(analysis.null.high[layer])}; p = {number(p)})" in text
    assert text.endswith(said)


def test_where_the_recording_does_not_beat_its_null_speed_says_nothing(analysis) -> None:
    null = dataclasses.replace(analysis.null, p_adjusted=np.full(9, 0.06))
    said = judgement(dataclasses.replace(analysis, null=null), result("speed", 0.5))
    assert said.endswith("so nothing follows")


@pytest.mark.parametrize("p", [0.02, 0.05, 0.0501, 1.0])
def test_marker_and_sentence_follow_one_rule(analysis, p) -> None:
    # A score above the null's 97.5 % need not beat it once the layers are corrected for.
    found = result("noise", float(analysis.null.high.max()) + 0.01, p)
    figure = trials_figure(analysis, [found])
    (curve,) = (trace for trace in figure.data if trace.name == "Noise instead")
    full = set(curve.marker.symbol) == {"circle"}
    assert full == ("beats wrong transcripts, which" in judgement(analysis, found)) == (p <= 0.05)


def test_the_best_layer_of_a_centering_stands_beside_its_own_null(analysis) -> None:
    found = result("mean", 0.25)
    found.alas[6] = 0.5
    assert best_of(found) == (
        f"Mean removed: best layer 6, ALAS 0.50 (permuted words reach "
        f"{number(float(analysis.quick_null.high[6]))})"
    )
    (curve,) = (t for t in trials_figure(analysis, [found]).data if t.name == "Mean removed")
    assert "permuted words reach" in curve.customdata[6]


def test_a_layer_without_a_score_is_never_the_best(analysis) -> None:
    alas, best = analysis.scores["alas"].copy(), analysis.best_layer
    alas[1] = np.nan
    assert dataclasses.replace(analysis, scores={"alas": alas}).best_layer == best
    assert dataclasses.replace(analysis, scores={"alas": alas + np.nan}).best_layer == 0
    found = result("mean", 0.0)
    found.alas[:] = alas
    assert found.best_layer == best
    measured = measure(analysis)
    measured.by_temperature[:, 1] = np.nan
    assert sensitivity_sentences(analysis, measured)[0].startswith(
        f"Layer {best} is best at each temperature"
    )


def test_every_control_says_what_it_does_and_what_one_expects() -> None:
    assert all(trial.plain.endswith(".") for trial in (*CONTROLS.values(), *TREATMENTS.values()))
    assert {trial.expects for trial in CONTROLS.values()} == {"null", "same", "lower"}


def test_sinks_are_those_that_masking_leaves_out(analysis) -> None:
    norms = analysis.norms.copy()
    norms[3:5, 7] *= 40
    norms[2, analysis.n_frames + 1] *= 25
    found = sinks(dataclasses.replace(analysis, norms=norms))
    assert [(s.kind, s.index, s.layers) for s in found] == [
        ("frame", 7, (3, 4)), ("token", 1, (2,)),
    ]  # fmt: skip
    parts = norms[:, : analysis.n_frames], norms[:, analysis.n_frames :]
    masked = [sink_positions(part) for part in parts]
    assert [int(part.any(axis=0).sum()) for part in masked] == [1, 1]
    middle = np.median(parts[0], axis=1)
    assert found[0].ratio == pytest.approx((norms[3:5, 7] / middle[3:5]).max())
    assert sinks(analysis) == ()


def test_sinks_are_positions_far_above_the_median_which_of_two_lies_between_them() -> None:
    one_far = np.array([[1.0, 1.1, 0.9, 30.0, 1.0]], np.float32)
    assert sink_positions(one_far).tolist() == [[False, False, False, True, False]]
    assert not sink_positions(np.array([[1.0, 11.0], [1.0, 1.5]], np.float32)).any()
    assert sink_positions(np.array([[1.0, 1.0, 1.0, 40.0]], np.float32)).sum() == 1


def test_the_median_is_to_the_bit_that_of_torch_by_which_kept_results_were_made() -> None:
    rng = np.random.default_rng(0)
    for n_positions in (2, 6, 41, 300):
        shape = (2000, n_positions)
        norms = (rng.lognormal(0, 3, (2000, 1)) * rng.lognormal(0, 1, shape)).astype(np.float32)
        median = torch.from_numpy(norms).quantile(0.5, dim=1, keepdim=True)
        norms[:, :1] = 10 * median.numpy()  # exactly at the bound, or beside it by rounding
        median = torch.from_numpy(norms).quantile(0.5, dim=1, keepdim=True)
        expected = torch.from_numpy(norms) > 10 * median
        np.testing.assert_array_equal(sink_positions(norms), expected.numpy())


def test_the_figure_has_a_curve_a_trial_over_the_null(analysis) -> None:
    results = [result("noise", 0.0), result("speed", 0.9, p=0.01, value=0.9)]
    figure = trials_figure(analysis, results, layer=2)
    named = {trace.name: trace for trace in figure.data}
    assert {"this recording", "wrong transcripts", "Noise instead", "Other speed, 0.9×"} <= set(
        named
    )
    np.testing.assert_allclose(named["this recording"].x, analysis.scores["alas"])
    assert set(named["Noise instead"].marker.symbol) == {"circle-open"}
    assert set(named["Other speed, 0.9×"].marker.symbol) == {"circle"}
    assert named["Noise instead"].line.color != named["Other speed, 0.9×"].line.color
    assert "p = 0.010 after correction" in named["Other speed, 0.9×"].customdata[0]
    assert figure.layout.yaxis.range == (8.5, -0.5)
    assert [shape.y0 for shape in figure.layout.shapes if shape.name == "layer"] == [2]


def test_small_multiples_share_the_layers_and_hold_the_numbers(analysis) -> None:
    found = measure(analysis)
    figure = sensitivity_figure(analysis, found, layer=3)
    named = {trace.name: trace for trace in figure.data}
    for row, temperature in enumerate(found.temperatures):
        np.testing.assert_allclose(named[f"{temperature:g}"].x, found.by_temperature[row])
    for row, jitter_ms in enumerate(found.jitters_ms):
        trace = named[f"±{jitter_ms:g} ms"]
        np.testing.assert_allclose(trace.x, np.median(found.under_jitter[row], axis=0), rtol=1e-6)
        low = trace.x - trace.error_x.arrayminus
        np.testing.assert_allclose(low, found.under_jitter[row].min(axis=0), rtol=1e-5, atol=1e-6)
    for name in METRICS[1:]:
        np.testing.assert_allclose(named[name].x, analysis.scores[name])
    axes = [figure.layout[key] for key in figure.layout if key.startswith("yaxis")]
    assert len(axes) == 8
    assert all(axis.range == (8.5, -0.5) for axis in axes)
    titles = [figure.layout[key].title.text for key in figure.layout if key.startswith("xaxis")]
    assert all(titles), "every axis has its unit"


def test_a_score_without_values_leaves_its_place_empty(analysis) -> None:
    scores = {k: v for k, v in analysis.scores.items() if k != "word_retrieval"}
    scores["path_accuracy"] = np.full(9, np.nan)
    lacking = dataclasses.replace(analysis, scores=scores)
    figure = sensitivity_figure(lacking, measure(analysis))
    assert np.isnan(next(t for t in figure.data if t.name == "word_retrieval").x).all()


def test_sensitivity_is_told_with_its_numbers(analysis) -> None:
    found = measure(analysis)
    layer = analysis.best_layer
    temperature, jitter = sensitivity_sentences(analysis, found)
    assert f"ALAS of layer {layer} goes from {number(found.by_temperature[:, layer].max())}" in (
        temperature
    )
    change = np.median(found.under_jitter[1, :, layer]) - analysis.scores["alas"][layer]
    kept = int((found.under_jitter[1].argmax(axis=1) == layer).sum())
    assert f"{signed(change)} at ±40 ms (best layer kept in {kept} of 20)" in jitter
    moved = found.by_temperature.copy()
    moved[0, 8] = 2
    other = dataclasses.replace(found, by_temperature=moved)
    text, _ = sensitivity_sentences(analysis, other)
    assert text.startswith("The best layer depends on the temperature: 8 at 0.02")
    lost = dataclasses.replace(found, under_jitter=np.full_like(found.under_jitter, np.nan))
    assert "No draw" in sensitivity_sentences(analysis, lost)[1]


def test_agreeing_scores_are_said_to_agree(analysis) -> None:
    scores = dict.fromkeys(analysis.scores, analysis.scores["alas"])
    scores = dict(scores) | {"onset_error_ms": 9 - analysis.scores["alas"]}
    agreeing = dataclasses.replace(analysis, scores=scores)
    text = ranking_sentence(agreeing, agreements(agreeing))
    assert text.startswith("All 5 other scores rank the layers as ALAS does")
    assert "1.0" in text
