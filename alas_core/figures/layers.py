"""Audio at one layer against text at another, for every pair of layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.errors import InputError
from alas_core.figures import axes
from alas_core.figures.linked import pack
from alas_core.figures.palette import SELECTION, SIMILARITY, Theme, palette
from alas_core.fingerprint import fingerprint
from alas_core.types import Analysis

LAYERS_HEIGHT = 420

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
    layer : marked on both axes, where audio and text of one layer meet; None for the best.

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
        height=LAYERS_HEIGHT,
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
    figure.data[0].meta = {"pick": {"y": "layer"}}
    figure.layout.shapes = _crossing(analysis, analysis.best_layer if layer is None else layer)
    return figure


def _crossing(analysis: Analysis, layer: int) -> list[dict[str, Any]]:
    """Where audio and text of one layer meet, as a line across and a line down."""
    line = {"type": "line", "line": {"color": SELECTION, "width": 1.5}}
    low, high = -0.5, analysis.n_layers + 0.5
    return [
        {"name": "audio layer", **line, "x0": low, "x1": high, "y0": layer, "y1": layer},
        {"name": "text layer", **line, "x0": layer, "x1": layer, "y0": low, "y1": high},
    ]


def cross_layer_payload(
    analysis: Analysis, *, score: str = "cka", theme: Theme = "light"
) -> tuple[str, bytes]:
    """The figure for a page (`alas_core.figures.linked`): its name, and the file.

    A click on a cell chooses the layer of its row; the cross follows the chosen layer.
    """
    name = "/".join((fingerprint(analysis, early=True), "layers", score, theme))
    layers = list(range(analysis.n_layers + 1))
    changes = {
        "audio layer": {"y0": layers, "y1": layers},
        "text layer": {"x0": layers, "x1": layers},
    }
    figure = cross_layer_figure(analysis, score=score, theme=theme)
    head = {
        "figure": figure.to_plotly_json(),
        "changes": {"layers": {"shapes": changes}},
        "analysis": analysis.key.digest,
        "label": "Layers of hearing against layers of reading",
    }
    return name, pack(name, head, {})
