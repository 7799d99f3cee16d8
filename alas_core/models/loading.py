"""A checkpoint into processor and frozen model: safetensors only, no remote code."""

from __future__ import annotations

import importlib.util
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from alas_core.demo.model import build_model
from alas_core.errors import ModelError
from alas_core.models.facts import FAMILIES, Family, family_of
from alas_core.models.identity import MODEL_FILE, read_json, resolve_dtype

_LOG = logging.getLogger(__name__)


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
    with _readable(source):
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False, **where)
    family = _known_family(config.model_type, source)
    torch_dtype = getattr(torch, resolve_dtype(dtype, device, _stored_dtype(config)))
    with _readable(source), out_of_memory(device):
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


@contextmanager
def out_of_memory(device: str) -> Iterator[None]:
    """Turn a full memory into a `ModelError`, after giving the device's memory back."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_memory(error):
            raise
        drop_tensors(error)
        release_memory()
        raise ModelError(
            f"the memory of {device} is full ({_short(error)}); use shorter audio, a smaller "
            "model, or dtype bfloat16"
        ) from None


def drop_tensors(error: BaseException) -> None:
    """Clear the frames of a failed pass: while the error lives, they hold all its tensors."""
    traceback.clear_frames(error.__traceback__)


def release_memory() -> None:
    """Hand cached blocks of the accelerator back to the system."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _is_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "can't allocate memory" in text  # torch on a CPU raises a plain RuntimeError
        or "out of memory" in text
    )


@contextmanager
def _readable(source: str | Path) -> Iterator[None]:
    """Say in plain words why a checkpoint could not be read."""
    name = source.name if isinstance(source, Path) else source
    try:
        yield
    except ImportError as error:
        raise ModelError(
            f"'{name}' needs a package that is not installed: {_short(error)}; install it"
        ) from error
    except OSError as error:
        _LOG.info("loading %s failed", name, exc_info=True)
        raise ModelError(
            f"the model '{name}' cannot be read: {_short(error)}; check the name, the connection "
            "or, for a gated model, your access token, or give a local folder"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        _LOG.info("loading %s failed", name, exc_info=True)
        raise ModelError(
            f"'{name}' is not a checkpoint that transformers can load: {_short(error)}; expected "
            "config.json, processor files and safetensors weights of a speech LLM"
        ) from error


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:240]


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
            model = make(config)
    return model.to(dtype)


def _about(source: str | Path) -> dict[str, Any]:
    path = source / MODEL_FILE if isinstance(source, Path) else None
    return read_json(path) if path is not None and path.is_file() else {}
