"""The wiring: planted alignments come out, caches hit, bad input is named, nothing is lost."""

import dataclasses
import json
import time

import numpy as np
import pytest
import torch

from alas_core import assembly, pipeline
from alas_core.errors import AlasError, AlignmentError, InputError, ModelError
from alas_core.layouts import pca_layout
from alas_core.models import guard
from alas_core.models.fake import FakeSpeechLLM
from alas_core.models.watching import Watched
from alas_core.pipeline import Request, analyse, steps
from alas_core.reference import preparing
from alas_core.sounds import TimesOfTheOriginal
from alas_core.store import Store
from alas_core.types import Audio, Reference, Settings, Utterance, content_sha
from alas_core.words import split_words
from tests.factory import make_audio
from tests.test_scores import alignment

WORDS = "The red fox sleeps, here."
POOL = ("a b c d e", "one two three four five six", "cats and dogs eat much bread")


class EvenAligner:
    """Spreads the words evenly over the audio: a reference without an aligner's cost."""

    name = "even"

    def __init__(self, unplaced: frozenset[str] = frozenset()) -> None:
        self.unplaced = unplaced

    def align(self, audio: Audio, transcript: str) -> Reference:
        words = split_words(transcript)
        step = audio.duration_s / len(words)
        placed = [
            dataclasses.replace(word, problem="not in the dictionary")
            if word.word in self.unplaced
            else dataclasses.replace(word, start_s=step * i, end_s=step * (i + 1))
            for i, word in enumerate(words)
        ]
        return Reference(self.name, tuple(placed))


def request(model=None, transcript=WORDS, duration_s=2.0, aligner=None, **settings):
    aligner = aligner or EvenAligner()
    audio = make_audio(duration_s)
    model = model or FakeSpeechLLM()
    if isinstance(model, FakeSpeechLLM):
        words = split_words(transcript)
        model.expect(transcript, aligner.align(audio, transcript).words if words else ())
    utterance = Utterance("u", audio, transcript, instruction="Repeat:")
    return Request(
        "fake",
        utterance,
        reference=aligner,
        settings=Settings(n_null=9, **settings),
        pool=POOL,
        model=model,
    )


def test_a_planted_alignment_is_found_at_its_layer():
    analysis = analyse(request(FakeSpeechLLM(n_layers=6, best_layer=4)))
    assert analysis.best_layer == 4
    assert analysis.scores["alas"][4] > 0.9
    assert analysis.scores["hit_rate"][4] > 0.95
    assert analysis.null is not None
    assert analysis.null.samples.shape == (9, 7)
    assert analysis.null.p[4] == pytest.approx(0.1)
    assert analysis.scores["alas"][4] > analysis.null.high[4]


def test_a_model_that_binds_nothing_does_not_beat_its_null():
    analysis = analyse(request(FakeSpeechLLM(strength=0.0)))
    assert abs(analysis.scores["alas"]).max() < 0.3
    assert analysis.null.p_adjusted.min() > 0.05


def test_the_picture_comes_before_the_null():
    seen = list(steps(request()))
    first = next(i for i, progress in enumerate(seen) if progress.analysis is not None)
    assert seen[first].analysis.null is None
    assert seen[first].analysis.quick_null.samples.shape[0] == 200
    assert [p.done for p in seen if p.stage.startswith("Checking")] == list(range(10))
    assert seen[-1].stage == "Done"
    assert seen[-1].analysis.null is not None
    np.testing.assert_array_equal(
        seen[-1].analysis.scores["alas"], seen[first].analysis.scores["alas"]
    )


def test_answers_and_seconds_are_kept():
    analysis = analyse(request())
    assert set(analysis.answers) == {"audio", "text"}
    assert {"audio pass", "text pass", "null", "reference"} <= set(analysis.provenance["seconds"])


def test_a_second_run_comes_from_the_store(tmp_path):
    model, store = FakeSpeechLLM(), Store(tmp_path)
    first = analyse(request(model), store)
    calls = dict(model.calls)
    again = analyse(request(model), store)
    assert dict(model.calls) == calls
    np.testing.assert_array_equal(first.similarity, again.similarity)
    assert again.utterance.audio.samples.dtype == np.float32


def test_an_upload_without_an_instruction_of_its_own_comes_from_the_store_too(tmp_path):
    model, store = FakeSpeechLLM(), Store(tmp_path)
    asked = request(model)
    utterance = dataclasses.replace(asked.utterance, instruction="", id="uploaded")
    asked = dataclasses.replace(asked, utterance=utterance)
    first = analyse(asked, store)
    assert first.provenance["instruction"] == model.default_instruction("transcribe")
    calls = dict(model.calls)
    again = analyse(asked, store)
    assert dict(model.calls) == calls
    np.testing.assert_array_equal(first.similarity, again.similarity)
    assert again.utterance.id == "uploaded"


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.2},
        {"centering": "mean"},
        {"mask_sinks": True},
        {"seed": 1},
        {"instruction_first": False},
    ],
)
def test_any_setting_makes_a_new_analysis(tmp_path, change):
    model, store = FakeSpeechLLM(), Store(tmp_path)
    analyse(request(model), store)
    calls = model.calls["audio_states"]
    analyse(request(model, **change), store)
    assert model.calls["audio_states"] == calls + 1


