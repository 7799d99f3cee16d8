"""Questions to a run, each against a plain loop over its tables in pandas and numpy."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from alas_core.batch import schema
from alas_core.corpus import (
    accuracy,
    answers,
    choosing,
    exports,
    heat,
    layers,
    listing,
    pooled,
    profiles,
    resampling,
    words,
)
from alas_core.corpus.run import open_run
from alas_core.corpus.says import corpus_findings
from alas_core.errors import AlasError, InputError, StoreError
from alas_core.figures.corpus import null_note
from alas_core.resources import asset_path
from tests.runs import make_run

LAYER = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "planted", n=120, seed=3)


@pytest.fixture(scope="module")
def run(folder):
    return open_run(str(folder))


@pytest.fixture(scope="module")
def naive(folder):
    """The run's tables as pandas reads them."""
    names = ("scores", "utterances", "words", "cross_layer")
    return {name: pd.read_parquet(folder / schema.file_name(name)) for name in names}


def loop_matrix(naive, column):
    table = naive["scores"]
    by_id = {key: part.sort_values("layer")[column] for key, part in table.groupby("utterance")}
    return np.array([by_id[key].to_numpy() for key in naive["utterances"]["utterance"]])


def test_a_matrix_holds_each_utterance_and_layer_in_its_place(run, naive):
    assert len(run) == 120
    assert run.n_layers == 8
    for column in ("alas", "null_low", "baseline_hit_rate"):
        np.testing.assert_array_equal(run.matrix(column), loop_matrix(naive, column))


def test_a_matrix_does_not_depend_on_the_order_of_the_rows(folder, run, tmp_path):
    for name in ("run.json", "utterances.parquet", "words.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    scores = pd.read_parquet(folder / "scores.parquet").sample(frac=1, random_state=0)
    scores.iloc[:-9].to_parquet(tmp_path / "scores.parquet")
    shuffled = open_run(str(tmp_path)).matrix("alas")
    missing = np.isnan(shuffled)
    assert missing.sum() == 9
    np.testing.assert_array_equal(shuffled[~missing], run.matrix("alas")[~missing])


def test_what_is_no_run_or_a_newer_or_a_damaged_one_is_said(folder, tmp_path):
    with pytest.raises(StoreError, match="holds no run"):
        open_run(str(tmp_path))
    info = json.loads((folder / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(info | {"schema": 99}))
    with pytest.raises(StoreError, match="newer"):
        open_run(str(tmp_path))
    (tmp_path / "run.json").write_text(json.dumps(info))
    assert len(open_run(str(tmp_path))) == 0  # a run that has no tables yet
    (tmp_path / "scores.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(StoreError, match=r"scores\.parquet"):
        open_run(str(tmp_path))
    with pytest.raises(InputError, match="no score 'x'"):
        open_run(str(folder)).matrix("x")


def test_the_same_seed_gives_the_same_interval_and_another_does_not(run):
    values = run.matrix("alas")
    first, again = resampling.mean_band(values), resampling.mean_band(values)
    np.testing.assert_array_equal(first.low, again.low)
    assert not np.array_equal(first.low, resampling.mean_band(values, seed=1).low)


@pytest.mark.parametrize("n", [30, 400])
def test_the_band_agrees_with_a_plain_bootstrap_loop(n):
    values = np.random.default_rng(0).gamma(2.0, size=(n, 3)).astype(np.float32)
    band = resampling.mean_band(values)
    rng = np.random.default_rng(7)
    loop = np.array([values[rng.integers(0, n, n)].mean(axis=0) for _ in range(4000)])
    np.testing.assert_allclose(band.mean, values.mean(axis=0), rtol=1e-5)
    width = np.quantile(loop, 0.975, axis=0) - np.quantile(loop, 0.025, axis=0)
    # Two sets of resamples: their quantiles differ by a few percent of the interval's width.
    for ours, q in ((band.low, 0.025), (band.high, 0.975)):
        assert (abs(ours - np.quantile(loop, q, axis=0)) < 0.12 * width).all()


def test_intervals_hold_the_true_mean_about_95_times_in_100():
    rng = np.random.default_rng(1)
    for n in (60, 150):  # both kinds of weights
        bands = [resampling.mean_band(rng.normal(size=(n, 40)), seed=s) for s in range(10)]
        covered = np.mean([(band.low < 0) & (band.high > 0) for band in bands])
        assert 0.9 < covered < 0.985


def test_few_utterances_have_a_wider_interval_and_fewer_than_five_none():
    rng = np.random.default_rng(2)
    assert np.isnan(resampling.mean_estimate(rng.normal(size=4)).low)
    assert resampling.mean_estimate(rng.normal(size=4)).ends == "too few for an interval"
    covered = []
    for seed in range(400):
        values = rng.normal(size=6)
        found = resampling.mean_estimate(values, seed=seed)
        covered.append(found.low < 0 < found.high)
    assert np.mean(covered) > 0.9  # plain percentiles: 0.86
    many = rng.normal(size=5000)
    found, error = resampling.mean_estimate(many), many.std() / 5000**0.5
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_missing_numbers_are_left_out_of_means_and_of_n():
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]], np.float32)
    band = resampling.mean_band(values)
    assert band.mean[0] == 2
    assert band.n.tolist() == [2, 0]
    assert np.isnan([band.mean[1], band.low[1], band.high[1]]).all()
    nobody = resampling.mean_band(np.empty((0, 2), np.float32))
    assert np.isnan(nobody.mean).all()
    assert nobody.n.tolist() == [0, 0]


