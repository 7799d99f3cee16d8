"""The choices that an address may hold: how each is read, its default, and the page it is of."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import get_args
from urllib.parse import unquote

from alas_core.definitions import SCORES
from alas_core.figures.cells import Cells
from alas_core.figures.map import Colour
from alas_core.figures.views import Fold
from alas_core.keys import CENTERINGS
from alas_core.models.identity import DTYPES, QUANTIZATIONS, Loading
from alas_core.perturbations import SNRS_DB, SPEEDS
from alas_core.types import Settings
from alas_core.variations import CONTROLS

NONE = "-"
"""What stands in the URL for a list without anything in it."""

Value = str | int | float | bool | list[str]


@dataclass(frozen=True)
class Parameter:
    """One choice: how the URL is read (None for nonsense), its default, and the page it is of."""

    read: Callable[[str], Value | None]
    default: Value | None = None
    page: str = ""


def one_of(options: Collection[str]) -> Callable[[str], Value | None]:
    """One of the ids."""
    return lambda text: text if text in options else None


def some_of(options: Collection[str]) -> Callable[[str], Value | None]:
    """Several of the ids, with commas between them; a dash, or nothing, for none of them."""
    return lambda text: (
        [] if text in ("", NONE) else [name for name in text.split(",") if name in options] or None
    )


def places(text: str) -> Value | None:
    """Several whole numbers, as the text that they are; which ones exist is decided elsewhere."""
    named = [] if text in ("", NONE) else text.split(",")
    return named if all(whole()(place) is not None for place in named) else None


def values(limit: int) -> Callable[[str], Value | None]:
    """Values of a column, as texts; which ones there are is decided where they are used."""

    def read(text: str) -> Value | None:
        if text in ("", NONE):
            return []
        return [unquote(value) for value in text.split(",")] if len(text) <= limit else None

    return read


def written(value: Value) -> str:
    """As the URL holds it: a comma or per cent sign within a value of a list is escaped."""
    if not isinstance(value, list):
        return str(value)
    return ",".join(v.replace("%", "%25").replace(",", "%2C") for v in value) or NONE


def words(limit: int) -> Callable[[str], Value | None]:
    """Any text that is not too long; what it may name is decided where it is used."""
    return lambda text: text if len(text) <= limit else None


def whole(high: int = 9999) -> Callable[[str], Value | None]:
    """A whole number from 0 to `high`."""
    return lambda text: (
        int(text)
        if text.isascii() and text.isdigit() and len(text) < 6 and int(text) <= high
        else None
    )


def number_of(options: Collection[float]) -> Callable[[str], Value | None]:
    """One of the numbers."""
    return lambda text: next((value for value in options if f"{value}" == text), None)


def decimal(low: float, high: float) -> Callable[[str], Value | None]:
    """A number from `low` to `high`."""

    def read(text: str) -> Value | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return value if math.isfinite(value) and low <= value <= high else None

    return read


def flag(text: str) -> Value | None:
    """On or off."""
    return {"true": True, "false": False}.get(text.lower())


VIEWS = ("readout", "controls", "centering", "sensitivity")
"""What may lie under the sheet."""

LINKED_REFERENCES = ("pocketsphinx", "own")
"""Those that a link may choose: the others are a person's own files, or load a checkpoint."""

CHOICE = ("word", "frame", "token", "trails")
"""What is chosen within one recording, by its place there."""

PART = ("part", "said")
"""Which part of a long recording is looked at, and the words typed for it."""

DIFFERS = ("model", "recording", "kept", "instruction", "settings", "audio", "layer")
"""In what the second side of the Compare page may differ from the first."""

FILTERED = ("task", "label", "speaker", "correct_audio")
"""Columns of a run by whose values the Data set page chooses utterances."""

