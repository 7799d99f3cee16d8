"""Two analyses against each other: words matched, layers laid over each other, nulls in sight."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from alas_core import comparison, contrasts, sounds
from alas_core.comparison import WordPair
from alas_core.errors import InputError
from alas_core.figures import comparison as figures
from alas_core.numerals import hundredths, signed
from alas_core.types import Audio, Reference, WordTiming
from tests.factory import make_analysis


@pytest.fixture(scope="module")
def bound():
    return make_analysis()


@pytest.fixture(scope="module")
def unbound():
    return make_analysis(binding=np.zeros(9), seed=1)


@pytest.fixture(scope="module")
def deeper():
    return make_analysis(n_layers=16, words="the old red fox sleeps")


@pytest.fixture(scope="module")
def another():
    return make_analysis(words="now the gray fox carried books", seed=2)


@pytest.fixture(scope="module")
def foreign():
    return make_analysis(words="nine birds carried a book", seed=2)


def test_equal_words_match_and_the_others_stay_alone(bound, deeper):
    pairs = comparison.match_words(bound, deeper)
    assert pairs == (
        WordPair(0, 0), WordPair(None, 1), WordPair(1, 2), WordPair(2, 3), WordPair(3, 4),
        WordPair(4, None),
    )  # fmt: skip
    assert all(pair.left == pair.right for pair in comparison.match_words(bound, bound))


def test_a_word_is_never_paired_with_another_word_in_its_place(bound, another):
    assert comparison.match_words(bound, another) == (
        WordPair(None, 0), WordPair(0, 1), WordPair(1, None), WordPair(None, 2), WordPair(2, 3),
        WordPair(3, None), WordPair(4, None), WordPair(None, 4), WordPair(None, 5),
    )  # fmt: skip
    rows = comparison.word_rows(bound, another, (4, 4))
    both = [row for row in rows if row["B − A"] is not None]
    assert [(row["Word of A"], row["Word of B"]) for row in both] == [("the", "the"), ("fox",) * 2]
    words = figures.words_figure((bound, another))
    apart = words.data[2]
    assert np.isfinite(apart.z).all(axis=0).tolist() == [row in both for row in rows]
    assert list(words.layout.xaxis.ticktext) == [
        row["Word of A"] or row["Word of B"] for row in rows
    ]  # fmt: skip
    told = " ".join(contrasts.summary(bound, another, (4, 4)))
    assert "of 2 words found on both sides" in told
    assert "Words found on one side only: 3 of A, 4 of B; a word is compared with itself" in told
    assert " / " not in told


def test_without_a_word_in_common_that_is_said_and_nothing_is_compared_by_words(bound, foreign):
    assert comparison.share_words(bound, bound)
    assert not comparison.share_words(bound, foreign)
    told = " ".join(contrasts.summary(bound, foreign, (4, 4)))
    assert "A and B have no word in common, so they cannot be compared word by word" in told
    assert "on one side only" not in told


def test_of_one_word_in_common_only_its_change_is_told(bound):
    other = make_analysis(words="now the doctor carried books", seed=2)
    told = " ".join(contrasts.summary(bound, other, (4, 3)))
    assert "One word was found on both sides; how its ALAS changes (A layer 4, B layer 3; " in told
    assert "“the” " in told


def test_case_and_punctuation_do_not_keep_words_apart(bound):
    words = [dataclasses.replace(word, word=f"{word.word.upper()}!") for word in bound.words]
    loud = dataclasses.replace(bound, reference=Reference("loud", tuple(words)))
    assert comparison.match_words(bound, loud) == comparison.match_words(bound, bound)


def made_anew(analysis, **settings):
    """The same numbers under another key."""
    changed = dataclasses.replace(analysis.key.settings, **settings)
    key = dataclasses.replace(analysis.key, settings=changed)
    return dataclasses.replace(analysis, key=key)


def test_the_difference_of_a_thing_and_itself_is_nothing(bound):
    apart = comparison.difference(bound, bound, "alas")
    assert not apart.values.any()
    assert not apart.low.any()
    assert not apart.high.any()
    assert comparison.settings_apart(bound, bound) == ()
    assert all(row["B − A"] == 0 for row in comparison.word_rows(bound, bound, (3, 3)))


def test_differences_by_index_and_their_null_are_a_plain_subtraction(bound, unbound):
    unbound = made_anew(unbound, seed=bound.key.settings.seed)  # as if drawn alike
    apart = comparison.difference(bound, unbound, "alas")
    expected = unbound.scores["alas"] - bound.scores["alas"]
    assert apart.values == pytest.approx(expected, rel=1e-5)
    between = unbound.null.samples - bound.null.samples
    assert apart.low == pytest.approx(np.quantile(between, 0.025, axis=0), rel=1e-5)
    assert comparison.difference(bound, unbound, "hit_rate").low is None


def test_by_depth_a_profile_that_is_a_line_lies_on_itself_at_another_depth(bound, deeper):
    def lined(analysis):
        line = np.linspace(0, 1, analysis.n_layers + 1).astype(np.float32)
        return dataclasses.replace(analysis, scores={**analysis.scores, "hit_rate": line})

    apart = comparison.difference(lined(bound), lined(deeper), "hit_rate", "depth")
    assert len(apart.layers) == 17
    assert apart.layers[-1] == 1
    assert apart.values == pytest.approx(np.zeros(17), abs=1e-6)
    by_index = comparison.difference(lined(bound), lined(deeper), "hit_rate", "index")
    assert len(by_index.layers) == 9
    assert comparison.layer_at(deeper, 0.5, "depth") == 8


def test_the_summary_says_what_moved_with_its_numbers(bound, unbound):
    layers = bound.best_layer, unbound.best_layer
    told = contrasts.summary(bound, unbound, layers)
    best = f"A at layer {bound.best_layer} of 8 with 0.97"
    assert best in told[0]
    assert "wrong transcripts reach" in told[0]
    assert "more than wrong words would bring about" in told[1]
    assert "B − A is outside the band of the nulls at 9 of 9 layers; largest at layer" in told[2]
    assert "5 of 5 words found on both sides" in told[3]
    same = contrasts.summary(bound, made_anew(bound, centering="mean"), (4, 4))
    assert "The best layer is the same" in same[0]
    assert "no more than wrong words would bring about" in same[1]
    assert "0 of 5 words" in same[3]


def test_nulls_of_other_words_are_set_against_each_other_draw_by_draw(bound, another):
    """No draw of one belongs to the draw at the same place of the other's list."""
    apart = comparison.difference(bound, another, "alas")
    pairs = [b - a for a in bound.null.samples for b in another.null.samples]
    low, high = np.quantile(pairs, (0.025, 0.975), axis=0)
    assert apart.low == pytest.approx(low, rel=1e-5)
    assert apart.high == pytest.approx(high, rel=1e-5)
    turned = dataclasses.replace(another.null, samples=another.null.samples[::-1])
    again = comparison.difference(bound, dataclasses.replace(another, null=turned), "alas")
    assert again.low == pytest.approx(apart.low, rel=1e-5), "an order that means nothing"
    elsewhere = dataclasses.replace(bound.key, null_sha="drawn from other sentences")
    drawn_anew = dataclasses.replace(bound, key=elsewhere)
    assert comparison.difference(bound, drawn_anew, "alas").low.any(), "not one with itself"
    told = contrasts.summary(bound, another, (4, 2))[1]
    at_layers = [b[2] - a[4] for a in bound.null.samples for b in another.null.samples]
    low, high = (signed(float(end)) for end in np.quantile(at_layers, (0.025, 0.975)))
    assert f"wrong transcripts alone differ by {low} to {high} (95 %) between these two" in told


