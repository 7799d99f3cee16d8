"""The LoRA that lies beside a checkpoint's weights, or in a folder of its own below them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, Final

import torch

from alas_core.models.family import Family

LATER: Final = {"subfolder": "left for later"}
"""`adapter_kwargs` with which `from_pretrained` passes over the LoRA beside the weights: it would
report what that lacks instead of what the weights do."""


def add(model: Any, family: Family, folder: Path, dtype: torch.dtype) -> set[str]:
    """Load every LoRA of a checkpoint into its model, if peft is installed.

    Parameters
    ----------
    model : transformers model, from the weights alone (see `LATER`)
    family : says where a LoRA of its own folder lies
    folder : of the checkpoint
    dtype : of the LoRA's weights

    Returns
    -------
    set[str]
        Names of the LoRA's parameters that its file lacks.
    """
    lacking: set[str] = set()
    if importlib.util.find_spec("peft") is None:
        return lacking
    for place in dict.fromkeys((folder, folder / (family.lora or "."))):
        if (place / "adapter_config.json").is_file():
            # transformers takes every parameter whose name holds the adapter's for one of the LoRA:
            # "speech" would be Phi-4's up_proj_for_speech, too.
            name = "lora_beside" if place == folder else "lora_below"
            found = model.load_adapter(
                str(place), adapter_name=name, use_safetensors=True, dtype=dtype
            )
            lacking |= set(found.missing_keys)
    return lacking


def switch(model: Any, *, on: bool) -> None:
    """Set the LoRA as it is asked for, if one was loaded: anew before every pass."""
    if getattr(model, "_hf_peft_config_loaded", False):
        (model.enable_adapters if on else model.disable_adapters)()
