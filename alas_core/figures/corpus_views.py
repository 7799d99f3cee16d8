"""A run's words, answers and outcomes as figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl

from alas_core.corpus.accuracy import Pairs
from alas_core.definitions import SCORES
from alas_core.figures import axes
from alas_core.figures.palette import AUDIO, REFERENCE, SELECTION, TEXT, Palette, Theme, palette
from alas_core.numerals import number
from alas_core.types import FloatArray

_ROW = 22


def words_figure(table: pl.DataFrame, overall: float, *, theme: Theme = "light") -> go.Figure:
    """Words down, mean ALAS to the right with its interval; dashed: the mean of all words.

    Parameters
    ----------
    table : from `alas_core.corpus.words.ranked_words`
    """
    hover = [
        f"‘{axes.escape(row['word'])}’ · ALAS {number(row['alas'])}, "
        f"95 % {number(row['low'])} to {number(row['high'])}"
        f"<br>heard {row['n']} times in {row['n_utterances']} utterances · "
        f"nearest token right in {100 * (row['hit'] or 0):.0f} % of frames"
        for row in table.iter_rows(named=True)
    ]
    names = [axes.escape(axes.shorten(word, 24)) for word in table["word"]]
    return _rows(table, names, hover, overall, theme, "ALAS of the word")


def lengths_figure(
    table: pl.DataFrame, overall: float, length: str, *, theme: Theme = "light"
) -> go.Figure:
    """The same for classes of words by their length in tokens, letters or frames."""
    hover = [
        f"{row['length']} {length} · ALAS {number(row['alas'])}, "
        f"95 % {number(row['low'])} to {number(row['high'])}"
        f"<br>{row['n']} words in {row['n_utterances']} utterances"
        for row in table.iter_rows(named=True)
    ]
    names = [f"{value} " for value in table["length"]]
    return _rows(table, names, hover, overall, theme, f"ALAS of words by {length}")


def _rows(
    table: pl.DataFrame,
    names: Sequence[str],
    hover: Sequence[str],
    overall: float,
    theme: Theme,
    title: str,
) -> go.Figure:
    colours = palette(theme)
    look = axes.axis_look(colours)
    place = np.arange(len(table))
    mean = table["alas"].to_numpy()
    figure = axes.blank_figure(
        theme,
        max(180, 80 + _ROW * len(table)),
        margin={"l": 8, "r": 12, "t": 8, "b": 46},
        xaxis={**look, "title": {"text": title}, "zeroline": False},
        yaxis={**look, "range": [len(table) - 0.5, -0.5], "tickmode": "array", "tickvals": place,
               "ticktext": list(names), "automargin": True, "showgrid": False,
               "zeroline": False, "fixedrange": True},
    )  # fmt: skip
    figure.add_vline(x=overall, line={"color": colours.muted, "dash": "dash", "width": 1.2},
                     name="all words")  # fmt: skip
    figure.add_trace(
        go.Scatter(
            name="mean",
            x=mean,
            y=place,
            mode="markers",
            marker={"color": AUDIO, "size": 8},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": table["high"].to_numpy() - mean,
                "arrayminus": mean - table["low"].to_numpy(),
                "color": AUDIO,
                "thickness": 1.4,
                "width": 3,
            },
            customdata=list(hover),
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    return figure


def accuracy_figure(
    found: Pairs,
    labels: Sequence[str],
    *,
    score: str,
    outcome: str,
    binary: bool,
    seed: int = 0,
    theme: Theme = "light",
) -> go.Figure:
    """A point an utterance: the score to the right, the outcome upwards.

    Parameters
    ----------
    labels : what a reader is told of each point
    outcome : the vertical axis in words
    binary : right and wrong are spread a little, at random, so that points are seen
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    rng = np.random.default_rng(seed)
    spread = rng.uniform(-0.16, 0.16, len(found.rows)) if binary else 0.0
    upward: dict[str, Any] = {"title": {"text": axes.escape(outcome)}, "zeroline": False}
    if binary:
        upward |= {"tickmode": "array", "tickvals": [0, 1], "ticktext": ["wrong", "right"],
                   "range": [-0.35, 1.35]}  # fmt: skip
    figure = axes.blank_figure(
        theme,
        380,
        margin={"l": 56, "r": 12, "t": 34, "b": 46},
        dragmode="lasso",
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        xaxis={**look, "title": {"text": axes.escape(axes.score_label(score))}, "zeroline": False},
        yaxis={**look, **upward},
    )
    height = found.outcome + spread
    for name, mask, colour, symbol in (
        ("beats its null", found.grounded, REFERENCE, "circle"),
        ("does not", ~found.grounded, TEXT, "diamond"),
    ):
        figure.add_trace(
            go.Scattergl(
                name=f"{name} (n = {int(mask.sum())})",
                x=found.score[mask],
                y=height[mask],
                mode="markers",
                marker={"color": colour, "size": 7, "symbol": symbol, "opacity": 0.65},
                customdata=[[int(row)] for row in found.rows[mask]],
                text=[
                    axes.escape(axes.shorten(labels[i], 80)) for i in np.flatnonzero(mask).tolist()
                ],
                hovertemplate="%{text}<br>%{x:.2r}<extra></extra>",
            )
        )
    return figure