def test_a_share_has_the_wilson_interval():
    for hits, n in ((0, 5), (3, 10), (48, 48)):
        ours = resampling.share_estimate(hits, n)
        known = stats.binomtest(hits, n).proportion_ci(method="wilson")
        np.testing.assert_allclose((ours.low, ours.high), known, atol=1e-9)


def test_filters_keep_what_a_loop_keeps(run, naive):
    table = naive["utterances"]
    found = choosing.matching(run, {"speaker": ["anna", "bert"]}, text=" FOX ", kept_only=True)
    mask = table["speaker"].isin(["anna", "bert"]) & table["transcript"].str.contains("fox")
    np.testing.assert_array_equal(found, np.flatnonzero(mask & table["kept"]))
    assert len(choosing.matching(run, {})) == len(run)
    assert len(choosing.matching(run, {}, text="(no such [words")) == 0


def test_groups_are_the_largest_and_the_rest_together(run, naive):
    counts = naive["utterances"]["speaker"].value_counts()
    found = choosing.groups(run, run.everyone(), "speaker", limit=2)
    assert [len(group.rows) for group in found[:2]] == counts.tolist()[:2]
    assert found[2].name == "all others (2)"
    assert sorted(np.concatenate([group.rows for group in found])) == list(range(120))
    verdicts = choosing.groups(run, run.everyone(), "correct_audio")
    assert {group.name for group in verdicts} == {"right", "wrong"}
    quartiles = choosing.groups(run, run.everyone(), "duration_s")
    assert [len(group.rows) for group in quartiles] == [30] * 4


def test_columns_to_group_and_to_sort_by_are_found(run):
    assert choosing.group_columns(run)[:3] == ("label", "speaker", "correct_audio")
    assert "meta_voice" in choosing.group_columns(run)
    assert "transcript" not in choosing.group_columns(run)
    assert {"duration_s", "meta_take"} <= set(choosing.number_columns(run))


def test_group_profiles_agree_with_pandas(run, naive):
    table = naive["scores"].merge(naive["utterances"][["utterance", "speaker"]])
    known = table.groupby(["speaker", "layer"])["alas"].mean()
    for found in profiles.by_group(run, choosing.groups(run, run.everyone(), "speaker")):
        np.testing.assert_allclose(found.band.mean, known[found.name], rtol=1e-5)
        size = (naive["utterances"]["speaker"] == found.name).sum()
        assert (found.band.n == size).all()
        assert (found.band.low <= found.band.mean).all()
        np.testing.assert_allclose(found.null_high, 0.1, rtol=1e-5)


def test_the_best_layer_is_found_with_its_range(run):
    best = profiles.best_of(run, run.everyone())
    assert best.layer == run.matrix("alas").mean(axis=0).argmax()
    assert best.low <= best.layer <= best.high
    assert 0 < best.share <= 1
    assert best.value.low < best.value.value < best.value.high


