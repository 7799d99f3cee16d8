"""What an analysis says, in sentences made from its numbers. No sentence without its number.

`RULES` is the whole of it, most important first: when each sentence is said, and where a reader
can see what it claims.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from alas_core.definitions import SCORES
from alas_core.rankings import agreements
from alas_core.readout import heard_instead, word_readings
from alas_core.types import NO_WORD, Analysis, Lens

SIGNIFICANT = 0.05
"""Level of p after Benjamini-Hochberg over the layers."""

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


def number(value: float) -> str:
    """Two significant digits, as everywhere on the screen."""
    if not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    digits = max(0, 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{min(digits, 4)}f}"


def reading_sentence(analysis: Analysis, lens: Lens) -> str:
    """How many words the read-out names from their own frames, at which layers, and which never."""
    readings = word_readings(lens, analysis.frame_word, len(analysis.words))
    named = [reading for reading in readings if reading.first_layer is not None]
    half = sum(reading.most_layer is not None for reading in readings)
    text = (
        f"The vocabulary read-out names {len(named)} of {len(readings)} words from their own "
        f"frames at some layer, {half} of them from half of their frames or more"
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
    return f"{text}."


def _best_layer(analysis: Analysis) -> Finding:
    layer = analysis.best_layer
    score = float(analysis.scores["alas"][layer])
    null = analysis.null or analysis.quick_null
    high, p = float(null.high[layer]), float(null.p_adjusted[layer])
    depth = f"layer {layer} of {analysis.n_layers}"
    if 0 < layer < analysis.n_layers:
        depth += f" ({layer / analysis.n_layers:.0%} of the depth)"
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
        f"{_quoted(analysis, int(word))} {number(float(values[word]))}" for word in order[:3]
    )
    weak = int((values[placed] < _POOR).sum())
    if weak:
        start = f"{weak} of {len(placed)} words stay below {_POOR} there"
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


def nearest_other(analysis: Analysis, word: int, layer: int) -> tuple[int | None, int, int]:
    """The other word to which most of a word's frames are nearest.

    Returns
    -------
    (other, count, n_frames)
        `other` is None where the word itself is as frequent, or no frame points to a word.
    """
    own = analysis.frame_word == word
    nearest = analysis.similarity[layer, own].argmax(axis=1)
    words, counts = np.unique(analysis.token_word[nearest], return_counts=True)
    right = int(counts[words == word].sum())
    elsewhere = (words != word) & (words != NO_WORD)
    if not elsewhere.any() or counts[elsewhere].max() <= right:
        return None, 0, int(own.sum())
    best = int(np.argmax(np.where(elsewhere, counts, -1)))
    return int(words[best]), int(counts[best]), int(own.sum())


def _reading(analysis: Analysis) -> Finding | None:
    if analysis.lens is None or not (analysis.frame_word != NO_WORD).any():
        return None
    return Finding("read", reading_sentence(analysis, analysis.lens))


def _path(analysis: Analysis) -> Finding:
    """The longest stretch of time on another word, and how far off the onsets are."""
    layer = analysis.best_layer
    error = float(analysis.scores["onset_error_ms"][layer])
    if not np.isfinite(error):
        text = (
            f"There is no path to follow in time: {analysis.n_tokens} tokens, "
            f"{analysis.n_frames} frames."
        )
        return Finding("path", text, layer=layer)
    base = float(analysis.baselines["onset_error_ms"][layer])
    frame_ms = 1000 * float(np.median(np.diff(analysis.frame_spans, axis=1)))
    onsets = (
        f"it starts words {error:.0f} ms from the reference on average (a straight diagonal: "
        f"{base:.0f} ms; one frame: {frame_ms:.0f} ms)"
    )
    stretch = longest_departure(analysis, layer)
    if stretch is None:
        return Finding("path", f"The path never leaves the reference; {onsets}.", layer=layer)
    first, last, spoken, instead = stretch
    start_s, end_s = analysis.frame_spans[first, 0], analysis.frame_spans[last, 1]
    on = _quoted(analysis, instead) if instead != NO_WORD else "no word"
    text = (
        f"The path of best similarity leaves the reference for longest at {start_s:.2f} s to "
        f"{end_s:.2f} s, where it is on {on} while {_quoted(analysis, spoken)} is said; {onsets}."
    )
    return Finding("path", text, layer=layer, word=spoken)


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


def _answers(analysis: Analysis) -> Finding | None:
    if not {"audio", "text"} <= set(analysis.answers):
        return None
    audio, text = (" ".join(analysis.answers[side].split()) for side in ("audio", "text"))
    if not audio and not text:
        return Finding("answers", "The model answers nothing, neither to sound nor to text.")
    heard, seen = audio.casefold().split(), text.casefold().split()
    blocks = difflib.SequenceMatcher(None, heard, seen, autojunk=False).get_matching_blocks()
    shared = f"{sum(block.size for block in blocks)} of {max(len(heard), len(seen))} words agree"
    if heard == seen:
        return Finding("answers", f"Hearing and reading give one answer: “{audio}” ({shared}).")
    said = f"Hearing it, the model answers “{audio}”; reading it, “{text}” ({shared})."
    return Finding("answers", said)


def _other_scores(analysis: Analysis) -> Finding | None:
    """A score that ranks the layers otherwise; the one that agrees least."""
    others = [a for a in agreements(analysis) if a.differs and a.best_layer is not None]
    if not others:
        return None
    least = min(others, key=lambda a: a.kendall if np.isfinite(a.kendall) else 2.0)
    text = (
        f"The ranking of layers depends on the score: {SCORES[least.score].label} is best at layer "
        f"{least.best_layer}, ALAS at {analysis.best_layer} (rank correlation over the layers "
        f"{number(least.kendall)})."
    )
    return Finding("scores", text, layer=least.best_layer)


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
