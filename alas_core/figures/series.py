"""How a score grew: layers down, training steps to the right, word error above."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.definitions import SCORES
from alas_core.figures import axes
from alas_core.figures.palette import TEXT, Theme, palette
from alas_core.figures.profile import NULL_SCORE
from alas_core.figures.views import spread
from alas_core.series import Growth, Series

SERIES_HEIGHT = 520


def series_figure(
    series: Series, grown: Growth, *, score: str = "alas", theme: Theme = "light"
) -> go.Figure:
    """Layer x checkpoint, grey at the score's baseline; word error on top if it is known.

    A dot marks where ALAS is above the null.
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    known = np.isfinite(series.word_errors).any()
    columns = list(range(len(series.steps)))
    steps = {
        "tickmode": "array", "tickvals": columns, "showgrid": False, "zeroline": False,
        "ticktext": [f"{step:,}" for step in series.steps], "fixedrange": True,
        "range": [-0.5, len(columns) - 0.5],
    }  # fmt: skip
    n_layers = len(grown.values) - 1
    figure = axes.blank_figure(
        theme,
        SERIES_HEIGHT,
        margin={"l": 64, "r": 16, "t": 36, "b": 56},
        xaxis={**look, **steps, "title": {"text": "training step (not to scale)"}, "anchor": "y"},
        yaxis={**look, **axes.layer_axis(n_layers), "domain": [0, 0.7 if known else 1]},
    )
    values = grown.values - np.where(np.isfinite(grown.baselines), grown.baselines, 0)
    far, label = spread(values), f"{SCORES[score].label} − baseline"
    figure.add_trace(
        go.Heatmap(
            name="growth", z=values, x=columns, y0=0, dy=1, zmin=-far, zmax=far,
            colorscale=colours.diverging, reversescale=SCORES[score].better == "lower",
            colorbar={"title": {"text": f"{label}, {SCORES[score].grey}", "side": "right"},
                      "thickness": 8, "outlinewidth": 0, "len": 0.7 if known else 1,
                      "y": 0, "yanchor": "bottom"},
            meta={"columns": [f"step {step:,}" for step in series.steps],
                  "rows": [f"layer {i}" for i in range(n_layers + 1)]},
            hovertemplate="%{customdata[0]} · %{customdata[1]} · "
            f"{label}: %{{z:.2r}}<br>choose it to open it<extra></extra>",
        )
    )  # fmt: skip
    if known:
        _add_word_errors(figure, series, look)
    if score == NULL_SCORE:
        layers, places = np.nonzero(grown.above)
        figure.add_trace(
            go.Scatter(
                name="above the null", x=places, y=layers, mode="markers", hoverinfo="skip",
                marker={"size": 6, "color": colours.background,
                        "line": {"color": colours.foreground, "width": 1.2}},
            )
        )  # fmt: skip
    return figure


def _add_word_errors(figure: go.Figure, series: Series, look: dict[str, Any]) -> None:
    """A line above the heatmap: the word error of each checkpoint, in per cent."""
    figure.update_layout(
        yaxis2={
            **look, "domain": [0.78, 1], "title": {"text": "word error (%)"},
            "rangemode": "tozero", "anchor": "x", "fixedrange": True,
        }
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            name="word error", x=list(range(len(series.steps))), yaxis="y2",
            mode="lines+markers", cliponaxis=False,
            y=100 * np.asarray(series.word_errors),
            line={"color": TEXT, "width": 2}, marker={"size": 7},
            hovertemplate="word error %{y:.3r} %<extra></extra>",
        )
    )  # fmt: skip