def filter_figure(
    counts: FloatArray, edges: FloatArray, threshold: float, *, theme: Theme = "light"
) -> go.Figure:
    """How alike the two answers are, utterance by utterance, and where the threshold cuts."""
    colours = palette(theme)
    look = axes.axis_look(colours)
    middle = (edges[1:] + edges[:-1]) / 2
    kept = middle >= threshold
    figure = axes.blank_figure(
        theme,
        260,
        margin={"l": 56, "r": 12, "t": 12, "b": 46},
        bargap=0.08,
        xaxis={**look, "title": {"text": "similarity of the two answers (cosine)"},
               "range": [float(edges[0]), float(edges[-1])]},
        yaxis={**look, "title": {"text": "utterances"}},
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            name="pairs",
            x=middle,
            y=counts,
            width=np.diff(edges),
            marker={"color": [REFERENCE if k else colours.muted for k in kept]},
            hovertemplate="%{y} utterances at %{x:.2f}<extra></extra>",
        )
    )
    figure.add_vline(x=threshold, line={"color": SELECTION, "width": 2}, name="threshold")
    return figure


def before_after(title: str, rows: Sequence[tuple[str, Any]], colours: Palette) -> go.Scatter:
    """Means with their intervals, one below the other."""
    values = [estimate for _, estimate in rows]
    return go.Scatter(
        name=title,
        x=[e.value for e in values],
        y=[name for name, _ in rows],
        mode="markers",
        marker={"color": colours.foreground, "size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [e.high - e.value for e in values],
            "arrayminus": [e.value - e.low for e in values],
            "color": colours.foreground,
            "thickness": 1.6,
            "width": 4,
        },
        customdata=[f"{number(e.value)}, {e.ends}, n = {e.n}" for e in values],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )


def means_figure(rows: Sequence[tuple[str, Any]], score: str, *, theme: Theme) -> go.Figure:
    """What the filter does to a mean: all, kept and left out, each with its interval and n."""
    colours = palette(theme)
    look = axes.axis_look(colours)
    figure = axes.blank_figure(
        theme,
        260,
        margin={"l": 8, "r": 12, "t": 12, "b": 46},
        xaxis={**look, "title": {"text": axes.escape(axes.score_label(score))},
               "zeroline": False},
        yaxis={**look, "automargin": True, "autorange": "reversed", "showgrid": False},
    )  # fmt: skip
    known = [(f"{name} (n = {e.n})", e) for name, e in rows if e.n]
    figure.add_trace(before_after(SCORES[score].label, known, colours))
    return figure
