"""The Compare page without a browser: each way in which B may differ from A."""

from __future__ import annotations

import dataclasses

import pytest

from alas_core.errors import ModelError
from alas_core.models import registry
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.identity import Loading
from alas_core.types import Analysis
from alas_core.ui import catalogue, compare, compared, gallery
from alas_core.ui.gallery import BUNDLE
from alas_core.ui.orders import Order
from tests.pages import (
    MODEL,
    SETTINGS,
    app,
    demo_order,
    fake_model,
    finish,
    start,
    words_of,
)
from tests.shipped import EARLY, kept

__all__ = ["app", "fake_model"]
pytestmark = pytest.mark.timeout(300)

OTHER, BROKEN = "fake-other", "fake-broken"
KEPT = kept("demo-004")
FIRST, SECOND, FOREIGN = "demo-001", "demo-008", "demo-002"
"""The second says "the" as the first does, the last has no word of the first."""

WARMER = dataclasses.replace(SETTINGS, temperature=0.2, centering="mean", mask_sinks=True)

CASES = {
    "model": ({"b_model": OTHER}, {"model_id": OTHER}, f"model: {MODEL} → {OTHER}"),
    "recording": ({"b_utterance": SECOND}, {"utterance_id": SECOND}, f"utterance: {FIRST} → "),
    "kept": (
        {"b_kept": KEPT},
        vars(Order("", BUNDLE, KEPT)),
        f"model: {MODEL} → demo at step {EARLY}",
    ),
    "instruction": ({"b_instruction": "say it"}, {"instruction": "say it"}, "→ say it"),
    "settings": (
        {"b_temperature": 0.2, "b_centering": "mean", "b_mask_sinks": True},
        {"settings": WARMER},
        "temperature: 0.1 → 0.2; centering: none → mean; mask sinks: False → True",
    ),
    "audio": ({"b_audio": "reversed"}, {"sound": "reversed"}, "sound: "),
    "layer": ({"b_layer": 1, "layer": 3}, {}, "layer: 3 → 1"),
}


class Broken(FakeSpeechLLM):
    """Its pass over the sound fails."""

    def audio_states(self, *_):
        raise ModelError("it went away")


@pytest.fixture
def second_model(monkeypatch):
    registry.register(FakeSpeechLLM(model_id=OTHER, seed=1))
    registry.register(Broken(model_id=BROKEN))
    monkeypatch.setattr(catalogue, "models", lambda: {MODEL: "one", OTHER: "two"})
    yield
    registry.unregister(OTHER)
    registry.unregister(BROKEN)


def test_the_cases_are_all_the_kinds():
    assert set(CASES) == set(compare._KINDS)


@pytest.mark.parametrize("kind", CASES)
def test_what_b_differs_in_is_named_and_its_words_stand_beside_those_of_a(second_model, kind):
    state, changes, line = CASES[kind]
    at = start("app.py")
    at.query_params["b"] = kind
    for name, value in state.items():
        at.query_params[name] = str(value)
    at.switch_page("pages/compare.py")
    first = demo_order()
    finish(at, first)
    if changes:
        finish(at, dataclasses.replace(first, **changes))
    assert not at.error
    assert line in words_of(at.caption)
    assert "ALAS goes from" in words_of(at.markdown)
    table = at.dataframe[-1].value
    assert len(table)
    assert {"Word of A", "Word of B", "B − A"} <= set(table.columns)
    assert at.query_params["b"] == kind


def test_without_a_word_in_common_profiles_are_drawn_and_no_words(second_model, monkeypatch):
    drawn = []
    monkeypatch.setattr(compared, "chart", lambda *_, key, **__: drawn.append(key))
    at = start("app.py")
    at.query_params["b"], at.query_params["b_utterance"] = "recording", FOREIGN
    at.switch_page("pages/compare.py")
    finish(at, demo_order())
    finish(at, demo_order(row=1))
    assert "A and B have no word in common" in words_of(at.markdown)
    assert "Word by word" not in words_of(at.markdown)
    assert not at.dataframe
    assert set(drawn) == {"profiles", "maps"}


def test_it_is_said_at_which_layer_b_is_and_why(second_model):
    at = start("app.py")
    at.query_params.update({"b": "model", "b_model": OTHER})
    at.switch_page("pages/compare.py")
    finish(at, demo_order())
    finish(at, demo_order(model_id=OTHER))
    assert "each side's own best layer, until you choose one" in words_of(at.caption)
    at.slider(key="layer_slider").set_value(1).run()
    assert "A at layer 1, B at layer 1: the same layer." in words_of(at.caption)
    at.button(key="best_layer").click().run()
    assert "each side's own best layer" in words_of(at.caption)


def test_a_kept_analysis_stands_beside_no_difference_but_the_layer(second_model):
    at = start("app.py")
    at.query_params.update({"b": "kept,instruction,audio,layer", "b_kept": KEPT})
    at.switch_page("pages/compare.py")
    finish(at, demo_order())
    assert at.session_state["b"] == ["kept", "layer"]


