"""What a run says, in sentences made from its numbers: each with its interval, n and its null."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.corpus import accuracy, answers, words
from alas_core.corpus.choosing import Group, groups
from alas_core.corpus.profiles import (
    BestLayer,
    beating_null,
    best_of,
    by_chance,
    can_beat,
    difference,
    profile,
)
from alas_core.corpus.resampling import Estimate, mean_estimate
from alas_core.corpus.run import Run
from alas_core.numerals import counted, number
from alas_core.types import IntArray
from alas_core.variations import SIGNIFICANT

_FEW = 10
"""Below so many utterances an interval says little, and a sentence says that."""

_ONE_IN = 200
"""A word is named only if it is heard in at least one of so many utterances."""


@dataclass(frozen=True)
class CorpusFinding:
    """One sentence, and the view of the page that shows it."""

    kind: str
    text: str
    view: str


def with_interval(estimate: Estimate, digits: str = "") -> str:
    """A number with its 95 % interval and n."""
    if digits == "%":
        share = (f"{100 * part:.0f}" for part in (estimate.value, estimate.low, estimate.high))
        value, low, high = share
        return f"{value} % (95 % interval {low} to {high} %, n = {estimate.n})"
    ends = estimate.ends.replace("95 %", "95 % interval")
    return f"{number(estimate.value)} ({ends}, n = {estimate.n})"


def corpus_findings(run: Run, rows: IntArray, layer: int | None = None) -> list[CorpusFinding]:
    """The sentences that stand above everything else, the most important first.

    Parameters
    ----------
    rows : of the utterances that are looked at
    layer : chosen by the reader; None for the best over these utterances
    """
    best = best_of(run, rows)
    if best is None:
        return [CorpusFinding("empty", "None of these utterances has a score.", "utterances")]
    at = best.layer if layer is None else layer
    found = [
        _binding(run, rows, best),
        _beating(run, rows, at),
        _accuracy(run, rows, at),
        _groups(run, rows, at),
        _words(run, rows),
        _filter(run, rows, at),
    ]
    return [finding for finding in found if finding is not None]


def _binding(run: Run, rows: IntArray, best: BestLayer) -> CorpusFinding:
    null = profile(run, rows)
    reach = ""
    if null.null_high is not None and np.isfinite(null.null_high[best.layer]):
        whose = "its" if best.value.n == 1 else "their"
        reach = (
            f"; {whose} {run.null_name} average {number(float(null.null_mean[best.layer]))} "  # type: ignore[index]
            f"and reach {number(float(null.null_high[best.layer]))}"
        )
    where = f"layer {best.layer} of {run.n_layers}"
    sure = f"{100 * best.share:.0f} % of resamples agree"
    if best.low != best.high:
        sure += f"; 95 % lie in layers {best.low} to {best.high}"
    text = (
        f"Binding is strongest at {where} ({sure}): mean ALAS {with_interval(best.value)}{reach}."
    )
    if best.value.n < _FEW:
        text += f" With only {counted(best.value.n, 'utterance')}, "
        text += "take all intervals below with caution."
    return CorpusFinding("best layer", text, "utterances")


def _beating(run: Run, rows: IntArray, layer: int) -> CorpusFinding | None:
    share = beating_null(run, rows, layer)
    if share.n == 0:
        return None
    count = round(share.value * share.n)
    beat = "beats its" if share.n == 1 else "beat their"
    text = (
        f"At layer {layer}, {count} of {counted(share.n, 'utterance')} {beat} own {run.null_name} "
        f"(p ≤ {SIGNIFICANT}): {with_interval(share, '%')}; {by_chance(run)}."
    )
    return CorpusFinding("null", text, "utterances")


def _accuracy(run: Run, rows: IntArray, layer: int) -> CorpusFinding | None:
    side = next((s for s in accuracy.outcomes(run) if s != "answer_similarity"), None)
    if side is None:
        return None
    found = accuracy.pairs(run, rows, layer, side)
    if not len(found.rows):
        return None
    right = int((found.outcome >= 0.5).sum())
    are = "is" if len(found.rows) == 1 else "are"
    start = f"{right} of {counted(len(found.rows), 'answer')} to the sound {are} right"
    measured = accuracy.correlation(found)
    if measured.reason:
        text = f"{start}; whether alignment goes with it cannot be said: {measured.reason}."
        return CorpusFinding("accuracy", text, "accuracy")
    estimate = measured.pearson
    if estimate.low > 0:
        verdict = "Alignment goes with right answers"
    elif estimate.high < 0:
        verdict = "Alignment goes with wrong answers"
    else:
        verdict = "Alignment does not clearly go with right answers"
    if can_beat(run):
        odd = len(accuracy.quadrants(found)["right but not grounded"])
        grounded = f"{odd} of them right but not grounded (inside their null)"
    else:
        grounded = f"how many are grounded {run.n_null} {run.null_name} are too few to tell"
    text = (
        f"{verdict}: point-biserial r = {with_interval(estimate)} at layer {layer}; {start}, "
        f"{grounded}."
    )
    return CorpusFinding("accuracy", text, "accuracy")


def _groups(run: Run, rows: IntArray, layer: int) -> CorpusFinding | None:
    """The largest clear difference between two groups of one of the usual columns."""
    clearest: tuple[float, str] | None = None
    for column, noun in (("task", "task"), ("label", "label"), ("speaker", "speaker")):
        pair = _extremes(run, rows, column, layer)
        if pair is None:
            continue
        found = difference(run, *pair, layer)
        estimate = found.estimate
        if not estimate.low > 0 or (clearest and estimate.value <= clearest[0]):
            continue
        text = (
            f"By {noun}, {found.first} stands {with_interval(estimate)} above {found.second} "
            f"at layer {layer} (the two extremes, so the difference flatters itself)."
        )
        clearest = estimate.value, text
    return None if clearest is None else CorpusFinding("groups", clearest[1], "profiles")


def _extremes(run: Run, rows: IntArray, column: str, layer: int) -> tuple[Group, Group] | None:
    found = [g for g in groups(run, rows, column) if g.named and len(g.rows) >= _FEW]
    if len(found) < 2:
        return None
    means = [mean_estimate(run.matrix("alas")[g.rows, layer]).value for g in found]
    ranked = sorted(((mean, k) for k, mean in enumerate(means) if np.isfinite(mean)), reverse=True)
    return (found[ranked[0][1]], found[ranked[-1][1]]) if len(ranked) > 1 else None


def _words(run: Run, rows: IntArray) -> CorpusFinding | None:
    placed = words.placed_words(run, rows)
    # Among thousands of words the rarest are the worst by luck alone.
    enough = max(words.MIN_UTTERANCES, len(rows) // _ONE_IN)
    worst = words.ranked_words(placed, min_utterances=enough, limit=3)
    if not len(worst):
        return None
    named = ", ".join(
        f"“{row['word']}” {number(row['alas'])} ({number(row['low'])} to {number(row['high'])}, "
        f"heard {row['n']} times)"
        for row in worst.iter_rows(named=True)
    )
    mean = number(float(placed["alas"].mean() or 0))  # type: ignore[arg-type]
    text = f"The worst words, each at its utterance's best layer: {named}; all words: {mean}."
    return CorpusFinding("words", text, "words")


def _filter(run: Run, rows: IntArray, layer: int) -> CorpusFinding | None:
    found = answers.filtered(run, rows, answers.stored_threshold(run), layer)
    left = len(found.left_out)
    if not left:
        return None
    known = left + len(found.kept)
    give = "gives" if left == 1 else "give"
    text = (
        f"{left} of {counted(known, 'pair')} {give} different answers to sound and words, or none; "
        f"without them mean ALAS at layer {layer} is {with_interval(found.kept_mean)}, over all "
        f"{number(found.all_mean.value)}."
    )
    if len(found.unknown):
        text += f" {len(found.unknown)} more could not be compared."
    return CorpusFinding("filter", text, "filter")
