"""The server's data sets in the sidebar: found, listed, read otherwise, and closed to the rest."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from alas_core import datasets, tasks
from alas_core.models import registry
from alas_core.models.fake import FakeSpeechLLM
from alas_core.types import Settings
from alas_core.ui import answers, folders, orders
from alas_core.ui.folders import FolderSource
from alas_core.ui.orders import Order
from alas_core.ui.references import OWN
from alas_core.ui.sources import source
from tests import layouts
from tests.browsers import ROOT
from tests.factory import make_analysis
from tests.pages import pressed

pytestmark = pytest.mark.timeout(300)

MODEL = "fake-for-data"
PATIENCE_S = 120.0


@pytest.fixture(autouse=True)
def server(monkeypatch, tmp_path):
    """A server that opens one folder; its talks are three of the demo's."""
    root = tmp_path / "corpora"
    (root / "talks").mkdir(parents=True)
    data = datasets.demo()
    for row in data.ids()[:3]:
        shutil.copy(data.root / data.entry(row.id).audio, root / "talks" / f"{row.id}.flac")
        (root / "talks" / f"{row.id}.txt").write_text(row.transcript)
    monkeypatch.setenv("ALAS_DATA_ROOTS", str(root))
    monkeypatch.setenv("ALAS_STORE", str(tmp_path / "store"))
    orders.store.cache_clear()
    folders._found.clear()
    registry.register(FakeSpeechLLM(model_id=MODEL))
    yield root
    registry.unregister(MODEL)
    orders.store.cache_clear()
    folders._found.clear()


def start(data: str) -> AppTest:
    """The app's first run with a source chosen, its list forgotten."""
    FolderSource(data).runner.forget(data)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    at.session_state["model"] = MODEL
    at.session_state["n_null"] = 0
    at.session_state["data"] = data
    at.run()
    FolderSource(data).runner.wait(data, PATIENCE_S, finished=True)
    return again(at)


