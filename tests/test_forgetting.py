"""A recording that is removed leaves the server's memory, whatever was made of it on the page."""

from __future__ import annotations

import gc
import weakref

import pytest

from alas_core.datasets import demo
from alas_core.types import Audio
from alas_core.ui import orders, quality_panel, trials
from alas_core.ui.jobs import Runner
from alas_core.ui.sources import YOURS
from tests.pages import PATIENCE_S, fake_model, finish, recorded, start
from tests.test_ui import eventually

pytestmark = pytest.mark.timeout(300)

__all__ = ["fake_model"]

RUNNERS = (
    orders.analyses,
    orders.maps,
    trials.runner,
    trials.sensitivities,
    quality_panel.qualities,
)


def test_nothing_holds_the_sound_of_a_recording_once_it_is_removed():
    order = recorded(demo().ids()[0].transcript, name="to be removed.wav")
    at = start("app.py")
    chosen = {"data": YOURS, "utterance": order.utterance_id, "quality": True, "share": True}
    chosen |= {"my_recordings": [order.utterance_id], "trust": "controls", "controls": ["silence"]}
    for name, value in chosen.items():
        at.session_state[name] = value
    finish(at, order)
    at.session_state["trust"] = "sensitivity"
    at.run()
    asked = {runner: keys_of(runner, order) for runner in RUNNERS}
    for runner, keys in asked.items():
        assert keys
        assert all(runner.wait(key, PATIENCE_S, finished=True).result for key in keys)
    at.run()
    held = sound_of(order)
    assert held() is not None
    at.button(key="forget_recording").click().run()
    assert not at.exception
    eventually(lambda: gc.collect() >= 0 and held() is None)
    assert not any(keys_of(runner, order) for runner in RUNNERS)


def keys_of(runner: Runner, order: orders.Order) -> list[str]:
    return [key for key, job in runner._jobs.items() if job.of == order.utterance_id]


def sound_of(order: orders.Order) -> weakref.ref[Audio]:
    return weakref.ref(orders.analyses.look(order.digest).result.utterance.audio)
