"""Two analyses side by side: profiles with their nulls, words by layers, similarity maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.comparison import (
    Axis,
    WordPair,
    columns_apart,
    difference,
    is_one,
    match_words,
    pair_columns,
    positions,
)
from alas_core.figures import axes
from alas_core.figures.palette import SELECTION, SIMILARITY, Palette, Theme, palette
from alas_core.figures.panels import similarity_hover, similarity_traces
from alas_core.figures.profile import NULL_SCORE
from alas_core.figures.views import spread, word_view
from alas_core.numerals import number
from alas_core.types import Analysis, FloatArray

Pair = tuple[Analysis, Analysis]
PROFILES_HEIGHT, WORDS_HEIGHT, MAPS_HEIGHT = 400, 380, 360
"""Pixels; the same for all pairs."""

_MARGIN = {"l": 56, "r": 16, "t": 40, "b": 48}
_SIDES = (("solid", "circle"), ("dash", "square"))
_HATCHED = {"shape": "/", "size": 8, "solidity": 0.1}
"""Of what two nulls differ by: it has the grey of all nulls, and must not be taken for A's."""


def profiles_figure(
    pair: Pair,
    *,
    score: str = "alas",
    axis: Axis = "index",
    layers: tuple[int, int],
    theme: Theme = "light",
) -> go.Figure:
    """Both layer profiles with their null bands, and beside them B − A with the nulls' difference.

    Of one analysis at two layers B − A is nothing, and left out.

    Parameters
    ----------
    layers : of each side, marked by a line in its colour
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    figure = axes.blank_figure(
        theme,
        PROFILES_HEIGHT,
        margin=_MARGIN,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"},
        xaxis={**look, "title": {"text": axes.score_label(score)}},
        yaxis={**look, **_layer_axis(pair, axis)},
    )
    for index, side in enumerate(pair):
        figure.add_traces(_profile(side, score, axis, index, colours))
    if not is_one(*pair):
        title = f"B − A of {axes.score_label(score)}"
        figure.update_layout(
            xaxis={"domain": [0, 0.6]}, xaxis2={**look, "domain": [0.66, 1], "title.text": title}
        )
        figure.add_traces(_differences(pair, score, axis, colours))
        figure.add_vline(x=0, line={"color": colours.muted, "width": 1, "dash": "dash"}, col=None,
                         xref="x2")  # fmt: skip
    figure.update_xaxes(zeroline=False)
    panels = ("x domain",) if is_one(*pair) else ("x domain", "x2 domain")
    for index, (side, layer) in enumerate(zip(pair, layers, strict=True)):
        at = shown_rows(side, axis)[layer]
        line = {"color": SELECTION, "width": 1.5, "dash": _SIDES[index][0]}
        for panel in panels:
            figure.add_shape(type="line", xref=panel, x0=0, x1=1, y0=at, y1=at, line=line,
                             name="layer")  # fmt: skip
    return figure


def shown_rows(side: Analysis, axis: Axis) -> FloatArray:
    """Positions as the axis shows them: layers, or depth in per cent."""
    return positions(side, axis) * (1 if axis == "index" else 100)


def _layer_axis(pair: Pair, axis: Axis) -> dict[str, Any]:
    deepest = max(side.n_layers for side in pair)
    if axis == "index":
        return axes.layer_axis(deepest)
    edge = 50 / max(deepest, 1)
    return {
        **axes.layer_axis(deepest),
        "title": {"text": "relative depth (%)", "standoff": 6},
        "range": [100 + edge, -edge],
        "tickvals": [0, 25, 50, 75, 100],
    }


def _profile(
    side: Analysis, score: str, axis: Axis, index: int, colours: Palette
) -> list[go.Scatter]:
    name, colour, band = "AB"[index], colours.sides[index], colours.side_bands[index]
    y, values = shown_rows(side, axis), np.asarray(side.scores[score], dtype=float)
    traces = []
    if score == NULL_SCORE:
        null = side.main_null
        label = f"{name}: {axes.escape(null.name)}, 95 %"
        outline = {"color": colour, "width": 1, "dash": _SIDES[index][0]}
        traces.append(_band(label, null.low, null.high, y, band, "x", line=outline))
    else:
        base = np.asarray(side.baselines.get(score, np.full(len(y), np.nan)), dtype=float)
        if np.isfinite(base).any():
            traces.append(
                go.Scatter(name=f"{name}: baseline", x=base, y=y, mode="lines", hoverinfo="skip",
                           line={"color": colour, "width": 1, "dash": "dot"})
            )  # fmt: skip
    dash, symbol = _SIDES[index]
    rows = [_hover(side, score, name, layer) for layer in range(side.n_layers + 1)]
    traces.append(
        go.Scatter(
            name=name, x=values, y=y, mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            marker={"color": colour, "size": 6, "symbol": symbol},
            customdata=rows, hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    return traces


def _hover(side: Analysis, score: str, name: str, layer: int) -> str:
    row = f"{name} layer {layer} · {axes.score_label(score)} "
    row += number(side.scores[score][layer])
    if score == NULL_SCORE:
        null = side.main_null
        low, high = number(null.low[layer]), number(null.high[layer])
        row += f"<br>{axes.escape(null.name)}: {low} to {high} (95 %)"
    return row


def _band(
    name: str, low: FloatArray, high: FloatArray, y: FloatArray, colour: str, x: str, **look: Any
) -> go.Scatter:
    """A band; `look` sets it apart from the others also where two have one colour."""
    return go.Scatter(
        name=name, x=np.concatenate([low, high[::-1], low[:1]]),
        y=np.concatenate([y, y[::-1], y[:1]]), xaxis=x, mode="lines", fill="toself",
        fillcolor=colour, hoverinfo="skip", **{"line": {"width": 0}, **look},
    )  # fmt: skip


def _differences(pair: Pair, score: str, axis: Axis, colours: Palette) -> list[go.Scatter]:
    apart = difference(*pair, score, axis)
    y = apart.layers * (1 if axis == "index" else 100)
    traces = []
    if apart.low is not None and apart.high is not None:
        hatched = {**_HATCHED, "fgcolor": colours.muted, "bgcolor": colours.band}
        name = "difference of the nulls, 95 %"
        traces.append(
            _band(name, apart.low, apart.high, y, colours.band, "x2", fillpattern=hatched)
        )
    unit = "layer %{y}" if axis == "index" else "depth %{y:.0f} %"
    traces.append(
        go.Scatter(
            name="B − A", x=apart.values, y=y, xaxis="x2", mode="lines+markers",
            line={"color": colours.foreground, "width": 2}, marker={"size": 6},
            showlegend=False, hovertemplate=unit + " · B − A %{x:+.2r}<extra></extra>",
        )
    )  # fmt: skip
    return traces


def words_figure(
    pair: Pair, *, score: str = "alas", axis: Axis = "index", theme: Theme = "light"
) -> go.Figure:
    """Layers x words of A, of B and of B − A: one column for each pair of matched words.

    Of one analysis the columns of B are those of A, and one panel shows both.
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    pairs = match_words(*pair)
    what, _ = word_view(pair[0], score)
    indices = ([match.left for match in pairs], [match.right for match in pairs])
    one, other = (
        pair_columns(word_view(side, score)[1], wanted)
        for side, wanted in zip(pair, indices, strict=True)
    )
    apart = columns_apart(*pair, one, other, axis)
    far, farther = spread(np.concatenate([one.ravel(), other.ravel()])), spread(apart)
    labels = _pair_labels(pair, pairs)
    domains: tuple[list[float], ...] = ([0, 0.31], [0.345, 0.655], [0.69, 1])
    titles: tuple[str, ...] = (f"<b>A</b>  {what.short}", "<b>B</b>  as A", "<b>B − A</b>")
    if is_one(*pair):
        domains, titles = ([0, 1],), (f"<b>A and B</b>  {what.short}",)
    figure = axes.blank_figure(
        theme, WORDS_HEIGHT, margin={**_MARGIN, "b": 96},
        yaxis={**look, **_layer_axis(pair, axis)},
        annotations=[_title(text, x[0], colours) for text, x in zip(titles, domains, strict=True)],
        **{
            f"xaxis{at or ''}": {**look, **_word_axis(labels), "domain": domain}
            for at, domain in zip(("", 2, 3), domains, strict=False)
        },
    )  # fmt: skip
    ends = max if axis == "depth" else min  # the layers of `columns_apart`
    compared = ends(pair, key=lambda side: side.n_layers)
    grids = tuple(shown_rows(side, axis) for side in (*pair, compared))
    panels = ((one, far), (other, far), (apart, farther))[: len(domains)]
    for index, (values, limit) in enumerate(panels):
        figure.add_trace(
            go.Heatmap(
                name=("A", "B", "B − A")[index], z=values, y=grids[index],
                x=list(range(len(pairs))), xaxis=f"x{index + 1 if index else ''}",
                zmin=-limit, zmax=limit, colorscale=colours.diverging, hoverongaps=False,
                showscale=index > 0 or len(panels) == 1,
                colorbar=axes.bar_above(domains[index][1], 1, colours),
                customdata=[labels] * len(grids[index]),
                hovertemplate="%{customdata} · " + _unit(axis) + " · %{z:+.2r}<extra></extra>",
            )
        )  # fmt: skip
    return figure