_MADE, _LOADED = Settings(), Loading()
PARAMETERS: dict[str, Parameter] = {
    "model": Parameter(words(500)),
    "data": Parameter(words(500)),
    "utterance": Parameter(words(300)),
    "part": Parameter(words(30), ""),
    "said": Parameter(words(5000), ""),
    "layer": Parameter(whole()),
    "word": Parameter(whole()),
    "frame": Parameter(whole(), None, "explore"),
    "token": Parameter(whole(), None, "explore"),
    "score": Parameter(one_of(SCORES), "alas"),
    "fold": Parameter(one_of(get_args(Fold)), "time", "explore"),
    "cells": Parameter(one_of(get_args(Cells)), "cosine", "explore"),
    "projection": Parameter(one_of(("pca", "umap")), "pca", "explore"),
    "dimensions": Parameter(one_of(("2-D", "3-D")), "2-D", "explore"),
    "map_colour": Parameter(one_of(get_args(Colour)), "modality", "explore"),
    "map_parts": Parameter(some_of(("lines", "hulls")), ["lines"], "explore"),
    "trails": Parameter(places, [], "explore"),
    "trust": Parameter(one_of(VIEWS), "readout", "explore"),
    "controls": Parameter(some_of(CONTROLS), [], "explore"),
    "control_snr": Parameter(number_of(SNRS_DB), 0.0, "explore"),
    "control_speed": Parameter(number_of(SPEEDS), 0.9, "explore"),
    "quality": Parameter(flag, False, "explore"),
    "quality_compare": Parameter(flag, False, "explore"),
    "second": Parameter(one_of(LINKED_REFERENCES), "own", "explore"),
    "cross_layer": Parameter(one_of(("cka", "layer_correlation")), "cka", "explore"),
    "details": Parameter(
        one_of(("Scores", "Words", "Provenance", "Download")), "Scores", "explore"
    ),
    "reference": Parameter(one_of(LINKED_REFERENCES), "pocketsphinx"),
    "instruction": Parameter(words(2000), ""),
    "instruction_first": Parameter(flag, _MADE.instruction_first),
    "temperature": Parameter(decimal(0.001, 10), _MADE.temperature),
    "centering": Parameter(one_of(CENTERINGS), _MADE.centering),
    "mask_sinks": Parameter(flag, _MADE.mask_sinks),
    "n_null": Parameter(whole(199), _MADE.n_null),
    "dtype": Parameter(one_of(DTYPES), _LOADED.dtype),
    "device": Parameter(words(10), _LOADED.device),
    "quantization": Parameter(one_of(QUANTIZATIONS), _LOADED.quantization),
    "revision": Parameter(words(100), _LOADED.revision),
    "lora": Parameter(flag, _LOADED.lora),
    "run": Parameter(words(120), None, "corpus"),
    "run_view": Parameter(words(20), "utterances", "corpus"),
    "run_layer": Parameter(whole(), None, "corpus"),
    "run_sort": Parameter(words(80), None, "corpus"),
    "run_group": Parameter(words(80), None, "corpus"),
    "run_text": Parameter(words(200), "", "corpus"),
    "run_kept": Parameter(flag, False, "corpus"),
    **{f"run_only_{column}": Parameter(values(2000), [], "corpus") for column in FILTERED},
    "run_first": Parameter(one_of(("best", "worst")), "worst", "corpus"),
    "run_others": Parameter(values(1000), [], "corpus"),
    "run_words": Parameter(one_of(("worst", "best")), "worst", "corpus"),
    "run_words_length": Parameter(words(20), "letters", "corpus"),
    "run_word": Parameter(words(100), None, "corpus"),
    "run_side": Parameter(words(40), None, "corpus"),
    "run_threshold": Parameter(decimal(0, 1), None, "corpus"),
    "run_pairs": Parameter(one_of(("left out", "kept", "not compared")), "left out", "corpus"),
    "run_map_kind": Parameter(one_of(("pca", "umap")), "pca", "corpus"),
    "run_map_colour": Parameter(one_of(("modality", "word")), "modality", "corpus"),
    "run_matrix": Parameter(words(40), None, "corpus"),
    "run_tree_side": Parameter(one_of(("audio", "text")), "audio", "corpus"),
    "series": Parameter(words(300), None, "training"),
    "axis": Parameter(one_of(("index", "depth")), "index", "compare"),
    "b": Parameter(some_of(DIFFERS), None, "compare"),
    "b_model": Parameter(words(500), None, "compare"),
    "b_utterance": Parameter(words(300), None, "compare"),
    "b_kept": Parameter(words(300), None, "compare"),
    "b_instruction": Parameter(words(2000), "", "compare"),
    "b_instruction_first": Parameter(flag, _MADE.instruction_first, "compare"),
    "b_temperature": Parameter(decimal(0.001, 10), _MADE.temperature, "compare"),
    "b_centering": Parameter(one_of(CENTERINGS), _MADE.centering, "compare"),
    "b_mask_sinks": Parameter(flag, _MADE.mask_sinks, "compare"),
    "b_audio": Parameter(words(60), None, "compare"),
    "b_layer": Parameter(whole(), None, "compare"),
}
