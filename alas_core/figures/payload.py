"""The sheet for a browser: its figure, and what each layer and each word change in it.

See `alas_core.figures.linked` for the form; beside figure and changes it holds the words as chips,
a sentence for each layer, the sound, and which word each frame and token belongs to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alas_core.audio import to_flac_bytes
from alas_core.figures import axes
from alas_core.figures.cells import Cells, token_cells
from alas_core.figures.linked import Tensors, pack, quantise, slug
from alas_core.figures.palette import Palette, Theme, colour_at, palette
from alas_core.figures.panels import similarity_hover
from alas_core.figures.profile import verdict
from alas_core.figures.sheet import (
    lacking_title,
    selection_shapes,
    sheet_figure,
    similarity_title,
    waiting_title,
)
from alas_core.figures.views import Fold, spread, word_cells, word_score, word_view
from alas_core.fingerprint import fingerprint
from alas_core.mistakes import nearest_other
from alas_core.numerals import counted, number
from alas_core.spectrogram import envelope
from alas_core.types import Analysis, FloatArray

MAX_BYTES = 6_000_000
"""Above this only the asked-for layer's similarity goes: then a change of layer asks the server."""

MAX_ALONE_BYTES = 30_000_000
"""The same for a file that has no server to ask: as base64 it has some 40 MB then."""

_BEHIND = 0.3
"""Opacity of a similarity map that is not of the chosen layer."""


def sheet_payload(
    analysis: Analysis,
    *,
    layer: int,
    score: str = "alas",
    fold: Fold = "time",
    cells: Cells = "cosine",
    theme: Theme = "light",
    alone: bool = False,
) -> bytes:
    """All that the browser needs to draw, play and follow the sheet of one analysis.

    Parameters
    ----------
    layer : int
        The layer that the figure is made for; the others come along (see `holds_all_layers`).
    alone : bool
        Whether the sheet is read without a server: then more layers come along, and those that do
        not will never come.

    Returns
    -------
    bytes
        A safetensors file with the similarity as (n_layers + 1, n_tokens, n_frames) integers,
        `similarity.low` and `similarity.step` (n_layers + 1,) to read them with, the sound as FLAC,
        and of each frame when it sounds and where it is drawn: `frame_spans`, `frame_cells`.
    """
    figure = sheet_figure(
        analysis, layer=layer, score=score, fold=fold, cells=cells, theme=theme, cell_labels=False
    )
    tensors: Tensors = {
        "frame_spans": analysis.frame_spans.astype(np.float32),
        "frame_cells": axes.frame_cells(analysis).astype(np.float32),
    }
    sheet = {
        "lane": _lane(analysis, palette(theme), tensors),
        "figure": figure.to_plotly_json(),
        "changes": {
            "layers": _layer_changes(analysis, score, layer, cells, tensors, alone),
            "words": _word_changes(analysis, score, tensors),
            **_cell_changes(analysis),
        },
        "drawn_layer": layer,
        "verdicts": [verdict(analysis, score, i) for i in range(analysis.n_layers + 1)],
        "chips": _chips(analysis, score, palette(theme)),
        "word_score": word_score(analysis, score),
        "analysis": analysis.key.digest,
        "sound": analysis.key.audio_sha,
        "background": palette(theme).background,
        "filename": f"alas-{slug(analysis.utterance.id)}-layer",
        "frame_word": analysis.frame_word.tolist(),
        "token_word": analysis.token_word.tolist(),
    }
    name = sheet_name(
        analysis, layer=layer, score=score, fold=fold, cells=cells, theme=theme, alone=alone
    )
    return pack(name, sheet, tensors)


def sheet_name(
    analysis: Analysis,
    *,
    layer: int,
    score: str,
    fold: Fold,
    theme: Theme,
    cells: Cells = "cosine",
    alone: bool = False,
) -> str:
    """The name of a payload: the same for all layers if it carries them all."""
    null = analysis.main_null.name
    drawn = "all" if holds_all_layers(analysis, alone) else str(layer)
    return "/".join((fingerprint(analysis), null, score, fold, cells, theme, drawn))


def holds_all_layers(analysis: Analysis, alone: bool = False) -> bool:
    """Whether the payload carries the similarity of every layer."""
    return bool(analysis.similarity.size <= (MAX_ALONE_BYTES if alone else MAX_BYTES))