def test_the_planted_difference_between_speakers_is_found(run, naive):
    found = {group.name: group for group in choosing.groups(run, run.everyone(), "speaker")}
    measured = profiles.difference(run, found["anna"], found["bert"], LAYER).estimate
    by_speaker = pd.Series(loop_matrix(naive, "alas")[:, LAYER]).groupby(
        naive["utterances"]["speaker"]
    )
    anna, bert = (by_speaker.get_group(name) for name in ("anna", "bert"))
    assert measured.value == pytest.approx(anna.mean() - bert.mean(), rel=1e-4)
    normal = 1.96 * np.sqrt(anna.var() / len(anna) + bert.var() / len(bert))
    half = (measured.high - measured.low) / 2
    assert half == pytest.approx(normal, rel=0.15)  # percentile bootstrap against the formula
    assert measured.low > 0


def test_the_share_that_beats_its_null_is_counted(run, naive):
    p = loop_matrix(naive, "p")[:, LAYER]
    share = profiles.beating_null(run, run.everyone(), LAYER)
    assert share.value == pytest.approx((p <= 0.05).mean())
    assert share.n == 120


@pytest.mark.parametrize("by", ["alas", "path_l1", "duration_s"])
@pytest.mark.parametrize("best_first", [True, False])
def test_the_order_is_that_of_a_sort(run, naive, by, best_first):
    ordered = choosing.order(run, run.everyone(), by, LAYER, best_first=best_first)
    values = naive["utterances"][by] if by == "duration_s" else loop_matrix(naive, by)[:, LAYER]
    falling = best_first != (by == "path_l1")
    expected = np.argsort(-values if falling else values, kind="stable")
    np.testing.assert_array_equal(ordered, expected)


def test_a_picture_of_many_utterances_is_made_of_bins(run, monkeypatch):
    ordered = choosing.order(run, run.everyone(), "alas", LAYER)
    single = heat.heat(run, ordered)
    assert not single.binned
    assert single.members(3).tolist() == [ordered[3]]
    monkeypatch.setattr(heat, "MAX_SINGLE", 50)
    monkeypatch.setattr(heat, "N_BINS", 7)
    binned = heat.heat(run, ordered)
    assert binned.binned
    np.testing.assert_array_equal(np.concatenate([binned.members(i) for i in range(7)]), ordered)
    for column in range(7):
        mean = run.matrix("alas")[binned.members(column)].mean(axis=0)
        np.testing.assert_allclose(binned.values[column], mean, rtol=1e-4)
    assert len(binned.members(7)) == len(binned.members(-1)) == 0


def test_words_agree_with_pandas(run, naive):
    placed = words.placed_words(run, run.everyone())
    known = naive["words"].groupby("word")["alas"].agg(["mean", "size"]).sort_values("mean")
    worst = words.ranked_words(placed, limit=4)
    assert worst["word"].to_list() == known.index[:4].tolist()
    np.testing.assert_allclose(worst["alas"], known["mean"][:4], rtol=1e-5)
    assert worst["n"].to_list() == known["size"][:4].tolist()
    assert ((worst["low"] < worst["alas"]) & (worst["alas"] < worst["high"])).all()
    best = words.ranked_words(placed, worst=False, limit=1)
    assert best["word"][0] == known.index[-1]
    few = words.placed_words(run, run.everyone()[:20])
    assert few["utterance"].n_unique() == 20


def test_an_interval_of_a_word_resamples_utterances_and_not_words(run):
    placed = words.placed_words(run, run.everyone())
    twice = pl.concat([placed, placed])  # each word said twice in its utterance is no new evidence
    once, doubled = (words.ranked_words(table, limit=3) for table in (placed, twice))
    np.testing.assert_allclose(once["low"], doubled["low"], rtol=1e-5)


def test_words_by_length_and_each_time_heard(run):
    placed = words.placed_words(run, run.everyone())
    table = words.by_length(placed, "letters")
    lengths = [int(length) for length in table["length"]]
    assert lengths == sorted(set(placed["letters"]))
    means = placed.to_pandas().groupby("letters")["alas"].mean()
    np.testing.assert_allclose(table["alas"], means, rtol=1e-5)
    heard = words.heard(placed, "fox")
    assert heard["alas"].to_list() == sorted(heard["alas"])
    assert set(heard["word"]) == {"fox"}


