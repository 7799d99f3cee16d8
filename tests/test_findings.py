"""Each sentence against the numbers it claims."""

import dataclasses
import re

import numpy as np
import pytest

from alas_core.findings import RULES, findings, ranking_sentence
from alas_core.mistakes import longest_departure, nearest_other, nearest_tokens
from alas_core.null import make_null
from alas_core.numerals import number
from alas_core.rankings import agreements
from tests.factory import make_analysis, make_lens_of


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


def test_a_null_that_is_beaten_narrowly_is_said_to_be():
    analysis = make_analysis()
    layer, samples = analysis.best_layer, analysis.null.samples.copy()
    high = analysis.scores["alas"][layer] - 0.01
    samples[:, layer] = np.linspace(high - 0.4, high, len(samples))
    null = make_null("wrong transcripts", samples, analysis.scores["alas"])
    text = by_kind(dataclasses.replace(analysis, null=null))["best layer"].text
    assert "the model binds these words" in text
    assert text.endswith("but only just.")
    assert "only just" not in by_kind(analysis)["best layer"].text


def test_words_that_a_model_was_never_taught_are_no_evidence():
    analysis = make_analysis()
    taught = [word.word for word in analysis.words]
    for known, praised in ((taught, True), (taught[:3], True), (taught[:2], False)):
        model = dataclasses.replace(analysis.model, known_words=frozenset(known))
        text = by_kind(dataclasses.replace(analysis, model=model))["best layer"].text
        assert ("the model binds these words" in text) is praised
        assert ("3 of 5 words were never taught" in text) is not praised


def test_until_the_null_is_there_the_quick_one_is_named():
    assert "permuted words" in by_kind(make_analysis(with_null=False))["best layer"].text


def test_the_weakest_word_is_the_one_with_the_lowest_score():
    analysis = make_analysis(binding=np.full(9, 0.3), seed=2)
    found = by_kind(analysis)["words"]
    values = analysis.word_scores["alas"][analysis.best_layer]
    assert found.word == int(np.nanargmin(values))
    assert f"“{analysis.words[found.word].word}”" in found.text


def with_paths(analysis, words):
    """The same analysis whose path is on these words' tokens; `words` one a frame."""
    paths = np.tile(np.asarray(words, np.int16), (analysis.n_layers + 1, 1))
    return dataclasses.replace(analysis, paths=paths)


def test_the_longest_departure_is_told_with_its_time_and_both_words():
    analysis = make_analysis()
    words = np.maximum(analysis.frame_word, 0)
    red = np.flatnonzero(analysis.frame_word == 1)
    words[red[:4]] = 0
    words[np.flatnonzero(analysis.frame_word == 3)[:2]] = 2
    found = by_kind(with_paths(analysis, words))["path"]
    start, end = analysis.frame_spans[red[0], 0], analysis.frame_spans[red[3], 1]
    assert f"{start:.2f} s to {end:.2f} s" in found.text
    assert "it is on “the” while “red” is said" in found.text
    assert found.word == 1
    layer = analysis.best_layer
    assert f"{number(analysis.scores['onset_error_ms'][layer])} ms" in found.text
    assert f"{number(analysis.baselines['onset_error_ms'][layer])} ms" in found.text


def test_the_seconds_of_a_part_are_told_as_its_own():
    analysis = make_analysis()
    words = np.maximum(analysis.frame_word, 0)
    words[np.flatnonzero(analysis.frame_word == 1)[:4]] = 0
    departs = with_paths(analysis, words)
    cut = dataclasses.replace(analysis.utterance, part="28.5-57")
    part = dataclasses.replace(departs, utterance=cut)
    assert re.search(r" s to \d\.\d\d s of this part, where it is on", by_kind(part)["path"].text)
    assert "part" not in by_kind(departs)["path"].text


def test_a_path_on_the_reference_is_said_to_stay_there():
    analysis = make_analysis()
    found = by_kind(with_paths(analysis, np.maximum(analysis.frame_word, 0)))["path"]
    assert "never leaves the reference" in found.text
    assert found.word is None


def said_twice(analysis):
    """The same with its third word the same as its fifth."""
    words = list(analysis.words)
    words[2] = dataclasses.replace(words[2], word=words[4].word.upper())
    reference = dataclasses.replace(analysis.reference, words=tuple(words))
    return dataclasses.replace(analysis, reference=reference)


def test_the_same_word_said_elsewhere_is_named_as_another():
    analysis = make_analysis()
    words = np.maximum(analysis.frame_word, 0)
    words[analysis.frame_word == 2] = 4
    text = by_kind(with_paths(said_twice(analysis), words))["path"].text
    assert "it is on another “here” while “HERE” is said" in text


def test_silence_is_no_departure():
    analysis = make_analysis()
    words = np.where(analysis.frame_word < 0, 3, analysis.frame_word)
    assert longest_departure(with_paths(analysis, words), 0) is None


