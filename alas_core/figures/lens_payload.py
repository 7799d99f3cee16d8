"""The read-out for a browser: the first tokens of every layer and position, and how to draw them.

One file of `alas_core.figures.linked.pack`, as the sheet's, with a head of its own.
The browser follows a click at once and decides nothing: texts, colours and names come from here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from plotly.colors import sample_colorscale

from alas_core.figures import axes
from alas_core.figures.linked import pack
from alas_core.figures.palette import REFERENCE, SELECTION, SIMILARITY, TEXT, Theme, palette
from alas_core.figures.sheet import LEFT, RIGHT
from alas_core.fingerprint import fingerprint
from alas_core.types import Analysis, Lens

_STEPS = 65535
"""Values go as 16-bit steps of [0, 1]; ranks beyond are as good as last."""

MARGINS = {"left": 86, "right": 12}
"""Pixels beside the plot, as on the sheet: one second stands under the other."""

_HEAD_PX, _FOOT_PX, _BAR_PX = 24, 34, 44
_SHADES = 64
_WHITE = {"\n": "↵", "\t": "⇥", "\r": "↵"}


def lens_name(analysis: Analysis, theme: Theme) -> str:
    """The name of a payload: all that it depends on."""
    return "/".join(("lens", fingerprint(analysis), theme))


def lens_payload(analysis: Analysis, lens: Lens, *, theme: Theme = "light") -> bytes:
    """All that the browser needs to draw and follow the read-out of one analysis.

    Parameters
    ----------
    lens : of this analysis

    Returns
    -------
    bytes
        A safetensors file: `tops` (n_layers + 1, n_positions, 10) index into `vocabulary`,
        `values` in 65535 steps of [0, 1] (a cosine below 0 as 0), `own_rank` and `next_rank`
        (n_layers + 1, n_positions) cut at 65535, `frame_cells` (n_frames, 2) in seconds.
    """
    colours = palette(theme)
    kind = np.uint16 if len(lens.vocabulary) <= _STEPS else np.uint32
    tensors = {
        "tops": lens.tops.astype(kind),
        "values": _steps(lens.values),
        "own_rank": np.minimum(lens.own_rank, _STEPS).astype(np.uint16),
        "next_rank": np.minimum(lens.next_rank, _STEPS).astype(np.uint16),
        "frame_cells": axes.frame_cells(analysis).astype(np.float32),
    }
    about: dict[str, Any] = {
        "analysis": analysis.key.digest,
        "vocabulary": [token_label(text) for text in lens.vocabulary],
        "words": [
            {"text": word.word, "span": [word.start_s, word.end_s] if word.placed else None}
            for word in analysis.words
        ],
        "frames": axes.frame_labels(analysis),
        "tokens": [" ".join(token.text.split()) or "␣" for token in analysis.tokens],
        "frame_word": analysis.frame_word.tolist(),
        "token_word": analysis.token_word.tolist(),
        "time": axes.time_title(analysis),
        "row_px": _row_px(analysis.n_layers),
        "end_s": max(analysis.utterance.audio.duration_s, float(analysis.frame_spans[-1, 1])),
        "place": {**MARGINS, "grid": LEFT[1], "detail": RIGHT[0]},
        "shades": sample_colorscale(SIMILARITY, _SHADES, colortype="rgb"),
        "colours": {
            "own": REFERENCE,
            "next": TEXT,
            "chosen": SELECTION,
            "ink": colours.foreground,
            "muted": colours.muted,
            "line": colours.grid,
            "paper": colours.background,
        },
        "font": axes.FONT,
    }
    return pack(lens_name(analysis, theme), about, tensors)


def lens_height(n_layers: int) -> int:
    """Height of the read-out in pixels."""
    return _BAR_PX + _HEAD_PX + (n_layers + 1) * _row_px(n_layers) + _FOOT_PX


def _row_px(n_layers: int) -> int:
    return max(14, min(38, round(400 / (n_layers + 1))))


def token_label(text: str) -> str:
    """A token as a reader sees it: without the space before it, white space alone made visible."""
    shown = "".join(_WHITE.get(char, char) for char in text)
    return " ".join(shown.split()) or "␣" * len(shown) or "∅"


def _steps(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    unit = np.clip(values.astype(np.float32), 0.0, 1.0)
    steps: np.ndarray[Any, Any] = np.rint(unit * _STEPS).astype(np.uint16)
    return steps
