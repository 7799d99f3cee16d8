"""Values of the panels as departures from their baseline: grey means no better than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from alas_core.definitions import SCORES
from alas_core.figures import axes
from alas_core.types import Analysis, FloatArray

Fold = Literal["time", "words"]

_FRAME_SCORES = {
    "hit_rate": "hit_rate",
    "path_accuracy": "path_hit",
    "path_l1": "path_hit",
    "onset_error_ms": "path_hit",
}
_FRAME_BASELINES = {"path_hit": "path_accuracy"}


@dataclass(frozen=True)
class Title:
    """What a panel shows: in a few words, and in a sentence."""

    short: str
    long: str


_FRAME_TITLES = {
    "alas": Title(
        "mass on spoken word − uniform",
        "share of each frame's similarity mass on the word being spoken, minus an even spread",
    ),
    "hit_rate": Title(
        "nearest token in word − chance",
        "1 where a frame's nearest token is in the word being spoken, minus chance",
    ),
    "path_hit": Title(
        "path in word − diagonal",
        "1 where the model's path is in the word being spoken, minus the straight diagonal's share",
    ),
}
_WORD_SCORES = {"hit_rate": "hit_rate"}


def frame_view(analysis: Analysis, score: str) -> tuple[Title, FloatArray]:
    """Title and values (n_layers + 1, n_frames) of the layers x time panel, 0 at the baseline.

    A score that has no value per frame is shown by the share of mass on the spoken word, which is
    what ALAS averages.
    """
    name = _FRAME_SCORES.get(score, "alas")
    if name not in analysis.frame_scores:
        name = "alas"
    values: FloatArray = np.asarray(analysis.frame_scores[name], dtype=np.float32)
    if name != "alas":  # that one is stored with the even spread already taken away
        values = values - analysis.baselines[_FRAME_BASELINES.get(name, name)][:, None]
    return _FRAME_TITLES[name], values


def word_view(analysis: Analysis, score: str) -> tuple[Title, FloatArray]:
    """Title and values (n_layers + 1, n_words) of the layers x words panel, 0 at the baseline."""
    name = _WORD_SCORES.get(score, "alas")
    values = np.asarray(analysis.word_scores[name], dtype=np.float32)
    values = values - np.asarray(analysis.baselines[name], dtype=np.float32)[:, None]
    score_of = SCORES[name]
    return Title(
        f"{score_of.label} of each word − baseline",
        f"{score_of.plain.rstrip('.')}; 0 is {score_of.baseline}",
    ), values


def word_score(analysis: Analysis, score: str) -> str:
    """The name of a word's value in `word_view`; its baseline is left out where it is 0 anyway."""
    name = _WORD_SCORES.get(score, "alas")
    label = SCORES[name].label
    return f"{label} − baseline" if np.any(analysis.baselines[name]) else label


def spread(values: FloatArray) -> float:
    """The largest distance from the baseline: the end of both halves of a diverging scale."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def word_cells(analysis: Analysis, values: FloatArray) -> tuple[FloatArray, FloatArray, list[str]]:
    """Edges of the placed words and of the gaps between them, and a column for each."""
    labels = axes.word_labels(analysis)
    edges: list[float] = []
    columns: list[FloatArray] = []
    names: list[str] = []
    gap = np.full(len(values), np.nan, dtype=np.float32)
    for index, word in enumerate(analysis.words):
        if not word.placed:
            continue
        start = max(word.start_s, edges[-1]) if edges else word.start_s
        if edges and start > edges[-1]:
            columns.append(gap)
            names.append(f"{axes.span_label(edges[-1], start)} · no word here")
        if not edges or start > edges[-1]:
            edges.append(start)
        if word.end_s <= start:
            continue
        edges.append(word.end_s)
        columns.append(values[:, index])
        names.append(f"{axes.span_label(word.start_s, word.end_s)} · {labels[index]}")
    if not columns:
        return axes.frame_edges(analysis)[[0, -1]], gap[:, None], [""]
    return np.asarray(edges), np.stack(columns, axis=1), names
