"""Frames and tokens of one layer as points, each word's frames tied to its tokens."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from alas_core.errors import InputError
from alas_core.figures import axes
from alas_core.figures.palette import (
    AUDIO,
    REFERENCE,
    SELECTION,
    SIMILARITY,
    TEXT,
    WORDS,
    Palette,
    Theme,
    palette,
)
from alas_core.types import NO_WORD, Analysis, FloatArray, IntArray

Colour = Literal["modality", "word", "time", "correct"]

MAP_HEIGHT = 480


def map_figure(
    analysis: Analysis,
    points: FloatArray,
    *,
    layer: int,
    word: int | None = None,
    colour: Colour = "modality",
    lines: bool = True,
    theme: Theme = "light",
) -> go.Figure:
    """Audio frames (circles) and text tokens (diamonds) in two or three dimensions.

    Parameters
    ----------
    points : np.ndarray [shape=(n_frames + n_tokens, 2 or 3)]
        Frames first, as `analysis.coords[layer]` or `alas_core.projection.umap` give them.
    layer : the layer the points come from; it decides which frames count as correct.
    word : index of the word to bring forward, or None.
    colour : "modality" audio and text; "word" a colour each; "time" of the frame, tokens by the
        middle of their word; "correct" frames whose nearest token is in the spoken word.
    lines : whether each word's frames are tied to its tokens.

    Raises
    ------
    InputError
        If the points do not match the analysis.
    """
    expected = analysis.n_frames + analysis.n_tokens
    if points.ndim != 2 or points.shape[0] != expected or points.shape[1] not in (2, 3):
        raise InputError(
            f"points have shape {points.shape}, expected ({expected}, 2) or ({expected}, 3): "
            "frames first, then tokens; project this analysis again"
        )
    colours = palette(theme)
    points = np.asarray(points, dtype=np.float32)
    figure = axes.blank_figure(
        theme, MAP_HEIGHT, **_layout(points.shape[1], colours), uirevision=analysis.key.digest
    )
    if lines:
        figure.add_traces(_lines(analysis, points, word, colours))
    shades = _shades(analysis, layer, colour, colours)
    figure.add_traces(_clouds(analysis, points, layer, shades, colours))
    if word is not None:
        figure.add_trace(_chosen(analysis, points, word))
    return figure


def _layout(dimensions: int, colours: Palette) -> dict[str, Any]:
    look = {**axes.axis_look(colours), "showticklabels": False, "zeroline": False, "ticks": ""}
    names = ("x", "y", "z")[:dimensions]
    made = {
        f"{name}axis": {**look, "title": {"text": f"component {place} (no unit)"}}
        for place, name in enumerate(names, start=1)
    }
    if dimensions == 3:
        for axis in made.values():
            del axis["ticklabelstandoff"]  # not known in three dimensions
            axis["backgroundcolor"] = "rgba(0,0,0,0)"
        made = {"scene": made}
    return {
        **made,
        "margin": {"l": 28, "r": 8, "t": 28, "b": 28},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yanchor": "bottom",
            "itemsizing": "constant",
            "font": {"color": colours.foreground},
        },
    }


def _scatter(points: FloatArray, **rest: Any) -> go.Scatter | go.Scatter3d:
    columns = dict(zip("xyz", points.T, strict=False))
    return (go.Scatter if points.shape[1] == 2 else go.Scatter3d)(**columns, **rest)


def _lines(
    analysis: Analysis, points: FloatArray, word: int | None, colours: Palette
) -> list[go.Scatter | go.Scatter3d]:
    """From each frame to the middle of its word's tokens; the chosen word's in its own colour."""
    frames, tokens = points[: analysis.n_frames], points[analysis.n_frames :]
    rest: list[FloatArray] = []
    chosen: list[FloatArray] = []
    for index in range(len(analysis.words)):
        own = analysis.token_word == index
        if not own.any():
            continue
        middle = tokens[own].mean(axis=0)
        (chosen if index == word else rest).extend(
            row for frame in frames[analysis.frame_word == index]
            for row in (frame, middle, np.full_like(middle, np.nan))
        )  # fmt: skip
    made = []
    for name, rows, look in (
        ("frame to its word", rest, {"color": colours.muted, "width": 0.7}),
        ("chosen word", chosen, {"color": SELECTION, "width": 1.6}),
    ):
        if rows:
            made.append(
                _scatter(
                    np.stack(rows), name=name, mode="lines", line=look, hoverinfo="skip",
                    opacity=0.45 if rows is rest else 0.9, showlegend=rows is rest,
                )
            )  # fmt: skip
    return made


def _shades(
    analysis: Analysis, layer: int, colour: Colour, colours: Palette
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The colour of each frame and of each token, as parts of a marker."""
    if colour == "word":
        return (
            {"color": _word_colours(analysis.frame_word, colours)},
            {"color": _word_colours(analysis.token_word, colours)},
        )
    if colour == "time":
        times = analysis.frame_spans.mean(axis=1)
        middles = [(w.start_s + w.end_s) / 2 if w.placed else np.nan for w in analysis.words]
        of_token = np.array([*middles, np.nan], dtype=float)[analysis.token_word]
        scale = {"colorscale": SIMILARITY, "cmin": 0.0, "cmax": float(times.max())}
        bar = {"title": {"text": "time (s)"}, "thickness": 8, "outlinewidth": 0}
        return {"color": times, **scale, "colorbar": bar}, {"color": of_token, **scale}
    if colour == "correct":
        hits = analysis.frame_scores["hit_rate"][layer]
        names = [colours.muted if np.isnan(hit) else REFERENCE if hit else TEXT for hit in hits]
        return {"color": names}, {"color": colours.foreground}
    return {"color": AUDIO}, {"color": TEXT}