def _unit(axis: Axis) -> str:
    return "layer %{y}" if axis == "index" else "depth %{y:.0f} %"


def _title(text: str, x: float, colours: Palette) -> dict[str, Any]:
    return {
        "text": text, "x": x, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "left",
        "yanchor": "bottom", "yshift": 4, "showarrow": False,
        "font": {"size": 12, "color": colours.muted},
    }  # fmt: skip


def _word_axis(labels: list[str]) -> dict[str, Any]:
    step = max(1, -(-len(labels) // 14))
    shown = list(range(0, len(labels), step))
    return {
        "tickmode": "array", "tickvals": shown, "ticktext": [labels[i] for i in shown],
        "tickangle": -60, "showgrid": False, "zeroline": False, "title": {"text": "word"},
    }  # fmt: skip


def _pair_labels(pair: Pair, pairs: tuple[WordPair, ...]) -> list[str]:
    said = (
        pair[1].words[match.right or 0] if match.left is None else pair[0].words[match.left]
        for match in pairs
    )
    return [axes.escape(axes.shorten(word.word, 18)) for word in said]


def maps_figure(pair: Pair, *, layers: tuple[int, int], theme: Theme = "light") -> go.Figure:
    """Similarity of frames and tokens of A and of B, each at its layer, in one colour scale."""
    colours = palette(theme)
    look = axes.axis_look(colours)
    maps = [
        side.similarity[layer].astype(np.float32) for side, layer in zip(pair, layers, strict=True)
    ]
    low, high = min(float(m.min()) for m in maps), max(float(m.max()) for m in maps)
    domains = ([0, 0.46], [0.54, 1])
    figure = axes.blank_figure(
        theme, MAPS_HEIGHT, margin={**_MARGIN, "l": 86},
        annotations=[
            _title(f"<b>{name}</b>  cosine at layer {layer}", domain[0], colours)
            for name, layer, domain in zip("AB", layers, domains, strict=True)
        ],
    )  # fmt: skip
    for index, (side, layer) in enumerate(zip(pair, layers, strict=True)):
        axis = index + 1 if index else ""
        end = float(side.frame_spans[-1, 1])
        figure.update_layout(
            {
                f"xaxis{axis}": {
                    **look, "domain": domains[index], "anchor": f"y{axis}", "range": [0, end],
                    "title": {"text": axes.escape(axes.time_title(side))}, "showgrid": False,
                    "zeroline": False,
                },
                f"yaxis{axis}": {
                    **look, **axes.token_axis(side), "anchor": f"x{axis}",
                    **({"title": None} if index else {}),
                },
            }
        )  # fmt: skip
        for trace in similarity_traces(side, layer, colours, axes.bar_above(1, 1, colours)):
            trace.update(xaxis=f"x{axis}", yaxis=f"y{axis}")
            if isinstance(trace, go.Heatmap):
                trace.update(
                    zmin=low, zmax=high, showscale=index == 1, colorscale=SIMILARITY,
                    hovertemplate=similarity_hover(layer),
                )  # fmt: skip
            figure.add_trace(trace)
    return figure
