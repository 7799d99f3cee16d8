"""The demo's language: its words, its answers, and the split that keeps sentences unseen."""

from __future__ import annotations

import itertools

import pytest
from pocketsphinx import Decoder

from alas_core.demo import lexicon
from alas_core.demo.grammar import (
    CHOICES,
    HELD_OUT_PERCENT,
    INSTRUCTIONS,
    is_held_out,
    sentences,
    vocabulary,
)


@pytest.fixture(scope="module")
def drawn():
    return list(itertools.islice(sentences(3, held_out=False), 3000))


def test_vocabulary_is_wide_and_known_to_the_aligner():
    words = vocabulary()
    decoder = Decoder(lm=None, loglevel="FATAL")

    assert len(words) >= 250
    assert [word for word in words if decoder.lookup_word(word) is None] == []


def test_sides_of_the_split_share_no_sentence(drawn):
    held = list(itertools.islice(sentences(3, held_out=True), 400))

    assert all(is_held_out(sentence.text) for sentence in held)
    assert not any(is_held_out(sentence.text) for sentence in drawn)
    assert len({sentence.text for sentence in drawn}) == len(drawn)


def test_share_of_held_out_text():
    texts = [f"sentence number {index}" for index in range(5000)]

    share = 100 * sum(map(is_held_out, texts)) / len(texts)

    assert abs(share - HELD_OUT_PERCENT) < 2


def test_stream_is_a_function_of_its_seed(drawn):
    again = list(itertools.islice(sentences(3, held_out=False), 50))
    other = list(itertools.islice(sentences(4, held_out=False), 50))

    assert again == drawn[:50]
    assert other != again


def test_answers_come_from_the_text(drawn):
    for sentence in drawn:
        words = sentence.text.split()
        for task in ("color", "place", "count", "who"):
            answer = sentence.answers.get(task)
            assert answer is None or words.count(answer) == 1, (task, sentence)
        kind = sentence.answers.get("choice")
        assert kind is None or (kind == "animal") == (sentence.answers["who"] in lexicon.ANIMALS)


def test_emotion_answers_match_the_emotion_words(drawn):
    emotional = {word: name for name, words in lexicon.EMOTIONS.items() for word in words}
    for sentence in drawn:
        if "question" in sentence.answers:
            continue
        said = {emotional[word] for word in sentence.text.split() if word in emotional}
        expected = said or {"neutral"}
        assert {sentence.answers["emotion"]} == expected, sentence
        assert sentence.answers["emotion"] in CHOICES["emotion"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("is a lion bigger than a mouse", "yes"),
        ("is a lion smaller than a mouse", "no"),
        ("is a duck bigger than a camel", "no"),
        ("what color is the banana", "yellow"),
    ],
)
def test_spoken_questions_have_true_answers(text, answer):
    stream = itertools.chain(
        itertools.islice(sentences(5, held_out=False), 60_000),
        itertools.islice(sentences(5, held_out=True), 5_000),
    )
    found = next(sentence for sentence in stream if sentence.text.endswith(text))

    assert found.answers["question"] == answer


def test_every_task_is_asked(drawn):
    tasks = {task for sentence in drawn for task in sentence.answers}

    assert tasks | {"transcribe"} == set(INSTRUCTIONS)


def test_sentences_rarely_share_a_word_at_one_place(drawn):
    """A wrong transcript must be wrong: that is what the null leans on."""
    pairs = list(itertools.pairwise(drawn))
    shared = [
        sum(a == b for a, b in zip(x.text.split(), y.text.split(), strict=False))
        / min(len(x.text.split()), len(y.text.split()))
        for x, y in pairs
    ]

    assert sum(shared) / len(shared) < 0.1
