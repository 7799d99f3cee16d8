"""The Data set page without a browser: what it shows, and what it says for want of a run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from alas_core.batch import standing
from alas_core.batch.lock import RunLock
from alas_core.batch.pooled import write_pooled
from alas_core.batch.record import Record, dumps
from alas_core.corpus import choosing, heat, listing
from alas_core.corpus.profiles import best_of
from alas_core.definitions import FIGURES, SCORES
from alas_core.place import Place
from alas_core.ui import catalogue, chart, corpus, corpus_overview, corpus_scope, kept_runs
from tests.browsers import ROOT
from tests.runs import make_run

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder of runs of the test's own, and no example."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("ALAS_RUNS", str(folder))
    monkeypatch.setenv("ALAS_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(listing, "_example", list)
    corpus_scope.runs.clear()
    yield folder
    corpus_scope.runs.clear()


def look(**state) -> AppTest:
    at = AppTest.from_file(str(ROOT / "pages/corpus.py"), default_timeout=120)
    for name, value in state.items():
        at.session_state[name] = value
    at.run()
    assert not at.exception
    return at


def said(elements) -> str:
    return " ".join(re.sub(r"\\(.)", r"\1", element.value) for element in elements)


def test_first_look_opens_the_newest_run_and_says_what_it_says(runs):
    make_run(runs / "mine", n=60)
    at = look()
    assert not at.error
    text = said(at.markdown)
    assert "Binding is strongest at layer" in text
    assert "n = 60" in text
    assert "beat their own wrong transcripts" in text
    assert "60 utterances × 9 layers" in said(at.caption)
    assert "2 skipped" in said(at.caption)
    tips = [button.help for button in at.button if button.label == "Show"]
    assert len(tips) > 2
    assert len(set(tips)) == len(tips)


@pytest.mark.parametrize("view", corpus.VIEWS)
def test_every_view_stands_with_many_and_with_one_utterance(runs, view):
    make_run(runs / "many", n=40, n_bundles=2)
    make_run(runs / "one", n=1, n_layers=2, n_skipped=0)
    for run in ("many", "one"):
        at = look(run=run, run_view=view)
        assert not at.error, run


def test_the_map_of_one_utterance_claims_no_nearest_words_in_others(runs):
    folder = make_run(runs / "one", n=1, n_layers=8, n_bundles=1)
    assert write_pooled(Place(str(folder)))
    text = said(look(run="one", run_view="map").markdown)
    assert "no word as sound has a text in another utterance to compare it with" in text
    assert "nan" not in text


@pytest.mark.parametrize("view", ["utterances", "profiles", "words", "accuracy"])
def test_each_view_says_how_its_score_is_computed(runs, view):
    make_run(runs / "mine", n=12)
    assert SCORES["alas"].definition in [code.value for code in look(run_view=view).code]


@pytest.mark.parametrize("view", ["map", "layers", "filter"])
def test_each_other_view_says_how_its_figure_is_computed(runs, view):
    make_run(runs / "mine", n=12)
    assert [code.value for code in look(run_view=view).code] == [FIGURES[f"run {view}"]]


def test_without_a_run_the_page_says_how_to_make_one(runs):
    at = look()
    assert "No run yet" in said(at.markdown)
    assert "python -m alas_core run demo" in at.code[0].value
    assert str(runs) in at.code[0].value


def test_a_run_without_tables_and_one_that_cannot_be_read_say_what_to_do(runs):
    make_run(runs / "going", n=3)
    for table in runs.glob("going/*.parquet"):
        table.unlink()
    make_run(runs / "newer", n=3)
    info = json.loads((runs / "newer" / "run.json").read_text())
    (runs / "newer" / "run.json").write_text(json.dumps(info | {"schema": 99}))
    make_run(runs / "damaged", n=3)
    (runs / "damaged" / "scores.parquet").write_bytes(b"nothing")
    assert "This run has no tables" in said(look(run="going").markdown)
    assert "× 1 layers" not in said(look(run="going").caption)
    assert "newer" in said(look(run="newer").error)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params["run"] = "damaged"
    at.switch_page("pages/corpus.py").run()
    assert not at.exception
    assert "cannot be read" in said(at.error)


def going(folder, done=0, total=48, state="running", owned=True):
    """A run that somebody works on: `done` of its utterances are committed, none is in a table."""
    record = Record(
        "u",
        row={"utterance": "u", "transcript": "the red fox", "best_layer": 1, "alas_best": 0.5},
        scores={"alas": np.array([0.1, 0.5, 0.3], np.float32)},
    )
    place = Place(str(folder))
    for index in range(done):
        name = f"u{index:03d}"
        part = dataclasses.replace(record, utterance=name, row={**record.row, "utterance": name})
        place.write(f"parts/{index}.done", dumps(part))
    info = json.loads((make_run(folder, n=1) / "run.json").read_text())
    for table in folder.glob("*.parquet"):
        table.unlink()
    counts = {"total": total, "done": done, "skipped": 0}
    (folder / "run.json").write_text(json.dumps({**info, "state": state, "counts": counts}))
    return RunLock(place) if owned else contextlib.nullcontext()


def test_a_run_that_is_going_says_how_far_it_is_and_shows_what_is_done(runs):
    with going(runs / "mine", done=15):
        at = app(run="mine")
        assert not at.error
        assert "15 utterances × 3 layers" in said(at.caption)
        assert "Below: the first 15 done, as of when this page was drawn" in said(at.caption)
        assert "Binding is strongest at layer 1" in said(at.markdown)
        assert "This run is going: Analysing 15/48" in bars(at)
        assert "start it again" not in said(at.markdown).lower()


def bars(at) -> str:
    return " ".join(bar.proto.text.replace("\\", "") for bar in at.get("progress"))


def test_a_run_that_has_just_begun_or_stopped_says_so(runs):
    with going(runs / "mine"):
        at = app(run="mine")
        assert "No utterance is done yet" in said(at.markdown)
        assert "This run is going: Analysing 0/48" in bars(at)
        assert "layers" not in said(at.caption)
    corpus_scope.runs.clear()
    with going(runs / "mine", done=3, owned=False):
        at = app(run="mine")
        assert "This run is interrupted, with 3 of 48 utterances done." in said(at.markdown)
        assert "3 utterances × 3 layers" in said(at.caption)


def test_a_long_run_says_when_it_will_be_shown(runs, monkeypatch):
    monkeypatch.setattr(standing, "MOST", 2)
    with going(runs / "mine", done=3):
        at = app(run="mine")
        assert "This run has no tables yet" in said(at.markdown)
        assert "This run is going: Analysing 3/48" in bars(at)


def test_accuracy_opens_on_utterances_that_disagree_where_there_are_any(runs):
    make_run(runs / "mine", n=40)
    path = runs / "mine" / "scores.parquet"
    scores = pd.read_parquet(path)
    scores.assign(p=0.02).to_parquet(path)
    at = look(run_view="accuracy")
    shown = at.radio(key="run_quadrant_False")
    assert shown.value == "wrong but grounded"
    assert shown.options[0] == "right but not grounded (0)"
    assert len(at.dataframe[-1].value)
    utterances = pd.read_parquet(runs / "mine" / "utterances.parquet")
    utterances.assign(correct_audio=True).to_parquet(runs / "mine" / "utterances.parquet")
    st.cache_resource.clear()
    st.cache_data.clear()
    assert look(run_view="accuracy").radio(key="run_quadrant_False").value == "right and grounded"


def test_in_a_list_of_utterances_the_scores_stand_before_the_words(runs):
    make_run(runs / "mine", n=12)
    table = look().dataframe[-1]
    columns = list(table.value.columns)
    assert columns[0] == "utterance"
    assert columns[1].startswith("ALAS @ ")
    assert columns.index("words") > max(map(columns.index, ("p", "best layer")))
    assert json.loads(table.proto.columns)["words"]["width"] <= 300


def test_filters_narrow_what_every_sentence_is_about(runs):
    make_run(runs / "mine", n=60)
    table = pd.read_parquet(runs / "mine" / "utterances.parquet")
    n = int((table["speaker"] == "anna").sum())
    at = look(run_only_speaker=["anna"])
    assert f"{n} of 60 utterances" in said(at.caption)
    assert f"n = {n})" in said(at.markdown)
    nobody = look(run_text="no such words")
    assert "No utterance passes the filters" in said(nobody.info)


def app(**told: str) -> AppTest:
    """The whole app at an address of the Data set page."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    at.query_params.update(told)
    at.switch_page("pages/corpus.py").run()
    assert not at.exception
    return at