def mistaken(analysis, word, other, n_frames):
    """Frames of a word that look like another word's token, at all layers."""
    maps = analysis.similarity.copy()
    own = np.flatnonzero(analysis.frame_word == word)[:n_frames]
    maps[:, own] = 0
    maps[:, own, other] = 1
    scores = {name: values.copy() for name, values in analysis.word_scores.items()}
    scores["alas"][:, word] = 0.0
    return dataclasses.replace(analysis, similarity=maps, word_scores=scores)


def test_a_weak_word_is_named_with_what_it_is_taken_for():
    base = make_analysis(binding=np.full(9, 4.0))
    n_frames = int((base.frame_word == 2).sum())
    found = by_kind(mistaken(base, 2, 4, n_frames))["taken for"]
    assert found.text.startswith("“fox” is taken for “here”")
    assert f"{n_frames} of its {n_frames} frames" in found.text
    assert found.word == 2


def test_a_word_is_not_taken_for_itself_said_elsewhere():
    base = make_analysis(binding=np.full(9, 4.0))
    analysis = mistaken(base, 2, 4, int((base.frame_word == 2).sum()))
    assert "taken for" in by_kind(analysis)
    assert "taken for" not in by_kind(said_twice(analysis))


def test_the_read_out_adds_what_it_names_instead():
    base = make_analysis(binding=np.full(9, 4.0))
    n_frames = int((base.frame_word == 2).sum())
    analysis = mistaken(base, 2, 4, n_frames)
    lens = make_lens_of(base)
    own = analysis.frame_word == 2
    rank, tops = lens.own_rank.copy(), lens.tops.copy()
    rank[:, : base.n_frames][:, own] = 5
    tops[:, : base.n_frames, 0][:, own] = lens.vocabulary.index(" they")
    lens = dataclasses.replace(lens, own_rank=rank, tops=tops)
    text = by_kind(dataclasses.replace(analysis, lens=lens))["taken for"].text
    assert f"the read-out names “they” in {n_frames}" in text


def test_a_word_that_is_weak_but_right_is_not_taken_for_another():
    base = make_analysis(binding=np.full(9, 4.0))
    assert "taken for" not in by_kind(base)
    half = int((base.frame_word == 2).sum()) // 2
    assert nearest_other(mistaken(base, 2, 4, half - 1), 2, 0)[0] is None
    assert "taken for" not in by_kind(mistaken(base, 2, 4, half - 1))


def test_the_read_out_is_told_with_counts_layers_and_what_is_never_named():
    analysis = make_analysis()
    lens = make_lens_of(analysis)
    rank = np.full_like(lens.own_rank, 9)
    for word, layer in ((0, 2), (1, 2), (2, 6)):
        rank[layer:, : analysis.n_frames][:, analysis.frame_word == word] = 1
    lens = dataclasses.replace(lens, own_rank=rank)
    found = by_kind(dataclasses.replace(analysis, lens=lens))["read"]
    assert "names 3 of 5 words" in found.text
    assert "3 of them from half" in found.text
    assert "half of these are named by layer 2, the last one, “fox”, at layer 6." in found.text
    assert "Never named: “sleeps”, “here”." in found.text
    assert found.view == "readout"
    assert "read" not in by_kind(analysis)


def test_a_score_that_ranks_the_layers_otherwise_is_told():
    analysis = make_analysis()
    scores = {name: np.asarray(analysis.scores["alas"]) for name in analysis.scores}
    scores["onset_error_ms"] = 10 - scores["alas"]
    agreeing = dataclasses.replace(analysis, scores=scores)
    assert "scores" not in by_kind(agreeing)
    scores = scores | {"contrast": -scores["alas"]}
    found = by_kind(dataclasses.replace(analysis, scores=scores))["scores"]
    worst = int(np.argmin(analysis.scores["alas"]))
    assert f"Contrast is best at layer {worst}, ALAS at {analysis.best_layer}" in found.text
    assert "−1.0" in found.text
    assert found.view == "sensitivity"


def test_answers_that_differ_are_both_quoted():
    analysis = dataclasses.replace(make_analysis(), answers={"audio": "fox", "text": "box"})
    text = by_kind(analysis)["answers"].text
    assert "“fox”" in text
    assert "“box”" in text
    assert "(0 of 1 words agree)" in text


EMPTY = {"audio": " ", "text": ""}


def test_a_model_that_answers_nothing_is_said_to():
    analysis = dataclasses.replace(make_analysis(), answers=EMPTY)
    text = by_kind(analysis)["answers"].text
    assert text == "The model answers nothing: 0 words to sound, 0 words to text."


def test_where_there_is_no_path_that_is_said_with_the_reason():
    analysis = make_analysis()
    scores = dict(analysis.scores) | {"onset_error_ms": np.full(9, np.nan)}
    lost = dataclasses.replace(analysis, scores=scores, paths=np.full_like(analysis.paths, -1))
    text = by_kind(lost)["path"].text
    assert text == "There is no path to follow in time: 5 tokens, 40 frames."