@pytest.mark.parametrize(
    ("before", "after", "kept_kinds"),
    [
        (["kept"], ["kept", "audio"], ["audio"]),
        (["audio", "model"], ["audio", "model", "kept"], ["kept"]),
        (["kept"], ["kept", "layer"], ["kept", "layer"]),
        (["audio"], ["audio", "model"], ["audio", "model"]),
    ],
)
def test_of_what_excludes_each_other_the_last_choice_stays(before, after, kept_kinds, monkeypatch):
    state = {"b": after}
    monkeypatch.setattr(compare.st, "session_state", state)
    compare._keep_apart(before)
    assert state["b"] == kept_kinds


def test_a_commit_of_the_first_model_is_not_asked_of_another_one(monkeypatch, asked):
    far = "someone/some-speech-model"
    monkeypatch.setattr(catalogue, "models", lambda: {MODEL: "one", far: "two"})
    local = []
    monkeypatch.setattr(registry, "is_local", lambda *known: bool(local.append(known)))
    at = start("app.py")
    at.session_state["revision"], at.session_state["dtype"] = "a1b2c3", "float32"
    at.session_state["downloads_agreed"] = {MODEL}
    at.query_params["b"], at.query_params["b_model"] = "model", far
    at.switch_page("pages/compare.py")
    first = demo_order(loading=Loading(revision="a1b2c3", dtype="float32"))
    finish(at, first)
    at.button(key="b_agree_download").click()
    finish(at, demo_order(model_id=far, loading=Loading(dtype="float32")))
    assert asked == {far: ""}
    assert {known.revision for name, known in local if name == far} == {""}


def test_a_link_downloads_no_model_of_b_before_the_button_is_pressed(monkeypatch, asked):
    far = "someone/some-speech-model"
    monkeypatch.setattr(catalogue, "models", lambda: {MODEL: "one", far: "two"})
    at = start("app.py")
    at.query_params["b"], at.query_params["b_model"] = "model", far
    at.switch_page("pages/compare.py")
    finish(at, demo_order())
    assert f"'{far}' is not on this machine; press 'Download and load' under Model of B" in (
        words_of(at.error)
    )
    assert not asked
    at.button(key="b_agree_download").click()
    finish(at, demo_order(model_id=far))
    assert set(asked) == {far}
    assert "the hub was asked" in words_of(at.error)


def test_an_earlier_a_beside_a_new_b_is_dimmed(second_model):
    at = start("pages/compare.py")
    at.session_state["b"], at.session_state["b_model"] = ["model"], OTHER
    finish(at, demo_order())
    finish(at, demo_order(model_id=OTHER))
    assert not dimmed(at)
    at.session_state["model"] = BROKEN
    finish(at, demo_order(model_id=BROKEN))
    assert "Below is still" in words_of(at.error)
    assert "What changed from A to B" in words_of(at.markdown)
    assert dimmed(at)


def dimmed(at):
    return any(".st-key-comparison {opacity" in html.proto.body for html in at.get("html"))


def layer_alone(chosen=None, best=None, monkeypatch=None):
    at = start("pages/compare.py")
    at.session_state["b"] = ["layer"]
    if chosen is not None:
        at.session_state["layer"] = chosen
    if best is not None:
        monkeypatch.setattr(Analysis, "best_layer", best)
    return finish(at, demo_order())


def test_another_layer_alone_opens_on_a_difference(second_model, monkeypatch):
    at = layer_alone()
    analysis = at.session_state["compared_analysis"]
    best, deepest = analysis.best_layer, analysis.n_layers
    assert best != deepest
    assert at.number_input(key="b_layer").value == deepest
    said = words_of((*at.caption, *at.markdown))
    assert f"layer: {best} → {deepest}" in said
    assert "Nothing: A and B" not in said
    assert "best layer" not in words_of(at.container(key="changes").markdown)
    assert layer_alone(chosen=deepest).number_input(key="b_layer").value == best
    last = layer_alone(best=deepest, monkeypatch=monkeypatch)
    assert last.number_input(key="b_layer").value == 0


def test_the_layer_of_b_stays_within_its_model(second_model):
    at = layer_alone()
    deepest = at.session_state["compared_analysis"].n_layers
    beyond = start("pages/compare.py")
    beyond.session_state["b"], beyond.session_state["b_layer"] = ["layer"], deepest + 90
    beyond.run()
    assert not beyond.exception
    assert f"B at layer {deepest}" in words_of(beyond.markdown)


def test_a_kept_analysis_is_compared_with_itself_at_another_layer(second_model):
    at = start("pages/compare.py")
    for name, value in {"data": BUNDLE, "utterance": KEPT, "b": ["layer"], "layer": 2}.items():
        at.session_state[name] = value
    at.session_state["b_layer"] = 0
    assert KEPT in gallery.labels()
    finish(at, Order("", BUNDLE, KEPT))
    assert "layer: 2 → 0" in words_of(at.caption)
