"""What an analysis says, in sentences made from its numbers. No sentence without its number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.types import Analysis

SIGNIFICANT = 0.05
"""Level of p after Benjamini-Hochberg over the layers."""

_POOR = 0.25
"""A word whose ALAS stays below this is called weak."""


@dataclass(frozen=True)
class Finding:
    """One sentence and where it can be seen: a layer, a word (index), a kind for its icon."""

    kind: str
    text: str
    layer: int | None = None
    word: int | None = None


def findings(analysis: Analysis) -> tuple[Finding, ...]:
    """Three sentences: best layer against the null, the weakest words, the path's onsets.

    Parameters
    ----------
    analysis : with or without the null of wrong transcripts; without it the quick null is named

    Returns
    -------
    tuple of Finding, the most important first
    """
    found = (_best_layer(analysis), _weak_words(analysis), _onsets(analysis), _answers(analysis))
    return tuple(finding for finding in found if finding is not None)


def number(value: float) -> str:
    """Two significant digits, as everywhere on the screen."""
    if not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{min(digits, 4)}f}"


def _best_layer(analysis: Analysis) -> Finding:
    layer = analysis.best_layer
    score = float(analysis.scores["alas"][layer])
    null = analysis.null or analysis.quick_null
    high, p = float(null.high[layer]), float(null.p_adjusted[layer])
    depth = f"layer {layer} of {analysis.n_layers}"
    against = (
        f"{null.name} reach {number(high)} (97.5 % of {len(null.samples)}; p = {number(p)} "
        "after correction for the layers)"
    )
    if p <= SIGNIFICANT:
        layers = int((null.p_adjusted <= SIGNIFICANT).sum())
        verdict = f"So the model binds these words, at {layers} of {analysis.n_layers + 1} layers"
    else:
        verdict = "So this is not more than order and number of words would give"
    text = f"Binding is strongest at {depth}: ALAS {number(score)}; {against}. {verdict}."
    return Finding("best layer", text, layer=layer)


def _weak_words(analysis: Analysis) -> Finding | None:
    layer = analysis.best_layer
    values = analysis.word_scores["alas"][layer]
    placed = np.flatnonzero(np.isfinite(values))
    if not len(placed):
        return None
    order = placed[np.argsort(values[placed], kind="stable")]
    worst = int(order[0])
    named = ", ".join(
        f"“{analysis.words[word].word}” {number(float(values[word]))}" for word in order[:3]
    )
    weak = int((values[placed] < _POOR).sum())
    if weak:
        start = f"{weak} of {len(placed)} words stay below {_POOR} there"
    else:
        start = f"No word stays below {_POOR} there"
    return Finding("words", f"{start}; the weakest: {named}.", layer=layer, word=worst)


def _onsets(analysis: Analysis) -> Finding | None:
    layer = analysis.best_layer
    error = float(analysis.scores["onset_error_ms"][layer])
    if not np.isfinite(error):
        return None
    base = float(analysis.baselines["onset_error_ms"][layer])
    frame_ms = 1000 * float(np.median(np.diff(analysis.frame_spans, axis=1)))
    shift = analysis.word_scores["onset_shift_ms"][layer]
    worst = int(np.nanargmax(np.abs(shift)))
    late = "late" if shift[worst] > 0 else "early"
    text = (
        f"The path of best similarity starts words {error:.0f} ms from the reference on average "
        f"(a straight diagonal: {base:.0f} ms; one frame: {frame_ms:.0f} ms); farthest off is "
        f"“{analysis.words[worst].word}” at {analysis.words[worst].start_s:.2f} s, "
        f"{abs(shift[worst]):.0f} ms {late}."
    )
    return Finding("path", text, layer=layer, word=worst)


def _answers(analysis: Analysis) -> Finding | None:
    if not {"audio", "text"} <= set(analysis.answers):
        return None
    audio, text = (analysis.answers[side].strip() for side in ("audio", "text"))
    if not audio and not text:
        return Finding("answers", "The model answers nothing, neither to sound nor to text.")
    if audio.casefold() == text.casefold():
        return Finding("answers", f"Hearing and reading give one answer: “{audio}”.")
    return Finding("answers", f"Hearing it, the model answers “{audio}”; reading it, “{text}”.")