def test_of_one_word_it_is_said_that_nothing_can_be_told():
    found = by_kind(make_analysis(words="fox"))
    assert found["best layer"].text.startswith(
        "Binding cannot be told: 1 of 1 word has tokens of its own,"
    )
    assert "words" not in found
    assert "of 1 word only the first has a start" in found["path"].text
    assert not any("nan" in finding.text or "–" in finding.text for finding in found.values())


def test_a_masked_token_is_no_word_that_another_is_taken_for():
    base = make_analysis(binding=np.full(9, 4.0))
    own = np.flatnonzero(base.frame_word == 2)
    maps, norms = base.similarity.copy(), base.norms.copy()
    maps[:, own] = 0
    maps[:, own, 2], maps[:, own, 0] = 0.5, 1  # the first token is like everything: a sink
    norms[:, base.n_frames] *= 100
    looked = dataclasses.replace(base, similarity=maps, norms=norms)
    assert nearest_other(looked, 2, 4)[:2] == (0, len(own))
    settings = dataclasses.replace(base.key.settings, mask_sinks=True)
    masked = dataclasses.replace(looked, key=dataclasses.replace(base.key, settings=settings))
    assert nearest_other(masked, 2, 4) == (None, 0, len(own))
    assert nearest_tokens(masked, 4)[own].tolist() == [2] * len(own)


def test_answers_that_agree_are_quoted_once_with_how_many_words():
    analysis = dataclasses.replace(make_analysis(), answers={"audio": "A  fox", "text": "a fox"})
    text = by_kind(analysis)["answers"].text
    assert text == "Hearing and reading give one answer: “A fox” (2 of 2 words agree)."


@pytest.mark.parametrize("with_null", [True, False])
@pytest.mark.parametrize("with_lens", [True, False])
@pytest.mark.parametrize(
    "answers", [{}, *({"audio": "fox", "text": text} for text in ("fox", "box")), EMPTY]
)
def test_there_are_three_to_six_and_each_has_a_number(with_null, with_lens, answers):
    for seed, strength in ((0, 0.0), (1, 0.3), (2, 4.0)):
        analysis = make_analysis(binding=np.full(9, strength), with_null=with_null, seed=seed)
        if with_lens:
            analysis = dataclasses.replace(analysis, lens=make_lens_of(analysis))
        analysis = dataclasses.replace(analysis, answers=answers)
        found = findings(analysis)
        assert bool(answers) == ("answers" in by_kind(analysis))
        assert 3 <= len(found) <= 6
        assert all(re.search(r"\d", finding.text) for finding in found)
        assert [f.kind for f in found] == [r.kind for r in RULES if r.kind in by_kind(analysis)]


def test_every_rule_says_when_and_where_it_can_be_seen():
    assert len({rule.kind for rule in RULES}) == len(RULES)
    assert all(rule.when for rule in RULES)
    assert {rule.view for rule in RULES} <= {"sheet", "readout", "answers", "sensitivity"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8437, "0.84"),
        (12.34, "12"),
        (0.01234, "0.012"),
        (1.0, "1.0"),
        (0.0, "0"),
        (-0.256, "−0.26"),
        (float("nan"), "–"),
        (0.000031, "3.1e−05"),
        (0.00996, "0.010"),
    ],
)
def test_two_significant_digits(value, text):
    assert number(value) == text


def test_the_smallest_p_of_19_wrong_transcripts_is_significant():
    analysis = make_analysis()
    twentieth = np.full(analysis.n_layers + 1, 1 / 20, np.float32)
    null = dataclasses.replace(analysis.null, p=twentieth, p_adjusted=twentieth)
    told = " ".join(f.text for f in findings(dataclasses.replace(analysis, null=null)))
    assert "at 9 of 9 layers" in told


def test_a_null_too_small_to_tell_is_said_and_not_read_as_no_binding():
    """The best of nine layers is above all 18: corrected for the layers, p cannot reach 0.05."""
    analysis = make_analysis()
    null = make_null("wrong transcripts", analysis.null.samples[:18], analysis.scores["alas"])
    text = by_kind(dataclasses.replace(analysis, null=null))["best layer"].text
    assert "None of the 18 reaches that at any layer, but they are too few to tell over 9" in text
    assert "not more than" not in text


def test_scores_without_a_value_are_not_counted_among_those_that_agree():
    analysis = make_analysis()
    found = agreements(analysis)
    gone = [dataclasses.replace(other, best_layer=None, kendall=np.nan) for other in found[:2]]
    rest = [dataclasses.replace(other, differs=False) for other in found[2:]]
    assert ranking_sentence(analysis, [*gone, *rest]).startswith(f"All {len(rest)} other scores")
    assert "No other score has a value" in ranking_sentence(analysis, gone)
