"""What an analysis says, in sentences made from its numbers. No sentence without its number.

`RULES` is the whole of it, most important first: when each sentence is said, and where a reader
can see what it claims.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from alas_core.definitions import SCORES
from alas_core.mistakes import longest_departure, nearest_other, same_word
from alas_core.numerals import counted, number
from alas_core.rankings import RankAgreement, agreements
from alas_core.readout import heard_instead, word_readings
from alas_core.types import NO_WORD, Analysis, Lens
from alas_core.verdict import binding_sentence

MOST = 6
"""Sentences shown; what stands lowest in `RULES` gives way."""

_POOR = 0.25
"""A word whose ALAS stays below this is called weak."""


@dataclass(frozen=True)
class Finding:
    """One sentence and where it can be seen: a view of the page, a layer, a word (index)."""

    kind: str
    text: str
    layer: int | None = None
    word: int | None = None
    view: str = "sheet"


@dataclass(frozen=True)
class Rule:
    """When a sentence is said, where it can be seen, and what makes it."""

    kind: str
    when: str
    view: str
    make: Callable[[Analysis], Finding | None]


def findings(analysis: Analysis) -> tuple[Finding, ...]:
    """Up to six sentences in the order of `RULES`.

    Parameters
    ----------
    analysis : with or without the null of wrong transcripts; without it the quick null is named

    Returns
    -------
    tuple of Finding, the most important first
    """
    made = ((rule, rule.make(analysis)) for rule in RULES)
    return tuple(replace(found, view=rule.view) for rule, found in made if found)[:MOST]


def reading_sentence(analysis: Analysis, lens: Lens) -> str:
    """How many words the read-out names from their own frames, at which layers, and which never."""
    readings = word_readings(lens, analysis.frame_word, len(analysis.words))
    named = [reading for reading in readings if reading.first_layer is not None]
    half = sum(reading.most_layer is not None for reading in readings)
    text = (
        f"The vocabulary read-out, from layer 1 on, names {len(named)} of "
        f"{counted(len(readings), 'word')} from their own frames at some layer, {half} of them "
        "from half of their frames or more"
    )
    if named:
        layers = [reading.first_layer or 0 for reading in named]
        latest = max(named, key=lambda reading: reading.first_layer or 0)
        text += f"; half of these are named by layer {int(np.median(layers))}"
        if latest.first_layer != min(layers):
            text += (
                f", the last one, {_quoted(analysis, latest.word)}, at layer {latest.first_layer}"
            )
    never = [_quoted(analysis, r.word) for r in readings if r.first_layer is None]
    if never:
        more = f" and {len(never) - 4} more" if len(never) > 4 else ""
        text += f". Never named: {', '.join(never[:4])}{more}"
    at_input = sum(reading.input_share >= 0.5 for reading in readings)
    return (
        f"{text}. Before any block (layer 0) the nearest input embedding is the word's own for "
        f"{at_input} of {len(readings)}."
    )


def _best_layer(analysis: Analysis) -> Finding:
    return Finding("best layer", binding_sentence(analysis), layer=analysis.best_layer)


def _weak_words(analysis: Analysis) -> Finding | None:
    layer = analysis.best_layer
    values = analysis.word_scores["alas"][layer]
    placed = np.flatnonzero(np.isfinite(values))
    if not len(placed):
        return None
    order = placed[np.argsort(values[placed], kind="stable")]
    worst = int(order[0])
    named = ", ".join(
        f"{_quoted(analysis, int(word))} {number(float(values[word]))}" for word in order[:3]
    )
    weak = int((values[placed] < _POOR).sum())
    if weak:
        stay = "stays" if weak == 1 else "stay"
        start = f"{weak} of {counted(len(placed), 'word')} {stay} below {_POOR} there"
    else:
        start = f"No word stays below {_POOR} there"
    return Finding("words", f"{start}; the weakest: {named}.", layer=layer, word=worst)


def _taken_for(analysis: Analysis) -> Finding | None:
    """Of the words that stay weak, the one most of whose frames point to one other word."""
    layer = analysis.best_layer
    values = analysis.word_scores["alas"][layer]
    mistaken = []
    for word in np.flatnonzero(np.isfinite(values) & (values < _POOR)).tolist():
        other, count, n_frames = nearest_other(analysis, word, layer)
        if other is not None:
            mistaken.append((count / n_frames, word, other, count, n_frames))
    if not mistaken:
        return None
    _, word, other, count, n_frames = max(mistaken)
    text = (
        f"{_quoted(analysis, word)} is taken for {_quoted(analysis, other)}: at layer {layer}, "
        f"{count} of its {n_frames} frames are nearest to a token of that word"
    )
    if analysis.lens is not None:
        heard = heard_instead(analysis.lens, analysis.frame_word, word, layer)
        if heard is not None:
            text += f", and the read-out names “{heard[0].strip()}” in {heard[1]}"
    return Finding("taken for", f"{text}.", layer=layer, word=word)


def _reading(analysis: Analysis) -> Finding | None:
    if analysis.lens is None or not (analysis.frame_word != NO_WORD).any():
        return None
    return Finding("read", reading_sentence(analysis, analysis.lens))


def _path(analysis: Analysis) -> Finding:
    """The longest stretch of time on one wrong word, and how far off the onsets are."""
    layer = analysis.best_layer
    error = float(analysis.scores["onset_error_ms"][layer])
    if (analysis.paths[layer] < 0).any():
        text = (
            f"There is no path to follow in time: {analysis.n_tokens} tokens, "
            f"{analysis.n_frames} frames."
        )
        return Finding("path", text, layer=layer)
    base = float(analysis.baselines["onset_error_ms"][layer])
    frame_ms = 1000 * float(np.median(np.diff(analysis.frame_spans, axis=1)))
    onsets = (
        f"it starts words {number(error)} ms from the reference on average (a straight diagonal: "
        f"{number(base)} ms; one frame: {number(frame_ms)} ms; without the first word, which "
        "starts every path)"
        if np.isfinite(error)
        else f"of {counted(len(analysis.words), 'word')} only the first has a start, and with that "
        "every path begins"
    )
    stretch = longest_departure(analysis, layer)
    if stretch is None:
        return Finding("path", f"The path never leaves the reference; {onsets}.", layer=layer)
    first, last, spoken, instead = stretch
    start_s, end_s = analysis.frame_spans[first, 0], analysis.frame_spans[last, 1]
    on = "no word" if instead == NO_WORD else _quoted(analysis, instead)
    if instead != NO_WORD and same_word(analysis, instead, spoken):
        on = f"another {on}"
    of_part = " of this part" if analysis.utterance.part else ""
    at = f"{start_s:.2f} s to {end_s:.2f} s{of_part}"
    text = (
        f"The path of best similarity stays longest on a wrong word at {at}, where it is on {on} "
        f"while {_quoted(analysis, spoken)} is said; {onsets}."
    )
    return Finding("path", text, layer=layer, word=spoken)


def _answers(analysis: Analysis) -> Finding | None:
    if not {"audio", "text"} <= set(analysis.answers):
        return None
    audio, text = (" ".join(analysis.answers[side].split()) for side in ("audio", "text"))
    if not audio and not text:
        return Finding("answers", "The model answers nothing: 0 words to sound, 0 words to text.")
    heard, seen = audio.casefold().split(), text.casefold().split()
    blocks = difflib.SequenceMatcher(None, heard, seen, autojunk=False).get_matching_blocks()
    shared = f"{sum(block.size for block in blocks)} of {max(len(heard), len(seen))} words agree"
    if heard == seen:
        return Finding("answers", f"Hearing and reading give one answer: “{audio}” ({shared}).")
    said = f"Hearing it, the model answers “{audio}”; reading it, “{text}” ({shared})."
    return Finding("answers", said)


def _other_scores(analysis: Analysis) -> Finding | None:
    """A score that ranks the layers otherwise; the one that agrees least."""
    found = agreements(analysis)
    if not any(other.differs for other in found):
        return None
    text = ranking_sentence(analysis, found)
    return Finding("scores", text, layer=least_agreeing(found).best_layer)


def least_agreeing(found: Sequence[RankAgreement]) -> RankAgreement:
    """Of the scores that differ, or else of all, the one with the lowest rank correlation."""
    differing = [other for other in found if other.differs] or list(found)
    return min(differing, key=lambda a: a.kendall if np.isfinite(a.kendall) else 2.0)


def ranking_sentence(analysis: Analysis, found: Sequence[RankAgreement]) -> str:
    """Whether the ranking of layers depends on the score, by the rule of `rankings.RULE`."""
    found = [other for other in found if other.best_layer is not None]
    if not found:
        return "No other score has a value here, so nothing ranks the layers beside ALAS."
    least = least_agreeing(found)
    label = SCORES[least.score].label
    differing = sum(other.differs for other in found)
    if not differing:
        return (
            f"All {len(found)} other scores rank the layers as ALAS does; {label} agrees least "
            f"(rank correlation {number(least.kendall)})."
        )
    best = f"{label} is best at layer {least.best_layer}"
    if least.best_layer == analysis.best_layer:
        best += ", too, but ranks the others otherwise"
    else:
        best += f", ALAS at {analysis.best_layer}"
    return (
        f"The ranking of layers depends on the score, for {differing} of {len(found)} others: "
        f"{best} (rank correlation over the layers {number(least.kendall)})."
    )


def _quoted(analysis: Analysis, word: int) -> str:
    return f"“{analysis.words[word].word}”"


RULES = (
    Rule("best layer", "always", "sheet", _best_layer),
    Rule("words", "a word has frames", "sheet", _weak_words),
    Rule("taken for", "a weak word's frames point to another word", "sheet", _taken_for),
    Rule("path", "always", "sheet", _path),
    Rule("read", "there is a vocabulary read-out", "readout", _reading),
    Rule("answers", "the model answered both runs", "answers", _answers),
    Rule("scores", "another score ranks the layers otherwise", "sensitivity", _other_scores),
)
"""Every sentence that the program may say of one utterance, most important first."""
