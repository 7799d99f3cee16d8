"""Two figures on the reference: onsets against a second one, and ALAS with boundaries moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.figures import axes
from alas_core.figures.palette import REFERENCE, SELECTION, Theme, palette
from alas_core.numerals import number
from alas_core.quality import Quality
from alas_core.reference.agreement import ReferenceAgreement
from alas_core.types import Analysis

HEIGHT = 280
_MOST_LABELS = 24


def agreement_figure(
    analysis: Analysis,
    agreement: ReferenceAgreement,
    *,
    word: int | None = None,
    theme: Theme = "light",
) -> go.Figure:
    """A bar a word: its onset in the second reference minus that in the analysis's own.

    The grey band is one audio frame to either side; a word without a bar has no place in one of
    the two.
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    labels = axes.word_labels(analysis)
    frame_ms = 1000 / analysis.model.frame_rate_hz
    step = -(-len(labels) // _MOST_LABELS)
    farthest = agreement.max_onset_ms if agreement.n_compared else 0.0
    reach = 1.15 * max(farthest, 1.2 * frame_ms)
    shown = list(range(0, len(labels), step))
    figure = axes.blank_figure(
        theme,
        height=HEIGHT,
        margin={"l": 56, "r": 16, "t": 8, "b": 72},
        xaxis={
            **look,
            "tickvals": shown,
            "ticktext": [axes.escape(axes.shorten(analysis.words[k].word, 12)) for k in shown],
            "range": [-0.6, len(labels) - 0.4],
            "title": {"text": "word"},
        },
        yaxis={
            **look,
            "title": {"text": "onset, second − first (ms)"},
            "range": [-reach, reach],
            "zeroline": False,
        },
        shapes=[_band(-frame_ms, frame_ms, colours.band)],
        annotations=[_band_label("one audio frame", frame_ms, colours.muted)],
    )
    figure.add_hline(y=0, line={"color": colours.muted, "width": 1})
    bars = [SELECTION if k == word else REFERENCE for k in range(len(labels))]
    axes.mark_word(figure, word)  # one without a difference has no bar to colour
    missing = "no place in one of the two"
    figure.add_trace(
        go.Bar(
            name="onsets",
            x=list(range(len(labels))),
            y=np.round(agreement.onset_ms, 2),
            marker={"color": bars},
            customdata=[
                f"{label}: {number(value)} ms" if np.isfinite(value) else f"{label}: {missing}"
                for label, value in zip(labels, agreement.onset_ms.tolist(), strict=True)
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    return figure


def jitter_figure(
    analysis: Analysis, quality: Quality, *, layer: int, theme: Theme = "light"
) -> go.Figure:
    """ALAS of a layer with every boundary moved at random: a point a draw, a line for the mean.

    The grey band is what wrong words reach.
    """
    colours = palette(theme)
    look = axes.axis_look(colours)
    null = analysis.main_null
    score = float(analysis.scores["alas"][layer])
    rows = np.asarray(quality.jittered[:, :, layer], dtype=float)
    places = np.arange(1, len(rows) + 1)
    figure = axes.blank_figure(
        theme,
        height=HEIGHT,
        margin={"l": 56, "r": 16, "t": 8, "b": 48},
        xaxis={
            **look,
            "tickvals": [0, *places.tolist()],
            "ticktext": ["as it is", *(f"±{jitter:g} ms" for jitter in quality.jitters_ms)],
            "range": [-0.5, len(rows) + 0.5],
            "showgrid": False,
            "zeroline": False,
            "title": {"text": "every boundary moved by up to"},
        },
        yaxis={**look, "title": {"text": f"ALAS at layer {layer}"}},
        shapes=[_band(float(null.low[layer]), float(null.high[layer]), colours.band)],
        annotations=[_band_label(null.name, float(null.high[layer]), colours.muted)],
    )
    spread = np.linspace(-0.22, 0.22, rows.shape[1])
    figure.add_trace(
        go.Scatter(
            name="draws",
            x=(places[:, None] + spread).ravel(),
            y=rows.ravel(),
            mode="markers",
            marker={"color": colours.waveform, "size": 5},
            hovertemplate="one draw: ALAS %{y:.2r}<extra></extra>",
        )
    )
    means = [score, *np.nanmean(rows, axis=1).tolist()]
    figure.add_trace(
        go.Scatter(
            name="mean",
            x=[0, *places.tolist()],
            y=means,
            mode="lines+markers",
            line={"color": colours.foreground, "width": 2},
            marker={"color": colours.foreground, "size": 8},
            hovertemplate="%{customdata}<extra></extra>",
            customdata=[f"mean: ALAS {number(value)}" for value in means],
        )
    )
    return figure


def _band(low: float, high: float, colour: str) -> dict[str, Any]:
    return {
        "type": "rect", "x0": 0, "x1": 1, "xref": "x domain", "y0": low, "y1": high,
        "fillcolor": colour, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _band_label(name: str, high: float, colour: str) -> dict[str, Any]:
    return {
        "text": axes.escape(name), "x": 1, "xref": "x domain", "xanchor": "right", "y": high,
        "yanchor": "bottom", "showarrow": False, "font": {"size": 11, "color": colour},
    }  # fmt: skip
