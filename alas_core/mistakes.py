"""Where an analysis goes wrong: words taken for others, stretches of time off the reference."""

from __future__ import annotations

import numpy as np

from alas_core.sinks import valid_frames_and_tokens
from alas_core.types import NO_WORD, Analysis, IntArray


def nearest_tokens(analysis: Analysis, layer: int) -> IntArray:
    """The token that is most similar to each frame, of those that took part in the scores.

    Returns
    -------
    np.ndarray [shape=(n_frames,)]
    """
    _, valid = valid_frames_and_tokens(analysis)
    found: IntArray = np.where(valid[layer], analysis.similarity[layer], -np.inf).argmax(axis=1)
    return found


def nearest_other(analysis: Analysis, word: int, layer: int) -> tuple[int | None, int, int]:
    """The other word to which most of a word's frames are nearest.

    Returns
    -------
    (other, count, n_frames)
        `other` is None where the word itself is as frequent, or no frame points to a word. The
        same word said elsewhere in the sentence is no other.
    """
    own = analysis.frame_word == word
    nearest = nearest_tokens(analysis, layer)[own]
    words, counts = np.unique(analysis.token_word[nearest], return_counts=True)
    here = [one != NO_WORD and same_word(analysis, one, word) for one in words.tolist()]
    same = np.array(here, dtype=bool)
    right = int(counts[same].sum())
    elsewhere = (words != NO_WORD) & ~same
    if not elsewhere.any() or counts[elsewhere].max() <= right:
        return None, 0, int(own.sum())
    best = int(np.argmax(np.where(elsewhere, counts, -1)))
    return int(words[best]), int(counts[best]), int(own.sum())


def same_word(analysis: Analysis, one: int, other: int) -> bool:
    """Whether two words of the transcript (indices) are one and the same, said twice or once."""
    return analysis.words[one].word.casefold() == analysis.words[other].word.casefold()


def longest_departure(analysis: Analysis, layer: int) -> tuple[int, int, int, int] | None:
    """The longest run of frames whose word on the path is one other than the one being said.

    Returns
    -------
    (first, last, spoken, instead) or None
        Frames, both included; the words, `instead` NO_WORD where the path is on punctuation.
        None where the path stays on the reference, or there is none.
    """
    path = analysis.paths[layer]
    if (path < 0).any():
        return None
    pairs = list(zip(analysis.frame_word.tolist(), analysis.token_word[path].tolist(), strict=True))
    best: tuple[int, int, int, int] | None = None
    start = 0
    for frame in range(1, len(pairs) + 1):
        if frame < len(pairs) and pairs[frame] == pairs[start]:
            continue
        spoken, instead = pairs[start]
        longer = best is None or frame - start > best[1] - best[0] + 1
        if spoken not in (NO_WORD, instead) and longer:
            best = (start, frame - 1, spoken, instead)
        start = frame
    return best
