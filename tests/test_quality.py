"""How good the reference is: agreement of two, and what moved boundaries do."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from alas_core.errors import InputError
from alas_core.figures.quality import agreement_figure, jitter_figure
from alas_core.quality import (
    agreement_sentence,
    jitter_sentence,
    reference_quality,
)
from alas_core.reference.agreement import agreement
from alas_core.scores import layer_scores
from alas_core.types import Reference
from tests.factory import make_analysis


def shifted(reference, by_ms, unplaced=()):
    words = [
        dataclasses.replace(word, start_s=word.start_s + ms / 1000, end_s=word.end_s + ms / 1000)
        for word, ms in zip(reference.words, by_ms, strict=True)
    ]
    for k in unplaced:
        words[k] = dataclasses.replace(words[k], start_s=math.nan, end_s=math.nan, problem="lost")
    return Reference("second", tuple(words))


def test_agreement_is_the_difference_of_onsets_word_by_word():
    first = make_analysis().reference
    compared = agreement(first, shifted(first, [10, -20, 0, 60, 30], unplaced=[4]))
    assert compared.onset_ms == pytest.approx([10, -20, 0, 60, math.nan], nan_ok=True)
    assert compared.end_ms == pytest.approx([10, -20, 0, 60, math.nan], nan_ok=True)
    assert compared.n_compared == 4
    assert compared.mean_onset_ms == pytest.approx(22.5)
    assert compared.max_onset_ms == pytest.approx(60)
    assert compared.farthest == 3


def test_agreement_with_itself_and_with_nothing():
    first = make_analysis().reference
    assert agreement(first, first).max_onset_ms == 0
    nothing = agreement(first, shifted(first, [0] * 5, unplaced=range(5)))
    assert nothing.farthest is None
    assert math.isnan(nothing.mean_onset_ms)


def test_references_of_other_words_are_not_compared():
    with pytest.raises(InputError, match="two references of one transcript"):
        agreement(make_analysis().reference, make_analysis(words="another two").reference)


def test_alas_with_the_second_reference_is_what_an_analysis_with_it_would_have():
    analysis = make_analysis()
    second = shifted(analysis.reference, [120] * 5)
    quality = reference_quality(analysis, second)
    frame_word = np.full(analysis.n_frames, -1)
    frame_word[3:] = analysis.frame_word[:-3]  # 120 ms are three frames
    expected = layer_scores(analysis.similarity.astype(np.float32), frame_word, analysis.token_word)
    np.testing.assert_allclose(quality.second_alas, expected, rtol=1e-4)
    same = reference_quality(analysis, analysis.reference)
    np.testing.assert_allclose(same.second_alas, analysis.scores["alas"], rtol=1e-3)


@pytest.mark.parametrize(
    ("binding", "verdict"),
    [(0.9, "stays above them"), (0.0, "does not exceed even as it is")],
)
def test_the_jitter_sentence_says_whether_errors_would_decide(binding, verdict):
    analysis = make_analysis(binding=np.full(9, binding))
    sentence = jitter_sentence(analysis, reference_quality(analysis), 4)
    assert "up to 20, 40, 80 ms" in sentence
    assert verdict in sentence


def test_the_agreement_sentence_has_its_numbers():
    analysis = make_analysis()
    second = shifted(analysis.reference, [10, -20, 0, 60, 30])
    sentence = agreement_sentence(analysis, reference_quality(analysis, second), 4)
    assert "onsets of 5 of 5 words are 24 ms apart on average and 60 ms at most" in sentence
    assert "“sleeps”" in sentence
    assert "one audio frame is 40 ms" in sentence
    nothing = shifted(analysis.reference, [0] * 5, unplaced=range(5))
    assert "places none" in agreement_sentence(analysis, reference_quality(analysis, nothing), 4)
    assert agreement_sentence(analysis, reference_quality(analysis), 4) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_draw_the_numbers(theme):
    analysis = make_analysis()
    second = shifted(analysis.reference, [10, -20, 0, 60, 30], unplaced=[2])
    quality = reference_quality(analysis, second)
    bars = agreement_figure(analysis, quality.agreement, word=1, theme=theme)
    assert np.asarray(bars.data[0].y, float) == pytest.approx(
        [10, -20, np.nan, 60, 30], nan_ok=True
    )
    assert "no place" in bars.data[0].customdata[2]
    assert bars.layout.yaxis.title.text.endswith("(ms)")
    moved = jitter_figure(analysis, quality, layer=4, theme=theme)
    draws, mean = moved.data
    assert len(draws.y) == quality.jittered[:, :, 4].size
    assert mean.y[0] == pytest.approx(float(analysis.scores["alas"][4]))
    assert moved.layout.shapes[0].y1 == pytest.approx(float(analysis.null.high[4]))


def test_markup_in_a_word_stays_text():
    analysis = make_analysis(words="the <b>red</b> fox")
    figure = agreement_figure(analysis, agreement(analysis.reference, analysis.reference))
    assert "<b>" not in str(figure.to_dict())
