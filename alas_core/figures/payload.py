"""The sheet for a browser: its figure, and what each layer and each word change in it.

One safetensors file. Metadata `sheet` is JSON: `figure` (plotly), `layers` and `words` (tables of
changes: part of the figure -> name -> attribute -> one value a layer or word; "@name" stands for
the rows of a tensor), and what a reader needs beside the figure. So the browser follows a click
at once, and has nothing to decide: every look and every word of text is made here.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from safetensors.numpy import save

from alas_core.audio import to_flac_bytes
from alas_core.figures import axes
from alas_core.figures.palette import Palette, Theme, colour_at, palette
from alas_core.figures.panels import similarity_hover
from alas_core.figures.profile import verdict
from alas_core.figures.sheet import selection_shapes, sheet_figure, similarity_title
from alas_core.figures.views import Fold, spread, word_cells, word_view
from alas_core.types import Analysis, FloatArray

MAX_FINE_BYTES = 4_000_000
"""Above this the similarity of all layers goes in 255 steps of a layer's range, not in 65535."""

MAX_BYTES = 6_000_000
"""Above this only the asked-for layer's similarity goes: then a change of layer asks the server."""

Tensors = dict[str, np.ndarray[Any, Any]]


def sheet_payload(
    analysis: Analysis,
    *,
    layer: int,
    score: str = "alas",
    fold: Fold = "time",
    theme: Theme = "light",
) -> bytes:
    """All that the browser needs to draw, play and follow the sheet of one analysis.

    Parameters
    ----------
    layer : int
        The layer that the figure is made for; the others come along (see `holds_all_layers`).

    Returns
    -------
    bytes
        A safetensors file with the similarity as (n_layers + 1, n_tokens, n_frames) integers,
        `similarity.low` and `similarity.step` (n_layers + 1,) to read them with, and the sound as
        FLAC.
    """
    figure = sheet_figure(
        analysis, layer=layer, score=score, fold=fold, theme=theme, cell_labels=False
    )
    tensors: Tensors = {"frame_spans": analysis.frame_spans.astype(np.float32)}
    if analysis.utterance.audio.samples.size:
        tensors["audio"] = np.frombuffer(to_flac_bytes(analysis.utterance.audio), dtype=np.uint8)
    sheet = {
        "figure": figure.to_plotly_json(),
        "layers": _layer_changes(analysis, score, tensors),
        "words": _word_changes(analysis),
        "verdicts": [verdict(analysis, score, i) for i in range(analysis.n_layers + 1)],
        "chips": _chips(analysis, score, palette(theme)),
        "analysis": analysis.key.digest,
        "sound": analysis.key.audio_sha,
        "background": palette(theme).background,
        "filename": f"alas-{slug(analysis.utterance.id)}-layer",
        "frame_word": analysis.frame_word.tolist(),
        "token_word": analysis.token_word.tolist(),
    }
    name = sheet_name(analysis, layer=layer, score=score, fold=fold, theme=theme)
    text = json.dumps(sheet, cls=_encoder(), allow_nan=False, separators=(",", ":"))
    return save(
        {k: np.ascontiguousarray(v) for k, v in tensors.items()}, {"sheet": text, "id": name}
    )


def sheet_name(analysis: Analysis, *, layer: int, score: str, fold: Fold, theme: Theme) -> str:
    """The name of a payload: the same for all layers if it carries them all."""
    null = analysis.null.name if analysis.null else analysis.quick_null.name
    drawn = "all" if holds_all_layers(analysis) else str(layer)
    return "/".join((analysis.key.digest[:24], null, score, fold, theme, drawn))


def slug(text: str) -> str:
    """Letters, digits and dashes of a text, for a file name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40] or "utterance"


def holds_all_layers(analysis: Analysis) -> bool:
    """Whether the payload carries the similarity of every layer."""
    return bool(analysis.similarity.size <= MAX_BYTES)


def quantise(similarity: FloatArray) -> Tensors:
    """Integers, and per layer the low end and the step with which to read them back.

    Parameters
    ----------
    similarity : np.ndarray [shape=(n_layers + 1, ...), floating]

    Returns
    -------
    dict
        `similarity` (uint16, or uint8 above `MAX_FINE_BYTES`), `similarity.low` and
        `similarity.step` (float32): value = low + step * integer, off by half a step at most.
    """
    kind: type[np.unsignedinteger[Any]]
    kind = np.uint16 if similarity.size * 2 <= MAX_FINE_BYTES else np.uint8
    values = similarity.astype(np.float32)
    rest = tuple(range(1, values.ndim))
    low, high = values.min(axis=rest), values.max(axis=rest)
    step = np.maximum(high - low, 1e-6) / np.iinfo(kind).max
    shape = (-1,) + (1,) * len(rest)
    steps = np.rint((values - low.reshape(shape)) / step.reshape(shape)).astype(kind)
    return {
        "similarity": steps,
        "similarity.low": low.astype(np.float32),
        "similarity.step": step.astype(np.float32),
    }


def _layer_changes(analysis: Analysis, score: str, tensors: Tensors) -> dict[str, Any]:
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
        "similarity": {"hovertemplate": [similarity_hover(i) for i in layers]},
    }
    if holds_all_layers(analysis):
        tensors |= quantise(analysis.similarity.transpose(0, 2, 1))
        data["similarity"]["z"] = "@similarity"
    bands = [selection_shapes(analysis, i, None)[0] for i in layers]
    return {
        "data": data,
        "annotations": {"tokens title": {"text": [similarity_title(i) for i in layers]}},
        "shapes": {"layer": {side: [band[side] for band in bands] for side in ("y0", "y1")}},
    }


def _word_changes(analysis: Analysis) -> dict[str, Any]:
    """What a change of word changes in the figure."""
    shapes = [selection_shapes(analysis, 0, word)[1:] for word in range(len(analysis.words))]
    changes: dict[str, Any] = {}
    for place, (name, sides) in enumerate((("word", "x"), ("word tokens", "y"))):
        wanted = (f"{sides}0", f"{sides}1", "visible")
        changes[name] = {side: [shape[place][side] for shape in shapes] for side in wanted}
    return {"shapes": changes}


def _chips(analysis: Analysis, score: str, colours: Palette) -> list[dict[str, Any]]:
    """The transcript's words: raw text, span, and colour and value at each layer."""
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
                "values": [axes.number(value) for value in column],
            }
        )
    return chips


def _encoder() -> type[json.JSONEncoder]:
    # plotly's encoder writes its arrays and turns nan into null, which JSON has no word for
    from plotly.utils import PlotlyJSONEncoder

    encoder: type[json.JSONEncoder] = PlotlyJSONEncoder
    return encoder
