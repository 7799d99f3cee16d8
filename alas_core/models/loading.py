"""A checkpoint into processor and frozen model: safetensors only, no remote code."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from alas_core.demo.model import build_model
from alas_core.errors import ModelError
from alas_core.models.facts import FAMILIES, Family, family_of
from alas_core.models.guard import Guard, first_line
from alas_core.models.identity import MODEL_FILE, read_json, resolve_dtype


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint and what is known of it."""

    model: Any
    processor: Any
    family: Family
    device: str
    dtype: torch.dtype
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def text_config(self) -> Any:
        return self.model.config.get_text_config(decoder=True)


def load(
    source: str | Path,
    *,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    untrained_seed: int | None = None,
) -> Checkpoint:
    """Load a frozen speech LLM.

    Parameters
    ----------
    source : path of a model folder, or hub id
    revision : commit of the hub id; ignored for a folder
    device : "auto" (cuda, then mps, then cpu) or a torch device
    dtype : "auto" (bfloat16 on cuda if the checkpoint says so, else float32) or a dtype's name
    untrained_seed : the same architecture with random weights of this seed instead of its own

    Raises
    ------
    ModelError
        If the checkpoint is not there, not of a known family, lacks a package or does not fit.
    """
    device = best_device() if device == "auto" else device
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    where = {} if isinstance(source, Path) else {"revision": revision}
    guard = Guard(f"loading {source}", device, _explanation(source))
    with guard:
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False, **where)
    family = _known_family(config.model_type, source)
    torch_dtype = getattr(torch, resolve_dtype(dtype, device, _stored_dtype(config)))
    with guard:
        processor = transformers.AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            source, trust_remote_code=False, **where
        )
        model_class = getattr(transformers, family.model_class)
        if untrained_seed is None:
            model = model_class.from_pretrained(
                source, dtype=torch_dtype, use_safetensors=True, trust_remote_code=False, **where
            )
        else:
            model = _untrained(model_class, config, torch_dtype, untrained_seed)
        model = model.to(device).eval().requires_grad_(False)
    # The last of the captured states is then the last block's output, before the final norm.
    model.config.get_text_config(decoder=True).tie_last_hidden_states = False
    about = _about(source)
    return Checkpoint(model, processor, family, device, torch_dtype, about)


def best_device() -> str:
    """The device that "auto" means: cuda, then mps, then cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _explanation(source: str | Path) -> Callable[[BaseException], str]:
    """Plain words for why a checkpoint could not be loaded."""
    name = source.name if isinstance(source, Path) else source

    def explain(error: BaseException) -> str:
        reason = first_line(error)
        if isinstance(error, ImportError):
            return f"'{name}' needs a package that is not installed: {reason}; install it"
        if isinstance(error, OSError):
            return (
                f"the model '{name}' cannot be read: {reason}; check the name, the connection or, "
                "for a gated model, your access token, or give a local folder"
            )
        return (
            f"'{name}' is not a checkpoint that transformers can load: {reason}; expected "
            "config.json, processor files and safetensors weights of a speech LLM"
        )

    return explain


def _known_family(model_type: str, source: str | Path) -> Family:
    family = family_of(model_type)
    if family is None:
        raise ModelError(
            f"'{source}' is of type '{model_type}', which is no speech LLM known here; expected "
            f"one of {', '.join(sorted(FAMILIES))}"
        )
    missing = [name for name in family.needs if importlib.util.find_spec(name) is None]
    if missing:
        packages = " ".join(missing).replace("_", "-")
        raise ModelError(
            f"{family.label} needs {packages}, which is not installed; run 'pip install "
            f"{packages}' in this environment and start again"
        )
    return family


def _stored_dtype(config: Any) -> dict[str, Any]:
    dtype = getattr(config, "dtype", None)
    return {"dtype": str(dtype).removeprefix("torch.")}


def _untrained(model_class: Any, config: Any, dtype: torch.dtype, seed: int) -> Any:
    if config.model_type == "qwen2_audio":
        # The class leaves its frozen position table random; the demo's maker fills in sinusoids.
        model: Any = build_model(config, seed)
    else:
        make = getattr(model_class, "from_config", model_class)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = make(getattr(config, "thinker_config", config))
    return model.to(dtype)


def _about(source: str | Path) -> dict[str, Any]:
    path = source / MODEL_FILE if isinstance(source, Path) else None
    return read_json(path) if path is not None and path.is_file() else {}
