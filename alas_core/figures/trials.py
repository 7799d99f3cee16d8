"""Controls and centerings as curves under the real one, with the null's band; layers run down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from alas_core.figures import axes
from alas_core.figures.palette import LINES, SELECTION, Theme, palette
from alas_core.figures.profile import profile_traces
from alas_core.numerals import number
from alas_core.types import Analysis
from alas_core.variations import TrialResult

_DASHES = ("solid", "dash", "dot", "dashdot")
HEIGHT = 430


def trials_figure(
    analysis: Analysis,
    results: Sequence[TrialResult],
    *,
    layer: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """The layer profile of ALAS with a curve for each trial.

    A marker is full where the trial's score beats its null (`alas_core.variations.beats_null`), and
    hollow where it does not. The band is the recording's own null.

    Parameters
    ----------
    results : trials of this analysis
    layer : marked across
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    figure = axes.blank_figure(
        theme,
        height=HEIGHT,
        margin={"l": 56, "r": 16, "t": 12, "b": 48},
        xaxis={
            **look, "title": {"text": axes.score_label("alas")}, "zeroline": False,
            "fixedrange": True,
        },
        yaxis={**look, **axes.layer_axis(analysis.n_layers)},
        showlegend=True,
        legend={
            "x": 1.01, "y": 1, "bgcolor": "rgba(0,0,0,0)", "itemclick": False,
            "itemdoubleclick": False, "font": {"size": 12}, "traceorder": "normal",
        },
    )  # fmt: skip
    null = analysis.main_null
    for trace in profile_traces(analysis, "alas", colours):
        names = {"profile": "this recording", "null band": axes.escape(null.name)}
        trace.update(name=names.get(str(trace.name), trace.name))
        trace.update(showlegend=trace.name in names.values())
        figure.add_trace(trace)
    for index, result in enumerate(results):
        figure.add_trace(_curve(result, LINES[index % len(LINES)], index))
    if layer is not None:
        figure.add_hline(y=layer, line={"color": SELECTION, "width": 1.5}, name="layer")
    return figure


def _curve(result: TrialResult, colour: str, index: int) -> go.Scatter:
    layers = np.arange(len(result.alas))
    rows = [
        f"{axes.escape(result.label)}<br>layer {layer} · ALAS {number(float(value))}<br>"
        f"{axes.escape(result.null.name)} reach {number(float(high))}<br>"
        f"p = {number(float(p))} after correction over the layers"
        for layer, value, high, p in zip(
            layers, result.alas, result.null.high, result.null.p_adjusted, strict=True
        )
    ]
    return go.Scatter(
        name=axes.escape(result.label),
        x=np.asarray(result.alas, dtype=float),
        y=layers,
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": _DASHES[index % len(_DASHES)]},
        marker={
            "size": 7, "color": colour, "line": {"color": colour, "width": 1.5},
            "symbol": ["circle" if full else "circle-open" for full in result.beats],
        },
        customdata=rows,
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip
