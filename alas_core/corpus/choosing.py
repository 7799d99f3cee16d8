"""Which utterances are looked at, in what order, and in which groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from alas_core.batch.schema import META_PREFIX
from alas_core.corpus.run import SCORE, Run
from alas_core.definitions import SCORES
from alas_core.types import IntArray

MAX_GROUPS = 8
"""Larger groups are shown by themselves; the rest of the utterances are put together."""

MAX_VALUES = 2000
"""A text column with more different values than this names utterances and groups nothing."""

REST = "all others"
NONE = "not given"

_PREFERRED = ("task", "label", "speaker", "correct_audio", "correct_text", "kept")
_NUMBERS = ("duration_s", "n_words", "n_tokens", "n_frames", "answer_similarity", "best_layer")

LABELS = {
    "task": "Task",
    "label": "Label",
    "speaker": "Speaker",
    "correct_audio": "Right or wrong, hearing",
    "correct_text": "Right or wrong, reading",
    "kept": "Passes the response filter",
    "expected": "Expected answer",
    "answer_audio": "Answer to the sound",
    "answer_text": "Answer to the words",
    "duration_s": "Duration (s)",
    "n_words": "Words",
    "n_tokens": "Tokens",
    "n_frames": "Frames",
    "answer_similarity": "Similarity of the answers",
    "best_layer": "Best layer",
    "alas_best": "ALAS at its best layer",
}


def label(column: str) -> str:
    """A column of the utterances in words."""
    return LABELS.get(column, column.removeprefix(META_PREFIX).replace("_", " "))


_TRUTHS = {
    "correct_audio": ("right", "wrong"),
    "correct_text": ("right", "wrong"),
    "kept": ("kept", "left out"),
}
"""What true and false mean in the program's own columns; in a data set's they are yes and no."""


def value_label(column: str, value: object) -> str:
    """A value of a group in words."""
    if isinstance(value, bool):
        return _TRUTHS.get(column, ("yes", "no"))[not value]
    return str(value)


def group_columns(run: Run) -> tuple[str, ...]:
    """Columns that put utterances into groups: the usual ones first, then the data set's own."""
    own = [name for name in run.utterances.columns if name.startswith(META_PREFIX)]
    found = []
    for name in (*_PREFERRED, *own):
        if name in run.utterances.columns:
            n = run.utterances[name].drop_nulls().n_unique()
            few = n < max(2, len(run)) if run.utterances[name].dtype != pl.Boolean else True
            if 1 < n <= MAX_VALUES and few:
                found.append(name)
    return tuple(found)


def number_columns(run: Run) -> tuple[str, ...]:
    """Columns of numbers that utterances can be ordered by."""
    own = [name for name in run.utterances.columns if name.startswith(META_PREFIX)]
    return tuple(
        name
        for name in (*_NUMBERS, *own)
        if name in run.utterances.columns
        and run.utterances[name].dtype.is_numeric()
        and run.utterances[name].null_count() < len(run)
    )


def matching(
    run: Run, wanted: Mapping[str, Sequence[object]], text: str = "", kept_only: bool = False
) -> IntArray:
    """Rows of the utterances that fit.

    Parameters
    ----------
    wanted : column to the values that are let through; an empty list lets all through
    text : must be part of the transcript or the id, whatever its case
    kept_only : only those that pass the response filter; those whose answers could not be
        compared do not
    """
    fits = pl.lit(True)
    for column, values in wanted.items():
        if values:
            name = pl.col(run.column(column).name)
            fits &= name.is_in([v for v in values if v is not None]) | (
                name.is_null() & pl.lit(None in values)
            )
    if text.strip():
        needle = text.strip().casefold()
        fits &= pl.any_horizontal(
            pl.col("transcript", "utterance")
            .fill_null("")
            .str.to_lowercase()
            .str.contains(needle, literal=True)
        )
    if kept_only:
        fits &= pl.col("kept").fill_null(False)
    mask = run.utterances.select(fits.fill_null(False).alias("fits"))["fits"]
    if len(mask) != len(run):  # a condition on no column is one value
        mask = pl.repeat(bool(mask[0]) if len(mask) else True, len(run), eager=True)
    found: IntArray = np.flatnonzero(mask.to_numpy())
    return found