def test_labels_come_from_the_caller_not_from_the_store(tmp_path):
    model, store = FakeSpeechLLM(), Store(tmp_path)
    analyse(request(model), store)
    asked = request(model)
    renamed = dataclasses.replace(asked, utterance=dataclasses.replace(asked.utterance, id="new"))
    assert analyse(renamed, store).utterance.id == "new"


def test_a_damaged_bundle_is_computed_again(tmp_path):
    model, store = FakeSpeechLLM(), Store(tmp_path)
    first = analyse(request(model), store)
    (file,) = tmp_path.glob("*.alas")
    file.write_bytes(b"damaged")
    again = analyse(request(model), store)
    np.testing.assert_array_equal(first.paths, again.paths)
    assert model.calls["audio_states"] == 2
    assert store.notes


def test_without_wrong_transcripts_there_is_no_null():
    asked = request()
    asked = dataclasses.replace(asked, settings=Settings(n_null=0))
    assert analyse(asked).null is None


@pytest.mark.parametrize("transcript", ["", "  \n", "?! ... --", "🎉🎉"])
def test_a_transcript_without_words_is_refused(transcript):
    with pytest.raises(InputError, match="holds no word"):
        analyse(request(transcript=transcript))


def test_a_book_is_refused():
    with pytest.raises(InputError, match="expected at most 1000"):
        analyse(request(transcript="word " * 5000))


def test_unplaced_words_are_left_out_and_named():
    analysis = analyse(request(aligner=EvenAligner(frozenset({"fox"}))))
    assert any("fox (not in the dictionary)" in warning for warning in analysis.warnings)
    index = [word.word for word in analysis.words].index("fox")
    assert index not in analysis.frame_word
    assert np.isnan(analysis.word_scores["alas"][:, index]).all()
    assert analysis.scores["alas"].max() > 0.8


def test_nothing_placed_is_an_error_that_says_what_to_do():
    nothing = EvenAligner(frozenset(word.word for word in split_words(WORDS)))
    with pytest.raises(AlignmentError, match="placed none of the 5 words"):
        analyse(request(aligner=nothing))


def test_signs_that_a_model_was_never_taught_are_flagged():
    model = FakeSpeechLLM(known_words=frozenset({"the", "red", "fox's", "sleeps", "here"}))
    told = [analyse(request(model, words)).warnings for words in (
        "the red fox's sleeps here", "The red fox's, sleeps here!")]  # fmt: skip
    assert not any("taught transcripts without" in note for note in told[0])
    assert any("without the signs , ! and capital letters" in note for note in told[1])


def test_unknown_words_are_flagged_first():
    model = FakeSpeechLLM(known_words=frozenset({"the", "red", "sleeps", "here"}))
    warnings = analyse(request(model)).warnings
    assert "never taught: fox" in warnings[0]


def test_more_tokens_than_frames_leaves_the_path_empty():
    transcript = " ".join(["go"] * 40)
    analysis = analyse(request(transcript=transcript, duration_s=1.0))
    assert (analysis.paths == -1).all()
    assert np.isnan(analysis.scores["path_accuracy"]).all()
    assert any("no monotone path" in warning for warning in analysis.warnings)
    assert any("faster than anyone speaks" in warning for warning in analysis.warnings)


def test_one_word_and_words_without_a_token_are_told():
    told = analyse(request(transcript="Hello.")).warnings
    assert any("Only one word has frames and tokens" in warning for warning in told)
    assert not any("Only one word" in warning for warning in analyse(request()).warnings)
    maps = alignment(frame_word=(0, 0, 1, 1, 2, 2), token_word=(0, 2))
    (note,) = assembly._thin(maps, split_words("今天好"))
    assert "Words without a token of their own, left out of the scores: 天." in note


class Loud(FakeSpeechLLM):
    """A fake whose states at layer 3 are a million times those of others."""

    def _louder(self, states):
        hidden = states.hidden_states.clone()
        hidden[3] *= 2**20
        return dataclasses.replace(states, hidden_states=hidden)

    def audio_states(self, audio, prompt):
        return self._louder(super().audio_states(audio, prompt))

    def text_states(self, transcript, prompt):
        return self._louder(super().text_states(transcript, prompt))


def test_a_layer_too_large_for_the_stored_coordinates_keeps_its_picture():
    loud, plain = (analyse(request(model)) for model in (Loud(), FakeSpeechLLM()))
    assert loud.norms[3].min() > 65504  # beyond float16
    assert np.isfinite(loud.coords).all()
    drawn, expected = pca_layout(loud), pca_layout(plain)
    np.testing.assert_allclose(drawn.points, expected.points, atol=1e-3)  # a part of 2**11
    np.testing.assert_allclose(drawn.kept, expected.kept, rtol=1e-3)
    np.testing.assert_array_equal(loud.coords[:3], plain.coords[:3])