@pytest.mark.parametrize("side", ["correct_audio", "answer_similarity"])
def test_correlations_agree_with_scipy(run, naive, side):
    found = accuracy.pairs(run, run.everyone(), LAYER, side)
    score = loop_matrix(naive, "alas")[:, LAYER]
    outcome = naive["utterances"][side].astype(float)
    measured = accuracy.correlation(found)
    assert measured.pearson.value == pytest.approx(stats.pearsonr(score, outcome)[0], abs=1e-5)
    assert measured.spearman.value == pytest.approx(stats.spearmanr(score, outcome)[0], abs=1e-5)
    known = stats.bootstrap(
        (score, outcome), lambda x, y: stats.pearsonr(x, y)[0], paired=True, vectorized=False,
        n_resamples=1000, method="percentile", rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    # Two sets of a thousand resamples.
    np.testing.assert_allclose((measured.pearson.low, measured.pearson.high), known, atol=0.04)


def test_a_correlation_that_does_not_exist_says_why(run):
    same = accuracy.pairs(run, run.everyone(), LAYER, "correct_text")
    assert "same outcome" in accuracy.correlation(same).reason
    few = accuracy.pairs(run, run.everyone()[:3], LAYER, "correct_audio")
    assert "only 3" in accuracy.correlation(few).reason
    outcome = (np.arange(48) >= 4).astype(np.float32)
    score = np.random.default_rng(0).normal(size=48).astype(np.float32)
    rare = accuracy.Pairs(np.arange(48), score, outcome, outcome > 0)
    assert accuracy.correlation(rare).reason == (
        "only 4 of 48 utterances have another outcome than the rest, at least 5 are needed"
    )
    assert np.isnan(accuracy.correlation(rare).pearson.low)


def test_a_correlation_of_chance_is_seldom_called_one():
    """With five wrong answers, the fewest that are judged; one alone would err 4 times in 5."""
    rng = np.random.default_rng(5)
    outcome = (np.arange(48) >= 5).astype(np.float32)
    wrong = 0
    for _ in range(200):
        score = rng.normal(size=48).astype(np.float32)
        measured = accuracy.correlation(accuracy.Pairs(np.arange(48), score, outcome, outcome > 0))
        wrong += measured.pearson.low > 0 or measured.pearson.high < 0
    assert wrong < 30


def test_grounded_is_not_said_where_no_null_can_be_beaten(run, monkeypatch):
    def said() -> str:
        return next(f.text for f in corpus_findings(run, run.everyone()) if f.kind == "accuracy")

    assert "right but not grounded" in said()
    monkeypatch.setitem(run.info["settings"], "n_null", 9)
    assert "how many are grounded 9 wrong transcripts are too few to tell" in said()


def test_baselines_are_means_over_those_that_have_the_score(run, monkeypatch):
    scores = np.array([[10.0], [20.0], [np.nan], [np.nan]], np.float32)
    bases = np.array([[100.0], [100.0], [900.0], [900.0]], np.float32)
    monkeypatch.setattr(type(run), "matrix", lambda _, name: bases if "base" in name else scores)
    rows = np.arange(4)
    assert profiles.profile(run, rows, "path_accuracy").baseline.tolist() == [100]
    monkeypatch.setattr(heat, "MAX_SINGLE", 1)
    monkeypatch.setattr(heat, "N_BINS", 1)
    assert heat.heat(run, rows, "path_accuracy").baseline.tolist() == [[100]]


def test_a_group_without_a_number_is_no_extreme(run, monkeypatch):
    values = run.matrix("alas").copy()
    named = {group.name: group for group in choosing.groups(run, run.everyone(), "speaker")}
    before = [f.text for f in corpus_findings(run, run.everyone()) if f.kind == "groups"]
    assert "anna stands" in before[0]
    third = next(group for name, group in named.items() if name not in before[0])
    values[third.rows] = np.nan
    real = type(run).matrix
    monkeypatch.setattr(
        type(run), "matrix", lambda self, name: values if name == "alas" else real(self, name)
    )
    after = [f.text for f in corpus_findings(run, run.everyone()) if f.kind == "groups"]
    assert after[0].split(" (95 %")[0] == before[0].split(" (95 %")[0]


def test_quadrants_part_the_utterances(run, naive):
    found = accuracy.pairs(run, run.everyone(), 0, "correct_audio")
    parts = accuracy.quadrants(found)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(120))
    right = naive["utterances"]["correct_audio"].to_numpy()
    inside = loop_matrix(naive, "p")[:, 0] > 0.05
    odd = parts["right but not grounded"]
    assert set(odd) == set(np.flatnonzero(right & inside))
    assert (np.diff(run.matrix("alas")[odd, 0]) >= 0).all()


