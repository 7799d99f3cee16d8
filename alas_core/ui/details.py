"""The Details section: all numbers, where they come from, and files to take away."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from alas_core.types import Analysis
from alas_core.ui import orders, share, tables
from alas_core.ui.text import plain

_VIEWS = ("Scores", "Words", "Provenance", "Download")


def details(analysis: Analysis, layer: int) -> None:
    """One of four views; only the chosen one is computed."""
    st.markdown("**Details**")
    chosen = st.segmented_control(
        "Details",
        _VIEWS,
        required=True,
        key="details",
        label_visibility="collapsed",
    )
    if chosen == "Words":
        st.dataframe(tables.word_rows(analysis, layer), hide_index=True, key="word_table")
    elif chosen == "Provenance":
        _provenance(analysis)
    elif chosen == "Download":
        _download(analysis, layer)
    else:
        st.dataframe(tables.score_rows(analysis, layer), hide_index=True, key="score_table")


def _provenance(analysis: Analysis) -> None:
    facts = {
        "model": analysis.model.name or analysis.model.model_id,
        "revision": analysis.model.revision,
        "dtype": analysis.model.dtype,
        "reference": analysis.reference.name,
        "instruction": analysis.utterance.instruction,
        "key": analysis.key.digest,
        **{f"setting: {k}": v for k, v in vars(analysis.key.settings).items()},
        **_flat(analysis.provenance),
    }
    rows = [{"what": name, "value": str(value)} for name, value in facts.items()]
    st.dataframe(rows, hide_index=True, key="provenance_table")
    notes = (*analysis.utterance.audio.notes, *analysis.reference.notes, *analysis.model.notes)
    for note in (*notes, *orders.store().notes):
        st.caption(plain(note))


def _flat(tree: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}: ")
        else:
            flat[prefix + name] = value
    return flat


def _download(analysis: Analysis, layer: int) -> None:
    stem = share.file_stem(analysis)
    with st.container(horizontal=True):
        st.download_button(
            "Scores of all layers (CSV)",
            lambda: tables.to_csv(tables.layer_rows(analysis)),
            file_name=f"{stem}-layers.csv",
            mime="text/csv",
            on_click="ignore",
        )
        st.download_button(
            f"Words at layer {layer} (CSV)",
            lambda: tables.to_csv(tables.word_rows(analysis, layer)),
            file_name=f"{stem}-words-layer{layer}.csv",
            mime="text/csv",
            on_click="ignore",
        )
        st.download_button(
            "Word times (TextGrid)",
            lambda: _textgrid(analysis),
            file_name=f"{stem}-words.TextGrid",
            mime="text/plain",
            on_click="ignore",
        )
        st.download_button(
            "Whole analysis (.alas)",
            lambda: share.bundle(analysis),
            file_name=f"{stem}.alas",
            mime="application/octet-stream",
            on_click="ignore",
        )
    st.caption(
        "CSV keeps all digits; a text cell that a spreadsheet would run as a formula starts with "
        "an apostrophe. The .alas file is safetensors with JSON in its header: sound, similarity "
        "maps, scores, nulls, coordinates, provenance."
    )


def _textgrid(analysis: Analysis) -> str:
    from alas_core.reference import to_textgrid

    return to_textgrid(analysis.reference, analysis.utterance.audio.duration_s)
