"""How the session's model is loaded, and whether it may be downloaded: widgets and their values."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from alas_core.errors import ModelError
from alas_core.models import registry
from alas_core.models.facts import family_of
from alas_core.models.identity import DTYPES, QUANTIZATIONS, Loading
from alas_core.models.inventory import model_type_of
from alas_core.ui import url
from alas_core.ui.text import plain

_AGREED = "downloads_agreed"
_DEVICES = ["auto", "cpu", "cuda", "cuda:0", "cuda:1", "spread", "mps"]


def chosen(prefix: str = "") -> Loading:
    """How the session wants its model loaded, or what else has its choices under a prefix.

    Raises
    ------
    ModelError
        If a device was typed that cannot be.
    """
    state = st.session_state
    return Loading(
        revision=str(state.get(f"{prefix}revision") or "").strip(),
        dtype=state.get(f"{prefix}dtype") or "auto",
        device=str(state.get(f"{prefix}device") or "auto").strip(),
        quantization=state.get(f"{prefix}quantization") or "none",
        lora=state.get(f"{prefix}lora", True),
    )


def options(model_id: str, columns: Sequence[DeltaGenerator], prefix: str = "") -> None:
    """The widgets, one a column; without a prefix their values outlive the page."""
    columns[0].selectbox(
        "Number format",
        DTYPES,
        key=f"{prefix}dtype",
        help="auto: bfloat16 on CUDA if the checkpoint is stored so, else float32. Cosines are "
        "computed in float32 in any case.",
    )
    columns[1].selectbox(
        "Device",
        _DEVICES,
        key=f"{prefix}device",
        accept_new_options=True,
        help="auto: CUDA, Apple's GPU or the CPU. spread: over all GPUs (needs accelerate).",
    )
    columns[2].selectbox(
        "Quantised weights",
        QUANTIZATIONS,
        key=f"{prefix}quantization",
        help="8bit or 4bit by bitsandbytes, on CUDA or the CPU. Results are kept apart from those "
        "of full weights.",
    )
    columns[3].text_input(
        "Revision",
        key=f"{prefix}revision",
        placeholder="cached or newest",
        max_chars=100,
        help="Commit, branch or tag of a checkpoint of the hub. Empty: the one in this machine's "
        "cache, or the newest where there is none; name a commit to move on from a cached one.",
    )
    family = family_of(model_type_of(model_id))
    has_switch = family is not None and bool(family.lora)
    url.keep(f"{prefix}lora", True)
    columns[4].toggle(
        "LoRA",
        key=f"{prefix}lora",
        disabled=not has_switch,
        help="The adapter for speech, on or off in both runs. Granite Speech and Phi-4 have one."
        if has_switch
        else "The chosen model has no LoRA that is switched (Granite Speech and Phi-4 have one).",
    )


def check_download(
    model_id: str,
    prefix: str = "",
    revision: str | None = None,
    place: str = "Model in the sidebar",
) -> None:
    """Refuse a model that would have to be downloaded, until this session has agreed to it.

    Parameters
    ----------
    revision : see `must_ask`.
    place : where the page has the button of `ask_download`.

    Raises
    ------
    ModelError
        Says where to agree.
    """
    if must_ask(model_id, prefix, revision):
        raise ModelError(
            f"the model '{model_id}' is not on this machine; press 'Download and load' under "
            f"{place}, or choose another one"
        )


def ask_download(model_id: str, prefix: str = "", revision: str | None = None) -> None:
    """The button that lets a model be downloaded, if it must be; see `must_ask`."""
    if not must_ask(model_id, prefix, revision):
        return
    st.button(
        "Download and load",
        key=f"{prefix}agree_download",
        on_click=agree,
        args=[model_id],
        icon=":material/download:",
        width="stretch",
        help=f"Fetch the safetensors weights of {plain(model_id, 80)} from the Hugging Face hub "
        "into this machine's cache.",
    )


def must_ask(model_id: str, prefix: str = "", revision: str | None = None) -> bool:
    """Whether the model would have to be downloaded and this session has not agreed to it.

    Parameters
    ----------
    model_id : also the checkpoint of an aligner (see `checkpoint_of`); "" for none.
    revision : of the model; None for the one that is chosen under the prefix.
    """
    if not model_id:
        return False
    agreed: set[str] = st.session_state.get(_AGREED, set())
    try:
        asked = chosen(prefix) if revision is None else Loading(revision=revision)
        return model_id not in agreed and not registry.is_local(model_id, asked)
    except ModelError:  # an option that cannot be is said where the model is asked for
        return False


def agree(model_id: str) -> None:
    """The person of this session has asked for the download."""
    st.session_state.setdefault(_AGREED, set()).add(model_id)
