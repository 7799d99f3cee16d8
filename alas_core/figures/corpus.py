"""A run at a glance: utterances x layers, and beside it the mean by layer with its null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.corpus.heat import Heat
from alas_core.corpus.profiles import Profile
from alas_core.definitions import SCORES
from alas_core.figures import axes
from alas_core.figures.palette import (
    AUDIO,
    LINES,
    REFERENCE,
    SELECTION,
    TEXT,
    Palette,
    Theme,
    faint,
    palette,
)
from alas_core.figures.views import spread
from alas_core.numerals import number
from alas_core.types import FloatArray

HEIGHT = 460
HEAT = "utterances"
"""Name of the trace whose cells are utterances (or several) at a layer."""

MAX_LABEL = 70
_SPLIT = 0.74

GROUP_COLOURS = (AUDIO, TEXT, REFERENCE, *LINES)


def corpus_figure(
    heat: Heat,
    mean: Profile,
    labels: Sequence[str],
    *,
    layer: int,
    sorted_by: str,
    theme: Theme = "light",
) -> go.Figure:
    """Layers down in both panels: left a column an utterance, right the mean over them.

    Parameters
    ----------
    heat : in the order in which its utterances are drawn
    mean : of the same utterances
    labels : what a reader is told of each column; shown letter by letter
    layer : marked in both panels
    sorted_by : what the order means, for the axis

    Notes
    -----
    The labels are in the trace's `meta` and not in `customdata`: the page spreads them over the
    cells in the browser, where they cost nothing to send.
    """
    colours = palette(theme)
    score = SCORES[mean.score]
    figure = axes.blank_figure(theme, HEIGHT, **_layout(heat, mean, sorted_by, colours))
    figure.add_trace(_heatmap(heat, mean, labels, colours))
    for trace in profile_traces((mean,), colours, null=True):
        figure.add_trace(trace.update(xaxis="x2", yaxis="y"))
    figure.add_hline(y=layer, line={"color": SELECTION, "width": 2}, name="layer")
    n = int(mean.band.n.max()) if len(mean.band.n) else 0
    notes = (
        (0.0, (f"{score.label} − baseline, {score.grey}", f"baseline: {score.baseline}")),
        (_SPLIT + 0.03, (f"mean of n = {n}, 95 % band", null_note((mean,)))),
    )
    for x, lines in notes:
        figure.add_annotation(
            x=x, y=1.0, xref="paper", yref="paper", xanchor="left", yanchor="bottom",
            text="<br>".join(map(axes.escape, lines)), align="left", showarrow=False,
            font={"size": 11, "color": colours.muted},
        )  # fmt: skip
    return figure


def _layout(heat: Heat, mean: Profile, sorted_by: str, colours: Palette) -> dict[str, Any]:
    look = axes.axis_look(colours)
    n = len(heat.edges) - 1
    what = f"{len(heat.rows)} utterances"
    if heat.binned:
        what += f" in {n} columns of about {len(heat.rows) / max(n, 1):.0f}"
    return {
        "margin": {"l": 52, "r": 12, "t": 38, "b": 46},
        "uirevision": f"{len(heat.rows)}/{n}",
        "xaxis": {
            **look,
            "domain": [0, _SPLIT],
            "range": [-0.5, n - 0.5],
            "title": {"text": axes.escape(f"{what}, by {sorted_by} →")},
            "showgrid": False,
            "showticklabels": False,
            "zeroline": False,
        },
        "xaxis2": {
            **look,
            "domain": [_SPLIT + 0.03, 1],
            "anchor": "y",
            "title": {"text": axes.escape(axes.score_label(mean.score))},
            "zeroline": False,
            "fixedrange": True,
        },
        "yaxis": {**look, **axes.layer_axis(mean.n_layers)},
    }


def _heatmap(heat: Heat, mean: Profile, labels: Sequence[str], colours: Palette) -> go.Heatmap:
    known = np.where(np.isfinite(heat.baseline), heat.baseline, 0)
    values = (heat.values - known).T.astype(np.float32)
    far = spread(values)
    label = axes.escape(SCORES[mean.score].label)
    return go.Heatmap(
        name=HEAT,
        z=values,
        zmin=-far,
        zmax=far,
        colorscale=colours.diverging,
        reversescale=SCORES[mean.score].better == "lower",
        colorbar=axes.bar_above(_SPLIT, 1.0, colours),
        hoverongaps=False,
        meta={
            "rows": [f"layer {row}" for row in range(values.shape[0])],
            "columns": [axes.escape(axes.shorten(text, MAX_LABEL)) for text in labels],
        },
        hovertemplate="%{customdata[0]}<br>%{customdata[1]} · "
        f"{label} − baseline: %{{z:.2r}}<extra></extra>",
    )


def profile_traces(
    profiles: Sequence[Profile],
    colours: Palette,
    *,
    null: bool = True,
    depth: bool = False,
) -> list[go.Scatter]:
    """Null band, baseline, then a band and a line for each profile; y is the layer or the depth.

    Parameters
    ----------
    null : whether the null of the first profile stands behind them all
    depth : relative depth instead of the layer
    """
    traces: list[go.Scatter] = []
    first = profiles[0]
    y = _heights(first, depth)
    if null and first.null_low is not None and first.null_high is not None:
        traces.append(_band("null band", first.null_low, first.null_high, y, colours.band))
    if np.isfinite(first.baseline).any():
        traces.append(
            go.Scatter(
                name=f"baseline: {SCORES[first.score].baseline}",
                x=first.baseline,
                y=y,
                mode="lines",
                line={"color": colours.muted, "width": 1.2, "dash": "dash"},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    single = len(profiles) == 1
    for place, found in enumerate(profiles):
        colour = colours.foreground if single else GROUP_COLOURS[place % len(GROUP_COLOURS)]
        heights = _heights(found, depth)
        traces += [
            _band(
                f"{found.name} band", found.band.low, found.band.high, heights, faint(colour, 0.18)
            ),
            _line(found, heights, colour, single=single),
        ]
    return traces


def _heights(found: Profile, depth: bool) -> FloatArray:
    return found.depth if depth else np.arange(found.n_layers + 1, dtype=np.float32)


def _band(name: str, low: FloatArray, high: FloatArray, y: FloatArray, fill: str) -> go.Scatter:
    known = np.isfinite(low) & np.isfinite(high)
    return go.Scatter(
        name=axes.escape(name),
        x=np.concatenate([low[known], high[known][::-1]]),
        y=np.concatenate([y[known], y[known][::-1]]),
        mode="lines",
        line={"width": 0},
        fill="toself",
        fillcolor=fill,
        hoverinfo="skip",
        showlegend=False,
    )


def _line(found: Profile, y: FloatArray, colour: str, *, single: bool) -> go.Scatter:
    n = int(found.band.n.max()) if len(found.band.n) else 0
    return go.Scatter(
        name=axes.escape(axes.shorten(f"{found.name} (n = {n})", 44)),
        x=found.band.mean,
        y=y,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": 6 if single else 4},
        customdata=_hover(found),
        hovertemplate="%{customdata}<extra></extra>",
    )


def _hover(found: Profile) -> list[str]:
    label, rows = axes.escape(SCORES[found.score].label), []
    for at in range(found.n_layers + 1):
        e = found.band.at(at)
        row = (
            f"{axes.escape(found.name)}<br>layer {at} · {label} {number(e.value)}, "
            f"{e.ends}, n = {e.n}"
        )
        if found.null_low is not None and found.null_high is not None:
            low, high = (number(v[at]) for v in (found.null_low, found.null_high))
            row += f"<br>{found.null_name}: {low} to {high}"
        elif np.isfinite(found.baseline[at]):
            row += f"<br>baseline {number(found.baseline[at])}"
        rows.append(row)
    return rows


def null_note(profiles: Sequence[Profile]) -> str:
    """What the grey is, for a caption."""
    if profiles and profiles[0].null_low is not None:
        return f"grey: {profiles[0].null_name}"
    return "dashed: baseline"


def groups_figure(
    profiles: Sequence[Profile], *, layer: int, depth: bool = False, theme: Theme = "light"
) -> go.Figure:
    """Mean profiles of groups, or of runs over relative depth, each with its band.

    Parameters
    ----------
    layer : marked, unless the profiles are drawn over relative depth
    depth : for models with different numbers of layers
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    deepest = max((found.n_layers for found in profiles), default=0)
    vertical = axes.layer_axis(deepest)
    if depth:
        vertical = {
            "title": {"text": "relative depth (0: input of the first block, 1: last output)"},
            "range": [1.03, -0.03],
            "fixedrange": True,
            "zeroline": False,
        }
    figure = axes.blank_figure(
        theme,
        HEIGHT + 40,
        margin={"l": 56, "r": 12, "t": 44, "b": 46},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        xaxis={**look, "title": {"text": axes.escape(axes.score_label(profiles[0].score))},
               "zeroline": False},
        yaxis={**look, **vertical},
    )  # fmt: skip
    figure.add_traces(profile_traces(profiles, colours, depth=depth))
    if not depth:
        figure.add_hline(y=layer, line={"color": SELECTION, "width": 2}, name="layer")
    return figure