def test_a_threshold_moves_the_means_as_a_loop_does(run, naive):
    values = loop_matrix(naive, "alas")[:, LAYER]
    similar = naive["utterances"]["answer_similarity"].to_numpy()
    for threshold in (0.0, 0.7, 0.95):
        found = answers.filtered(run, run.everyone(), threshold, LAYER)
        mask = similar >= threshold
        assert found.kept_mean.value == pytest.approx(values[mask].mean(), rel=1e-5)
        assert (found.kept_mean.n, found.left_mean.n) == (mask.sum(), (~mask).sum())
        assert found.all_mean.value == pytest.approx(values.mean(), rel=1e-5)
    counts, edges = answers.histogram(run, run.everyone())
    assert counts.sum() == 120
    assert len(edges) == len(counts) + 1
    assert answers.answer_pairs(run, run.everyone())["answer_similarity"].is_sorted()


def test_cross_layer_matrices_and_the_groups_of_layers(run, naive):
    assert layers.matrices(run) == ("cka", "layer_correlation")
    matrix = layers.cross_layer(run, "cka")
    table = naive["cross_layer"].query("name == 'cka'")
    for row in table.sample(10, random_state=0).itertuples():
        assert matrix.values[row.audio_layer, row.text_layer] == pytest.approx(row.mean, rel=1e-5)
    assert matrix.n == 120
    assert matrix.best_text_layer.tolist() == list(range(9))
    tree = layers.layer_tree(matrix)
    assert sorted(tree.order) == list(range(9))
    assert (np.diff(tree.groups) >= 0).all()  # neighbours go together in this planted matrix
    assert set(tree.groups) == {0, 1, 2}
    with pytest.raises(InputError, match="no matrix 'x'"):
        layers.cross_layer(run, "x")


def test_planted_groups_of_layers_are_recovered():
    groups = np.array([0, 0, 0, 1, 1, 2, 2])
    rng = np.random.default_rng(0)
    profile = rng.normal(size=(3, 7))
    matrix = layers.CrossLayer("x", (profile[groups] + 0.01 * rng.normal(size=(7, 7))), 1)
    np.testing.assert_array_equal(layers.layer_tree(matrix).groups, groups)
    assert layers.layer_tree(layers.CrossLayer("x", np.full((5, 5), np.nan), 1)) is None


def test_csv_cannot_run_in_a_spreadsheet():
    nasty = ["=cmd()", " +1", "-2", "@x", "\tx", "plain", '"quoted", with comma', None]
    frame = pl.DataFrame({"=name": nasty, "number": [-1.5] * len(nasty)})
    read = pd.read_csv(io.BytesIO(exports.to_csv(frame)), keep_default_na=False)
    assert read.columns.tolist() == ["'=name", "number"]
    assert read["'=name"].tolist() == [
        "'=cmd()", "' +1", "'-2", "'@x", "'\tx", "plain", '"quoted", with comma', "",
    ]  # fmt: skip
    assert (read["number"] == -1.5).all()


def test_exports_hold_the_chosen_utterances_with_all_digits(run, naive):
    rows = run.everyone()[5:9]
    for name in exports.TABLES:
        frame = exports.table(run, name, rows)
        back = pl.read_parquet(io.BytesIO(exports.to_parquet(frame)))
        assert back.equals(frame)
    scores = exports.table(run, "scores", rows)
    assert set(scores["utterance"]) == set(naive["utterances"]["utterance"][5:9])
    assert len(scores) == 4 * 9
    table = exports.profile_table((profiles.profile(run, rows),))
    np.testing.assert_array_equal(table["mean"], profiles.profile(run, rows).band.mean)


def test_what_a_run_says_carries_its_numbers(run):
    said = {finding.kind: finding.text for finding in corpus_findings(run, run.everyone())}
    best = profiles.best_of(run, run.everyone())
    assert f"layer {best.layer} of 8" in said["best layer"]
    assert "95 % interval" in said["best layer"]
    assert "n = 120" in said["best layer"]
    assert "by chance it would be 4 %" in said["null"]
    assert said["accuracy"].startswith("Alignment goes with right answers")
    assert "anna stands" in said["groups"]
    assert "“the”" in said["words"]
    assert "give different answers" in said["filter"]


def test_a_run_with_few_or_no_utterances_says_so(run, tmp_path):
    few = corpus_findings(run, run.everyone()[:4])
    assert "caution" in few[0].text
    nobody = corpus_findings(run, run.everyone()[:0])
    assert nobody[0].kind == "empty"
    one = open_run(str(make_run(tmp_path / "one", n=1, n_layers=1, n_skipped=0)))
    assert corpus_findings(one, one.everyone())


