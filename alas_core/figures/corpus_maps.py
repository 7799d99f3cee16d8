"""A run's layers against layers, and its words as one map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from alas_core.corpus.layers import CrossLayer, LayerTree
from alas_core.figures import axes
from alas_core.figures.layers import NAMES
from alas_core.figures.palette import (
    AUDIO,
    SELECTION,
    SIMILARITY,
    TEXT,
    WORDS,
    Palette,
    Theme,
    palette,
)
from alas_core.types import FloatArray

MapColour = Literal["modality", "word"]

_MATRIX, _DIAGONAL = [0.0, 0.5], [0.6, 0.76]
_TREE = [0.82, 1.0]
_GAP = 0.03
"""Of a side of the matrix: how far the strip of groups stands off."""


def corpus_layers_figure(
    matrix: CrossLayer,
    tree: LayerTree | None,
    *,
    layer: int,
    side: str = "audio",
    theme: Theme = "light",
) -> go.Figure:
    """Mean matrix, its diagonal beside it, and the tree of layers that go together.

    Rows are the audio run's layers, columns the text run's; the strip at the left tells the groups
    of the tree.
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    n_layers = len(matrix.values) - 1
    label, signed = NAMES.get(matrix.name, (matrix.name.replace("_", " "), True))
    rows, gap = axes.layer_axis(n_layers), _GAP * len(matrix.values)
    # Layer by layer in all panels but the tree, whose leaves have an order of their own.
    layout: dict[str, Any] = {
        "margin": {"l": 56, "r": 12, "t": 34, "b": 48},
        "xaxis": {**look, **rows, "range": [-0.5 - 2 * gap, n_layers + 0.5], "domain": _MATRIX,
                  "title": {"text": "text run: layer"}},
        "yaxis": {**look, **rows, "range": [n_layers + 0.5, -0.5 - 2 * gap],
                  "title": {"text": "audio run: layer"}},
        "xaxis2": {**look, "domain": _DIAGONAL, "anchor": "y", "fixedrange": True,
                   "title": {"text": axes.escape(label)}, "zeroline": False},
        "xaxis3": {**look, "domain": _TREE, "anchor": "y3", "fixedrange": True,
                   "title": {"text": "1 − correlation"}, "zeroline": False, "rangemode": "tozero"},
        "yaxis3": {**look, "anchor": "x3", "fixedrange": True, "showgrid": False,
                   "zeroline": False},
    }  # fmt: skip
    if tree is not None:
        layout["yaxis3"] |= _leaves(tree)
    figure = axes.blank_figure(theme, 440, **layout)
    figure.add_trace(_matrix(matrix, label, signed, colours))
    figure.add_trace(_diagonal(matrix, label, colours))
    if tree is not None:
        figure.add_trace(_strip(tree, side))
        figure.add_traces(_branches(tree, colours))
    figure.add_shape(
        type="line", xref="paper", yref="y", x0=_MATRIX[0], x1=_DIAGONAL[1], y0=layer, y1=layer,
        line={"color": SELECTION, "width": 1.5}, name="layer",
    )  # fmt: skip
    titles = [(_MATRIX, f"mean over n = {matrix.n}"), (_DIAGONAL, "same layer")]
    titles += [(_TREE, f"{side} layers alike")] if tree is not None else []
    for domain, text in titles:
        figure.add_annotation(
            x=domain[0], y=1.0, xref="paper", yref="paper", xanchor="left", yanchor="bottom",
            text=text, showarrow=False, font={"size": 11, "color": colours.muted},
        )  # fmt: skip
    return figure


def _matrix(matrix: CrossLayer, label: str, signed: bool, colours: Palette) -> go.Heatmap:
    scale: dict[str, Any] = {"colorscale": SIMILARITY}
    if signed:
        scale = {"colorscale": colours.diverging, "zmin": -1, "zmax": 1}
    return go.Heatmap(
        name=matrix.name,
        z=matrix.values.astype(np.float32),
        colorbar={"thickness": 8, "outlinewidth": 0, "x": 0.51, "xpad": 0, "len": 1.0},
        hovertemplate="audio layer %{y} · text layer %{x} · "
        f"{axes.escape(label)} %{{z:.2r}}<extra></extra>",
        **scale,
    )


def _diagonal(matrix: CrossLayer, label: str, colours: Palette) -> go.Scatter:
    layers = np.arange(len(matrix.values))
    nearest = matrix.best_text_layer
    return go.Scatter(
        name="diagonal",
        x=matrix.diagonal,
        y=layers,
        xaxis="x2",
        mode="lines+markers",
        line={"color": colours.foreground, "width": 2},
        marker={"size": 5},
        customdata=[f"audio layer {i} is most like text layer {k}" for i, k in enumerate(nearest)],
        hovertemplate=f"layer %{{y}} · {axes.escape(label)} %{{x:.2r}}<br>%{{customdata}}"
        "<extra></extra>",
    )


