"""Which points of a map belong together: hulls, ties, rings, the middle of a word.

Points are counted as `layouts.with_anchors` lays them: frames, tokens, then for each word the
middle of its frames, then for each word the middle of its tokens.
"""

from __future__ import annotations

import numpy as np

from alas_core.layouts import Layout
from alas_core.types import Analysis, FloatArray, IntArray

Indices = list[int | None]
"""Points in the order of drawing; None lifts the pen."""


def members(analysis: Analysis) -> tuple[IntArray, IntArray]:
    """All frames, and all tokens."""
    every = np.arange(analysis.n_frames + analysis.n_tokens)
    return every[: analysis.n_frames], every[analysis.n_frames :]


def hull_indices(analysis: Analysis, layout: Layout) -> tuple[list[Indices], list[Indices]]:
    """The corners of the convex hull of all frames and of all tokens, closed, at each layer."""
    frames, tokens = members(analysis)
    return (
        [_hull(points, frames) for points in layout.points],
        [_hull(points, tokens) for points in layout.points],
    )


def _hull(points: FloatArray, own: IntArray) -> Indices:
    from scipy.spatial import ConvexHull, QhullError

    try:
        corners = ConvexHull(points[own]).vertices
    except (QhullError, ValueError):  # fewer than three points, or all on one line
        return []
    closed: Indices = own[[*corners, corners[0]]].tolist()
    return closed


def tie(analysis: Analysis, word: int | None) -> Indices:
    """A line from each frame of a word to the middle of its tokens; none for no word."""
    if word is None or not (analysis.token_word == word).any():
        return []
    middle = text_anchor(analysis, word)
    own = np.flatnonzero(analysis.frame_word == word).tolist()
    return [i for frame in own for i in (frame, middle, None)]


def sound_anchor(analysis: Analysis, word: int) -> int | None:
    """Index of the middle of a word's frames, or None if it has none."""
    has = bool((analysis.frame_word == word).any())
    return analysis.n_frames + analysis.n_tokens + word if has else None


def text_anchor(analysis: Analysis, word: int) -> int | None:
    """Index of the middle of a word's tokens, or None if it has none."""
    has = bool((analysis.token_word == word).any())
    return analysis.n_frames + analysis.n_tokens + len(analysis.words) + word if has else None


def verdicts(analysis: Analysis) -> IntArray:
    """Of each layer and frame: 0 no word, 1 its nearest token is of another word, 2 of its own."""
    hits = analysis.frame_scores["hit_rate"]
    return np.where(np.isnan(hits), 0, np.where(hits > 0, 2, 1)).astype(np.uint8)


def own_points(analysis: Analysis, word: int | None) -> Indices:
    """The frames and tokens of a word."""
    if word is None:
        return []
    owners = np.concatenate([analysis.frame_word, analysis.token_word])
    return [int(point) for point in np.flatnonzero(owners == word)]
