"""The lower panels: layers x time, tokens x time at one layer, and hits per token.

Each heatmap carries the labels of its rows and columns in `meta`; `spread_labels` or the page's
JavaScript makes the hover text of each cell from them, so that the figure's JSON stays small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.figures import axes
from alas_core.figures.cells import KINDS, Cells, token_cells
from alas_core.figures.palette import REFERENCE, SIMILARITY, TEXT, Palette
from alas_core.figures.views import Fold, frame_view, spread, word_cells, word_view
from alas_core.types import Analysis


def layers_trace(
    analysis: Analysis, score: str, fold: Fold, colours: Palette, bar: dict[str, Any]
) -> go.Heatmap:
    """Layers x time; with `fold="words"` each word is one cell as long as it is spoken."""
    if fold == "words":
        _, values = word_view(analysis, score)
        edges, columns, labels = word_cells(analysis, values)
    else:
        _, columns = frame_view(analysis, score)
        edges, labels = axes.frame_edges(analysis), _frame_word_labels(analysis)
    far = spread(columns)
    return go.Heatmap(
        name="layers",
        z=columns.astype(np.float32),
        x=edges,
        y0=0,
        dy=1,
        xaxis="x",
        yaxis="y4",
        zmin=-far,
        zmax=far,
        colorscale=colours.diverging,
        colorbar=bar,
        hoverongaps=False,
        meta={"columns": labels, "rows": [f"layer {i}" for i in range(len(columns))]},
        hovertemplate="%{customdata[0]} · %{customdata[1]} · %{z:+.2r}<extra></extra>",
    )


def _frame_word_labels(analysis: Analysis) -> list[str]:
    words = axes.word_labels(analysis)
    return [
        f"{span} · {words[word]}" if word >= 0 else span
        for span, word in zip(axes.frame_labels(analysis), analysis.frame_word, strict=True)
    ]


def similarity_traces(
    analysis: Analysis, layer: int, colours: Palette, bar: dict[str, Any], cells: Cells = "cosine"
) -> list[go.Heatmap | go.Scatter]:
    """Tokens x time at one layer on y5, reference outlined, the model's path with its halo."""
    limits = {"zmin": 0, "zmax": 1} if cells == "share" else {}
    edges = axes.frame_edges(analysis)
    bold = 1.0 if analysis.n_tokens <= 2 * axes.MAX_TOKEN_LABELS else 0.55
    path = analysis.paths[layer].astype(np.float32)
    path[path < 0] = np.nan
    line = {
        "x": edges,
        "y": np.append(path, path[-1:]),
        "xaxis": "x",
        "yaxis": "y5",
        "mode": "lines",
        "hoverinfo": "skip",
    }
    return [
        go.Heatmap(
            name="similarity",
            z=token_cells(analysis, cells, slice(layer, layer + 1))[0].T,
            **limits,
            x=edges,
            y0=0,
            dy=1,
            xaxis="x",
            yaxis="y5",
            colorscale=SIMILARITY,
            colorbar=bar,
            meta={
                "columns": axes.frame_labels(analysis),
                "rows": [f"token ‘{text}’" for text in axes.token_texts(analysis)],
            },
            hovertemplate=similarity_hover(layer, cells),
        ),
        _outline(analysis, 2.4 * bold),
        go.Scatter(
            name="path halo",
            line={"color": colours.background, "width": 4.5 * bold, "shape": "hv"},
            **line,
        ),
        go.Scatter(
            name="path",
            line={"color": colours.foreground, "width": 1.8 * bold, "shape": "hv"},
            **line,
        ),
    ]


def similarity_hover(layer: int, cells: Cells = "cosine") -> str:
    """Hover text of a cell of the similarity map at a layer."""
    return (
        "%{customdata[0]} · layer "
        f"{layer}"
        " · %{customdata[1]} · "
        f"{KINDS[cells].name}"
        " %{z:.2r}<extra></extra>"
    )


def _outline(analysis: Analysis, width: float) -> go.Scatter:
    """A rectangle around the frames and tokens of each word, where the two meet."""
    x: list[float | None] = []
    y: list[float | None] = []
    for index, block in enumerate(axes.token_blocks(analysis)):
        frames = np.flatnonzero(analysis.frame_word == index)
        if block is None or frames.size == 0:
            continue
        left, right = analysis.frame_spans[frames[0], 0], analysis.frame_spans[frames[-1], 1]
        top, bottom = block[0] - 0.5, block[1] + 0.5
        x += [float(left), float(right), float(right), float(left), float(left), None]
        y += [top, top, bottom, bottom, top, None]
    return go.Scatter(
        name="reference", x=x, y=y, xaxis="x", yaxis="y5", mode="lines",
        line={"color": REFERENCE, "width": width}, hoverinfo="skip",
    )  # fmt: skip


def token_trace(analysis: Analysis, layer: int) -> go.Bar:
    """Share of its word's frames that find each token, one bar a token, on x3 and y5."""
    return go.Bar(
        name="token hits",
        orientation="h",
        x=analysis.token_scores["hit_rate"][layer].astype(np.float32),
        y=np.arange(analysis.n_tokens),
        xaxis="x3",
        yaxis="y5",
        width=0.64 if analysis.n_tokens <= 2 * axes.MAX_TOKEN_LABELS else 1,
        marker={"color": TEXT, "line": {"width": 0}},
        customdata=axes.token_texts(analysis),
        hovertemplate="token ‘%{customdata}’ · nearest token in %{x:.2r} of its word's frames"
        "<extra></extra>",
    )
