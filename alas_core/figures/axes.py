"""What the figures share: safe text, two digits, edges of cells, ticks, hover labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from alas_core.definitions import SCORES
from alas_core.figures.palette import SELECTION, Palette, Theme, palette
from alas_core.types import NO_WORD, Analysis, FloatArray, IntArray

FONT = "Source Sans, Source Sans Pro, Noto Sans, sans-serif"
FONT_SIZE = 12
MAX_TOKEN_LABELS = 30
"""Beyond this many tokens only every second, third ... is labelled; hover names them all."""

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"})


def escape(text: object) -> str:
    """Text of users, files and models as Plotly shows it letter by letter, on one line.

    Plotly reads a subset of HTML, and LaTeX between dollar signs, in every label it draws.
    """
    return " ".join(str(text).split()).translate(_ENTITIES)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, the last of them an ellipsis if any were cut. Not escaped."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def span_label(start_s: float, end_s: float) -> str:
    """A span of time for a hover text, such as "0.84 s – 0.88 s"."""
    return f"{start_s:.2f} s – {end_s:.2f} s"


def frame_labels(analysis: Analysis) -> list[str]:
    """The span of each frame, in words; where frames share one, also which of them it is."""
    labels = [span_label(start, end) for start, end in analysis.frame_spans.tolist()]
    place, count = _in_window(analysis.frame_spans)
    return [
        f"{label}, frame {k + 1} of {n} of this window" if n > 1 else label
        for label, k, n in zip(labels, place.tolist(), count.tolist(), strict=True)
    ]


def time_title(analysis: Analysis) -> str:
    """Title of an axis of seconds; of a part of a recording it says which. Not escaped."""
    part = analysis.utterance.part
    return f"time (s) within {part} s of the recording" if part else "time (s)"


def time_unit(analysis: Analysis) -> str:
    """The same where there is no room for which part it is."""
    return "time in part (s)" if analysis.utterance.part else "time (s)"


def token_texts(analysis: Analysis) -> list[str]:
    """Each token as a reader sees it, escaped; a piece inside a word begins with "·"."""
    texts = []
    words = analysis.token_word.tolist()
    for index, token in enumerate(analysis.tokens):
        inside = index > 0 and words[index] != NO_WORD and words[index] == words[index - 1]
        shown = escape(token.text) or "␣"
        texts.append(f"·{shown}" if inside else shown)
    return texts


def word_labels(analysis: Analysis) -> list[str]:
    """Each word, escaped and quoted for hover texts."""
    return [f"‘{escape(word.word)}’" for word in analysis.words]


def score_label(name: str) -> str:
    """Label and unit of a score for an axis, such as "Onset error (ms)"."""
    score = SCORES[name]
    return f"{score.label} ({score.unit})" if score.unit else score.label


def frame_cells(analysis: Analysis) -> FloatArray:
    """Where each frame is drawn and clicked: (n_frames, 2) seconds, none of them empty.

    Frames that look at one window together (`FrameGrid.per_window`) share its span evenly, in
    their order; drawn as they sound, they would lie on each other. Heard is the whole span.
    """
    spans = analysis.frame_spans.astype(np.float64)
    place, count = _in_window(spans)
    step = (spans[:, 1] - spans[:, 0]) / count
    cells: FloatArray = spans[:, :1] + step[:, None] * (place[:, None] + np.array([0, 1]))
    return cells


def _in_window(spans: FloatArray) -> tuple[IntArray, IntArray]:
    """Which of the frames with its span each frame is, and how many these are."""
    first = np.ones(len(spans), dtype=bool)
    first[1:] = (np.diff(spans, axis=0) != 0).any(axis=1)
    window = np.cumsum(first) - 1
    return np.arange(len(spans)) - np.flatnonzero(first)[window], np.bincount(window)[window]


def frame_edges(analysis: Analysis) -> FloatArray:
    """The n_frames + 1 edges of the frames' cells in seconds, for a heatmap."""
    cells = frame_cells(analysis)
    return np.append(cells[:, 0], cells[-1:, 1])