def test_layers_against_each_other_and_layer_by_layer_are_told_apart(bound, unbound):
    apart = comparison.difference(bound, unbound, "alas")
    most = int(np.abs(apart.values).argmax())
    band = f"(nulls: {signed(float(apart.low[most]))} to {signed(float(apart.high[most]))})"
    across = contrasts.summary(bound, unbound, (4, 0))[2]
    assert across.startswith("Layer by layer, both at the same layer, B − A is outside")
    assert band in across
    assert "This is another question than A layer 4 against B layer 0 above" in across
    same = contrasts.summary(bound, unbound, (4, 4))[2]
    assert "another question" not in same
    by_depth = contrasts.summary(bound, unbound, (4, 4), "depth")[2]
    assert by_depth.startswith("Layer by layer, both at the same depth, B − A")


def test_a_side_that_beats_no_null_has_no_best_layer_to_compare(bound, unbound):
    told = contrasts.summary(bound, unbound, (4, 4))[0]
    assert "B is not shown to beat wrong words, so whether the best layer moved cannot" in told
    assert not told.startswith("The best layer")
    neither = contrasts.summary(unbound, made_anew(unbound, centering="mean"), (4, 4))[0]
    assert "Neither side is shown to beat wrong words" in neither
    assert "The best layer is the same" not in neither


