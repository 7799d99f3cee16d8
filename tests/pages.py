"""The pages without a browser, a fake model in place of the demo's: run, wait, press, read."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from alas_core import datasets
from alas_core.models import registry
from alas_core.models.fake import FakeSpeechLLM
from alas_core.types import Settings
from alas_core.ui import orders
from alas_core.ui.orders import Order
from alas_core.ui.shelf import Recording, shelf
from alas_core.ui.sources import DEMO, YOURS
from tests.browsers import ROOT

MODEL = "fake-for-pages"
PATIENCE_S = 120.0
SETTINGS = Settings(n_null=5)


@pytest.fixture(autouse=True)
def fake_model(monkeypatch, tmp_path):
    """A registered fake model, a store of the test's own, no jobs of other tests."""
    model = FakeSpeechLLM(model_id=MODEL)
    registry.register(model)
    monkeypatch.setenv("ALAS_STORE", str(tmp_path / "store"))
    orders.store.cache_clear()
    yield model
    registry.unregister(MODEL)
    orders.store.cache_clear()


@pytest.fixture
def app():
    return start("app.py")


def start(script: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / script), default_timeout=PATIENCE_S)
    at.session_state["model"] = MODEL
    at.session_state["n_null"] = SETTINGS.n_null
    return at


def finish(at: AppTest, order: Order) -> AppTest:
    """Run the page, wait for the job it started, and run it again."""
    orders.analyses.forget(order.digest)
    at.run()
    assert not at.exception
    state = orders.analyses.wait(order.digest, PATIENCE_S, finished=True)
    assert state is not None, "the page asked for something else"
    assert state.finished
    at.run()
    assert not at.exception
    return at


def demo_order(row: int = 0, **changes) -> Order:
    fields = {"model_id": MODEL, "settings": SETTINGS, **changes}
    return Order(data=DEMO, utterance_id=datasets.demo().ids()[row].id, **fields)


def recorded(transcript: str, name: str = "mine.wav", data: bytes | None = None) -> Order:
    """An order for a recording of the user's, put on the shelf as the form does."""
    if data is None:
        audio = datasets.demo().load(datasets.demo().ids()[0].id).audio
        data = wav(audio.samples, audio.sample_rate)
    recording_id = shelf.put(Recording(name, data, transcript))
    return Order(MODEL, YOURS, recording_id, settings=SETTINGS)


def wav(samples: np.ndarray, sample_rate: int = 16_000) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, sample_rate, format="WAV")
    return stream.getvalue()


def look_at(at: AppTest, order: Order) -> AppTest:
    at.session_state["pending_utterance"] = order.utterance_id
    return finish(at, order)


def pressed(at, label):
    """Press the first button of this name; its page has yet to run."""
    return next(button for button in at.button if button.label == label).click()


def words_of(elements) -> str:
    return " ".join(re.sub(r"\\(.)", r"\1", element.value) for element in elements)
