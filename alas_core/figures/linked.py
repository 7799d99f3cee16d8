"""What a browser needs to draw a figure and to follow layer, word, frame and token in it.

One safetensors file. Metadata `sheet` is JSON: `figure` (plotly) and `changes`, a table for each
of "layers", "words", "frames" and "tokens": part of the figure ("data", "shapes", "annotations")
-> name -> attribute -> one value for each layer (word, ...); part "layout" -> attribute -> values.
"@name" stands for the rows of a tensor. So the browser follows a click at once and has
nothing to decide: every look and every word of text is made in Python.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors.numpy import save

from alas_core.types import FloatArray

MAX_FINE_BYTES = 4_000_000
"""Above this a tensor of all layers goes in 255 steps of a layer's range, not in 65535."""

Tensors = dict[str, np.ndarray[Any, Any]]


def pack(name: str, head: Mapping[str, Any], tensors: Tensors) -> bytes:
    """The file: `head` as JSON under the name by which the page asks for it, and the arrays."""
    text = json.dumps(head, cls=_encoder(), allow_nan=False, separators=(",", ":"))
    arrays = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    return save(arrays, {"sheet": text, "id": name})


def quantise(name: str, values: FloatArray) -> Tensors:
    """Integers, and per layer the low end and the step with which to read them back.

    Parameters
    ----------
    values : np.ndarray [shape=(n_layers + 1, ...), floating]

    Returns
    -------
    dict
        `name` (uint16, or uint8 above `MAX_FINE_BYTES`), `name.low` and `name.step` (float32):
        value = low + step * integer, off by half a step at most.
    """
    kind: type[np.unsignedinteger[Any]]
    kind = np.uint16 if values.size * 2 <= MAX_FINE_BYTES else np.uint8
    values = values.astype(np.float32)
    rest = tuple(range(1, values.ndim))
    low, high = values.min(axis=rest), values.max(axis=rest)
    step = np.maximum(high - low, 1e-6) / np.iinfo(kind).max
    shape = (-1,) + (1,) * len(rest)
    steps = np.rint((values - low.reshape(shape)) / step.reshape(shape)).astype(kind)
    return {
        name: steps,
        f"{name}.low": low.astype(np.float32),
        f"{name}.step": step.astype(np.float32),
    }


def slug(text: str) -> str:
    """Letters, digits and dashes of a text, for a file name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40] or "utterance"


def _encoder() -> type[json.JSONEncoder]:
    # plotly's encoder writes its arrays and turns nan into null, which JSON has no word for
    from plotly.utils import PlotlyJSONEncoder

    encoder: type[json.JSONEncoder] = PlotlyJSONEncoder
    return encoder
