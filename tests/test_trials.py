"""Trials: the cheap part only, on what the analysis holds, with the model it was made with."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from alas_core import datasets, trials
from alas_core.errors import ModelError
from alas_core.models import registry
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.identity import Loading
from alas_core.models.protocol import AudioStates
from alas_core.pipeline import Request, analyse
from alas_core.trials import run_trial
from alas_core.types import Analysis, Null, Settings
from alas_core.variations import CONTROLS, TREATMENTS, TrialResult, as_expected
from tests.factory import make_analysis
from tests.test_pipeline import POOL
from tests.test_pipeline import request as fake_request


class Hearing(FakeSpeechLLM):
    """A fake that hears its words in the recording it was told of, and noise in all others."""

    def audio_states(self, audio, prompt) -> AudioStates:
        heard = self._words
        if audio.sha not in self.known:
            self._words, self._transcript = (), ""
        states = super().audio_states(audio, prompt)
        self._words = heard
        return states


@pytest.fixture(scope="module")
def fake():
    model = Hearing(n_layers=4, best_layer=2)
    asked = fake_request(model)
    model.known = {asked.utterance.audio.sha}
    return model, analyse(asked)


@pytest.mark.parametrize("name", ["noise", "silence", "reversed"])
def test_a_control_without_the_words_falls_to_the_null(fake, name) -> None:
    model, analysis = fake
    result = run_trial(analysis, name, model=model)
    assert result.alas.shape == (5,)
    assert abs(result.alas[2]) < 0.3 < analysis.scores["alas"][2]
    assert as_expected(analysis, result)
    assert result.null.p_adjusted.min() > 0.05


def test_a_trial_asks_for_two_passes_and_nothing_else(fake) -> None:
    model, analysis = fake
    before = model.calls.copy()
    run_trial(analysis, "noise", model=model)
    assert model.calls - before == {"audio_states": 1, "text_states": 1}


def test_another_transcript_takes_the_intervals_of_the_right_words(fake) -> None:
    model, analysis = fake
    result = run_trial(analysis, "other", pool=POOL, model=model)
    assert result.alas[2] < 0.3
    assert result.note.removeprefix("read against: ")
    assert len(result.note.removeprefix("read against: ").split()) == len(analysis.words)


def test_the_published_way_is_the_analysis_itself(fake) -> None:
    model, analysis = fake
    result = run_trial(analysis, "none", model=model)
    np.testing.assert_allclose(result.alas, analysis.scores["alas"], rtol=1e-5)


@pytest.mark.parametrize("name", list(TREATMENTS))
def test_a_centering_is_what_an_analysis_with_that_setting_says(fake, name) -> None:
    model, analysis = fake
    setting = {"mask_sinks": True} if name == "sinks" else {"centering": name}
    asked = fake_request(model, **setting)
    np.testing.assert_allclose(
        run_trial(analysis, name, model=model).alas, analyse(asked).scores["alas"], rtol=1e-5
    )


@pytest.mark.parametrize("name", list(TREATMENTS))
def test_a_centering_is_judged_by_permuted_words_under_that_centering(fake, name) -> None:
    model, analysis = fake
    setting = {"mask_sinks": True} if name == "sinks" else {"centering": name}
    own = analyse(fake_request(model, **setting)).quick_null
    judged = run_trial(analysis, name, model=model).null
    assert judged.name == "permuted words"
    assert len(judged.samples) == analysis.key.settings.n_permutations
    np.testing.assert_allclose(judged.samples, own.samples, rtol=1e-5)
    np.testing.assert_array_equal(judged.p_adjusted, own.p_adjusted)


def test_a_control_is_judged_by_the_null_of_the_recording(fake) -> None:
    model, analysis = fake
    judged = run_trial(analysis, "noise", model=model).null
    assert judged.name == "wrong transcripts"
    np.testing.assert_array_equal(judged.samples, analysis.null.samples)
    assert judged.p_adjusted[2] > analysis.null.p_adjusted[2]


def test_a_model_of_another_size_is_refused(fake) -> None:
    _, analysis = fake
    with pytest.raises(ModelError, match="now has 6 layers, expected 4"):
        run_trial(analysis, "noise", model=FakeSpeechLLM(n_layers=6))


MARGIN = 0.2
"""Of ALAS, between the words and none of them; one training left 0.75 and more."""


@pytest.fixture(scope="module")
def demo():
    data = datasets.demo()
    utterance = data.load(data.ids()[0].id)
    settings = Settings(n_null=49)  # the default: 19 leave p no room
    return analyse(Request("demo", utterance, settings=settings, pool=data.pool(), answers=False))


def test_the_demo_model_loses_its_words_in_noise_and_keeps_them_at_another_speed(demo) -> None:
    results = {name: run_trial(demo, name) for name in ("noise", "reversed", "other")}
    results["speed"] = run_trial(demo, "speed", 0.9)
    results["snr"] = run_trial(demo, "snr", -10.0)
    best = demo.best_layer
    lost = {name: demo.scores["alas"][best] - found.alas[best] for name, found in results.items()}
    # These three leave no word of the transcript; how much that costs, the training decides.
    assert min(lost[name] for name in ("noise", "reversed", "other")) > MARGIN
    assert as_expected(demo, results["noise"])
    assert as_expected(demo, results["speed"])
    assert as_expected(demo, results["snr"])
    assert results["speed"].label == "Other speed, 0.9×"
    assert results["snr"].label == "Noise added, -10 dB"


def test_random_weights_are_those_of_the_same_architecture(demo) -> None:
    result = run_trial(demo, "random")
    best = demo.best_layer
    assert result.alas.shape == demo.scores["alas"].shape
    assert result.alas[best] < demo.scores["alas"][best] - MARGIN
    identity = registry.identify("demo", Loading(untrained_seed=3))
    assert identity != registry.identify("demo")
    assert "random weights of seed 3" in identity.variant
    # Another network: what wrong words reach in the trained one says nothing of it.
    assert result.null.name == "permuted words"
    assert len(result.null.samples) == demo.key.settings.n_permutations


def test_on_the_device_of_the_analysis_its_model_is_not_loaded_anew(demo) -> None:
    here = registry.get("demo", Loading(device="cpu"))
    run_trial(demo, "noise", device="cpu")
    assert registry.held() is here


def test_random_weights_of_a_quantised_model_are_refused_in_words(demo) -> None:
    key = dataclasses.replace(demo.key, variant="8bit")
    with pytest.raises(ModelError, match=r"random weights cannot be had in 8bit, .* control"):
        run_trial(dataclasses.replace(demo, key=key), "random")


def test_the_model_is_loaded_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def steps(request):
        asked.append(request)
        raise ModelError("enough")
        yield

    monkeypatch.setattr(trials.pipeline, "steps", steps)
    base = make_analysis()
    key = dataclasses.replace(base.key, variant="4bit, LoRA off", revision="abc", dtype="float16")
    with pytest.raises(ModelError, match="enough"):
        run_trial(dataclasses.replace(base, key=key), "noise", device="cuda:1")
    loading = asked[0].loading
    assert loading.device == "cuda:1"
    assert (loading.quantization, loading.lora) == ("4bit", False)
    assert (loading.revision, loading.dtype) == ("abc", "float16")
    assert asked[0].settings.n_null == 0
    assert not asked[0].answers


def null_of(analysis: Analysis, p: float) -> Null:
    return dataclasses.replace(analysis.null, p_adjusted=np.full(9, p))


@pytest.mark.parametrize(
    ("name", "value", "p", "expected"),
    [
        ("noise", -1.0, 1.0, True),
        ("noise", 0.99, 0.02, False),
        ("speed", 0.99, 0.02, True),
        ("speed", -1.0, 1.0, False),
        ("snr", -1.0, 1.0, True),
        ("snr", 0.999, 0.02, False),
        ("mean", 0.5, 0.02, None),
    ],
)
def test_what_one_expects_is_judged_at_the_best_layer(name, value, p, expected) -> None:
    analysis = make_analysis()
    trial = CONTROLS.get(name) or TREATMENTS[name]
    result = TrialResult(trial, None, np.full(9, value, np.float32), null_of(analysis, p))
    assert as_expected(analysis, result) is expected


def test_of_a_recording_that_does_not_beat_its_null_no_speed_can_be_judged() -> None:
    analysis = make_analysis(binding=np.zeros(9))
    null = null_of(analysis, 1.0)
    analysis = dataclasses.replace(analysis, null=null)
    result = TrialResult(CONTROLS["speed"], 0.9, np.zeros(9, np.float32), null)
    assert as_expected(analysis, result) is None
