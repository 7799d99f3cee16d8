"""How good the reference is: against another one, and with its boundaries moved at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.numerals import number
from alas_core.reference.agreement import ReferenceAgreement, agreement
from alas_core.sensitivity import JITTERS_MS, alas_under_jitter, alas_with_words
from alas_core.types import Analysis, FloatArray, Reference


@dataclass(frozen=True)
class Quality:
    """What is known of an analysis's reference.

    Parameters
    ----------
    jitters_ms : how far boundaries were moved at most.
    jittered : np.ndarray [shape=(n_jitters, n_draws, n_layers + 1)], ALAS then.
    agreement : with a second reference; None without one.
    second_alas : np.ndarray [shape=(n_layers + 1,)], ALAS with the second reference; None without.
    """

    jitters_ms: tuple[float, ...]
    jittered: FloatArray
    agreement: ReferenceAgreement | None = None
    second_alas: FloatArray | None = None


def reference_quality(analysis: Analysis, second: Reference | None = None) -> Quality:
    """Measure an analysis's reference; no model is run.

    Raises
    ------
    InputError
        If the second reference is of other words.
    """
    jittered = alas_under_jitter(analysis)
    if second is None:
        return Quality(JITTERS_MS, jittered)
    compared = agreement(analysis.reference, second)
    return Quality(JITTERS_MS, jittered, compared, alas_with_words(analysis, second.words))


def jitter_sentence(analysis: Analysis, quality: Quality, layer: int) -> str:
    """What moving the boundaries does to ALAS at a layer."""
    score = float(analysis.scores["alas"][layer])
    rows = quality.jittered[:, :, layer]
    means = ", ".join(number(float(value)) for value in np.nanmean(rows, axis=1))
    moved = ", ".join(f"{jitter:g}" for jitter in quality.jitters_ms)
    null = analysis.main_null
    lowest, high = float(np.nanmin(rows)), float(null.high[layer])
    verdict = (
        "even the lowest stays above them"
        if lowest > high
        else "so errors of that size would decide the result"
        if score > high
        else "which it does not exceed even as it is"
    )
    return (
        f"ALAS at layer {layer} is {number(score)}. With every boundary moved at random by up to "
        f"{moved} ms it is {means} on average, {number(lowest)} at worst; {null.name} reach "
        f"{number(high)}: {verdict}."
    )


def agreement_sentence(analysis: Analysis, quality: Quality, layer: int) -> str:
    """How far the second reference is away, and what ALAS would be with it."""
    compared = quality.agreement
    if compared is None or quality.second_alas is None:
        return ""
    n_words = len(analysis.words)
    if compared.farthest is None:
        return f"'{compared.second}' places none of the {n_words} words that the reference places."
    word = analysis.words[compared.farthest].word
    frame_ms = 1000 / analysis.model.frame_rate_hz
    return (
        f"The onsets of {compared.n_compared} of {n_words} words are "
        f"{number(compared.mean_onset_ms)} ms apart on average and {number(compared.max_onset_ms)} "
        f"ms at most (“{word}”); one audio frame is {number(frame_ms)} ms. With the second "
        f"reference ALAS at layer {layer} would be {number(float(quality.second_alas[layer]))} "
        f"instead of {number(float(analysis.scores['alas'][layer]))}."
    )
