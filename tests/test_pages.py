"""The pages without a browser: what they show for good input, and for every kind of bad input.

A fake model without weights stands in, so that the pages are tested and not torch; the browser
tests run the same pages with the demo model.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from alas_core import datasets, pipeline
from alas_core.definitions import FIGURES
from alas_core.models import registry
from alas_core.models.fake import FakeSpeechLLM
from alas_core.types import Settings
from alas_core.ui import neighbours, orders, references
from alas_core.ui.orders import Order
from alas_core.ui.shelf import Recording, shelf
from alas_core.ui.sources import DEMO, YOURS
from tests.browsers import ROOT
from tests.factory import make_analysis
from tests.pages import (
    MODEL,
    PATIENCE_S,
    SETTINGS,
    app,
    demo_order,
    fake_model,
    finish,
    look_at,
    pressed,
    recorded,
    start,
    wav,
    words_of,
)
from tests.shipped import EARLY, kept

__all__ = ["app", "fake_model"]
OTHER = "fake-other"
pytestmark = pytest.mark.timeout(300)


def test_first_look_is_a_finished_picture_of_the_first_demo_recording(app):
    finish(app, demo_order())
    said = words_of(app.markdown)
    assert "What this says" in said
    assert "Binding is strongest at layer" in said
    assert "null: 5 wrong transcripts" in words_of(app.caption)
    assert not app.error
    assert not app.warning
    best = int(re.search(r"layer (\d)", said).group(1))
    assert app.session_state["shown_layer"] == best
    assert app.button("best_layer").label == f"Best layer of ALAS: {best}"


def test_provenance_tells_the_seconds_of_each_stage(app):
    app.session_state["details"] = "Provenance"
    finish(app, demo_order())
    table = next(frame.value for frame in app.dataframe if "what" in frame.value.columns)
    seconds = table[table["what"].str.startswith("seconds: ")]
    assert {"seconds: audio pass", "seconds: text pass", "seconds: null"} <= set(seconds["what"])
    assert (seconds["value"].astype(float) >= 0).all()


def test_umap_is_made_ready_in_the_background(app):
    orders.maps.forget("warm-up")  # of other tests
    finish(app, demo_order())
    assert orders.maps.look("warm-up") is not None


def test_each_setting_states_its_default(app):
    app.run()
    widgets = [app.slider("n_null"), app.selectbox("centering"), app.number_input("temperature")]
    widgets += [app.toggle("mask_sinks"), app.toggle("instruction_first")]
    widgets += [app.text_area("instruction")]
    for widget in widgets:
        assert re.search("[Dd]efault", widget.help), widget.key


def test_while_it_is_computed_the_page_stands_and_says_so(app, monkeypatch):
    def slow(request, store=None):
        yield pipeline.Progress("Loading the model")
        raise AssertionError("unused")  # pragma: no cover

    order = demo_order(1)
    orders.analyses.forget(order.digest)
    monkeypatch.setattr(orders, "ask", lambda *_, **__: orders.State(order.digest, "reading it"))
    monkeypatch.setattr(orders.analyses, "wait", lambda *_, **__: None)
    monkeypatch.setattr(
        orders.analyses, "look", lambda *_: orders.State(order.digest, "reading it")
    )
    app.run()
    assert not app.exception
    assert not app.error
    assert len(app.get("progress")) == 1
    assert len(app.get("skeleton")) == 1


@pytest.mark.parametrize("page", ["explore", "method"])
def test_each_page_stands_alone(page):
    at = start(f"pages/{page}.py")
    at.run()
    assert not at.exception
    assert not at.error


def test_layer_score_and_word_come_from_the_link(app):
    row = datasets.demo().ids()[2]
    app.query_params["utterance"] = row.id
    app.query_params["layer"] = "1"
    app.query_params["score"] = "hit_rate"
    app.query_params["word"] = "1"
    finish(app, demo_order(2))
    assert app.session_state["shown_layer"] == 1
    assert app.selectbox("score").value == "hit_rate"
    assert app.session_state["word"] == 1


def test_the_buttons_of_the_findings_tell_where_each_leads(app):
    finish(app, demo_order())
    tips = [button.help for button in app.button if button.label == "Show"]
    assert len(tips) > 2
    assert len(set(tips)) == len(tips)


def test_the_words_at_a_layer_are_shown_in_plain_words_with_units_and_two_decimals(app):
    app.session_state["details"] = "Words"
    finish(app, demo_order())
    (table,) = (frame for frame in app.dataframe if "hit_rate" in frame.value.columns)
    columns = json.loads(table.proto.columns)
    labels = {name: columns[name]["label"] for name in table.value.columns}
    assert labels["start_s"] == "From (s)"
    assert labels["hit_rate"] == "Hit rate (share of frames)"
    assert labels["onset_shift_ms"] == "Onset shift (ms)"
    assert not any("_" in label for label in labels.values())
    for name in ("start_s", "end_s", "alas", "hit_rate"):
        assert table.value[name].dtype == float
        assert columns[name]["type_config"]["format"] == "%.2f"
    assert "problem" not in table.value.columns  # every word of the demo is placed


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"to": {"place": 1, "id": "list"}}, "b"),
        ({"to": {"place": 1, "id": "another list"}}, None),
        ({"to": {"place": 2, "id": "list"}}, None),
        ({"to": {"place": -1, "id": "list"}}, None),
        ({"to": {"place": "1", "id": "list"}}, None),
        ({"to": None}, None),
        (None, None),
    ],
)
def test_a_step_to_a_neighbour_leads_within_the_list_alone(sent, expected):
    assert neighbours.chosen(sent, ["a", "b"], "list") == expected


def test_a_word_that_is_said_twice_can_be_followed_at_either_place():
    def trails():
        import streamlit as st

        from alas_core.ui import map_panel

        st.text(str(map_panel._trails(st.session_state["analysis"])))

    at = AppTest.from_function(trails)
    at.session_state["analysis"] = make_analysis(words="the fox and the dog")
    at.session_state["trails"] = ["0"]
    at.run()
    assert len(set(at.pills("trails").options)) == 5
    at.run()  # the labels of the choice come back
    assert at.text[0].value == "(0,)"


def test_the_demo_recordings_can_be_searched_by_words_task_and_voice(app):
    app.run()
    rows = datasets.demo().ids()
    options = app.selectbox("utterance").options
    assert len(options) == len(rows)
    for text in (rows[3].transcript, rows[3].task, rows[3].voice):
        assert text in options[3]


BAD_AUDIO = {
    "not audio": (b"only text " * 100, "cannot be read as audio"),
    "empty": (b"", "empty"),
    "silent": (wav(np.zeros(16_000, np.float32)), "silent"),
    "very short": (wav(np.full(800, 0.1, np.float32)), "short"),
    "cut header": (wav(np.ones(16_000, np.float32))[:20], "cannot be read as audio"),
}


@pytest.mark.parametrize("kind", BAD_AUDIO)
def test_bad_audio_gives_its_message_and_keeps_the_picture(app, kind):
    finish(app, demo_order())
    data, message = BAD_AUDIO[kind]
    look_at(app, recorded("some words", f"{kind}.wav", data))
    assert message in words_of(app.error)
    assert "Below is still" in words_of(app.error)
    assert "Binding is strongest" in words_of(app.markdown)
    assert any(button.label == "Try again" for button in app.button)


def test_a_recording_that_cannot_be_aligned_can_still_be_heard(app):
    look_at(app, recorded("some words", "hush.wav", wav(np.zeros(16_000, np.float32))))
    assert "silent" in words_of(app.error)
    assert len(app.get("audio")) == 1
    assert "came with it: some words" in words_of(app.caption)


@pytest.mark.parametrize("transcript", ["", "  ", "… ?! ,"])
def test_a_transcript_without_words_is_refused(app, transcript):
    look_at(app, recorded(transcript))
    assert re.search("transcript.*(empty|no word)", words_of(app.error))


def test_a_transcript_much_longer_than_the_sound_is_said(app):
    look_at(app, recorded("many words in a long sentence " * 60))
    said = words_of(app.error) + words_of(app.warning)
    assert "360 words cannot be spoken in" in said


def test_words_of_another_language_are_listed_or_refused(app):
    look_at(app, recorded("шла саша по шоссе"))
    assert "шоссе" in words_of(app.error) + words_of(app.warning) or "placed none" in words_of(
        app.error
    )


def test_markup_in_transcript_and_file_name_reaches_markdown_only_escaped(app):
    words = datasets.demo().ids()[0].transcript.split()
    words[1] = f"<b>{words[1]}</b>"
    words[2] = f"**{words[2]}**"
    words[3] = "$x^2$"
    look_at(app, recorded(" ".join(words), "<i>$a$</i>.wav"))
    for element in (*app.markdown, *app.caption, *app.error, *app.warning):
        assert not re.search(r"(?<!\\)<b>|(?<![\\*])\*\*" + words[2][2:5], element.value)
        assert "$x^2$" not in element.value
        assert "<i>$a$</i>" not in element.value


def test_a_recording_that_is_no_longer_there_is_said(app):
    order = Order(MODEL, YOURS, "0" * 24, settings=SETTINGS)
    app.session_state["data"] = YOURS
    app.session_state["utterance"] = order.utterance_id
    app.run()
    assert not app.exception
    assert "No recording yet" in words_of(app.markdown)


def test_a_folder_that_is_not_a_model_is_said_and_the_picture_kept(app, tmp_path):
    finish(app, demo_order())
    (tmp_path / "notes.txt").write_text("no model")
    second = start("app.py")  # AppTest cannot run a page twice with an option typed in
    second.session_state["model"] = str(tmp_path)
    second.session_state["shown_analysis"] = app.session_state["shown_analysis"]
    order = demo_order(model_id=str(tmp_path))
    orders.ask(order)
    assert orders.analyses.wait(order.digest, PATIENCE_S, finished=True).error
    second.run()
    assert not second.exception
    assert tmp_path.name in words_of(second.error)
    assert "Binding is strongest" in words_of(second.markdown)


def test_a_link_cannot_make_the_server_load_a_model_that_is_not_listed(app, tmp_path):
    del app.session_state["model"]
    app.query_params["model"] = str(tmp_path)
    monkey = Order(str(tmp_path), DEMO, datasets.demo().ids()[0].id, settings=SETTINGS)
    app.run()
    assert orders.analyses.look(monkey.digest) is None
    assert "The link names the model" in words_of(app.warning)


def test_a_model_that_was_refused_is_said_as_long_as_another_stands_under_the_link(
    app, monkeypatch
):
    monkeypatch.setattr("alas_core.ui.catalogue.models", lambda: {MODEL: "one", OTHER: "two"})
    registry.register(FakeSpeechLLM(model_id=OTHER))
    del app.session_state["model"]
    app.query_params["model"] = "/somewhere/else"
    finish(app, demo_order())
    app.run()
    assert "The link names the model /somewhere/else" in words_of(app.warning)
    app.selectbox(key="model").set_value(OTHER)
    finish(app, demo_order(model_id=OTHER))
    registry.unregister(OTHER)
    assert "The link names" not in words_of(app.warning)


def test_a_linked_recording_that_is_not_here_is_said_and_its_word_is_not_marked(app):
    app.query_params.update({"utterance": "demo-999", "word": "3", "layer": "1"})
    finish(app, demo_order())
    app.run()
    assert "The link names the recording demo-999, which is not among these" in (
        words_of(app.warning).replace("\\", "")
    )
    assert app.session_state["utterance"] == demo_order().utterance_id
    assert "word" not in app.session_state
    second = datasets.demo().ids()[1].id
    app.selectbox(key="utterance").set_value(second)
    finish(app, dataclasses.replace(demo_order(), utterance_id=second))
    assert "The link names" not in words_of(app.warning)
    app.query_params["data"], app.query_params["utterance"] = "yours", "of somebody else"
    app.run()
    assert "Add it here, or ask for a bundle of it" in words_of(app.warning)


def test_a_corrupt_bundle_is_set_aside_and_the_picture_computed_anew(app, tmp_path, fake_model):
    finish(app, demo_order())
    bundle = next((tmp_path / "store").glob("*.alas"))
    bundle.write_bytes(b"not a bundle")
    passes = fake_model.calls["audio_states"]
    finish(app, demo_order())
    assert fake_model.calls["audio_states"] == passes + 1
    assert "Binding is strongest" in words_of(app.markdown)
    assert (tmp_path / "store" / f"{bundle.name}.damaged").exists()
    assert "computed anew" in words_of(app.warning)


def test_the_store_spares_the_second_computation(app, fake_model):
    finish(app, demo_order())
    passes = fake_model.calls["audio_states"]
    finish(app, demo_order())
    assert fake_model.calls["audio_states"] == passes


@pytest.mark.parametrize("changes", [{}, {"sound": "reversed"}, {"part": "0-2", "said": "the"}])
def test_nothing_of_a_voice_that_was_brought_along_is_written_to_disk(tmp_path, changes):
    mine = dataclasses.replace(recorded(datasets.demo().ids()[0].transcript), **changes)
    orders.analyses.forget(mine.digest)
    orders.ask(mine)
    assert orders.analyses.wait(mine.digest, PATIENCE_S, finished=True).result is not None
    assert not list(tmp_path.rglob("*.*"))


def test_nothing_of_word_times_that_were_brought_along_is_written_to_disk(tmp_path):
    first = datasets.demo().ids()[0]
    path = datasets.demo().reference_path(first.id)
    placed = shelf.put(Recording(path.name, path.read_bytes()))
    order = demo_order(reference=f"{references.FILE}{placed}")
    orders.analyses.forget(order.digest)
    orders.ask(order)
    assert orders.analyses.wait(order.digest, PATIENCE_S, finished=True).result is not None
    assert not list(tmp_path.rglob("*.*"))


def test_a_store_that_cannot_be_written_is_said_and_nothing_is_lost(monkeypatch, tmp_path, app):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ALAS_STORE", str(tmp_path / "file" / "store"))
    orders.store.cache_clear()
    finish(app, demo_order())
    assert "Binding is strongest" in words_of(app.markdown)
    assert "was not kept" in words_of(app.warning)


def test_a_mistake_of_the_program_is_a_short_message_with_a_log_id(app, monkeypatch, caplog):
    def broken(request, store=None):
        raise ZeroDivisionError("a secret path")

    finish(app, demo_order())
    monkeypatch.setattr(pipeline, "steps", broken)
    finish_order = demo_order(4)
    app.session_state["utterance"] = finish_order.utterance_id
    finish(app, finish_order)
    told = words_of(app.error)
    log_id = re.search(r"under ([0-9a-f]{8})", told).group(1)
    assert log_id in caplog.text
    assert "secret" not in told
    assert "Binding is strongest" in words_of(app.markdown)


def test_a_mistake_in_a_page_is_caught_too(app, monkeypatch, caplog):
    def broken(*_):
        raise KeyError("a secret path")

    monkeypatch.setattr("alas_core.ui.panels.what_this_says", broken)
    finish(app, demo_order())
    told = words_of(app.error)
    assert re.search(r"under ([0-9a-f]{8})", told).group(1) in caplog.text
    assert "secret" not in told


def test_settings_reach_the_analysis(app):
    app.session_state["temperature"] = 0.5
    app.session_state["centering"] = "mean"
    order = demo_order(settings=Settings(temperature=0.5, centering="mean", n_null=5))
    finish(app, order)
    state = orders.analyses.look(order.digest)
    assert state.result.key.settings.temperature == 0.5
    assert state.result.key.settings.centering == "mean"


@pytest.mark.parametrize(
    ("page", "figures"),
    [("explore", ("map", "layers", "quality")), ("compare", ("compare",))],
)
def test_each_figure_says_how_it_is_computed(page, figures):
    at = start(f"pages/{page}.py")
    at.session_state["quality"], at.session_state["b"] = True, ["layer"]
    finish(at, demo_order())
    computed = helps(at, "How is this computed?")
    assert helps(at, "What am I looking at?")
    for figure in figures:
        assert FIGURES[figure] in computed, figure


def test_the_training_page_says_how_its_figure_is_computed():
    at = start("pages/training.py").run()
    assert helps(at, "How is this computed?") == [FIGURES["training"]]


def test_a_checkpoint_is_opened_by_its_step_too(app):
    app.session_state["layer"] = 1
    app.switch_page("pages/training.py").run()
    steps = app.selectbox("series_step")
    steps.set_value(steps.options.index(f"{EARLY:,}")).run()
    utterance = app.selectbox("series").value.rpartition("/")[2]
    pressed(app, "Open this checkpoint").run()
    assert not app.exception
    assert (app.session_state["data"], app.session_state["utterance"]) == (
        "bundle", kept(utterance)
    )  # fmt: skip
    assert app.session_state["layer"] is None, "the best one"
    assert not [box for box in app.selectbox if box.key == "series"], "Explore is shown"


def helps(at: AppTest, title: str) -> list[str]:
    """What stands behind each button of that title."""
    return [
        "\n".join(element.value for element in (*block.markdown, *block.code))
        for block in at.get("popover")
        if block.proto.popover.label == title
    ]


def test_layer_likeness_is_defined_on_the_method_page():
    at = start("pages/method.py").run()
    assert any(r"\mathrm{CKA} =" in formula.value for formula in at.latex)


def test_method_page_works_its_example_out():
    at = start("pages/method.py")
    at.run()
    assert not at.exception
    assert any(r"\mathrm{ALAS} = \frac{0.975" in latex.value for latex in at.latex), [
        latex.value for latex in at.latex
    ]


def test_config_keeps_the_server_to_this_machine():
    text = (Path(ROOT) / ".streamlit" / "config.toml").read_text()
    for line in (
        'address = "127.0.0.1"',
        "enableXsrfProtection = true",
        "gatherUsageStats = false",
        "enableStaticServing = false",
    ):
        assert line in text


def test_a_changed_sound_is_compared_with_the_recording_as_it_is():
    at = start("pages/compare.py")
    at.session_state["b"] = ["audio"]
    at.session_state["b_audio"] = "reversed"
    finish(at, demo_order())
    finish(at, demo_order(sound="reversed"))
    said = words_of(at.markdown) + words_of(at.caption)
    assert "times of the unchanged sound" in said
    assert "ALAS goes from" in said
    assert not at.error
