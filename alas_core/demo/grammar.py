"""Sentences of the demo language, their answers, and the split into training and held-out text.

A sentence is drawn from one of many shapes (statements, requests, greetings, questions) whose parts
stand in different orders, so that two sentences of one length rarely share a word at one place. The
split is a property of the text alone (a hash), so nobody needs the training set to know that a
sentence was never in it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from alas_core.demo.shapes import SHAPES, Sentence

HELD_OUT_PERCENT = 8
INSTRUCTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "transcribe": ("repeat the words", "write what you hear"),
        "color": ("what color is it", "name the color"),
        "place": ("where is it", "name the place"),
        "count": ("how many are there", "name the number"),
        "who": ("who is it about", "name the person or animal"),
        "choice": ("is it an animal or a person",),
        "emotion": ("how does the speaker feel", "name the emotion"),
        "question": ("answer the question",),
    }
)
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "choice": ("animal", "person"),
        "emotion": ("happy", "sad", "angry", "afraid", "neutral"),
    }
)


def is_held_out(text: str) -> bool:
    """Whether a sentence belongs to the held-out text, which training never sees.

    Parameters
    ----------
    text : str
        A sentence of the grammar.

    Returns
    -------
    bool
        True for about `HELD_OUT_PERCENT` of all sentences; depends on the text only.
    """
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_PERCENT


def sentences(seed: int, *, held_out: bool) -> Iterator[Sentence]:
    """Endless stream of different sentences from one side of the split.

    Parameters
    ----------
    seed : int
        The stream is a function of the seed and the side.
    held_out : bool
        True for the text that training never sees.

    Yields
    ------
    Sentence
        No text twice. A sentence without an emotion of its own answers "neutral" to the emotion
        task.
    """
    rng, seen = random.Random(seed), set[str]()
    makers, weights = zip(*SHAPES, strict=True)
    while True:
        sentence = rng.choices(makers, weights)[0](rng)
        if sentence.text in seen or is_held_out(sentence.text) != held_out:
            continue
        seen.add(sentence.text)
        answers = {"emotion": "neutral", **sentence.answers}
        yield Sentence(sentence.text, answers, sentence.emotion)


def vocabulary() -> tuple[str, ...]:
    """All words that the grammar can say, sorted.

    Returns
    -------
    tuple[str, ...]
        Lower-case words, found by drawing sentences until no new word has come for long.
    """
    rng, words = random.Random(0), set[str]()
    for maker, _ in SHAPES:
        for _ in range(3000):
            words.update(maker(rng).text.split())
    return tuple(sorted(words))