def _layer_changes(
    analysis: Analysis, score: str, layer: int, cells: Cells, tensors: Tensors, alone: bool
) -> dict[str, Any]:
    """What a change of layer changes in the figure; adds the tensors it names."""
    layers = range(analysis.n_layers + 1)
    _, words = word_view(analysis, score)
    tensors["tier"] = word_cells(analysis, words)[1][:, None, :].astype(np.float32)
    tensors["hits"] = analysis.token_scores["hit_rate"].astype(np.float32)
    path = np.append(analysis.paths, analysis.paths[:, -1:], axis=1).astype(np.float32)
    path[path < 0] = np.nan
    tensors["path"] = path
    data: dict[str, dict[str, Any]] = {
        "tier": {"z": "@tier"},
        "token hits": {"x": "@hits"},
        "path": {"y": "@path"},
        "path halo": {"y": "@path"},
    }
    titles = [similarity_title(i, cells) for i in layers]
    if holds_all_layers(analysis, alone):
        tensors |= quantise("similarity", token_cells(analysis, cells).transpose(0, 2, 1))
        hover = [similarity_hover(i, cells) for i in layers]
        data["similarity"] = {"hovertemplate": hover, "z": "@similarity"}
    else:  # what stays behind, until the server has sent more or for good, says so
        behind = lacking_title if alone else waiting_title
        titles = [titles[i] if i == layer else behind(i, layer, cells) for i in layers]
        data["similarity"] = {"opacity": [1.0 if i == layer else _BEHIND for i in layers]}
    bands = [selection_shapes(analysis, i, None)[0] for i in layers]
    return {
        "data": data,
        "annotations": {"tokens title": {"text": titles}},
        "shapes": {"layer": {side: [band[side] for band in bands] for side in ("y0", "y1")}},
    }


def _word_changes(analysis: Analysis, score: str, tensors: Tensors) -> dict[str, Any]:
    """What a change of word changes in the figure; adds the tensor it names."""
    shapes = [selection_shapes(analysis, 0, word)[1:] for word in range(len(analysis.words))]
    changes: dict[str, Any] = {}
    for place, (name, sides) in enumerate((("word", "x"), ("word tokens", "y"))):
        wanted = (f"{sides}0", f"{sides}1", "visible")
        changes[name] = {side: [shape[place][side] for shape in shapes] for side in wanted}
    if score not in analysis.word_scores:
        return {"shapes": changes}
    tensors["word_profile"] = analysis.word_scores[score].T.astype(np.float32)
    names = axes.word_labels(analysis)
    line = {"x": "@word_profile", "text": names, "visible": [True] * len(names)}
    return {"shapes": changes, "data": {"word profile": line}}


MAX_PEAKS = 12_000
"""Highest and lowest points of the waveform that travel: fine enough for a zoom of ten times."""


def _lane(analysis: Analysis, colours: Palette, tensors: Tensors) -> dict[str, Any] | None:
    """What the player needs beside the sound, which joins the tensors; None without sound."""
    audio = analysis.utterance.audio
    if not audio.samples.size:
        return None
    tensors["audio"] = np.frombuffer(to_flac_bytes(audio), dtype=np.uint8)
    low_high = envelope(audio, min(MAX_PEAKS, audio.samples.size))
    peak = float(np.abs(low_high).max()) or 1.0
    up_down = np.stack([low_high[:, 1], -low_high[:, 0]]).clip(0)
    tensors["peaks"] = np.rint(up_down / peak * 255).astype(np.uint8)
    return {
        "duration": audio.duration_s,
        "sampleRate": audio.sample_rate,
        "peak": peak,
        "colour": colours.waveform,
    }


def _cell_changes(analysis: Analysis) -> dict[str, Any]:
    """What a change of frame and of token changes in the figure: a thin mark across all panels."""
    cells = axes.frame_cells(analysis)
    rows = np.arange(analysis.n_tokens)
    return {
        "frames": {"shapes": {"frame": _range("x", cells[:, 0], cells[:, 1])}},
        "tokens": {"shapes": {"token": _range("y", rows - 0.5, rows + 0.5)}},
    }


def _range(side: str, low: FloatArray, high: FloatArray) -> dict[str, Any]:
    return {f"{side}0": low.tolist(), f"{side}1": high.tolist(), "visible": [True] * len(low)}


def _chips(analysis: Analysis, score: str, colours: Palette) -> list[dict[str, Any]]:
    """The transcript's words: raw text, span, and what is to be said of each at each layer."""
    layers = range(analysis.n_layers + 1)
    _, values = word_view(analysis, score)
    far = spread(values)
    chips = []
    for index, word in enumerate(analysis.words):
        column = values[:, index]
        shown = [None if np.isnan(v) else colour_at(colours.diverging, 0.5 + v / far / 2)
                 for v in column]  # fmt: skip
        chips.append(
            {
                "text": word.word,
                "span": [word.start_s, word.end_s] if word.placed else None,
                "problem": "" if word.placed else word.problem or "not placed by the reference",
                "colours": shown,
                "values": [number(value) for value in column],
                "taken_for": [_taken_for(analysis, index, layer) for layer in layers],
                "shift": [_shift(analysis, index, layer) for layer in layers],
            }
        )
    return chips


def _taken_for(analysis: Analysis, word: int, layer: int) -> str:
    other, count, n_frames = nearest_other(analysis, word, layer)
    if other is None:
        return ""
    return f"taken for ‘{analysis.words[other].word}’ in {count} of {counted(n_frames, 'frame')}"


def _shift(analysis: Analysis, word: int, layer: int) -> str:
    """How much later than the reference the path begins a word; "" where it never does."""
    shifts = analysis.word_scores.get("onset_shift_ms")
    if shifts is None or np.isnan(shifts[layer, word]):
        return ""
    shift = round(float(shifts[layer, word]))
    return f"onset shift {f'{shift:+d}' if shift else 0} ms".replace("-", "−")
