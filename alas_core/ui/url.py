"""The view in the address: every choice that changes what is on the screen, by its id.

Streamlit's own binding writes a choice's label into the URL and forgets what a page does not draw;
here labels are sentences and pages share their choices, so both are done by hand. A choice at its
default stays out of the URL. The values are kept in the session under the same names, which are
the keys of the widgets: a widget of this table takes its default from here (`settle`), not from an
argument.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import get_args

import streamlit as st

from alas_core.definitions import SCORES
from alas_core.figures.map import Colour
from alas_core.figures.views import Fold
from alas_core.keys import Settings
from alas_core.models.identity import DTYPES, QUANTIZATIONS, Loading
from alas_core.perturbations import SNRS_DB, SPEEDS
from alas_core.variations import CONTROLS

_PUBLISHED = "url_published"
_SUPERSEDED = "url_superseded"

_STALE_S = 5.0
"""A browser that is just being told a new URL may still send the one before."""

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


CENTERING = ("none", "mean", "standardise")
VIEWS = ("readout", "controls", "centering", "sensitivity")
"""What may lie under the sheet."""

LINKED_REFERENCES = ("pocketsphinx", "own")
"""Those that a link may choose: the others are a person's own files, or load a checkpoint."""

CHOICE = ("word", "frame", "token", "trails")
"""What is chosen within one recording, by its place there."""

PART = ("part", "said")
"""Which part of a long recording is looked at, and the words typed for it."""

DIFFERS = ("model", "recording", "kept", "instruction", "settings", "audio")
"""In what the second side of the Compare page may differ from the first."""

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
    "cross_layer": Parameter(one_of(("cka", "layer_correlation")), "cka", "explore"),
    "details": Parameter(
        one_of(("Scores", "Words", "Provenance", "Download")), "Scores", "explore"
    ),
    "reference": Parameter(one_of(LINKED_REFERENCES), "pocketsphinx"),
    "instruction": Parameter(words(2000), ""),
    "instruction_first": Parameter(flag, _MADE.instruction_first),
    "temperature": Parameter(decimal(0.001, 10), _MADE.temperature),
    "centering": Parameter(one_of(CENTERING), _MADE.centering),
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
    "series": Parameter(words(300), None, "training"),
    "axis": Parameter(one_of(("index", "depth")), "index", "compare"),
    "b": Parameter(some_of(DIFFERS), None, "compare"),
    "b_model": Parameter(words(500), None, "compare"),
    "b_utterance": Parameter(words(300), None, "compare"),
    "b_kept": Parameter(words(300), None, "compare"),
    "b_instruction": Parameter(words(2000), "", "compare"),
    "b_instruction_first": Parameter(flag, _MADE.instruction_first, "compare"),
    "b_temperature": Parameter(decimal(0.001, 10), _MADE.temperature, "compare"),
    "b_centering": Parameter(one_of(CENTERING), _MADE.centering, "compare"),
    "b_mask_sinks": Parameter(flag, _MADE.mask_sinks, "compare"),
    "b_audio": Parameter(words(60), None, "compare"),
}


def settle() -> None:
    """Keep every choice, also those whose widgets this run does not draw, or set its default.

    Streamlit forgets the choice of a widget that a run leaves out; one that is written anew stays.
    """
    for name, parameter in PARAMETERS.items():
        value = st.session_state.get(name, parameter.default)
        if value is not None:
            st.session_state[name] = value


def forget_choice() -> None:
    """Another recording is looked at: its words, frames, tokens and parts are others."""
    for name in (*CHOICE, *PART):
        st.session_state.pop(name, None)


def adopt() -> None:
    """Take over what the URL says where it differs from what was last written there.

    So a fresh link fills the view, and the browser's back button works. A URL without any of the
    parameters says nothing (Streamlit empties it when the page changes), and neither does a value
    that has only just been replaced: it is older than the reader's last choice.
    """
    told = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    if not told:
        return
    known: list[Mapping[str, str]] = [st.session_state.get(_PUBLISHED, {}), *_just_superseded()]
    for name in PARAMETERS:
        if all(told.get(name) != state.get(name) for state in known):
            _set(name, told.get(name))


def beside_view(own: Mapping[str, str]) -> dict[str, str]:
    """What a link to another page says: the choices that pages share, and `own` of that page.

    One that left the shared choices out would withdraw them (see `adopt`). On a page's first run
    the URL is still empty, and what was last written there holds.
    """
    told = st.query_params.to_dict() or st.session_state.get(_PUBLISHED, {})
    shared = {name: told[name] for name in PARAMETERS if name in told and not PARAMETERS[name].page}
    return {**shared, **own}


def _just_superseded() -> list[Mapping[str, str]]:
    now = time.monotonic()
    kept = [(at, old) for at, old in st.session_state.get(_SUPERSEDED, []) if now - at < _STALE_S]
    st.session_state[_SUPERSEDED] = kept
    return [old for _, old in kept]


def _set(name: str, text: str | None) -> None:
    if text is None:
        st.session_state.pop(name, None)
        return
    value = PARAMETERS[name].read(text)
    if value is not None:
        # Which model is loaded is not for a link to say: the sidebar looks at it first.
        st.session_state["linked_model" if name == "model" else name] = value


def _written(value: Value) -> str:
    return (",".join(value) or NONE) if isinstance(value, list) else str(value)


def publish(values: Mapping[str, Value | None], page: str = "explore") -> None:
    """Write the view into the URL.

    Parameters
    ----------
    values : of parameters that are not simply their widget's; None leaves one out
    page : whose own parameters are written beside the shared ones
    """
    wanted = {}
    for name, parameter in PARAMETERS.items():
        if parameter.page in ("", page):
            value = values[name] if name in values else st.session_state.get(name)
            if value is not None and value != parameter.default:
                wanted[name] = _written(value)
    for name in PARAMETERS:
        if name in wanted:
            if st.query_params.get(name) != wanted[name]:
                st.query_params[name] = wanted[name]
        elif name in st.query_params:
            del st.query_params[name]
    before = st.session_state.get(_PUBLISHED, {})
    if wanted != before:
        st.session_state.setdefault(_SUPERSEDED, []).append((time.monotonic(), before))
        st.session_state[_PUBLISHED] = wanted
