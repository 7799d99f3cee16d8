"""Audio at one layer against text at another, for every pair of layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.errors import InputError
from alas_core.figures import axes
from alas_core.figures.palette import SELECTION, SIMILARITY, Theme, palette
from alas_core.types import Analysis

NAMES = {
    "cka": ("linear CKA, debiased", False),
    "layer_correlation": ("correlation of mean vectors", True),
}


def cross_layer_figure(
    analysis: Analysis,
    *,
    score: str = "cka",
    layer: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Layers x layers: rows are the audio run's layers, columns the text run's.

    Parameters
    ----------
    score : "cka" or "layer_correlation", a name in `analysis.cross_layer`.
    layer : marked on both axes, where audio and text of one layer meet.

    Raises
    ------
    InputError
        If the analysis holds no such score.
    """
    if score not in analysis.cross_layer:
        held = ", ".join(analysis.cross_layer) or "none"
        raise InputError(
            f"score is '{score}', expected one of the analysis's cross-layer scores ({held}); "
            "choose one of these or analyse the recording again"
        )
    label, signed = NAMES.get(score, (score.replace("_", " "), True))
    colours = palette(theme)
    values = np.asarray(analysis.cross_layer[score], dtype=np.float32)
    scale: dict[str, Any] = {"colorscale": SIMILARITY}
    if signed:
        scale = {"colorscale": colours.diverging, "zmin": -1, "zmax": 1}
    look = axes.axis_look(colours)
    rows = axes.layer_axis(analysis.n_layers)
    columns = {**rows, "range": rows["range"][::-1]}
    figure = axes.blank_figure(
        theme,
        height=420,
        margin={"l": 56, "r": 16, "t": 24, "b": 48},
        xaxis={**look, **columns, "title": {"text": "text run: layer"}},
        yaxis={**look, **rows, "title": {"text": "audio run: layer"}},
    )
    figure.add_trace(
        go.Heatmap(
            name=score,
            z=values,
            colorbar={"title": {"text": label, "side": "right"}, "thickness": 8,
                      "outlinewidth": 0},
            hovertemplate="audio layer %{y} · text layer %{x} · "
            f"{label} %{{z:.2r}}<extra></extra>",
            **scale,
        )
    )  # fmt: skip
    if layer is not None:
        figure.add_hline(y=layer, line={"color": SELECTION, "width": 1.5}, name="layer")
        figure.add_vline(x=layer, line={"color": SELECTION, "width": 1.5}, name="layer")
    return figure
