"""ALAS against temperature, boundary jitter and metric: small profiles that share their layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from alas_core.definitions import SCORES
from alas_core.figures import axes
from alas_core.figures.palette import SELECTION, SIMILARITY, Palette, Theme, palette
from alas_core.numerals import number
from alas_core.rankings import METRICS
from alas_core.types import Analysis, FloatArray
from alas_core.variations import Sensitivity

HEIGHT = 690


def sensitivity_figure(
    analysis: Analysis,
    found: Sensitivity,
    *,
    layer: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Two large profiles above (temperature, jitter), one small profile for each metric below.

    Parameters
    ----------
    found : of this analysis
    layer : marked across all of them
    """
    colours = palette(theme)
    columns = len(METRICS)
    half = columns // 2
    manners = axes.blank_figure(theme, HEIGHT).layout
    figure = make_subplots(
        rows=2,
        cols=columns,
        specs=[
            [{"colspan": half}, *[None] * (half - 1), {"colspan": half}, *[None] * (half - 1)],
            [{}] * columns,
        ],
        shared_yaxes=True,
        horizontal_spacing=0.028,
        vertical_spacing=0.23,
        subplot_titles=[
            "ALAS at other temperatures",
            "ALAS with the reference's boundaries moved",
            *[SCORES[name].label for name in METRICS],
        ],
    )
    figure.update_layout(manners)
    figure.update_layout(
        margin={"l": 56, "r": 12, "t": 44, "b": 48},
        showlegend=True,
        legend=_legend(0.51, "temperature"),
        legend2=_legend(0.475, "boundaries"),
    )
    _add_temperatures(figure, analysis, found, colours)
    _add_jitter(figure, analysis, found, half + 1, colours)
    for column, name in enumerate(METRICS, start=1):
        _add_metric(figure, analysis, name, column, colours)
    look = axes.axis_look(colours)
    figure.update_xaxes(
        look, fixedrange=True, zeroline=False, nticks=4, tickangle=0, title_standoff=4
    )
    figure.update_yaxes({**look, **axes.layer_axis(analysis.n_layers, title=None)})
    for row in (1, 2):
        figure.update_yaxes(row=row, col=1, title={"text": "layer", "standoff": 6})
        figure.update_xaxes(row=1, title_text="ALAS")
    for column, name in enumerate(METRICS, start=1):
        unit = SCORES[name].unit
        figure.update_xaxes(row=2, col=column, title_text=unit or "score")
    figure.update_annotations(font={"size": 12, "color": colours.foreground})
    if layer is not None:
        figure.add_hline(y=layer, line={"color": SELECTION, "width": 1.5}, name="layer")
    return figure


def _legend(y: float, title: str) -> dict[str, Any]:
    return {
        "orientation": "h", "x": 0, "y": y, "yanchor": "top", "bgcolor": "rgba(0,0,0,0)",
        "itemclick": False, "itemdoubleclick": False, "font": {"size": 11},
        "title": {"text": f"{title}  ", "side": "left", "font": {"size": 11}},
    }  # fmt: skip


def _add_temperatures(
    figure: go.Figure, analysis: Analysis, found: Sensitivity, colours: Palette
) -> None:
    own = analysis.key.settings.temperature
    shades = sample_colorscale(SIMILARITY, np.linspace(0.3, 0.95, len(found.temperatures)))
    layers = np.arange(analysis.n_layers + 1)
    for temperature, values, shade in zip(
        found.temperatures, found.by_temperature, shades, strict=True
    ):
        chosen = bool(np.isclose(temperature, own))
        line = {"color": colours.foreground if chosen else shade, "width": 3 if chosen else 1.8}
        figure.add_trace(
            go.Scatter(
                name=f"{temperature:g}", x=np.asarray(values, dtype=float), y=layers,
                mode="lines+markers", line=line, marker={"size": 5}, legend="legend",
                hovertemplate=f"temperature {temperature:g}<br>layer %{{y}} · ALAS %{{x:.2r}}"
                "<extra></extra>",
            ),
            row=1, col=1,
        )  # fmt: skip


def _add_jitter(
    figure: go.Figure, analysis: Analysis, found: Sensitivity, column: int, colours: Palette
) -> None:
    layers = np.arange(analysis.n_layers + 1)
    figure.add_trace(
        go.Scatter(
            name="as given", x=np.asarray(analysis.scores["alas"], dtype=float), y=layers,
            mode="lines+markers", line={"color": colours.foreground, "width": 3},
            marker={"size": 5}, legend="legend2",
            hovertemplate="as given<br>layer %{y} · ALAS %{x:.2r}<extra></extra>",
        ),
        row=1, col=column,
    )  # fmt: skip
    shades = sample_colorscale(SIMILARITY, np.linspace(0.35, 0.9, len(found.jitters_ms)))
    for jitter_ms, draws, shade in zip(found.jitters_ms, found.under_jitter, shades, strict=True):
        low, middle, high = _range(draws)
        figure.add_trace(
            go.Scatter(
                name=f"±{jitter_ms:g} ms", x=middle, y=layers, mode="lines+markers",
                line={"color": shade, "width": 1.8}, marker={"size": 5}, legend="legend2",
                error_x={
                    "type": "data", "symmetric": False, "array": high - middle,
                    "arrayminus": middle - low, "thickness": 1, "width": 3, "color": shade,
                },
                customdata=np.stack([low, high], axis=1),
                hovertemplate=f"±{jitter_ms:g} ms, {len(draws)} draws<br>layer %{{y}} · ALAS "
                "%{x:.2r} (all draws: %{customdata[0]:.2r} to %{customdata[1]:.2r})"
                "<extra></extra>",
            ),
            row=1, col=column,
        )  # fmt: skip


def _range(draws: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Smallest, middle and largest of the draws at each layer; draws without a word left out."""
    kept = np.asarray(draws[np.isfinite(draws).all(axis=1)], dtype=float)
    if not len(kept):
        kept = np.full((1, draws.shape[1]), np.nan)
    return kept.min(axis=0), np.median(kept, axis=0), kept.max(axis=0)


def _add_metric(
    figure: go.Figure, analysis: Analysis, name: str, column: int, colours: Palette
) -> None:
    layers = np.arange(analysis.n_layers + 1)
    nothing = np.full(len(layers), np.nan)
    values = np.asarray(analysis.scores.get(name, nothing), dtype=float)
    baseline = np.asarray(analysis.baselines.get(name, nothing), dtype=float)
    label = SCORES[name].label
    figure.add_trace(
        go.Scatter(
            name="baseline", x=baseline, y=layers, mode="lines", showlegend=False,
            line={"color": colours.muted, "width": 1.2, "dash": "dash"}, hoverinfo="skip",
        ),
        row=2, col=column,
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            name=name, x=values, y=layers, mode="lines+markers", showlegend=False,
            line={"color": colours.foreground, "width": 1.8}, marker={"size": 4},
            customdata=[number(float(value)) for value in baseline],
            hovertemplate=f"{label}<br>layer %{{y}} · %{{x:.2r}} (baseline %{{customdata}})"
            "<extra></extra>",
        ),
        row=2, col=column,
    )  # fmt: skip
    best = SCORES[name].best(values)
    if best is not None:
        figure.add_trace(
            go.Scatter(
                name="best layer", x=[values[best]], y=[best], mode="markers", showlegend=False,
                marker={
                    "symbol": "diamond", "size": 11, "color": colours.background,
                    "line": {"color": colours.foreground, "width": 2},
                },
                hoverinfo="skip",
            ),
            row=2, col=column,
        )  # fmt: skip
