"""What moved between two analyses, in sentences made from their numbers."""

from __future__ import annotations

import numpy as np

from alas_core.comparison import (
    Axis,
    WordPair,
    difference,
    is_one,
    match_words,
    null_differences,
    nulls_of_one_kind,
)
from alas_core.null import BAND
from alas_core.numerals import number, signed
from alas_core.types import Analysis
from alas_core.variations import beats_null

MOVED = 0.1
"""A word whose ALAS changes by more than this is said to have changed."""


def summary(
    left: Analysis,
    right: Analysis,
    layers: tuple[int, int],
    axis: Axis = "index",
    names: tuple[str, str] = ("A", "B"),
) -> tuple[str, ...]:
    """What moved, in sentences with their numbers; of one analysis, from layer to layer alone.

    Parameters
    ----------
    layers : the layer of each side at which words are compared
    names : what the two sides are called
    """
    pairs = match_words(left, right)
    at_layers = _at_layers(left, right, layers, names)
    words = _words(left, right, pairs, layers, names)
    if is_one(left, right):
        return tuple(filter(None, (at_layers, words))) if layers[0] != layers[1] else ()
    found = (
        _best_layers(left, right, names),
        at_layers,
        _where(left, right, layers, axis, names),
        words,
        _unmatched(pairs, names),
    )
    return tuple(sentence for sentence in found if sentence)


def _best_layers(left: Analysis, right: Analysis, names: tuple[str, str]) -> str:
    sides, unbound = [], []
    for side, name in zip((left, right), names, strict=True):
        best, null = side.best_layer, side.main_null
        sides.append(
            f"{name} at layer {best} of {side.n_layers} with {number(side.scores['alas'][best])} "
            f"({null.name} reach {number(null.high[best])})"
        )
        if not beats_null(null.p_adjusted)[best]:
            unbound.append(name)
    if unbound:
        who = "Neither side is" if len(unbound) == 2 else f"{unbound[0]} is not"
        return (
            f"ALAS is highest in {sides[0]}, in {sides[1]}. {who} shown to beat wrong words, so "
            "whether the best layer moved cannot be told."
        )
    moved = left.best_layer != right.best_layer or left.n_layers != right.n_layers
    start = "The best layer moved" if moved else "The best layer is the same"
    return f"{start}: ALAS is highest in {sides[0]}, in {sides[1]}."


def _at_layers(
    left: Analysis, right: Analysis, layers: tuple[int, int], names: tuple[str, str]
) -> str:
    one, other = left.scores["alas"][layers[0]], right.scores["alas"][layers[1]]
    where = f"{names[0]} layer {layers[0]}, {names[1]} layer {layers[1]}"
    if not np.isfinite([one, other]).all():
        return f"At {where}, ALAS is {number(one)} and {number(other)}: there is no change to tell."
    null_one, null_other = nulls_of_one_kind(left, right)
    apart = null_differences(
        left, right, null_one.samples[:, layers[0]], null_other.samples[:, layers[1]]
    )
    low, high = np.quantile(apart, BAND)
    change = float(other - one)
    verdict = (
        "no more than wrong words would bring about"
        if low <= change <= high
        else "more than wrong words would bring about"
    )
    return (
        f"At {where}, ALAS goes from {number(one)} to {number(other)} ({signed(change)}); "
        f"{null_one.name} alone differ by {signed(low)} to {signed(high)} (95 %) between these "
        f"two, so this is {verdict}."
    )


def _where(
    left: Analysis,
    right: Analysis,
    layers: tuple[int, int],
    axis: Axis,
    names: tuple[str, str],
) -> str:
    apart = difference(left, right, "alas", axis)
    if apart.low is None or apart.high is None:  # ALAS always has a null
        raise RuntimeError("the difference of ALAS has no null")
    outside = int(((apart.values < apart.low) | (apart.values > apart.high)).sum())
    most = int(np.abs(apart.values).argmax())
    unit = "layer" if axis == "index" else "depth"
    place = f"layer {most}" if axis == "index" else f"{100 * apart.layers[most]:.0f} % of the depth"
    band = f"{signed(float(apart.low[most]))} to {signed(float(apart.high[most]))}"
    text = (
        f"Layer by layer, both at the same {unit}, {names[1]} − {names[0]} is outside the band of "
        f"the nulls at {outside} of {len(apart.layers)} layers; largest at {place}: "
        f"{signed(float(apart.values[most]))} (nulls: {band})."
    )
    if layers[0] != layers[1]:
        text += (
            f" This is another question than {names[0]} layer {layers[0]} against {names[1]} layer "
            f"{layers[1]} above, and may have another answer."
        )
    return text


def _words(
    left: Analysis,
    right: Analysis,
    pairs: tuple[WordPair, ...],
    layers: tuple[int, int],
    names: tuple[str, str],
) -> str:
    both = [(p.left, p.right) for p in pairs if p.left is not None and p.right is not None]
    if not both:
        return (
            f"{names[0]} and {names[1]} have no word in common, so they cannot be compared word by "
            "word; what is above compares the averages over their own words."
        )
    one = left.word_scores["alas"][layers[0], [i for i, _ in both]]
    other = right.word_scores["alas"][layers[1], [j for _, j in both]]
    change = np.asarray(other - one, dtype=float)
    known = np.flatnonzero(np.isfinite(change))
    if not known.size:
        return ""
    order = known[np.argsort(-np.abs(change[known]), kind="stable")]
    most = ", ".join(
        f"“{left.words[both[i][0]].word}” {signed(float(change[i]))}" for i in order[:3]
    )
    there = f"{names[0]} layer {layers[0]}, {names[1]} layer {layers[1]}"
    if known.size == 1:
        return (
            f"One word was found on both sides; how its ALAS changes ({there}; "
            f"{names[1]} − {names[0]}): {most}."
        )
    count = int((np.abs(change[known]) > MOVED).sum())
    return (
        f"{count} of {known.size} words found on both sides change by more than {MOVED} "
        f"({there}); most ({names[1]} − {names[0]}): {most}."
    )


def _unmatched(pairs: tuple[WordPair, ...], names: tuple[str, str]) -> str:
    only = [sum(p.right is None for p in pairs), sum(p.left is None for p in pairs)]
    if not any(only) or sum(only) == len(pairs):  # of none in common, `_words` has told
        return ""
    return (
        f"Words found on one side only: {only[0]} of {names[0]}, {only[1]} of {names[1]}; a word "
        "is compared with itself alone."
    )
