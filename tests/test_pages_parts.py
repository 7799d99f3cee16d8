"""A recording longer than the model hears, in the real app: the offer, the parts, their words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from alas_core import datasets
from alas_core.ui import orders
from tests.pages import app, demo_order, fake_model, finish, look_at, recorded, wav, words_of

__all__ = ["app", "fake_model"]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def long_order():
    """Demo recordings one after the other, with pauses, for a bit longer than 30 s."""
    data, samples, words = datasets.demo(), [], []
    for row in data.ids():
        utterance = data.load(row.id)
        samples += [utterance.audio.samples, np.zeros(8_000, np.float32)]
        words.append(utterance.transcript)
        if sum(map(len, samples)) > 32 * 16_000:
            break
    return recorded(" ".join(words), "long.wav", wav(np.concatenate(samples)))


def shown(order):
    state = orders.analyses.look(order.digest)
    assert state is not None, "the page asked for something else"
    assert state.result is not None, state.error
    return state.result


def test_a_long_recording_is_looked_at_part_by_part(app, long_order):
    look_at(app, long_order)
    assert "hears at most 30 s" in words_of(app.error)
    first, second = orders.analyses.look(long_order.digest).offer
    end_s = first.removeprefix("0-")
    assert app.button("use_first_part").label == f"Use the first {end_s} s, up to the pause there"
    assert list(app.selectbox("part").options) == [
        "Whole recording", f"0 to {end_s} s", f"{end_s} to {second.rpartition('-')[2]} s"
    ]  # fmt: skip

    app.button("use_first_part").click()
    made = shown_part(app, long_order, first)
    assert not app.error
    assert app.query_params["part"] == first
    assert f"from 0 to {end_s} s of a recording of" in words_of(app.warning)
    app.selectbox("part").set_value(second)
    rest = shown_part(app, long_order, second)
    words = made.utterance.transcript.split()
    whole = orders.sources.source("yours").read(long_order.utterance_id).utterance
    assert [*words, *rest.utterance.transcript.split()] == whole.transcript.split()
    lengths = [one.utterance.audio.duration_s for one in (made, rest)]
    assert sum(lengths) == pytest.approx(whole.audio.duration_s, abs=1e-3)

    words_field(app).set_value("other words")
    next(one for one in app.button if one.label == "Analyse this part").click()
    typed = dataclasses.replace(long_order, part=second, said="other words")
    finish(app, typed)
    assert orders.analyses.look(typed.digest) is not None
    assert app.query_params["said"] == "other words"

    app.selectbox("part").set_value("")
    finish(app, long_order)
    assert "part" not in app.query_params
    assert "said" not in app.query_params
    app.selectbox("data").set_value("demo").run()
    assert all(box.label != "Part" for box in app.selectbox)


def shown_part(app, order, part):
    order = dataclasses.replace(order, part=part)
    finish(app, order)
    return shown(order)


def test_the_word_times_of_the_whole_recording_are_no_second_reference_of_a_part(app):
    whole = demo_order()
    order = dataclasses.replace(whole, part="0-1.5")
    app.query_params["part"] = order.part
    for name, value in {"quality": True, "quality_compare": True, "second": "own"}.items():
        app.session_state[name] = value
    finish(app, order)
    assert shown(order).utterance.id != whole.utterance_id
    assert "not of a part or a kept analysis" in words_of(app.caption)
    assert not app.error
    app.selectbox("part").set_value("")
    finish(app, whole)
    assert "not of a part" not in words_of(app.caption)


@pytest.mark.parametrize("part", ["7-3", "0-99999", "x"])
def test_a_link_to_what_is_no_part_is_said(app, part):
    app.query_params["part"] = part
    finish(app, dataclasses.replace(demo_order(), part=part))
    assert "expected its start and a later end in seconds" in words_of(app.error)
    app.selectbox("part").set_value("")
    finish(app, demo_order())
    assert not app.error


def test_a_part_without_words_can_be_given_its_own(app, long_order):
    order = dataclasses.replace(long_order, part="0-0.12")
    app.query_params["part"] = order.part
    app.query_params["data"] = "yours"
    app.query_params["utterance"] = order.utterance_id
    finish(app, order)
    assert "type what is said in this part" in words_of(app.error)
    whole = orders.sources.source("yours").read(long_order.utterance_id).utterance
    assert words_field(app).value == whole.transcript


def words_field(app):
    return next(area for area in app.text_area if area.label == "What is said in this part")