def test_filters_outlive_another_page_and_are_in_the_link(runs):
    folder = make_run(runs / "mine", n=60)
    table = pd.read_parquet(folder / "utterances.parquet")
    table["speaker"] = table["speaker"].replace({"anna": "Lee, Anna 100%"})
    table.to_parquet(folder / "utterances.parquet")
    chosen = (table["speaker"] == "Lee, Anna 100%") & table["correct_audio"]
    at = app()
    at.multiselect(key="run_only_speaker").set_value(["Lee, Anna 100%"])
    at.multiselect(key="run_only_correct_audio").set_value(["True"])
    at.segmented_control(key="run_first").set_value("best").run()
    assert at.query_params["run_only_correct_audio"] == "True"
    assert at.query_params["run_first"] == "best"
    link = dict(at.query_params)
    at.query_params.clear()  # as Streamlit does when the page changes
    at.switch_page("pages/training.py").run()
    at.query_params.clear()
    at.switch_page("pages/corpus.py").run()
    for seen in (at, app(**link)):
        assert f"{chosen.sum()} of 60 utterances" in said(seen.caption)
        assert seen.segmented_control(key="run_first").value == "best"


@pytest.mark.parametrize(
    ("view", "name", "text"),
    [
        ("filter", "run_threshold", "0.95"),
        ("profiles", "run_others", "deep"),
        ("words", "run_words", "best"),
        ("words", "run_words_length", "frames"),
        ("words", "run_word", "town"),
        ("accuracy", "run_side", "answer_similarity"),
        ("map", "run_map_kind", "umap"),
        ("layers", "run_matrix", "layer_correlation"),
        ("layers", "run_tree_side", "text"),
    ],
)
def test_a_choice_of_a_view_is_read_from_the_link_and_nonsense_is_not(runs, view, name, text):
    make_run(runs / "mine", n=40)
    make_run(runs / "deep", n=3, n_layers=16)
    said_in = app(run="mine", run_view=view, **{name: text}).session_state[name]
    assert (said_in if isinstance(said_in, list) else [str(said_in)])[0:1] == [text]
    nonsense = app(run="mine", run_view=view, **{name: "nonsense"})
    assert not nonsense.error
    assert nonsense.session_state[name] not in ("nonsense", ["nonsense"])