@dataclass(frozen=True)
class Group:
    """Some of the utterances under one name.

    `named` is False for what is left: several small groups, or those without a value.
    """

    name: str
    rows: IntArray
    named: bool = True


def groups(run: Run, rows: IntArray, column: str, limit: int = MAX_GROUPS) -> tuple[Group, ...]:
    """The utterances by the values of a column: the largest groups, then the rest together.

    Numbers with many different values are cut into four classes of equal counts.
    """
    values = run.column(column)[rows]
    if values.dtype.is_numeric() and values.n_unique() > limit:
        texts = classes(values, 4)
    elif values.dtype == pl.Boolean:
        words = {truth: value_label(column, truth) for truth in (True, False)}
        texts = values.replace_strict(words, return_dtype=pl.String)
    else:
        texts = values.cast(pl.String)
    named = pl.DataFrame({"name": texts.fill_null(NONE), "row": rows})
    found = named.group_by("name").agg(pl.col("row"), pl.len().alias("n"))
    found = found.sort(["n", "name"], descending=[True, False])
    result = [
        Group(str(name), np.asarray(own), named=name != NONE)
        for name, own, _ in found.head(limit).iter_rows()
    ]
    rest = found.slice(limit)
    if len(rest):
        together = rest.explode("row")["row"].to_numpy()
        result.append(Group(f"{REST} ({len(rest)})", np.sort(together), named=False))
    return tuple(result)


def classes(values: pl.Series, n: int) -> pl.Series:
    """Numbers as texts: classes of about equal counts, each named by its smallest and largest.

    Equal numbers are in one class, so there may be fewer than `n`.
    """
    numbers = values.cast(pl.Float64).to_numpy()
    known = np.isfinite(numbers)
    result = np.full(len(numbers), None, dtype=object)
    if known.any():
        edges = np.unique(np.quantile(numbers[known], np.linspace(0, 1, n + 1)))
        place = np.searchsorted(edges[1:-1], numbers[known], side="right")
        named = pl.DataFrame({"place": place, "value": numbers[known]}).with_columns(
            pl.col("value").min().over("place").alias("low"),
            pl.col("value").max().over("place").alias("high"),
        )
        ends = zip(named["low"], named["high"], strict=True)
        result[known] = [
            f"{low:.4g} to {high:.4g}" if low < high else f"{low:.4g}" for low, high in ends
        ]
    return pl.Series(values.name, result.tolist(), dtype=pl.String)


def order(run: Run, rows: IntArray, by: str, layer: int, *, best_first: bool = True) -> IntArray:
    """The rows in the order of a score at a layer, or of a column of numbers.

    Parameters
    ----------
    by : a score, or one of `number_columns`
    best_first : the best score, or the largest number, comes first; without a number come last
    """
    if by in SCORES:
        merit = SCORES[by].merit(run.matrix(by)[rows, layer])
    else:
        merit = run.column(by)[rows].cast(pl.Float64).to_numpy()
    signed = -merit if best_first else merit
    result: IntArray = rows[np.argsort(signed, kind="stable")]  # nan goes last
    return result


def listed(run: Run, rows: IntArray, score: str, layer: int) -> pl.DataFrame:
    """Utterances as a table for people, in the order of the rows.

    Returns
    -------
    polars.DataFrame
        Id, the score at the layer with its baseline (for ALAS: what 97.5 % of its null stay below,
        and p), best layer, then what is long: words, and the labels and verdicts of the run.
    """
    about = SCORES[score]
    against = "null_high" if score == SCORE else f"baseline_{score}"
    columns: dict[str, object] = {
        "utterance": run.utterances["utterance"][rows],
        f"{about.label} @ {layer}": run.matrix(score)[rows, layer],
        f"{run.null_name} reach" if score == SCORE else "baseline": run.matrix(against)[
            rows, layer
        ],
        "p": run.matrix("p")[rows, layer],
        "best layer": run.utterances["best_layer"][rows],
        "words": run.utterances["transcript"][rows],
    }
    for name in ("speaker", "label", "expected", "answer_audio", "correct_audio"):
        values = run.utterances[name][rows]
        if values.null_count() < len(values):
            columns[label(name).lower()] = values
    return pl.DataFrame(columns)