class Overflowing(FakeSpeechLLM):
    """A fake whose float16 is too narrow for one pass, from layer 2 on."""

    def __init__(self, method: str, value: float) -> None:
        super().__init__()
        self.method, self.value = method, value

    def _spoilt(self, states, method: str):
        if self.method == method:
            hidden = states.hidden_states.half()
            hidden[2, -1, 0] = self.value
            states = dataclasses.replace(states, hidden_states=hidden)
        return states

    def audio_states(self, audio, prompt):
        return self._spoilt(super().audio_states(audio, prompt), "audio")

    def text_states(self, transcript, prompt):
        return self._spoilt(super().text_states(transcript, prompt), "transcript")

    def text_states_many(self, transcripts, prompt):
        for states in super().text_states_many(transcripts, prompt):
            yield self._spoilt(states, "wrong transcript")


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("method", ["audio", "transcript", "wrong transcript"])
def test_states_that_overflow_are_refused_with_a_wider_type(method, value):
    said = f"states of the {method} that are not finite, from layer 2 on.*bfloat16 or float32"
    with pytest.raises(ModelError, match=said):
        analyse(request(Overflowing(method, value)))


@pytest.mark.parametrize("stage", ["assemble", "null_scores", "lens_layers"])
def test_memory_that_fills_after_the_passes_is_said_with_a_remedy(monkeypatch, stage):
    freed = []
    monkeypatch.setattr(guard, "release_memory", lambda: freed.append(stage))

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(pipeline, stage, full)
    with pytest.raises(ModelError, match=r"memory of cpu is full .*20\.00 GiB.*use shorter audio"):
        analyse(request())
    assert freed == [stage]


def test_what_else_fails_after_the_passes_stays_a_defect(monkeypatch):
    def broken(*_, **__):
        raise ValueError("planted failure")

    monkeypatch.setattr(pipeline, "assemble", broken)
    with pytest.raises(ValueError, match="planted failure"):
        analyse(request())


def test_after_an_error_the_next_analysis_works(tmp_path):
    model, store = FakeSpeechLLM(), Store(tmp_path)
    with pytest.raises(AlasError):
        analyse(request(model, transcript="..."), store)
    assert analyse(request(model), store).scores["alas"].max() > 0.8


def test_the_key_of_a_request_is_complete():
    fields = {field.name for field in dataclasses.fields(pipeline.RunKey)}
    asked = request()
    key = pipeline.run_key(asked.model.info, asked, "even", "Repeat:", ("a",))
    assert fields == {
        "model_id",
        "revision",
        "dtype",
        "audio_sha",
        "transcript_sha",
        "prompt_sha",
        "reference",
        "settings",
        "null_sha",
        "schema",
        "variant",
    }
    assert all(getattr(key, name) not in ("", None) for name in fields - {"variant"})


def test_how_a_model_was_loaded_is_part_of_the_key_and_old_keys_stay():
    asked = request()
    key = pipeline.run_key(asked.model.info, asked, "even", "Repeat:", ("a",))
    parts = dataclasses.asdict(key)
    del parts["variant"]
    assert key.digest == content_sha(json.dumps(parts, sort_keys=True))  # as before variants
    other = dataclasses.replace(key, variant="4bit")
    assert other.digest != key.digest
    info = dataclasses.replace(asked.model.info, variant="LoRA off")
    assert pipeline.run_key(info, asked, "even", "Repeat:", ("a",)).variant == "LoRA off"


class LoadingAligner(EvenAligner):
    """Has something to load, and gets on only while somebody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.left = False

    def prepare(self, report) -> None:
        try:
            for done in range(200):
                report(Watched("Downloading the model", done, 200))
                time.sleep(0.001)
        except BaseException:
            self.left = True
            raise


def test_the_loading_of_an_aligner_is_told_and_ends_with_its_reader():
    told = [step for step in steps(request(aligner=LoadingAligner())) if "Down" in step.stage]
    assert [step.done for step in told] == list(range(200))
    assert {step.total for step in told} == {200}

    aligner = LoadingAligner()
    pipe = steps(request(aligner=aligner))
    while "Down" not in next(pipe).stage:
        pass
    pipe.close()
    assert aligner.left


def test_a_changed_sound_has_the_aligner_of_the_original_load_too():
    aligner = LoadingAligner()
    changed = TimesOfTheOriginal(aligner, make_audio(2.0))
    assert sum(1 for _ in preparing(changed)) == 200
    assert list(preparing(EvenAligner())) == []
    assert list(preparing(TimesOfTheOriginal(EvenAligner(), make_audio(2.0)))) == []