def test_of_one_analysis_only_what_differs_from_layer_to_layer_is_said(bound):
    at_layers, words = contrasts.summary(bound, bound, (4, 8))
    assert at_layers.startswith("At A layer 4, B layer 8, ALAS goes from")
    assert "words found on both sides change" in words
    assert contrasts.summary(bound, bound, (4, 4)) == ()


@pytest.mark.parametrize("axis", ["index", "depth"])
def test_of_one_analysis_no_flat_difference_is_drawn(bound, axis):
    profiles = figures.profiles_figure((bound, bound), axis=axis, layers=(4, 8))
    assert {trace.xaxis or "x" for trace in profiles.data} == {"x"}
    assert profiles.layout.xaxis.domain is None
    assert [shape.y0 for shape in profiles.layout.shapes] == (
        [4, 8] if axis == "index" else [50, 100]
    )
    (words,) = figures.words_figure((bound, bound), axis=axis).data
    assert words.showscale
    assert np.ptp(words.z) > 0


def test_words_without_a_partner_are_counted_and_shown(bound, deeper):
    told = " ".join(contrasts.summary(bound, deeper, (4, 8), "depth"))
    assert "Words found on one side only: 1 of A, 1 of B; a word is compared with" in told
    rows = comparison.word_rows(bound, deeper, (4, 8))
    assert rows[1]["Word of A"] is None
    assert rows[1]["B − A"] is None
    assert rows[2]["Word of B"] == "red"


def test_words_that_are_not_placed_have_no_change(bound):
    scores = {name: values.copy() for name, values in bound.word_scores.items()}
    for values in scores.values():
        values[:, 2] = np.nan
    lost = dataclasses.replace(made_anew(bound, seed=1), word_scores=scores)
    assert comparison.word_rows(bound, lost, (4, 4))[2]["B − A"] is None
    assert "0 of 4 words" in " ".join(contrasts.summary(bound, lost, (4, 4)))


def test_what_sets_two_analyses_apart_is_named(bound):
    other = made_anew(bound, centering="mean")
    assert comparison.settings_apart(bound, other) == (("centering", "none", "mean"),)


def test_two_checkpoints_differ_by_the_ends_of_their_folders():
    left, right = (make_analysis_of(f"/srv/secret/ckpt/checkpoint-{step}") for step in (500, 1000))
    assert comparison.settings_apart(left, right) == (
        ("model", "ckpt/checkpoint-500", "ckpt/checkpoint-1000"),
    )


def make_analysis_of(model_id):
    analysis = make_analysis()
    model = dataclasses.replace(analysis.model, model_id=model_id)
    return dataclasses.replace(analysis, model=model)


