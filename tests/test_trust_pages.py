"""The views below the sheet without a browser: what they say while waiting and on failure."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from alas_core.errors import ModelError
from alas_core.findings import RULES, Finding, ranking_sentence
from alas_core.models.identity import Loading
from alas_core.rankings import agreements
from alas_core.types import Analysis
from alas_core.ui import orders, trials, trust
from tests.pages import demo_order, fake_model, finish, start

pytestmark = pytest.mark.timeout(300)

__all__ = ["fake_model"]


@pytest.fixture(autouse=True)
def fresh_trials():
    """No results of other tests."""
    for runner in (trials.runner, trials.sensitivities):
        for key in list(runner._jobs):
            runner.forget(key)


def opened(view: str, **state):
    at = start("app.py")
    at.session_state["trust"] = view
    for name, value in state.items():
        at.session_state[name] = value
    return finish(at, demo_order())


def settled(at, runner):
    """Run the page again once everything it asked for is there."""
    for key in list(runner._jobs):
        runner.wait(key, 120, finished=True)
    at.run()
    assert not at.exception
    return at


def shown() -> Analysis:
    """The analysis that `opened` opens."""
    analysis = orders.analyses.look(demo_order().digest).result
    assert analysis is not None
    return analysis


def said(at) -> str:
    return " ".join(element.value for element in (*at.markdown, *at.caption)).replace("\\", "")


def test_a_control_is_judged_in_a_sentence() -> None:
    at = settled(opened("controls", controls=["silence"]), trials.runner)
    assert "Silence instead" in said(at)
    assert "wrong transcripts reach" in said(at)


def test_without_a_choice_it_is_said_what_to_do() -> None:
    assert "Choose a control above" in said(opened("controls"))


def test_a_control_that_fails_says_why_and_leaves_the_others(monkeypatch) -> None:
    from alas_core import trials as core

    run = core.run_trial

    def failing(analysis, name, value=None, device="auto"):
        if name == "noise":
            raise ModelError("the model went away; load it again")
        return run(analysis, name, value, device=device)

    monkeypatch.setattr(core, "run_trial", failing)
    at = settled(opened("controls", controls=["noise", "silence"]), trials.runner)
    assert any("the model went away" in error.value.replace("\\", "") for error in at.error)
    assert "Silence instead" in said(at)
    assert any(button.label == "Try again" for button in at.button)


def test_controls_run_on_the_device_that_the_session_has_chosen(monkeypatch) -> None:
    from alas_core import trials as core

    devices = []

    def on(analysis, name, value=None, *, device="auto"):
        devices.append(device)
        raise ModelError("enough")

    monkeypatch.setattr(core, "run_trial", on)
    at = start("app.py")
    at.session_state["trust"], at.session_state["controls"] = "controls", ["silence"]
    at.session_state["device"] = "cpu"
    finish(at, demo_order(loading=Loading(device="cpu")))
    assert set(devices) == {"cpu"}  # asked anew if the first picture had no full null yet


def test_where_no_position_is_a_sink_that_is_said() -> None:
    at = settled(opened("centering"), trials.runner)
    assert "Masked positions" in said(at)
    assert "masking changes nothing here" in said(at)
    assert "Standardised: best layer" in said(at)


def test_sinks_are_listed_with_their_place_word_and_layers(monkeypatch) -> None:
    from alas_core.models.fake import FakeSpeechLLM

    def with_sink(method, index, layers, factor):
        states = getattr(FakeSpeechLLM, method)

        def spoilt(self, *args):
            found = states(self, *args)
            found.hidden_states[layers, index] *= factor
            return found

        monkeypatch.setattr(FakeSpeechLLM, method, spoilt)

    with_sink("audio_states", 20, slice(1, 3), 40)
    with_sink("text_states", 1, slice(3, 4), 25)
    at = settled(opened("centering"), trials.runner)
    analysis = shown()
    assert "Masked positions (2), if sinks are masked" in said(at).replace("*", "")
    (table,) = (table.value for table in at.dataframe if "norm in medians" in table.value)
    start_s, end_s = analysis.frame_spans[20]
    assert table.to_dict("records") == [
        {
            "position": "audio frame 20",
            "where": f"{start_s:.2f} s to {end_s:.2f} s",
            "word": analysis.words[analysis.frame_word[20]].word,
            "norm in medians": 40.0,
            "layers": "2 (1 to 2)",
        },
        {
            "position": "text token 1",
            "where": f"“{analysis.tokens[1].text}”",
            "word": analysis.words[analysis.token_word[1]].word,
            "norm in medians": 25.0,
            "layers": "1 (3 to 3)",
        },
    ]


def test_a_bundle_and_a_link_download_no_model_before_the_button_is_pressed(asked) -> None:
    def draw() -> None:
        import dataclasses

        from alas_core.ui.trial_panels import centering_panel
        from tests.factory import make_analysis

        base = make_analysis()
        key = dataclasses.replace(base.key, model_id="someone/some-speech-model", revision="abc")
        centering_panel(dataclasses.replace(base, key=key), 0, "light", "somebody")

    at = AppTest.from_function(draw, default_timeout=120).run()
    assert not at.exception
    (info,) = at.info
    assert "'someone/some-speech-model', which is not on this machine" in info.value.replace(
        "\\", ""
    )
    assert not trials.runner._jobs
    at.button(key="trials_agree_download").click().run()
    settled(at, trials.runner)
    assert asked == {"someone/some-speech-model": "abc"}
    assert not at.info
    assert at.error
    assert all("the hub was asked" in error.value for error in at.error)


def test_a_gallery_runs_no_controls(monkeypatch) -> None:
    from alas_core.ui import trial_panels

    monkeypatch.setattr(trial_panels, "readonly", lambda: True)
    at = opened("controls", controls=["noise"])
    assert any("runs no model" in info.value for info in at.info)
    assert not trials.runner._jobs


def test_sensitivity_says_whether_the_ranking_holds_and_by_which_rule() -> None:
    at = settled(opened("sensitivity"), trials.sensitivities)
    analysis = shown()
    lines = [element.value.replace("\\", "") for element in at.markdown]
    assert f"- {ranking_sentence(analysis, agreements(analysis))}" in lines
    assert "Kendall's tau-b over the layers is below 0.5" in said(at)
    assert "Moving every boundary" in said(at)


def places(at) -> set[str]:
    """Selectors of what is on the page: containers by their keys, components by their class."""
    found, nodes = set(), [at._tree]
    while nodes:
        node = nodes.pop()
        nodes += getattr(node, "children", {}).values()
        proto = getattr(node, "proto", None)
        key = getattr(proto, "id", "").rpartition("-")[2]
        drawn = getattr(proto, "html_content", "")
        classes = " ".join(re.findall('class="([^"]*)"', drawn)).split()
        found.update([f".st-key-{key}"], (f".{name}" for name in classes))
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.kind)
def test_show_leads_from_every_finding_to_a_view_that_is_on_the_page(monkeypatch, rule) -> None:
    finding = Finding(rule.kind, "3 of 5", layer=1, word=2, view=rule.view)
    monkeypatch.setattr("alas_core.ui.panels.findings", lambda _: (finding,))
    at = opened("centering")
    at.button("finding_0").click().run()
    assert not at.exception
    place, _ = at.session_state["scroll_to"]
    assert place in places(at)
    assert (at.session_state["layer"], at.session_state["word"]) == (1, 2)
    assert at.session_state["trust"] == (rule.view if rule.view in trust.VIEWS else "centering")


def test_an_analysis_without_read_out_says_so(monkeypatch) -> None:
    from alas_core.models.fake import FakeSpeechLLM

    monkeypatch.setattr(FakeSpeechLLM, "head", lambda self: None)
    at = opened("readout")
    assert any("holds no read-out" in info.value for info in at.info)
