"""The layer profile: a score per layer with its baseline and what wrong words reach."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from alas_core.definitions import SCORES
from alas_core.figures.axes import (
    axis_look,
    blank_figure,
    escape,
    layer_axis,
    score_label,
    word_labels,
)
from alas_core.figures.palette import SELECTION, Palette, Theme, palette
from alas_core.numerals import NO_NUMBER, number
from alas_core.types import Analysis, FloatArray, Null

NULL_SCORE = "alas"
"""The one score that is computed for wrong words too."""


def profile_traces(analysis: Analysis, score: str, colours: Palette) -> list[go.Scatter]:
    """Band or quick null, baseline, profile and best layer, back to front; y is the layer."""
    layers = np.arange(analysis.n_layers + 1, dtype=np.float32)
    values = np.asarray(analysis.scores[score], dtype=float)
    baseline = np.asarray(analysis.baselines.get(score, np.full(layers.size, np.nan)), dtype=float)
    traces = _null_traces(analysis, layers, colours) if score == NULL_SCORE else []
    if np.isfinite(baseline).any():
        traces.append(_baseline(score, baseline, layers, colours))
    traces.append(
        go.Scatter(
            name="profile",
            x=values,
            y=layers,
            mode="lines+markers",
            line={"color": colours.foreground, "width": 2},
            marker={"color": colours.foreground, "size": 6},
            customdata=_hover_rows(analysis, score, values, baseline),
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    best = SCORES[score].best(values)
    if best is not None:
        traces.append(_best(values, best, colours))
    return traces


def word_profile(analysis: Analysis, score: str, word: int | None) -> list[go.Scatter]:
    """The chosen word's own value at each layer, hidden without one; [] for a score of no words."""
    if score not in analysis.word_scores:
        return []
    values = analysis.word_scores[score].astype(np.float32)
    return [
        go.Scatter(
            name="word profile",
            x=np.full(len(values), np.nan, np.float32) if word is None else values[:, word],
            y=np.arange(len(values), dtype=np.float32),
            mode="lines",
            line={"color": SELECTION, "width": 1.5},
            visible=word is not None,
            text="" if word is None else word_labels(analysis)[word],
            hovertemplate="%{fullData.text} · layer %{y} · "
            f"{SCORES[score].label} %{{x:.2r}}<extra></extra>",
        )
    ]


def _hover_rows(
    analysis: Analysis, score: str, values: FloatArray, baseline: FloatArray
) -> list[str]:
    label = SCORES[score].label
    null = analysis.main_null
    rows = []
    for layer, value in enumerate(values):
        row = f"layer {layer} · {label} {number(value)}"
        if np.isfinite(baseline[layer]):
            row += f"<br>baseline ({SCORES[score].baseline}) {number(baseline[layer])}"
        if score == NULL_SCORE:
            low, high = number(null.low[layer]), number(null.high[layer])
            row += f"<br>{escape(null.name)}: {low} to {high} (95 %), p = {number(null.p[layer])}"
            row += f", adjusted over layers {number(null.p_adjusted[layer])}"
        rows.append(row)
    return rows


def _null_traces(analysis: Analysis, layers: FloatArray, colours: Palette) -> list[go.Scatter]:
    if analysis.null is not None:
        return [_band(analysis.null, layers, colours)]
    quick = analysis.quick_null
    edge = {"color": colours.muted, "width": 1.5, "dash": "dot"}
    return [
        go.Scatter(
            name=f"{escape(quick.name)} {side}", x=limit, y=layers, mode="lines", line=edge,
            hoverinfo="skip",
        )
        for side, limit in (("low", quick.low), ("high", quick.high))
    ]  # fmt: skip


def _band(null: Null, layers: FloatArray, colours: Palette) -> go.Scatter:
    return go.Scatter(
        name="null band",
        x=np.concatenate([null.low, null.high[::-1]]),
        y=np.concatenate([layers, layers[::-1]]),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=colours.band,
        hoverinfo="skip",
    )


def _baseline(score: str, baseline: FloatArray, layers: FloatArray, colours: Palette) -> go.Scatter:
    return go.Scatter(
        name=f"baseline: {SCORES[score].baseline}",
        x=baseline,
        y=layers,
        mode="lines",
        line={"color": colours.muted, "width": 1.2, "dash": "dash"},
        hoverinfo="skip",
    )


def _best(values: FloatArray, best: int, colours: Palette) -> go.Scatter:
    return go.Scatter(
        name="best layer",
        x=[values[best]],
        y=[best],
        mode="markers",
        marker={
            "symbol": "diamond",
            "size": 12,
            "color": colours.background,
            "line": {"color": colours.foreground, "width": 2},
        },
        hoverinfo="skip",
    )


def null_caption(analysis: Analysis, score: str) -> str:
    """What the grey of the profile is, in a few words, escaped."""
    if score != NULL_SCORE:
        return "dashed: baseline"
    null = analysis.null
    if null is None:
        return f"dotted: {escape(analysis.quick_null.name)}"
    return f"grey: {escape(null.name)}"


def verdict(analysis: Analysis, score: str, layer: int) -> str:
    """One layer's value beside what it must be read against; no label of Plotly, not escaped."""
    text = f"{SCORES[score].label} {number(analysis.scores[score][layer])}"
    baseline = analysis.baselines.get(score)
    if score == NULL_SCORE:
        null = analysis.main_null
        return f"{text}, {null.name} reach {number(null.high[layer])}"
    shown = NO_NUMBER if baseline is None else number(baseline[layer])
    return text if shown == NO_NUMBER else f"{text}, {SCORES[score].baseline}: {shown}"


def profile_figure(
    analysis: Analysis, *, layer: int | None = None, score: str = "alas", theme: Theme = "light"
) -> go.Figure:
    """The layer profile alone, layers running down, for the report and for export."""
    colours = palette(theme)
    look = axis_look(colours)
    figure = blank_figure(
        theme,
        height=420,
        margin={"l": 56, "r": 16, "t": 34, "b": 48},
        xaxis={**look, "title": {"text": score_label(score)}, "zeroline": False},
        yaxis={**look, **layer_axis(analysis.n_layers)},
        title={"text": null_caption(analysis, score), "font": {"size": 12}, "x": 0.98, "y": 0.98},
    )
    figure.add_traces(profile_traces(analysis, score, colours))
    if layer is not None:
        figure.add_hline(y=layer, line={"color": SELECTION, "width": 2}, name="layer")
    return figure