def test_of_one_utterance_sentences_speak_in_the_singular(run):
    kinds = {}
    for row in run.everyone():
        for finding in corpus_findings(run, np.array([row])):
            kinds.setdefault(finding.kind, finding.text)
            assert not re.search(r"\b1 (utterances|answers|pairs)\b|\btheir\b", finding.text)
    assert "With only 1 utterance, take" in kinds["best layer"]
    assert "of 1 utterance beats its own wrong transcripts" in kinds["null"]
    assert "only 1 utterance has both numbers" in kinds["accuracy"]
    assert "of 1 answer to the sound is right" in kinds["accuracy"]
    assert kinds["filter"].startswith("1 of 1 pair gives different answers")


@pytest.mark.parametrize(
    ("settings", "null", "chance"),
    [
        ({"n_null": 49}, "wrong transcripts", "by chance it would be 4 %"),
        ({"n_null": 0, "n_permutations": 199}, "permuted words", "by chance it would be 5 %"),
        ({"n_null": 9}, "wrong transcripts", "with 9 wrong transcripts for each none can"),
    ],
)
def test_a_run_names_the_null_it_was_made_with_and_what_chance_alone_gives(
    tmp_path, settings, null, chance
):
    made = open_run(str(make_run(tmp_path / "named", n=20)))
    made.info["settings"] = settings
    said = {finding.kind: finding.text for finding in corpus_findings(made, made.everyone())}
    assert f"their own {null} (p ≤ 0.05)" in said["null"]
    assert said["null"].endswith(f"; {chance}.")
    assert f"; their {null} average" in said["best layer"]
    assert null_note([profiles.profile(made, made.everyone())]) == f"grey: {null}"


def test_every_error_is_one_for_the_user():
    assert issubclass(StoreError, AlasError)


def test_a_run_called_example_is_the_users_own(tmp_path, monkeypatch):
    shipped = listing.listed_runs()[listing.EXAMPLE]
    assert listing.is_example(shipped)
    make_run(tmp_path / listing.EXAMPLE, 12)
    monkeypatch.setenv("ALAS_RUNS", str(tmp_path))
    own = listing.listed_runs()[listing.EXAMPLE]
    assert own.url == str(tmp_path / listing.EXAMPLE)
    assert not listing.is_example(own)


def test_pairs_that_could_not_be_compared_are_counted_apart(tmp_path):
    path = make_run(tmp_path / "run", 40, n_skipped=0) / "utterances.parquet"
    table = pl.read_parquet(path)
    rows = pl.int_range(pl.len())
    table.with_columns(
        answer_similarity=pl.when(rows < 10).then(1.0).cast(pl.Float32),
        kept=pl.when(rows < 10).then(True).when(rows < 14).then(False),
    ).write_parquet(path)
    run = open_run(str(path.parent))
    found = answers.filtered(run, run.everyone(), 0.7, LAYER)
    assert [len(part) for part in (found.kept, found.left_out, found.unknown)] == [10, 4, 26]
    assert (found.share.n, found.share.value) == (14, pytest.approx(10 / 14))
    assert found.all_mean.n == 40
    (said,) = [one.text for one in corpus_findings(run, run.everyone()) if one.kind == "filter"]
    assert said.startswith("4 of 14 pairs give different answers")
    assert said.endswith("26 more could not be compared.")
    assert choosing.matching(run, {}, kept_only=True).tolist() == list(range(10))


def test_truths_of_a_data_set_are_yes_and_no_and_a_rest_is_no_extreme(tmp_path):
    path = make_run(tmp_path / "run", 120, n_skipped=0) / "utterances.parquet"
    rows = pl.int_range(pl.len())
    pl.read_parquet(path).with_columns(
        meta_heard=rows % 3 == 0,
        speaker=pl.when(rows < 60).then(pl.lit("anna")).otherwise(pl.format("s{}", rows % 12)),
    ).write_parquet(path)
    run = open_run(str(path.parent))
    names = {g.name for g in choosing.groups(run, run.everyone(), "meta_heard")}
    assert names == {"yes", "no"}
    assert choosing.value_label("correct_audio", False) == "wrong"
    speakers = choosing.groups(run, run.everyone(), "speaker", limit=3)
    assert [group.named for group in speakers] == [True, True, True, False]
    assert speakers[-1].name == "all others (10)"