def token_blocks(analysis: Analysis) -> list[tuple[int, int] | None]:
    """First and last token of each word, or None for a word without tokens."""
    blocks: list[tuple[int, int] | None] = []
    for index in range(len(analysis.words)):
        own = np.flatnonzero(analysis.token_word == index)
        blocks.append((int(own[0]), int(own[-1])) if own.size else None)
    return blocks


def layer_axis(n_layers: int, **rest: Any) -> dict[str, Any]:
    """A vertical axis of layers, 0 at the top, with at most about ten labels."""
    step = next(s for s in (1, 2, 4, 5, 8, 10, 16, 20, 50) if n_layers / s <= 10 or s == 50)
    return {
        "title": {"text": "layer", "standoff": 6},
        "range": [n_layers + 0.5, -0.5],
        "tickmode": "array",
        "tickvals": list(range(0, n_layers + 1, step)),
        "fixedrange": True,
        "zeroline": False,
        "showgrid": False,
        **rest,
    }


def token_axis(analysis: Analysis, **rest: Any) -> dict[str, Any]:
    """A vertical axis of tokens, the first at the top, thinned beyond `MAX_TOKEN_LABELS`."""
    n_tokens = analysis.n_tokens
    step = math.ceil(n_tokens / MAX_TOKEN_LABELS)
    shown = list(range(0, n_tokens, step))
    texts = token_texts(analysis)
    raw = [" ".join(token.text.split()) for token in analysis.tokens]
    labels = [
        texts[k] if len(raw[k]) <= _TOKEN_CHARACTERS else escape(shorten(raw[k], _TOKEN_CHARACTERS))
        for k in shown
    ]
    return {
        "title": {"text": "token", "standoff": 4},
        "range": [n_tokens - 0.5, -0.5],
        "tickmode": "array",
        "tickvals": shown,
        "ticktext": labels,
        "tickfont": {"size": 11 if n_tokens <= 26 else 10},
        "zeroline": False,
        "showgrid": False,
        **rest,
    }


_TOKEN_CHARACTERS = 11


def blank_figure(theme: Theme, height: int, **layout: Any) -> go.Figure:
    """An empty figure with the fonts, colours and manners of all figures."""
    colours = palette(theme)
    return go.Figure(
        layout={
            "template": {
                "layout": {f"{side}axis": {"title": {"font": {"size": FONT_SIZE}}} for side in "xy"}
            },
            "height": height,
            "font": {"family": FONT, "size": FONT_SIZE, "color": colours.foreground},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "showlegend": False,
            "hovermode": "closest",
            "hoverlabel": {
                "bgcolor": colours.background,
                "bordercolor": colours.muted,
                "font": {"color": colours.foreground, "size": FONT_SIZE, "family": FONT},
                "align": "left",
                "namelength": 0,
            },
            **layout,
        }
    )


def axis_look(colours: Palette) -> dict[str, Any]:
    """The look that every axis of a figure shares."""
    return {
        "color": colours.muted,
        "gridcolor": colours.grid,
        "linecolor": colours.grid,
        "zerolinecolor": colours.grid,
        "ticks": "",
        "ticklabelstandoff": 3,
        "tickfont": {"size": 11},
    }


def bar_above(right: float, top: float, colours: Palette) -> dict[str, Any]:
    """A small colour bar in the line above a panel, at its right end.

    Parameters
    ----------
    right, top : of the panel, as shares of the figure
    """
    return {
        "orientation": "h",
        "x": right,
        "xanchor": "right",
        "y": top,
        "yanchor": "bottom",
        "ypad": 3,
        "xpad": 0,
        "len": 0.2,
        "thickness": 7,
        "nticks": 4,
        "ticklabelposition": "outside top",
        "tickfont": {"size": 10, "color": colours.muted},
        "outlinewidth": 0,
        "ticks": "",
    }


def spread_labels(rows: Sequence[str], columns: Sequence[str]) -> list[list[list[str]]]:
    """Row and column label of each cell, as a heatmap's `customdata`."""
    return [[[column, row] for column in columns] for row in rows]


def mark_word(figure: go.Figure, column: int | None) -> None:
    """A frame around the column of the chosen word; unseen where none is, for the page to move."""
    at = column or 0
    figure.add_vrect(
        x0=at - 0.5, x1=at + 0.5, line={"color": SELECTION, "width": 2}, name="word",
        visible=column is not None,
    )  # fmt: skip