def test_a_null_of_another_size_is_named_once(bound):
    fewer = dataclasses.replace(bound.null, samples=bound.null.samples[:19])
    other = dataclasses.replace(made_anew(bound, n_null=19), null=fewer)
    n = len(bound.null.samples)
    assert comparison.settings_apart(bound, other) == (
        ("null", f"{n} wrong transcripts", "19 wrong transcripts"),
    )


@pytest.mark.parametrize("axis", ["index", "depth"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_sides_share_scales_and_have_their_nulls(bound, deeper, axis, theme):
    pair = bound, deeper
    profiles = figures.profiles_figure(pair, axis=axis, layers=(4, 8), theme=theme)
    names = [trace.name for trace in profiles.data]
    assert names == [
        "A: wrong transcripts, 95 %", "A", "B: wrong transcripts, 95 %", "B",
        "difference of the nulls, 95 %", "B − A",
    ]  # fmt: skip
    words = figures.words_figure(pair, axis=axis, theme=theme)
    one, other, _ = words.data
    assert (one.zmin, one.zmax) == (other.zmin, other.zmax)
    assert one.z.shape[1] == other.z.shape[1] == 6
    maps = figures.maps_figure(pair, layers=(4, 8), theme=theme)
    scales = {(t.zmin, t.zmax) for t in maps.data if t.type == "heatmap"}
    assert len(scales) == 1
    for axis_of in (profiles.layout.xaxis, words.layout.yaxis, maps.layout.xaxis):
        assert axis_of.title.text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_three_bands_can_be_told_apart_without_their_colours(bound, deeper, theme):
    figure = figures.profiles_figure((bound, deeper), layers=(4, 8), theme=theme)
    bands = [trace for trace in figure.data if trace.fill == "toself"]
    looks = {(band.line.width, band.line.dash, band.fillpattern.shape) for band in bands}
    assert len(looks) == len(bands) == 3
    assert all((band.x[0], band.y[0]) == (band.x[-1], band.y[-1]) for band in bands)


def test_a_change_too_small_for_two_decimals_has_no_sign(bound):
    scores = {**bound.word_scores, "alas": bound.word_scores["alas"] - np.float32(0.001)}
    less = dataclasses.replace(made_anew(bound, seed=1), word_scores=scores)
    for row in comparison.word_rows(bound, less, (4, 4)):
        assert f"{row['B − A']:.2f}" == "0.00"
    assert f"{hundredths(-0.004):.2f} {hundredths(-0.006):.2f}" == "0.00 -0.01"


class Fixed:
    name = "fixed"

    def align(self, audio, transcript):
        return Reference("fixed", (WordTiming("a", 0, 1, 0.5, 1.0),))


def test_words_keep_the_times_of_the_unchanged_sound_and_scale_with_its_speed(bound):
    audio = bound.utterance.audio
    for name in sounds.SOUNDS:
        changed = sounds.changed(audio, name)
        assert isinstance(changed, Audio)
        assert changed.sha != audio.sha
        ratio = changed.duration_s / audio.duration_s
        (word,) = sounds.TimesOfTheOriginal(Fixed(), audio).align(changed, "a").words
        assert word.start_s == pytest.approx(0.5 * ratio)
        assert name.startswith("speed") or ratio == 1
    with pytest.raises(InputError, match="no change of sound"):
        sounds.changed(audio, "louder")


def test_the_same_silence_of_two_recordings_has_the_times_of_each(bound):
    audio = bound.utterance.audio
    other = Audio(audio.samples[::-1].copy(), audio.sample_rate)
    assert sounds.changed(audio, "silence").sha == sounds.changed(other, "silence").sha
    names = [sounds.TimesOfTheOriginal(Fixed(), sound).name for sound in (audio, other, audio)]
    assert names[0] == names[2] != names[1], "the name is what the store tells them apart by"
