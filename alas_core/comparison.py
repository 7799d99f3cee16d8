"""Two analyses against each other: what sets them apart, which words match, what moved.

"Left" and "right" are the two analyses; a difference is always right minus left. A difference of
ALAS stands against what the nulls of the two differ by.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import PurePath
from typing import Literal

import numpy as np

from alas_core.numerals import hundredths
from alas_core.types import Analysis, FloatArray, Null

Axis = Literal["index", "depth"]


@dataclass(frozen=True)
class WordPair:
    """A word of the left transcript and its partner in the right one; None where it has none."""

    left: int | None
    right: int | None


@dataclass(frozen=True)
class Difference:
    """Right minus left, layer by layer.

    Parameters
    ----------
    layers : np.ndarray [shape=(n,)], positions on the axis: layer numbers, or depths in [0, 1]
    values : np.ndarray [shape=(n,)]
    low, high : np.ndarray [shape=(n,)] or None
        The 2.5 and 97.5 % quantiles of `null_differences`; None for scores without a null.
    """

    layers: FloatArray
    values: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None


def settings_apart(left: Analysis, right: Analysis) -> tuple[tuple[str, str, str], ...]:
    """What the two were made from, where it is not the same: name, left, right."""
    names = zip(_made_from(left).items(), _made_from(right).values(), strict=True)
    return tuple((name, one, other) for (name, one), other in names if one != other)


def is_one(left: Analysis, right: Analysis) -> bool:
    """Whether both are the same analysis: then nothing differs but the layers looked at."""
    return left.key == right.key


def _made_from(analysis: Analysis) -> dict[str, str]:
    model, key = analysis.model, analysis.key
    return {
        # Of a folder its own end: where it lies on a server is nobody else's business.
        "model": "/".join(PurePath(model.model_id).parts[-2:]),
        "revision": model.revision,
        "dtype": model.dtype,
        "utterance": analysis.utterance.id,
        "sound": key.audio_sha[:12],
        "transcript": analysis.utterance.transcript,
        "instruction": str(analysis.provenance.get("instruction", analysis.utterance.instruction)),
        "reference": analysis.reference.name,
        "null": f"{len(analysis.main_null.samples)} {analysis.main_null.name}",
        **{
            name.replace("_", " "): str(value)
            for name, value in dataclasses.asdict(key.settings).items()
            if name != "n_null"  # "null" says how many were drawn
        },
    }


def match_words(left: Analysis, right: Analysis) -> tuple[WordPair, ...]:
    """Words of the two transcripts that belong together, in the order in which they are said.

    Only equal words match (letters and digits only, without case): what another word scores in the
    same place says nothing of this one. The longest common runs decide, as in a text comparison.
    """
    return tuple(_pairs(_texts(left), _texts(right)))


def _texts(analysis: Analysis) -> list[str]:
    kept = ("".join(filter(str.isalnum, word.word)).casefold() for word in analysis.words)
    return [text or word.word for text, word in zip(kept, analysis.words, strict=True)]


def _pairs(left: list[str], right: list[str]) -> Iterator[WordPair]:
    for what, i, i_end, j, j_end in SequenceMatcher(None, left, right, False).get_opcodes():
        if what == "equal":
            yield from map(WordPair, range(i, i_end), range(j, j_end))
        else:
            yield from (WordPair(index, None) for index in range(i, i_end))
            yield from (WordPair(None, index) for index in range(j, j_end))


def share_words(left: Analysis, right: Analysis) -> bool:
    """Whether any word is said on both sides; without one there is nothing to compare by words."""
    return any(None not in (pair.left, pair.right) for pair in match_words(left, right))


def positions(analysis: Analysis, axis: Axis) -> FloatArray:
    """Where the layers stand on the axis: their numbers, or their depths in [0, 1]."""
    layers = np.arange(analysis.n_layers + 1, dtype=np.float32)
    return layers if axis == "index" else layers / np.float32(max(analysis.n_layers, 1))


def layer_at(analysis: Analysis, position: float, axis: Axis) -> int:
    """The layer nearest to a position of the axis."""
    return int(np.abs(positions(analysis, axis) - position).argmin())


def difference(left: Analysis, right: Analysis, score: str, axis: Axis = "index") -> Difference:
    """Right minus left of a score, with what the nulls differ by where the score has one (ALAS).

    By index, the layers that both have are compared; by depth, the shallower model is interpolated
    between its layers.
    """
    layers = _common(left, right, axis)
    one, other = (
        _along(np.asarray(side.scores[score], np.float32)[None], side, layers, axis)[0]
        for side in (left, right)
    )
    if score != "alas":
        return Difference(layers, other - one)
    low, high = np.quantile(_null_differences(left, right, layers, axis), (0.025, 0.975), axis=0)
    return Difference(layers, other - one, low, high)


def _common(left: Analysis, right: Analysis, axis: Axis) -> FloatArray:
    choose = min if axis == "index" else max
    return positions(choose((left, right), key=lambda side: side.n_layers), axis)


def _along(values: FloatArray, side: Analysis, layers: FloatArray, axis: Axis) -> FloatArray:
    """Rows (n, n_layers + 1) at the positions of the axis."""
    own = positions(side, axis)
    return np.stack([np.interp(layers, own, row) for row in values])


def _null_differences(
    left: Analysis, right: Analysis, layers: FloatArray, axis: Axis
) -> FloatArray:
    one, other = nulls_of_one_kind(left, right)
    return null_differences(
        left,
        right,
        _along(one.samples, left, layers, axis),
        _along(other.samples, right, layers, axis),
    )


def null_differences(
    left: Analysis, right: Analysis, one: FloatArray, other: FloatArray
) -> FloatArray:
    """What the nulls of two analyses differ by, right minus left.

    Where both were drawn alike (of the same words), the i-th wrong transcript of the one is the
    i-th of the other, and what it does to both sides belongs together. Else no draw of the one
    belongs to a draw of the other: every one is set against every other, for which of them
    stand at the same place of their lists says nothing.

    Parameters
    ----------
    one, other : np.ndarray [shape=(n, ...)], draws of the left and of the right null

    Returns
    -------
    np.ndarray [shape=(n or n_left * n_right, ...)]
    """
    if _drawn_alike(left, right) and len(one) == len(other):
        return other - one
    apart: FloatArray = other[None] - one[:, None]
    return apart.reshape(-1, *one.shape[1:])


def _drawn_alike(left: Analysis, right: Analysis) -> bool:
    """Whether the i-th draw of both nulls is the same: wrong transcript, or order of the words."""
    draws = [(_texts(side), side.key.null_sha, side.key.settings.seed) for side in (left, right)]
    return draws[0] == draws[1]


def nulls_of_one_kind(left: Analysis, right: Analysis) -> tuple[Null, Null]:
    """Of one kind: wrong transcripts if both have them, else the permuted words."""
    if left.null is None or right.null is None:
        return left.quick_null, right.quick_null
    return left.null, right.null


def pair_columns(values: FloatArray, indices: Sequence[int | None]) -> FloatArray:
    """Columns (n, n_words) in the order of the indices; nan where there is none."""
    padded = np.append(values, np.full((len(values), 1), np.nan), axis=1)
    chosen: FloatArray = padded[:, [-1 if index is None else index for index in indices]]
    return chosen.astype(np.float32)


def columns_apart(
    left: Analysis, right: Analysis, one: FloatArray, other: FloatArray, axis: Axis = "index"
) -> FloatArray:
    """Right minus left of columns that belong together, at the layers of `difference`."""
    layers = _common(left, right, axis)
    moved: FloatArray = _along(other.T, right, layers, axis) - _along(one.T, left, layers, axis)
    return moved.T


def word_rows(left: Analysis, right: Analysis, layers: tuple[int, int]) -> list[dict[str, object]]:
    """One row a pair of words: when each is said, its ALAS on either side, and the change.

    The scores are those at the layer of each side, to two decimals; a number that is not there is
    None.
    """
    rows: list[dict[str, object]] = []
    for pair in match_words(left, right):
        sides = ((left, layers[0], pair.left), (right, layers[1], pair.right))
        (word, start, score, hits), (word_b, start_b, score_b, hits_b) = (
            _cells(side, layer, index) for side, layer, index in sides
        )
        change = None if score is None or score_b is None else hundredths(score_b - score)
        rows.append(
            {
                "Word of A": word,
                "Word of B": word_b,
                "Start A (s)": start,
                "Start B (s)": start_b,
                "ALAS A": None if score is None else hundredths(score),
                "ALAS B": None if score_b is None else hundredths(score_b),
                "B − A": change,
                "Hits A": hits,
                "Hits B": hits_b,
            }
        )
    return rows


def _cells(
    side: Analysis, layer: int, index: int | None
) -> tuple[str | None, float | None, float | None, float | None]:
    if index is None:
        return None, None, None, None
    numbers = (
        side.words[index].start_s,
        side.word_scores["alas"][layer, index],
        side.word_scores["hit_rate"][layer, index],
    )
    start, score, hits = (float(value) if np.isfinite(value) else None for value in numbers)
    return side.words[index].word, start, score, hits