def test_the_column_that_was_clicked_is_forgotten_in_another_order(runs, monkeypatch):
    make_run(runs / "mine", n=60)
    monkeypatch.setattr(heat, "MAX_SINGLE", 30)
    monkeypatch.setattr(heat, "N_BINS", 10)

    def clickable(figure, *, on_pick=None, **_):
        if on_pick is not None:
            st.button("click", key="click", on_click=on_pick, args=[chart.Cell(0, 3)])

    monkeypatch.setattr(corpus_overview, "chart", clickable)
    at = app()
    assert "the mean of about 6 neighbours" in said(at.caption)
    worst_first = at.button(key="click").click().run().dataframe[0].value["utterance"].tolist()
    run = corpus_scope.open_run(str(runs / "mine"))
    best = best_of(run, run.everyone()).layer
    rows = choosing.order(run, run.everyone(), "alas", best, best_first=False)
    assert worst_first == [run.utterances["utterance"][int(row)] for row in rows[18:24]]
    first = at.segmented_control(key="run_first")
    first.set_value("best").run()
    assert not at.dataframe
    first.set_value("worst").run()
    assert at.dataframe[0].value["utterance"].tolist() == worst_first
    at.multiselect(key="run_only_correct_audio").set_value(["True"]).run()
    assert "the mean of about 4 neighbours" in said(at.caption)
    assert not at.dataframe


def test_the_utterances_are_listed_in_the_order_of_the_heatmap(runs):
    make_run(runs / "mine", n=20)
    at = look(run_layer=3, run_sort="duration_s", run_first="best")
    run = corpus_scope.open_run(str(runs / "mine"))
    rows = choosing.order(run, run.everyone(), "duration_s", 3)
    (table,) = (frame.value for frame in at.dataframe)
    assert table["utterance"].tolist() == [run.utterances["utterance"][int(row)] for row in rows]
    assert np.allclose(table["ALAS @ 3"], run.matrix("alas")[rows, 3])
    assert {"words", "p", "answer to the sound"} <= set(table.columns)


def test_layer_and_score_change_what_is_said(runs):
    make_run(runs / "mine", n=40)
    at = look(run_layer=2, score="hit_rate", run_view="accuracy")
    assert "At layer 2," in said(at.markdown)
    assert "Hit rate at layer 2: point-biserial r" in said(at.markdown)


def test_the_threshold_moves_the_means(runs):
    make_run(runs / "mine", n=80)
    table = pd.read_parquet(runs / "mine" / "utterances.parquet")
    for threshold in (0.2, 0.95):
        at = look(run_view="filter", run_threshold=threshold)
        kept = int((table["answer_similarity"] >= threshold).sum())
        assert f"{kept} of 80 pairs are kept" in said(at.markdown)