def _strip(tree: LayerTree, side: str) -> go.Scatter:
    layers, edge = (
        np.arange(len(tree.groups)),
        np.full(len(tree.groups), -0.5 - _GAP * len(tree.groups)),
    )
    return go.Scatter(
        name="groups of layers",
        x=edge if side == "audio" else layers,
        y=layers if side == "audio" else edge,
        mode="markers",
        marker={
            "symbol": "square",
            "size": 9,
            "color": [WORDS[group % len(WORDS)] for group in tree.groups],
        },
        customdata=[f"layer {i}: group {g + 1}" for i, g in enumerate(tree.groups)],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _leaves(tree: LayerTree) -> dict[str, Any]:
    n = len(tree.order)
    return {
        "range": [10.0 * n, 0.0],
        "tickmode": "array",
        "tickvals": [10.0 * place + 5 for place in range(n)],
        "ticktext": [str(layer) for layer in tree.order],
        "tickfont": {"size": 11 if n <= 26 else 9},
    }


def _branches(tree: LayerTree, colours: Palette) -> list[go.Scatter]:
    from scipy.cluster import hierarchy

    drawn = hierarchy.dendrogram(tree.linkage, no_plot=True)
    gap = [np.nan]
    x = np.concatenate([[*corners, *gap] for corners in drawn["dcoord"]])
    y = np.concatenate([[*corners, *gap] for corners in drawn["icoord"]])
    return [
        go.Scatter(
            name="tree of layers",
            x=x,
            y=y,
            xaxis="x3",
            yaxis="y3",
            mode="lines",
            line={"color": colours.foreground, "width": 1.3},
            hoverinfo="skip",
        )
    ]


def pooled_figure(
    points: FloatArray,
    modality: Sequence[str],
    words: Sequence[str],
    utterances: Sequence[str],
    *,
    colour: MapColour = "modality",
    theme: Theme = "light",
) -> go.Figure:
    """Every word of many utterances twice: as its sound (circles) and as its text (diamonds).

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2)]
    modality : "audio" or "text" of each point
    colour : by modality, or the most frequent words each in a colour of its own
    """
    colours = palette(theme)
    look = {**axes.axis_look(colours), "showticklabels": False, "zeroline": False}
    figure = axes.blank_figure(
        theme,
        560,
        margin={"l": 28, "r": 8, "t": 40, "b": 28},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemsizing": "constant"},
        xaxis={**look, "title": {"text": "component 1 (no unit)"}},
        yaxis={**look, "title": {"text": "component 2 (no unit)"}},
    )
    kinds = np.asarray(modality)
    small = 7 if len(points) < 3000 else 4
    texts = np.array(
        [f"‘{axes.escape(w)}’ · {axes.escape(u)}" for w, u in zip(words, utterances, strict=True)],
        dtype=object,
    )
    for name, mask, shade in _clouds(kinds, np.asarray(words, dtype=object), colour, colours):
        for kind, symbol in (("audio", "circle"), ("text", "diamond")):
            own = mask & (kinds == kind)
            if not own.any():
                continue
            figure.add_trace(
                go.Scattergl(
                    name=f"{name}, {kind}" if colour == "word" else name,
                    legendgroup=name,
                    showlegend=colour != "word" or kind == "audio",
                    x=points[own, 0],
                    y=points[own, 1],
                    mode="markers",
                    marker={"color": shade, "size": small, "symbol": symbol, "opacity": 0.7},
                    text=texts[own],
                    hovertemplate="%{text} · " + kind + "<extra></extra>",
                )
            )
    return figure


N_NAMED = 10
"""So many words get a colour of their own."""


def _clouds(
    kinds: Any, words: Any, colour: MapColour, colours: Palette
) -> list[tuple[str, Any, str]]:
    if colour != "word":
        return [
            ("words as sound", kinds == "audio", AUDIO),
            ("words as text", kinds == "text", TEXT),
        ]
    names, counts = np.unique(words.astype(str), return_counts=True)
    frequent = names[np.argsort(-counts, kind="stable")][:N_NAMED]
    rest = ~np.isin(words.astype(str), frequent)
    return [
        ("other words", rest, colours.muted),
        *(
            (axes.escape(word), words.astype(str) == word, WORDS[i % len(WORDS)])
            for i, word in enumerate(frequent)
        ),
    ]
