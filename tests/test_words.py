"""Words of any script; frames and tokens find their word, checked against plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alas_core.errors import InputError
from alas_core.types import NO_WORD, Token, WordTiming
from alas_core.words import SLACK_S, frame_words, split_words, token_words


@pytest.mark.parametrize(
    ("transcript", "expected"),
    [
        ("the red fox", "the red fox"),
        ("  The\tred\n\nfox  ", "The red fox"),
        ("Hello, world!", "Hello world"),
        ("don't 'quoted' rock'n'roll dogs'", "don't quoted rock'n'roll dogs"),
        ("it’s “curly”", "it’s curly"),
        ("a well-known word - and — another", "a well-known word and another"),
        ("yes—no...maybe…so wait--what", "yes no maybe so wait what"),
        ("in 1999, 3.5 or 50% of $20 (#1)", "in 1999 3.5 or 50% of $20 #1"),
        ("Grüße Ärger naïve", "Grüße Ärger naïve"),
        ("e\u0301te\u0301, cafe\u0301!", "e\u0301te\u0301 cafe\u0301"),
        ("Привет, мир", "Привет мир"),
        ("مرحبا بالعالم", "مرحبا بالعالم"),
        ("हिन्दी में", "हिन्दी में"),
        ("我爱 北京。", "我 爱 北 京"),
        ("東京タワーへ", "東 京 タワーへ"),
        ("GPT模型v2", "GPT 模 型 v2"),
        ("\U00020000\U00020001", "\U00020000 \U00020001"),
        ("... -- !? “”", ""),
        ("", ""),
        ("😀 hi 😀", "hi"),
        ("a\u200bb\ufeffc", "a b c"),
        ("<b>bold</b> $x^2$", "b>bold</b $x^2$"),
    ],
)
def test_split_words(transcript, expected):
    words = split_words(transcript)
    assert [word.word for word in words] == expected.split()


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_words_are_ordered_spans_of_the_transcript(transcript):
    end = 0
    for word in split_words(transcript):
        assert transcript[word.start_char : word.end_char] == word.word
        assert word.start_char >= end
        assert any(char.isalnum() for char in word.word)
        assert not word.placed
        end = word.end_char


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_every_letter_and_digit_is_in_one_word(transcript):
    inside = set()
    for word in split_words(transcript):
        inside.update(range(word.start_char, word.end_char))
    outside = [char for i, char in enumerate(transcript) if i not in inside]
    assert not any(char.isalnum() for char in outside)


def timed(*spans):
    return tuple(WordTiming("w", 0, 1, start, end) for start, end in spans)


def test_a_frame_needs_a_word_over_half_of_it():
    words = timed((0.1, 0.2), (0.2, 0.3))
    spans = np.array([[0.05, 0.14], [0.05, 0.15], [0.16, 0.23], [0.17, 0.24], [0.28, 0.36]])
    assert frame_words(spans, words).tolist() == [NO_WORD, 0, 0, 1, NO_WORD]


def test_exactly_half_counts_in_float32_at_a_minute():
    start = np.arange(1490, 1500) * 0.04
    spans = np.stack([start, start + 0.04], axis=1).astype(np.float32)
    words = timed(*((s, s + 0.02) for s in start))
    assert frame_words(spans, words).tolist() == list(range(10))


def test_of_two_halves_the_earlier_word_wins():
    start = np.arange(0, 1500) * 0.04
    spans = np.stack([start, start + 0.04], axis=1).astype(np.float32)
    words = timed((0, 0.02), *((s + 0.02, s + 0.06) for s in start))
    assert frame_words(spans, words).tolist() == list(range(1500))


def test_unplaced_words_hold_no_frame():
    words = (WordTiming("a", 0, 1), *timed((0, 1)), WordTiming("b", 2, 3))
    assert frame_words(np.array([[0, 0.5], [0.5, 1.0]]), words).tolist() == [1, 1]
    assert frame_words(np.array([[0, 0.5]]), words[:1]).tolist() == [NO_WORD]


def test_no_words_or_no_frames():
    assert frame_words(np.array([[0, 1.0]]), ()).tolist() == [NO_WORD]
    assert frame_words(np.zeros((0, 2)), timed((0, 1))).shape == (0,)


def test_an_empty_frame_has_no_word():
    assert frame_words(np.array([[0.5, 0.5]]), timed((0, 1))).tolist() == [NO_WORD]


@pytest.mark.parametrize("shape", [(3,), (3, 1), (2, 2, 2)])
def test_frame_spans_of_a_wrong_shape(shape):
    with pytest.raises(InputError, match="frame_spans has shape"):
        frame_words(np.zeros(shape), timed((0, 1)))


hundredths = st.integers(0, 40)


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(st.tuples(hundredths, st.integers(1, 20)), max_size=12),
    st.lists(st.tuples(hundredths, st.integers(1, 20)), max_size=8),
)
def test_frame_words_agree_with_a_loop(frames, words):
    spans = np.array([(a / 100, (a + n) / 100) for a, n in frames]).reshape(-1, 2)
    placed = timed(*((a / 100, (a + n) / 100) for a, n in words))
    expected = []
    for frame_start, frame_length in frames:
        best, most = NO_WORD, 0
        for k, (start, length) in enumerate(words):
            shared = min(frame_start + frame_length, start + length) - max(frame_start, start)
            if shared > most and 2 * shared >= frame_length:
                best, most = k, shared
        expected.append(best)
    assert frame_words(spans, placed).tolist() == expected


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.floats(0.01, 0.5), min_size=1, max_size=20), st.integers(1, 200))
def test_words_that_fill_the_time_part_the_frames_in_order(lengths, n_frames):
    edges = np.concatenate([[0], np.cumsum(lengths)])
    words = timed(*itertools.pairwise(edges))
    grid = np.linspace(0, edges[-1], n_frames + 1)
    found = frame_words(np.stack([grid[:-1], grid[1:]], axis=1), words)
    assert (np.diff(found[found != NO_WORD]) >= 0).all()
    # Where every word is longer than a frame, a frame meets two at most: one covers half of it.
    if min(lengths) > grid[1] > 10 * SLACK_S:
        assert (found != NO_WORD).all()


def test_tokens_of_a_byte_level_tokenizer():
    transcript = "The red fox, don't!"
    pieces = ["The", " re", "d", " fox", ",", " don", "'", "t", "!"]
    tokens, start = [], 0
    for piece in pieces:
        tokens.append(Token(piece, start, start + len(piece)))
        start += len(piece)
    assert token_words(tokens, split_words(transcript)).tolist() == [
        0,
        1,
        1,
        2,
        NO_WORD,
        3,
        3,
        3,
        NO_WORD,
    ]


def test_a_token_over_two_words_belongs_to_the_one_it_covers_most():
    words = split_words("a longer b")
    assert token_words([Token("a longer", 0, 8), Token("r b", 7, 10)], words).tolist() == [1, 1]


def test_tokens_without_characters_or_words():
    assert token_words([Token("", 3, 3)], split_words("a longer")).tolist() == [NO_WORD]
    assert token_words([Token("!", 0, 1)], split_words("!")).tolist() == [NO_WORD]
    assert token_words([], split_words("a")).shape == (0,)


@settings(deadline=None)  # the machine may be busy
@given(st.text(min_size=1), st.data())
def test_token_words_agree_with_a_loop(transcript, data):
    cuts = data.draw(st.lists(st.integers(0, len(transcript)), max_size=10))
    edges = sorted({0, len(transcript), *cuts})
    tokens = [Token(transcript[a:b], a, b) for a, b in itertools.pairwise(edges)]
    words = split_words(transcript)
    expected = []
    for token in tokens:
        inside = set(range(token.start_char, token.end_char))
        shared = [len(inside & set(range(w.start_char, w.end_char))) for w in words]
        best = int(np.argmax(shared)) if shared else 0
        expected.append(best if shared and shared[best] else NO_WORD)
    assert token_words(tokens, words).tolist() == expected