def test_answers_that_are_labels_are_filtered_without_a_similarity(runs):
    path = make_run(runs / "mine", n=40, n_skipped=0) / "utterances.parquet"
    table = pd.read_parquet(path)
    table["answer_similarity"] = np.float32("nan")
    kept = [None if row < 5 else row % 2 == 0 for row in range(40)]
    table["kept"] = pd.array(kept, dtype="boolean")
    table.to_parquet(path)
    at = look(run_view="filter", run_pairs="not compared")
    text = said(at.markdown)
    assert "17 of 35 pairs are kept" in text
    assert "5 more could not be compared" in text
    assert "labels or options" in said(at.caption)
    assert "5 pairs, the least alike first" in said(at.caption)
    assert all(slider.key != "run_threshold" for slider in at.slider)
    table["kept"] = pd.array([None] * 40, dtype="boolean")
    path = make_run(runs / "other", n=40, n_skipped=0) / "utterances.parquet"
    table.to_parquet(path)
    at = look(run="other", run_view="filter")
    assert "No answers of these utterances could be compared" in said(at.info)


def test_several_runs_stand_beside_each_other_and_a_broken_one_is_said(runs):
    make_run(runs / "mine", n=30, n_layers=8)
    make_run(runs / "deep", n=30, n_layers=16, seed=1)
    make_run(runs / "broken", n=3)
    (runs / "broken" / "scores.parquet").write_bytes(b"nothing")
    at = look(run="mine", run_view="profiles", run_others=["deep", "broken"])
    assert list(at.dataframe[0].value["group"]) == ["mine", "deep"]
    assert "scores.parquet" in said(at.warning)


def test_markup_of_a_data_set_is_shown_letter_by_letter(runs):
    folder = make_run(runs / "mine", n=12)
    for name, column in (("utterances", "speaker"), ("words", "word")):
        table = pd.read_parquet(folder / f"{name}.parquet")
        table[column] = "<b>**x**</b> $y$"
        table.to_parquet(folder / f"{name}.parquet")
    for view in ("profiles", "words"):
        at = look(run_view=view)
        for element in (*at.markdown, *at.caption):
            assert not re.search(r"(?<!\\)<b>|(?<!\\)\*\*x|(?<!\\)\$y", element.value)


def test_an_utterance_opens_from_its_bundle_else_from_the_demo_else_says_why(runs, monkeypatch):
    run = corpus_scope.open_run(str(make_run(runs / "mine", n=3, n_bundles=1)))
    state: dict[str, object] = {"word": 3}
    monkeypatch.setattr(kept_runs.st, "session_state", state)
    assert kept_runs.look_at("mine", run, "utterance-00000", 2) == ""
    assert (state["data"], state["utterance"], state["layer"]) == (
        "run", "mine/utterance-00000", 2,
    )  # fmt: skip
    assert "word" not in state
    assert kept_runs.read("mine/utterance-00000").utterance.transcript
    assert "keeps no analysis" in kept_runs.look_at("mine", run, "utterance-00001", None)


def test_a_gallery_says_that_an_utterance_without_a_bundle_cannot_be_opened(runs, monkeypatch):
    folder = make_run(runs / "mine", n=2)
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(info | {"source": "demo", "model": "demo"}))
    first = next(iter(catalogue.demo_utterances()))
    for name in ("utterances", "scores"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        table["utterance"] = table["utterance"].replace({"utterance-00000": first})
        table.to_parquet(folder / f"{name}.parquet")
    run = corpus_scope.open_run(str(folder))
    state: dict[str, object] = {}
    monkeypatch.setattr(kept_runs.st, "session_state", state)
    assert kept_runs.look_at("mine", run, first, None) == ""
    assert (state["data"], state["utterance"]) == ("demo", first)
    monkeypatch.setenv("ALAS_READONLY", "1")
    state.clear()
    assert "this server computes none" in kept_runs.look_at("mine", run, first, None)
    assert not state


@pytest.mark.parametrize(
    "raw", [None, 3, {}, {"id": "x", "row": "1", "column": 2}, {"id": "y", "row": 1, "column": 2},
            {"id": "x", "row": -1, "column": 2}],
)  # fmt: skip
def test_a_browser_may_send_anything(raw):
    assert chart._cell(raw, "x") is None
    assert chart._cell({"id": "x", "row": 1, "column": 2}, "x") == chart.Cell(1, 2)
