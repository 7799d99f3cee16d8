"""Words of a transcript, and which word a frame or a token belongs to.

A word is a character span of the transcript; an aligner adds the seconds. Frames find their word
by time, tokens by characters, and the two meet in the mask R of metrics (`Analysis.mask`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from alas_core.errors import InputError
from alas_core.types import NO_WORD, FloatArray, Token, WordTiming

SLACK_S = 1e-5
"""Frame spans are float32: at 60 s a second is known to 4 microseconds."""

MAX_WORDS = 1000
"""A longer transcript is refused: one utterance is meant, not a book."""

_GAPS = re.compile(r"[\s\u200b\ufeff\u2014\u2015\u2026]+|-{2,}|\.{2,}")
"""Between chunks: white space, and dashes and dots that part words without any."""

_IDEOGRAPHS = (
    "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0002ebef\U0002f800-\U0002fa1f\U00030000-\U0003347f"
)
_PIECES = re.compile(rf"[{_IDEOGRAPHS}][\ufe00-\ufe0f]?|[^{_IDEOGRAPHS}]+")

_SPOKEN_SIGNS = "%‰°&@#"
"""Punctuation to Unicode, but read aloud: kept at the edge of a word ("5%")."""


def split_words(transcript: str) -> tuple[WordTiming, ...]:
    """The words of a transcript, in order, not yet placed in time.

    Chunks between white space lose the punctuation at their ends (an apostrophe or hyphen inside
    stays); a CJK ideograph is a word of its own; a chunk without letter or digit is no word.

    Returns
    -------
    tuple of WordTiming
        `transcript[start_char:end_char] == word`; seconds are nan.

    Examples
    --------
    >>> [word.word for word in split_words("So: don't, she said - twice!")]
    ['So', "don't", 'she', 'said', 'twice']
    """
    words = []
    position = 0
    for gap in (*_GAPS.finditer(transcript), None):
        stop = gap.start() if gap else len(transcript)
        for piece in _PIECES.finditer(transcript, position, stop):
            start, end = _strip(transcript, *piece.span())
            if any(map(str.isalnum, transcript[start:end])):
                words.append(WordTiming(transcript[start:end], start, end))
        position = gap.end() if gap else stop
    return tuple(words)


def check_transcript(transcript: str) -> None:
    """Refuse what cannot be the words of one recording.

    Raises
    ------
    InputError
        If it holds no word, or more than `MAX_WORDS`.
    """
    if len(transcript) <= MAX_WORDS and any(map(str.isalnum, transcript)):
        return  # a letter makes a word, and no word is shorter: a corpus has many to look at
    words = split_words(transcript)
    if not words:
        raise InputError(
            f"the transcript {transcript[:40]!r} holds no word, expected what is said in the "
            "audio; type the words that you hear"
        )
    if len(words) > MAX_WORDS:
        raise InputError(
            f"the transcript has {len(words)} words, expected at most {MAX_WORDS} for one "
            "utterance; cut audio and transcript into sentences"
        )


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Character span without the punctuation at its ends."""
    while start < end and not _is_spoken(text[start]):
        start += 1
    while start < end and not _is_spoken(text[end - 1]):
        end -= 1
    return start, end


def _is_spoken(char: str) -> bool:
    # Marks are accents and vowel signs: part of the letter before them.
    return (
        char.isalnum() or char in _SPOKEN_SIGNS or unicodedata.category(char) in ("Mn", "Mc", "Sc")
    )


def frame_words(frame_spans: FloatArray, words: Sequence[WordTiming]) -> npt.NDArray[np.intp]:
    """The word spoken in each frame.

    Parameters
    ----------
    frame_spans : np.ndarray [shape=(n_frames, 2)]
        Half-open spans in seconds of the audio.
    words : sequence of WordTiming
        Those without a place are never chosen.

    Returns
    -------
    np.ndarray [shape=(n_frames,), int]
        Index into `words` of the word that overlaps the frame most (the earlier of equals), if
        it covers at least half of it; else `NO_WORD`.

    Raises
    ------
    InputError
        If `frame_spans` has another shape.
    """
    spans = np.asarray(frame_spans, dtype=np.float64)
    if spans.ndim != 2 or spans.shape[1] != 2:
        raise InputError(
            f"frame_spans has shape {spans.shape}, expected (n_frames, 2); give start and end"
        )
    if not words:
        return np.full(len(spans), NO_WORD, dtype=np.intp)
    seconds = np.array([(word.start_s, word.end_s) for word in words], dtype=np.float64)
    overlap = np.nan_to_num(_overlap(spans, seconds), nan=0.0)
    best = _first_maximum(overlap, SLACK_S)
    covered = overlap[np.arange(len(spans)), best]
    half = (spans[:, 1] - spans[:, 0]) / 2
    return np.where((covered > SLACK_S) & (covered >= half - SLACK_S), best, NO_WORD)


def token_words(tokens: Sequence[Token], words: Sequence[WordTiming]) -> npt.NDArray[np.intp]:
    """The word of each token, by characters of the transcript.

    Returns
    -------
    np.ndarray [shape=(n_tokens,), int]
        Index into `words` of the word the token covers most characters of (the earlier of
        equals), so a byte-level token's leading space does not matter; `NO_WORD` for
        punctuation and white space on their own.
    """
    if not words or not tokens:
        return np.full(len(tokens), NO_WORD, dtype=np.intp)
    spans = np.array([(token.start_char, token.end_char) for token in tokens])
    characters = np.array([(word.start_char, word.end_char) for word in words])
    overlap = _overlap(spans, characters)
    best = _first_maximum(overlap, 0)
    return np.where(overlap[np.arange(len(spans)), best] > 0, best, NO_WORD)


def _overlap(spans: npt.NDArray[np.generic], others: npt.NDArray[np.generic]) -> FloatArray:
    """Length shared by each span (rows) and each other (columns); below 0 where apart."""
    start = np.maximum(spans[:, None, 0], others[None, :, 0])
    end = np.minimum(spans[:, None, 1], others[None, :, 1])
    shared: FloatArray = end - start
    return shared


def _first_maximum(overlap: FloatArray, slack: float) -> npt.NDArray[np.intp]:
    """Column of each row's maximum; the first of those within `slack` of it."""
    first: npt.NDArray[np.intp]
    first = (overlap >= overlap.max(axis=1, keepdims=True) - slack).argmax(axis=1)
    return first