def follow_link(data: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    at.session_state["model"] = MODEL
    at.query_params["data"] = data
    return again(at)


def again(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception
    return at


def shown(elements) -> str:
    return " ".join(re.sub(r"\\(.)", r"\1", element.value) for element in elements)


def test_a_folder_of_the_server_is_found_listed_and_read(server):
    at = start("corpora/talks")
    rows = datasets.demo().ids()[:3]
    assert [row.transcript[:20] for row in rows] == [
        label[:20] for label in at.selectbox("utterance").options
    ]
    assert "3 utterances" in shown(at.caption)
    order = Order(MODEL, "corpora/talks", rows[0].id, settings=Settings(n_null=0))
    state = orders.analyses.wait(order.digest, PATIENCE_S, finished=True)
    assert state is not None, "the page asked for something else"
    assert state.result is not None, state.error
    assert state.result.utterance.transcript == rows[0].transcript
    assert not any("left out" in button.label for button in at.button)


def test_bad_rows_are_counted_and_the_others_stay(server):
    (server / "talks" / "empty.wav").write_bytes(b"")
    (server / "talks" / "empty.txt").write_text("hello")
    at = start("corpora/talks")
    assert len(at.selectbox("utterance").options) == 3
    assert any("1 row left out" in button.label for button in at.button)


def test_a_folder_without_a_usable_row_lists_why(server):
    (server / "none").mkdir()
    layouts.sound(server / "none" / "a.wav")
    at = start("corpora/none")
    assert "No utterance of this data set can be used" in shown(at.markdown)
    assert "no words stand beside it" in at.dataframe[0].value["Why"][0]


def test_a_table_of_unknown_columns_is_mapped_on_the_page(server):
    rows = "\n".join(
        f"{k},talks/{row.id}.flac,{row.transcript}"
        for k, row in enumerate(datasets.demo().ids()[:3])
    )
    (server / "survey.csv").write_text(f"nr,lyd,ord\n{rows}\n")
    at = start("corpora/survey.csv")
    assert "no column that looks like 'audio'" in shown(at.error)
    assert list(at.dataframe[0].value.columns) == ["nr", "lyd", "ord"]
    at.selectbox("column_audio_corpora/survey.csv").select("lyd")
    at.selectbox("column_text_corpora/survey.csv").select("ord")
    pressed(at, "Use these columns").run()
    key = "corpora/survey.csv?audio=lyd&text=ord"
    assert at.session_state["data"] == key
    FolderSource(key).runner.wait(key, PATIENCE_S, finished=True)
    again(at)
    assert len(at.selectbox("utterance").options) == 3


def test_a_wrong_separator_is_said_and_can_be_chosen(server):
    row = datasets.demo().ids()[0]
    (server / "list.csv").write_text(f"audio;text\ntalks/{row.id}.flac;{row.transcript}\n")
    at = start("corpora/list.csv")
    assert "parted by another separator: choose semicolon" in shown(at.error)
    at.selectbox("separator").select("semicolon").run()
    key = "corpora/list.csv?separator=semicolon"
    FolderSource(key).runner.wait(key, PATIENCE_S, finished=True)
    again(at)
    assert len(at.selectbox("utterance").options) == 1


def test_what_becomes_of_excited_is_a_choice_in_the_sidebar(server):
    layouts.iemocap(server)
    at = start("corpora/IEMOCAP_full_release")
    assert len(at.selectbox("utterance").options) == 2
    at.selectbox("option_excited").select("merge").run()
    key = "corpora/IEMOCAP_full_release?excited=merge"
    FolderSource(key).runner.wait(key, PATIENCE_S, finished=True)
    again(at)
    assert len(at.selectbox("utterance").options) == 3


def test_split_and_columns_of_a_hugging_face_data_set_are_typed_in_the_sidebar(server):
    layouts.hub_saved(server)
    at = start("corpora/saved")
    assert "has the splits" in shown(at.error)
    for name, value in {"split": "prøve", "audio": "støy", "text": "ord"}.items():
        at.text_input(f"typed_{name}_corpora/saved").input(f" {value} ")
    pressed(at, "Use these").run()
    key = FolderSource("corpora/saved").with_options(
        {"split": "prøve", "audio": "støy", "text": "ord"}
    )
    assert at.session_state["data"] == key
    FolderSource(key).runner.wait(key, PATIENCE_S, finished=True)
    again(at)
    assert [label.split(" · ")[0] for label in at.selectbox("utterance").options] == [
        *layouts.WORDS.values()
    ]
    assert at.text_input(f"typed_split_{key}").value == "prøve"


def test_what_is_typed_for_a_data_set_of_the_hub_is_opened(monkeypatch):
    opened: list[str] = []

    def open_source(spec, roots=None):
        opened.append(spec)
        return datasets.demo()

    monkeypatch.setattr(folders.datasets, "open_source", open_source)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    at.session_state["model"], at.session_state["n_null"] = MODEL, 0
    at.session_state["typed_data"] = {"hf:owner/some"}  # as the list of sources notes it
    at.session_state["data"] = "hf:owner/some"
    again(at)
    at.text_input("typed_config_hf:owner/some").input("clean")
    pressed(at, "Use these").run()
    assert at.session_state["data"] == "hf:owner/some?config=clean"
    folders.downloads.wait("hf:owner/some?config=clean", PATIENCE_S, finished=True)
    assert opened[-1] == "hf:owner/some?config=clean"
    assert not at.warning


@pytest.mark.parametrize("key", ["corpora/../secret", "/etc", "secret", "corpora/none?x=1"])
def test_a_link_leads_to_no_other_folder(server, key):
    at = follow_link(key)
    assert at.session_state["data"] == "demo"
    assert "this server has no recordings under the name" in shown(at.warning)


def test_a_link_alone_downloads_nothing(monkeypatch):
    monkeypatch.setattr(datasets, "open_source", lambda *_: pytest.fail("opened"))
    at = follow_link("hf:owner/huge?split=train")
    assert "Type it under Recordings to open it" in shown(at.warning)
    assert folders.downloads.look("hf:owner/huge?split=train") is None


def test_a_long_list_is_searched(server, monkeypatch):
    monkeypatch.setattr(folders, "MAX_LISTED", 2)
    at = start("corpora/talks")
    assert len(at.selectbox("utterance").options) == 2
    third = datasets.demo().ids()[2]
    at.text_input("find_utterance").input(third.transcript.upper()).run()
    assert third.id in [option.split(" · ")[-1] for option in at.selectbox("utterance").options]


def test_each_source_keeps_its_own_instruction(server):
    at = start("corpora/talks")
    at.text_area("instruction").input("{question} Say it.").run()
    at.session_state["data"] = "demo"
    again(at)
    assert at.text_area("instruction").value == ""
    at.session_state["data"] = "corpora/talks"
    again(at)
    assert at.text_area("instruction").value == "{question} Say it."


def test_an_instruction_may_hold_the_utterances_question_and_options():
    emotional = next(row for row in datasets.demo().ids() if row.task == "emotion")
    reading = source("demo").read(emotional.id)
    order = Order(MODEL, "demo", emotional.id, instruction="{question}? One of: {choices}.")
    assert orders._instruction(order, reading) == tasks.instruction_for(
        reading.utterance, "{question}? One of: {choices}."
    )
    assert "One of: happy, sad" in str(orders._instruction(order, reading))


def test_word_times_that_came_with_a_recording_can_be_the_reference(server):
    (first, second, *_) = datasets.demo().ids()
    order = Order(MODEL, "demo", first.id, reference=OWN, settings=Settings(n_null=0))
    state = orders.ask(order)
    state = orders.analyses.wait(order.digest, PATIENCE_S, finished=True)
    assert state.result is not None, state.error
    assert state.result.reference.name.startswith("JSON")
    none = Order(MODEL, "corpora/talks", second.id, reference=OWN)
    orders.ask(none)
    assert "no alignment came with" in orders.analyses.wait(none.digest, PATIENCE_S).error


def test_a_place_is_named_after_its_root(tmp_path, monkeypatch):
    found = datasets.discover([tmp_path / "corpora"])
    assert [one.place for one in found] == ["corpora/talks"]
    assert datasets.discover([Path(tmp_path / "corpora" / "talks")])[0].place == "talks"


def test_each_split_is_found_and_hides_nothing_beside_it(tmp_path):
    layouts.librispeech(tmp_path / "corpora" / "a")
    layouts.iemocap(tmp_path / "corpora")
    assert {one.place: one.spec.layout for one in datasets.discover([tmp_path / "corpora"])} == {
        "corpora/IEMOCAP_full_release": "iemocap",
        "corpora/a/LibriSpeech/dev-clean": "librispeech",
        "corpora/talks": "folder",
    }


# The model's answers


def panel():
    import streamlit as st

    from alas_core.ui.answers import answers

    answers(st.session_state["analysis"])


def judged_page(answers: dict[str, str], **fields) -> AppTest:
    analysis = make_analysis()
    utterance = dataclasses.replace(analysis.utterance, **fields)
    at = AppTest.from_function(panel, default_timeout=PATIENCE_S)
    at.session_state["analysis"] = dataclasses.replace(
        analysis, utterance=utterance, answers=answers
    )
    return again(at)


def test_answers_are_shown_with_their_verdicts_and_the_filters():
    at = judged_page(
        {"audio": "Angry.", "text": "<b>happy</b>"},
        task="emotion",
        choices=tasks.EMOTIONS,
        answer="anger",
    )
    said = shown(at.markdown) + shown(at.caption)
    assert [text.value for text in at.text] == ["Angry.", "<b>happy</b>"]
    assert said.index("Right") < said.index("Wrong") < said.index("Filtered out")
    assert "Expected: anger" in said
    assert "different labels" in said


def test_open_answers_wait_for_their_meaning(monkeypatch):
    near = np.array([[1.0, 0.0], [0.8, 0.6]])
    monkeypatch.setattr("alas_core.ui.answers.default_name", lambda: "test")
    monkeypatch.setattr("alas_core.encoder.default_encoder", lambda: lambda texts: near)
    spoken = {"audio": "It rained all day.", "text": "There was rain."}
    with monkeypatch.context() as still:
        still.setattr(answers.meanings, "_wake", lambda: None)
        at = judged_page(spoken, task="question", answer="It was wet")
    waiting = shown(at.markdown) + shown(at.caption)
    assert "comparing the answers by meaning" in waiting
    assert "no sentence encoder" not in waiting
    again(at)
    for state in list(answers.meanings._jobs):
        answers.meanings.wait(state, PATIENCE_S, finished=True)
    again(at)
    said = shown(at.markdown) + shown(at.caption)
    assert "similarity 0.8, at least 0.7" in said
    assert "Kept" in said
    assert "similarity 0.8 to the expected answer" in said


def test_a_defect_in_comparing_answers_is_called_one(monkeypatch):
    monkeypatch.setattr("alas_core.ui.answers.default_name", lambda: "test")
    monkeypatch.setattr("alas_core.encoder.default_encoder", lambda: 1 / 0)
    at = judged_page(
        {"audio": "It hailed.", "text": "There was hail."}, task="question", answer="It was hard"
    )
    for state in list(answers.meanings._jobs):
        answers.meanings.wait(state, PATIENCE_S, finished=True)
    again(at)
    assert "cannot be compared by meaning: This is a defect of the program" in shown(at.caption)


def test_a_gallery_loads_no_encoder(monkeypatch):
    monkeypatch.setenv("ALAS_READONLY", "1")
    monkeypatch.setattr("alas_core.ui.answers.default_name", lambda: "a/model-of-the-hub")
    monkeypatch.setattr(answers.meanings, "ask", lambda *_: pytest.fail("it is asked for"))
    at = judged_page({"audio": "It snowed.", "text": "Snow."}, task="question", answer="cold")
    assert "this server is a gallery and runs no sentence encoder" in shown(at.caption)


def test_without_an_encoder_the_filter_is_not_computed(monkeypatch):
    monkeypatch.setattr("alas_core.ui.answers.default_name", lambda: None)
    at = judged_page({"audio": "It rained.", "text": "Rain."}, task="question", answer="wet")
    said = shown(at.markdown) + shown(at.caption)
    assert "Not computed" in said
    assert "no sentence encoder is installed" in said
