"""At which layer each word is read from its own frames, by the vocabulary read-out."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.figures import axes
from alas_core.figures.palette import REFERENCE, SELECTION, Palette, Theme, palette
from alas_core.readout import WordReading, word_readings
from alas_core.types import Analysis, Lens

READING_HEIGHT = 330
"""Pixels."""

_NEVER_ROWS = 1.5
"""How far below the last layer the words stand that are never read."""

_MOST_NAMES = 24
"""Beyond so many words only every second, third ... is named below; hover names them all."""

_MOST_GAPS = 60
"""Beyond so many words a gap or a large mark would take more room than a word has."""


def reading_figure(
    analysis: Analysis,
    lens: Lens,
    *,
    layer: int | None = None,
    word: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """Words across, layers down: the share of each word's frames whose first token names it.

    A ring marks the first layer from 1 on at which any of its frames does, a full dot the first at
    which half of them do; a cross below the last layer a word that is never named. Layer 0, where
    the nearest input embedding is named, stands above a line.

    Parameters
    ----------
    lens : of this analysis
    layer, word : what is chosen, marked; a word by its index
    """
    colours = palette(theme)
    readings = word_readings(lens, analysis.frame_word, len(analysis.words))
    names = [axes.escape(axes.shorten(analysis.words[r.word].word, 14)) for r in readings]
    named = list(range(0, len(names), -(-len(names) // _MOST_NAMES) or 1))
    read = lens.own_rank[:, : analysis.n_frames] == 1
    shares = np.array(
        [read[:, analysis.frame_word == reading.word].mean(axis=1) for reading in readings]
    ).T.reshape(analysis.n_layers + 1, len(readings))
    silent = any(reading.first_layer is None for reading in readings)
    never = analysis.n_layers + _NEVER_ROWS
    last = never + 0.8 if silent else analysis.n_layers + 0.5
    look = axes.axis_look(colours)
    figure = axes.blank_figure(
        theme,
        height=READING_HEIGHT,
        margin={"l": 56, "r": 12, "t": 24, "b": 64},
        xaxis={
            **look, "title": {"text": "word, in spoken order"}, "tickvals": named,
            "ticktext": [names[k] for k in named], "showgrid": False, "zeroline": False,
            "fixedrange": True, "range": [-0.5, len(names) - 0.5],
        },
        yaxis={
            **look, **axes.layer_axis(analysis.n_layers, range=[last, -0.5]),
        },
    )  # fmt: skip
    figure.add_trace(_heat(shares, names, colours))
    figure.add_traces(_marks(readings, names, never, colours.foreground))
    figure.add_hline(y=0.5, line={"color": colours.muted, "width": 1}, name="input")
    if layer is not None:
        figure.add_hline(y=layer, line={"color": SELECTION, "width": 1.5}, name="layer")
    chosen = next((i for i, reading in enumerate(readings) if reading.word == word), None)
    axes.mark_word(figure, chosen)
    return figure


def _heat(shares: Any, names: list[str], colours: Palette) -> go.Heatmap:
    return go.Heatmap(
        name="share read",
        z=shares,
        zmin=0,
        zmax=1,
        xgap=2 if len(names) <= _MOST_GAPS else 0,
        colorscale=[[0, colours.background], [1, REFERENCE]],
        colorbar={
            "title": {"text": "share of the word's frames", "side": "right", "font": {"size": 11}},
            "thickness": 8, "outlinewidth": 0, "nticks": 3,
            "tickfont": {"color": colours.muted, "size": 10},
        },
        customdata=[names] * len(shares),
        hovertemplate="%{customdata}<br>layer %{y} · named in %{z:.0%} of its frames"
        "<extra></extra>",
    )  # fmt: skip


def _marks(
    readings: tuple[WordReading, ...], names: list[str], never: float, ink: str
) -> list[go.Scatter]:
    ring, dot = (11, 7) if len(names) <= _MOST_GAPS else (6, 4)
    rows = (
        ("first frame", [r.first_layer for r in readings], "circle-open", ring),
        ("half of its frames", [r.most_layer for r in readings], "circle", dot),
    )
    marks = [
        go.Scatter(
            name=name,
            x=[i for i, layer in enumerate(layers) if layer is not None],
            y=[layer for layer in layers if layer is not None],
            mode="markers",
            marker={
                "symbol": symbol, "size": size, "color": ink, "line": {"color": ink, "width": 2},
            },
            hoverinfo="skip",
        )
        for name, layers, symbol, size in rows
    ]  # fmt: skip
    silent = [i for i, reading in enumerate(readings) if reading.first_layer is None]
    marks.append(
        go.Scatter(
            name="never",
            x=silent,
            y=[never] * len(silent),
            mode="markers+text" if len(names) <= _MOST_NAMES else "markers",
            text=["never"] * len(silent),
            textposition="bottom center",
            textfont={"size": 10, "color": ink},
            marker={"symbol": "x-thin", "size": ring - 2, "line": {"color": ink, "width": 2}},
            customdata=[names[i] for i in silent],
            hovertemplate="%{customdata}: at no layer the first token<extra></extra>",
        )
    )
    return marks
