"""Whether an analysis shows that the model binds the words, in one sentence."""

from __future__ import annotations

import numpy as np

from alas_core.numerals import counted, number
from alas_core.types import NO_WORD, Analysis, Null
from alas_core.variations import beats_null

_NARROW = 0.25
"""Who beats a null by less than this share of its upper half (median to 97.5 %) only just does."""


def binding_sentence(analysis: Analysis) -> str:
    """Best layer and score, what the null reaches there, and what follows."""
    layer = analysis.best_layer
    score = float(analysis.scores["alas"][layer])
    if not np.isfinite(score):
        own = len(np.unique(analysis.token_word[analysis.token_word != NO_WORD]))
        return (
            f"Binding cannot be told: {own} of {counted(len(analysis.words), 'word')} has tokens "
            "of its own, so there is no other to tell it from."
        )
    null = analysis.main_null
    high, p = float(null.high[layer]), float(null.p_adjusted[layer])
    depth = f"layer {layer} of {analysis.n_layers}"
    if 0 < layer < analysis.n_layers:
        depth += f" ({100 * layer / analysis.n_layers:.3g} % of the depth)"
    against = (
        f"{null.name} reach {number(high)} (97.5 % of {len(null.samples)}; p = {number(p)} "
        "after correction for the layers)"
    )
    beats = beats_null(null.p_adjusted)
    if beats[layer]:
        verdict = _verdict(analysis, int(beats.sum()), narrow=_is_narrow(score, null, layer))
    elif np.nanmax(null.samples) < score:
        verdict = (
            f"None of the {len(null.samples)} reaches that at any layer, but they are too few to "
            f"tell over {analysis.n_layers + 1} layers: take more of them"
        )
    else:
        verdict = "So this is not more than order and number of words would give"
    return f"Binding is strongest at {depth}: ALAS {number(score)}; {against}. {verdict}."


def _is_narrow(score: float, null: Null, layer: int) -> bool:
    high, middle = float(null.high[layer]), float(np.median(null.samples[:, layer]))
    return score - high < _NARROW * (high - middle)


def _verdict(analysis: Analysis, n_layers: int, *, narrow: bool) -> str:
    """What beating the null means, which is little where the model knows few of the words."""
    layers = f"at {n_layers} of {analysis.n_layers + 1} layers"
    known = analysis.model.known_words
    untaught = 0 if known is None else sum(w.word.casefold() not in known for w in analysis.words)
    if untaught > len(analysis.words) / 2:
        return (
            f"That is more than chance, {layers}, but {untaught} of {len(analysis.words)} words "
            "were never taught to this model: it says little of binding"
        )
    if narrow:
        return f"So the model binds these words, {layers}, but only just"
    return f"So the model binds these words, {layers}"