def test_whether_there_is_an_analysis_is_told_without_reading_it(run, monkeypatch):
    from alas_core.corpus.opening import has_bundle

    first = str(run.utterances["utterance"][0])
    run.folder.place.write("bundles/one.alas", b"large")
    monkeypatch.setattr(type(run.folder.place), "read", lambda *_: pytest.fail("it was read"))

    def kept(name: str) -> bool:
        column = pl.Series("bundle", [name] * len(run))
        monkeypatch.setitem(vars(run), "utterances", run.utterances.with_columns(column))
        return has_bundle(run, first)

    assert kept("bundles/one.alas")
    assert not kept("bundles/two.alas")
    assert not kept("bundles/../bundles/one.alas")
    assert not kept("")


def test_the_example_run_has_all_that_the_page_shows():
    run = open_run(str(asset_path("demo", "run")))
    assert len(run) == 48
    found = pooled.pooled(run, run.n_layers)
    assert found.vectors.shape == (len(found.table), 64)
    assert np.isfinite(found.vectors).all()
    share, chance, n = pooled.same_word_rank(found)
    assert n == (found.table["modality"] == "audio").sum()
    assert share > 3 * chance
    assert accuracy.outcomes(run)
    assert layers.matrices(run)
    folder = asset_path("demo", "run")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3e6
    assert not (folder / "bundles").exists()


def test_nearest_words_of_other_utterances_are_counted_as_a_loop_counts_them():
    rng = np.random.default_rng(0)
    table = pl.DataFrame(
        {
            "utterance": [f"u{i // 4}" for i in range(40)],
            "index": [0, 1, 0, 1] * 10,
            "word": [*["Red", "fox", "red", "fox"] * 9, "Owl", "fox", "owl", "fox"],
            "modality": ["audio", "audio", "text", "text"] * 10,
        }
    )
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    hits, chances = [], []
    rows = list(table.iter_rows(named=True))
    texts = [i for i, row in enumerate(rows) if row["modality"] == "text"]
    for i, row in enumerate(rows):
        if row["modality"] == "text":
            continue
        others = [k for k in texts if rows[k]["utterance"] != row["utterance"]]
        cosine = [
            vectors[i] @ vectors[k] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[k])
            for k in others
        ]
        best = rows[others[int(np.argmax(cosine))]]
        hits.append(best["word"].lower() == row["word"].lower())
        chances.append(np.mean([rows[k]["word"].lower() == row["word"].lower() for k in others]))
    share, chance, n = pooled.same_word_rank(pooled.Pooled(vectors, table))
    assert (share, n) == (pytest.approx(np.mean(hits)), 20)
    assert chance == pytest.approx(np.mean(chances))


def test_the_only_utterance_of_a_run_has_no_nearest_words_elsewhere():
    names = {"word": ["red", "fox"] * 2, "modality": ["audio", "audio", "text", "text"]}
    table = pl.DataFrame({"utterance": ["u"] * 4, "index": [0, 1] * 2, **names})
    share, chance, n = pooled.same_word_rank(pooled.Pooled(np.eye(4, dtype=np.float32), table))
    assert np.isnan([share, chance]).all()
    assert n == 0


def test_principal_components_are_those_of_the_singular_values():
    vectors = np.random.default_rng(0).normal(size=(50, 6)) * np.arange(1, 7)
    points = pooled.principal(vectors, 3)
    scale = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False)[:3]
    np.testing.assert_allclose(np.linalg.norm(points, axis=0), scale, rtol=1e-6)


def test_a_resample_without_a_wrong_answer_has_no_correlation():
    rng = np.random.default_rng(3)
    right = np.arange(48) >= 5
    score = (0.5 + 0.3 * right + 0.05 * rng.standard_normal(48)).astype(np.float32)
    found = accuracy.Pairs(np.arange(48), score, right.astype(np.float32), right)
    measured = accuracy.correlation(found)
    drawn = resampling.weights(48)
    both = (drawn @ ~right) > 0
    assert 0 < (~both).sum() < 300
    loop = [np.corrcoef(np.repeat(score, w), np.repeat(right, w))[0, 1] for w in
            drawn[both].astype(int)]  # fmt: skip
    low, high = np.quantile(loop, (0.025, 0.975))
    assert measured.pearson.low == pytest.approx(low, abs=1e-3)
    assert measured.pearson.high == pytest.approx(high, abs=1e-3)
