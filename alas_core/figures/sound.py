"""The top panels: waveform, mel spectrogram, word tier."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.figures import axes
from alas_core.figures.palette import Palette
from alas_core.figures.views import spread, word_cells, word_view
from alas_core.spectrogram import envelope, mel_spectrogram
from alas_core.types import Analysis

N_MELS = 80
MAX_COLUMNS = 1200
"""Columns of the spectrogram and of the waveform: more than a screen can show."""


def sound_traces(analysis: Analysis, colours: Palette) -> list[go.Heatmap | go.Scatter]:
    """Mel spectrogram on y, waveform on y2; none if the bundle holds no sound."""
    audio = analysis.utterance.audio
    if audio.samples.size == 0:
        return []
    hop_s = max(0.01, math.ceil(audio.duration_s / MAX_COLUMNS * 1000) / 1000)
    decibel = mel_spectrogram(audio, n_mels=N_MELS, hop_s=hop_s)
    low_high = np.round(envelope(audio, min(MAX_COLUMNS, audio.samples.size)), 3)
    time = np.round((np.arange(len(low_high)) + 0.5) * audio.duration_s / len(low_high), 4)
    return [
        go.Heatmap(
            name="mel",
            z=np.round((decibel + 80) * (255 / 80)).astype(np.uint8),
            x0=0,
            dx=hop_s,
            y0=0,
            dy=1,
            xaxis="x",
            yaxis="y",
            zmin=0,
            zmax=255,
            colorscale=colours.sound,
            showscale=False,
            hoverinfo="none",
            zsmooth="fast",
        ),
        go.Scatter(
            name="waveform",
            x=np.concatenate([time, time[::-1]]),
            y=np.concatenate([low_high[:, 0], low_high[::-1, 1]]),
            xaxis="x",
            yaxis="y2",
            mode="lines",
            line={"width": 0.6, "color": colours.waveform},
            fill="toself",
            fillcolor=colours.waveform,
            hoverinfo="skip",
        ),
    ]


def mel_ticks(sample_rate: int) -> dict[str, Any]:
    """Ticks in kilohertz on the axis of mel bands (Slaney's scale, as `mel_spectrogram`)."""

    def mel(hz: float) -> float:
        return hz * 3 / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)

    shown = [hz for hz in (500, 1000, 2000, 4000) if hz < sample_rate / 2]
    bands = [mel(hz) / mel(sample_rate / 2) * (N_MELS + 1) - 1 for hz in shown]
    return {"tickvals": bands, "ticktext": [f"{hz / 1000:g}" for hz in shown]}


def tier_traces(
    analysis: Analysis, score: str, layer: int, colours: Palette
) -> list[go.Heatmap | go.Scatter]:
    """The word tier on y3: each word a cell, coloured by its score at the layer, with its name."""
    _, values = word_view(analysis, score)
    edges, columns, names = word_cells(analysis, values)
    far = spread(columns)
    placed = [word for word in analysis.words if word.placed]
    pixels_a_second = 640 / max(analysis.utterance.audio.duration_s, 1e-3)
    fits = [int((word.end_s - word.start_s) * pixels_a_second / 6.5) for word in placed]
    shown = [
        word.word if len(word.word) <= room else axes.shorten(word.word, room) if room > 2 else ""
        for word, room in zip(placed, fits, strict=True)
    ]
    return [
        go.Heatmap(
            name="tier",
            z=columns[layer : layer + 1],
            x=edges,
            y0=0,
            dy=1,
            xaxis="x",
            yaxis="y3",
            zmin=-far,
            zmax=far,
            colorscale=colours.diverging,
            opacity=0.55,
            showscale=False,
            hoverongaps=False,
            meta={"columns": names, "rows": [""]},
            hovertemplate="%{customdata[0]} · %{z:+.2r}<extra></extra>",
        ),
        _boundaries(analysis, colours),
        go.Scatter(
            name="word labels",
            x=[(word.start_s + word.end_s) / 2 for word in placed],
            y=[0] * len(placed),
            xaxis="x",
            yaxis="y3",
            mode="text",
            text=[axes.escape(text) for text in shown],
            textfont={"size": 11, "color": colours.foreground},
            hoverinfo="skip",
        ),
    ]


def _boundaries(analysis: Analysis, colours: Palette) -> go.Scatter:
    """Thin lines through sound and tier where words begin and end."""
    times = sorted({t for w in analysis.words if w.placed for t in (w.start_s, w.end_s)})
    return go.Scatter(
        name="boundaries",
        x=[t for time in times for t in (time, time, None)],
        y=[-0.5, 0.5, None] * len(times),
        xaxis="x",
        yaxis="y3",
        mode="lines",
        line={"color": colours.muted, "width": 1},
        hoverinfo="skip",
    )