def _word_colours(words: IntArray, colours: Palette) -> list[str]:
    return [colours.muted if w == NO_WORD else WORDS[w % len(WORDS)] for w in words.tolist()]


def _clouds(
    analysis: Analysis,
    points: FloatArray,
    layer: int,
    shades: tuple[dict[str, Any], dict[str, Any]],
    colours: Palette,
) -> list[go.Scatter | go.Scatter3d]:
    n_frames = analysis.n_frames
    words = axes.word_labels(analysis)
    spoken = [
        f"{span} · {words[word] if word != NO_WORD else 'no word'}"
        for span, word in zip(axes.frame_labels(analysis), analysis.frame_word, strict=True)
    ]
    texts = axes.token_texts(analysis)
    small = {"line": {"width": 0}, "size": 6 if points.shape[1] == 2 else 3, "opacity": 0.8}
    large = {
        "line": {"width": 1, "color": colours.background},
        "symbol": "diamond",
        "size": 11 if points.shape[1] == 2 else 6,
    }
    return [
        _scatter(
            points[:n_frames],
            name="audio frame",
            mode="markers",
            marker={**small, "symbol": "circle", **shades[0]},
            customdata=spoken,
            hovertemplate="%{customdata} · layer " + str(layer) + "<extra></extra>",
        ),
        _scatter(
            points[n_frames:],
            name="text token",
            mode="markers+text" if analysis.n_tokens <= 2 * axes.MAX_TOKEN_LABELS else "markers",
            marker={**large, **shades[1]},
            text=texts,
            textposition="top center",
            textfont={"size": 11, "color": colours.foreground},
            hovertemplate="token ‘%{text}’ · layer " + str(layer) + "<extra></extra>",
        ),
    ]


def _chosen(analysis: Analysis, points: FloatArray, word: int) -> go.Scatter | go.Scatter3d:
    """Rings around the chosen word's frames and tokens."""
    own = np.concatenate([analysis.frame_word == word, analysis.token_word == word])
    return _scatter(
        points[own],
        name=f"chosen: {axes.escape(analysis.words[word].word)}",
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 13 if points.shape[1] == 2 else 6,
            "color": SELECTION,
            "line": {"width": 2, "color": SELECTION},
        },
        hoverinfo="skip",
    )
