"""The drawer of settings: everything that changes a score, with its default."""

from __future__ import annotations

from typing import Any

import streamlit as st

from alas_core.errors import InputError
from alas_core.keys import CENTERINGS
from alas_core.types import Settings
from alas_core.ui import references

_DEFAULT = Settings()
CHANGES_A_SCORE = ("temperature", "centering", "mask_sinks", "instruction_first")
"""The settings that `score_settings` draws, as the fields of `Settings` are called."""


def drawer() -> None:
    """Draw the drawer; read it with `settings`, `instruction` and `references.chosen`."""
    with st.expander("Settings", icon=":material/tune:"):
        references.choice(
            "Reference alignment",
            help="When each word is spoken. Default: PocketSphinx, forced onto the transcript. The "
            "demo, and data sets with TextGrid, CTM or JSON beside the sound, bring their own.",
        )
        st.text_area(
            "Instruction",
            key="instruction",
            height=80,
            max_chars=2000,
            placeholder="the data set's, else the model's own for this task",
            help="Stands in both runs, beside the audio and beside the transcript; kept for each "
            "source by itself. {question}, {choices} and {options} stand for those of the "
            "utterance. Default: the data set's instruction, else the one the model was made for.",
        )
        score_settings()
        st.slider(
            "Wrong transcripts for the null",
            0,
            199,
            key="n_null",
            help=f"Default: {_DEFAULT.n_null}, which allows p down to "
            f"{1 / (_DEFAULT.n_null + 1):.2g}. 0 leaves only the quick null (the words permuted).",
        )


def keep_instructions_apart(data: str) -> None:
    """Each source has an instruction of its own: change it when the source changes.

    Not where an address brought another source: its instruction came along (see `url.adopt`).
    """
    state = st.session_state
    kept: dict[str, str] = state.setdefault("instructions", {})
    before = state.get("instruction_of", data)
    if before != data:
        kept[before] = state.get("instruction", "")
        state["instruction"] = kept.get(data, "")
    state["instruction_of"] = data
    kept[data] = state.get("instruction", "")


def score_settings(prefix: str = "") -> None:
    """Draw what changes a score; the session's keys start with `prefix`."""
    st.toggle(
        "Instruction before the audio",
        key=f"{prefix}instruction_first",
        help="Default: on. In a causal model the instruction changes the audio's states "
        "only if it comes first.",
    )
    st.number_input(
        "Temperature",
        0.001,
        10.0,
        step=0.05,
        format="%.3g",
        key=f"{prefix}temperature",
        help=f"Of the softmax over tokens. Default: {_DEFAULT.temperature}.",
    )
    st.selectbox(
        "Centering",
        CENTERINGS,
        key=f"{prefix}centering",
        help="Done to the states before cosines: none (default, as published), subtract each "
        "modality's mean, or standardise each dimension. Large shared directions can dominate "
        "cosines; compare with 'mean' to see whether they do.",
    )
    st.toggle(
        "Mask attention sinks",
        key=f"{prefix}mask_sinks",
        help="Leave out positions whose norm is above ten times the median, in all scores made of "
        "single cosines. Path, word retrieval, layer likeness and map still hold them. "
        "Default: off.",
    )


def settings(prefix: str = "") -> Settings:
    """The score's settings as they stand under keys with `prefix`; defaults where not drawn.

    Raises
    ------
    InputError
        If one was left empty.
    """
    chosen: dict[str, Any] = {
        name: st.session_state.get(f"{prefix}{name}", getattr(_DEFAULT, name))
        for name in (*CHANGES_A_SCORE, "n_null")
    }
    if chosen["temperature"] is None:
        raise InputError("temperature is empty, expected 0.001 to 10; the default is 0.1")
    return Settings(**chosen)


def instruction() -> str | None:
    """The instruction, or None for the model's own."""
    return st.session_state.get("instruction", "").strip() or None
