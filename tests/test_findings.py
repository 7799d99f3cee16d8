"""Each sentence against the numbers it claims."""

import dataclasses

import numpy as np
import pytest

from alas_core.findings import findings, number
from tests.factory import make_analysis


def by_kind(analysis):
    return {finding.kind: finding for finding in findings(analysis)}


def test_the_best_layer_is_named_with_its_null():
    analysis = make_analysis()
    found = by_kind(analysis)["best layer"]
    layer = analysis.best_layer
    assert found.layer == layer
    assert f"layer {layer} of 8" in found.text
    assert number(float(analysis.scores["alas"][layer])) in found.text
    assert number(float(analysis.null.high[layer])) in found.text
    assert "wrong transcripts" in found.text
    assert "the model binds these words" in found.text


def test_an_unbound_model_is_not_praised():
    analysis = make_analysis(binding=np.zeros(9))
    text = by_kind(analysis)["best layer"].text
    assert "not more than order and number of words would give" in text


def test_until_the_null_is_there_the_quick_one_is_named():
    assert "permuted words" in by_kind(make_analysis(with_null=False))["best layer"].text


def test_the_weakest_word_is_the_one_with_the_lowest_score():
    analysis = make_analysis(binding=np.full(9, 0.3), seed=2)
    found = by_kind(analysis)["words"]
    values = analysis.word_scores["alas"][analysis.best_layer]
    assert found.word == int(np.nanargmin(values))
    assert f"“{analysis.words[found.word].word}”" in found.text


def test_the_onset_error_is_told_with_time_and_direction():
    analysis = make_analysis(binding=np.full(9, 0.3), seed=3)
    found = by_kind(analysis)["path"]
    layer = analysis.best_layer
    assert f"{analysis.scores['onset_error_ms'][layer]:.0f} ms" in found.text
    shift = analysis.word_scores["onset_shift_ms"][layer]
    assert found.word == int(np.nanargmax(np.abs(shift)))
    assert ("late" in found.text) == bool(shift[found.word] > 0)


def test_answers_that_differ_are_both_quoted():
    analysis = dataclasses.replace(make_analysis(), answers={"audio": "fox", "text": "box"})
    text = by_kind(analysis)["answers"].text
    assert "“fox”" in text
    assert "“box”" in text


def test_a_model_that_answers_nothing_is_said_to():
    analysis = dataclasses.replace(make_analysis(), answers={"audio": " ", "text": ""})
    assert "answers nothing" in by_kind(analysis)["answers"].text


def test_an_empty_path_gives_no_sentence_about_it():
    analysis = make_analysis()
    scores = dict(analysis.scores) | {"onset_error_ms": np.full(9, np.nan)}
    assert "path" not in by_kind(dataclasses.replace(analysis, scores=scores))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8437, "0.84"),
        (12.34, "12"),
        (0.01234, "0.012"),
        (1.0, "1.0"),
        (0.0, "0"),
        (-0.256, "-0.26"),
        (float("nan"), "–"),
        (0.00001, "0.0000"),
    ],
)
def test_two_significant_digits(value, text):
    assert number(value) == text
