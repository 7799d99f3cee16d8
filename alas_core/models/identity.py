"""Which model an id names, and which revision of it: found without loading weights or torch.

Model files are read here only as JSON and bytes, so that the app starts before torch does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alas_core.errors import ModelError
from alas_core.models.facts import FAMILIES, family_of
from alas_core.models.salmonn_files import CONFIG, salmonn_files

MODEL_FILE = "alas_model.json"
"""Beside the weights: name, known words, instructions and limits of a model made for this."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_WHOLE_BYTES = 64 * 2**20
_SUFFIXES = (".json", ".jinja", ".txt", ".model", ".safetensors")
_SAMPLES, _SAMPLE_BYTES = 64, 4096
DTYPES = ("auto", "float32", "bfloat16", "float16")
QUANTIZATIONS = ("none", "8bit", "4bit")


@dataclass(frozen=True)
class Loading:
    """How a model is loaded; the defaults suit most.

    Parameters
    ----------
    revision : str
        Commit, branch or tag of a hub id; "" for the one in the local cache, or the newest where
        there is none: a later commit is taken only where it is named.
    dtype : str
        "auto" (bfloat16 on CUDA if the checkpoint is, else float32) or a dtype's name.
    device : str
        "auto" (cuda, then mps, then cpu), "cpu", "mps", "cuda", "cuda:1" and so on, or "spread"
        over all GPUs.
    quantization : str
        "none", "8bit" or "4bit" weights (bitsandbytes; on CUDA or the CPU).
    lora : bool
        Whether a speech LoRA that the family switches is on, in both runs.
    untrained_seed : int or None
        The same architecture with random weights of this seed instead of its own: a control.
    """

    revision: str = ""
    dtype: str = "auto"
    device: str = "auto"
    quantization: str = "none"
    lora: bool = True
    untrained_seed: int | None = None

    def __post_init__(self) -> None:
        checked_dtype(self.dtype)
        if not re.fullmatch(r"auto|spread|cpu|mps|cuda(:\d{1,2})?", self.device):
            raise ModelError(
                f"device is {self.device!r}, expected auto, cpu, mps, cuda, cuda:0, cuda:1 and so "
                "on, or spread (over all GPUs)"
            )
        if self.quantization not in QUANTIZATIONS:
            raise ModelError(
                f"quantization is {self.quantization!r}, expected one of {', '.join(QUANTIZATIONS)}"
            )

    def variant(self, model_type: str) -> str:
        """What besides revision and dtype makes the loaded network another one; "" for nothing."""
        family = family_of(model_type)
        parts = [] if self.quantization == "none" else [self.quantization]
        if family is not None and family.lora and not self.lora:
            parts.append("LoRA off")
        if self.untrained_seed is not None:
            parts.append(f"random weights of seed {self.untrained_seed}")
        return ", ".join(parts)


@dataclass(frozen=True)
class ModelIdentity:
    """What of a model goes into a `RunKey`: strings only."""

    model_id: str
    revision: str
    dtype: str
    variant: str = ""


def checked_dtype(dtype: str) -> str:
    """The dtype's name, or `ModelError` if it is not one of ours."""
    if dtype not in DTYPES:
        raise ModelError(f"dtype is {dtype!r}, expected one of {', '.join(DTYPES)}")
    return dtype


def accelerator() -> str:
    """What torch would compute on ("cuda", "mps" or "cpu"), asked without importing it.

    Always the same answer in one process, whether or not torch is there yet: it decides what dtype
    "auto" is, and that is part of the key of every stored result.
    """
    if platform.system() == "Darwin":
        return "mps" if platform.machine() == "arm64" else "cpu"
    return "cuda" if _torch_has_cuda() and _gpu_present() else "cpu"


def _torch_has_cuda() -> bool:
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py")
    return version.is_file() and bool(re.search(r"^cuda.*= *['\"]", version.read_text(), re.M))


def _gpu_present() -> bool:
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1")
    there = Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or os.name == "nt"
    return there and not hidden


def resolve_dtype(dtype: str, device: str, config: dict[str, Any]) -> str:
    """The dtype that "auto" means: bfloat16 on CUDA if the checkpoint is, float32 elsewhere."""
    if checked_dtype(dtype) != "auto":
        return dtype
    where = accelerator() if device in ("auto", "spread") else device
    return "bfloat16" if where.startswith("cuda") and _stored(config) == "bfloat16" else "float32"


def _stored(config: dict[str, Any]) -> str:
    """The config's dtype or, where only its parts name one, that of the language model."""
    parts = (config[name] for name in ("thinker_config", "text_config") if config.get(name))
    own = config.get("dtype") or config.get("torch_dtype")
    return str(own or next(filter(None, map(_stored, parts)), ""))


def find_folder(model_id: str) -> Path | None:
    """The local folder that the id names, or None if it can only be a hub id.

    Raises
    ------
    ModelError
        If it is neither, if the folder is no model, or if it lies outside `ALAS_MODEL_ROOTS`.
    """
    path = Path(model_id).expanduser()
    if path.is_dir():
        folder = path.resolve()
        _check_allowed(folder, model_id)
        check_model_folder(folder)
        return folder
    if path.exists():
        raise ModelError(
            f"'{model_id}' is a file, expected the folder that holds a model's config.json and "
            "safetensors weights; give the folder"
        )
    if not _HUB_ID.fullmatch(model_id):
        raise ModelError(
            f"there is no model '{model_id}': it is not built in, no folder of that name exists, "
            "and it is no hub id (owner/name); choose 'demo' or give a model folder"
        )
    return None


def model_roots() -> tuple[Path, ...]:
    """Folders of `ALAS_MODEL_ROOTS`, resolved; empty if the variable is not set."""
    roots = os.environ.get("ALAS_MODEL_ROOTS", "")
    return tuple(Path(root).expanduser().resolve() for root in roots.split(os.pathsep) if root)


def allowed_models() -> tuple[str, ...]:
    """Ids and folders of `ALAS_MODELS`, separated by commas; empty if everything is allowed."""
    return tuple(
        name.strip() for name in os.environ.get("ALAS_MODELS", "").split(",") if name.strip()
    )


def is_allowed(model_id: str) -> bool:
    """Whether `ALAS_MODELS` is not set or names the model; folders may be written in any way."""
    allowed = allowed_models()
    if not allowed or model_id in allowed:
        return True
    path = Path(model_id).expanduser()
    return path.is_dir() and path.resolve() in {
        Path(name).expanduser().resolve() for name in allowed
    }


def check_listed(model_id: str) -> None:
    """Refuse a model that this server's list leaves out.

    Raises
    ------
    ModelError
        Says which ones there are.
    """
    if not is_allowed(model_id):
        raise ModelError(
            f"this server does not load '{model_id}': it offers the demo models and "
            f"{', '.join(allowed_models())}; choose one of them, or have ALAS_MODELS extended"
        )


def _check_allowed(folder: Path, model_id: str) -> None:
    """Refuse a folder outside the roots, and one whose files are links to the outside."""
    roots = model_roots()
    paths = [folder, *(item.resolve() for item in folder.rglob("*"))] if roots else []
    if not all(any(path.is_relative_to(root) for root in roots) for path in paths):
        raise ModelError(
            f"the folder '{model_id}' lies outside the folders this server may load models from; "
            "choose a listed model, or have ALAS_MODEL_ROOTS extended"
        )


def check_model_folder(folder: Path) -> dict[str, Any]:
    """The folder's config, after checking that the folder is a transformers model.

    Raises
    ------
    ModelError
        Says what the folder holds and what was expected.
    """
    found = sorted(item.name for item in folder.iterdir())
    listing = ", ".join(found[:6]) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
    held = f"it holds {listing}" if found else "it is empty"
    if salmonn_files(folder) is not None:
        return dict(CONFIG)
    if "config.json" not in found:
        raise ModelError(
            f"the folder '{folder.name}' is not a model: {held}; expected config.json and "
            "safetensors weights as written by save_pretrained"
        )
    if not any(name.endswith(".safetensors") for name in found):
        raise ModelError(
            f"the folder '{folder.name}' has no safetensors weights: {held}; pickled weights are "
            "never loaded, convert them with save_pretrained"
        )
    return read_json(folder / "config.json")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a model's file, or `ModelError`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"'{path.name}' of the model cannot be read as JSON ({error}); download it anew"
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            f"'{path.name}' of the model holds a {type(content).__name__}, expected an object"
        )
    return content


def folder_revision(folder: Path) -> str:
    """Short content hash of a model folder: small files whole, large weights sampled.

    Small files are read whole. Of each weights file above 64 MB the size, the safetensors header
    and 64 evenly spread blocks are read, so a 15 GB model takes milliseconds. A speech LoRA in a
    folder of its own counts, too.
    """
    several = salmonn_files(folder) is not None  # its parts lie in folders of their own
    suffixes = (*_SUFFIXES, ".pt", ".pth") if several else _SUFFIXES
    loras = (folder / row.lora for row in FAMILIES.values() if row.lora not in ("", "."))
    places = [folder, *(place for place in loras if place.is_dir())]
    items = folder.rglob("*") if several else (one for place in places for one in place.iterdir())
    stats = tuple(
        (str(item.relative_to(folder)), item.stat().st_size, item.stat().st_mtime_ns)
        for item in sorted(items)
        if item.is_file() and item.suffix in suffixes
    )
    return _revision(folder, stats)


@lru_cache(maxsize=32)
def _revision(folder: Path, stats: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, size, _ in stats:
        digest.update(f"{name}\0{size}\0".encode())
        _digest_file(digest, folder / name, size)
    return digest.hexdigest()[:16]


def _digest_file(digest: Any, path: Path, size: int) -> None:
    with path.open("rb") as file:
        if size <= _WHOLE_BYTES:
            digest.update(file.read())
            return
        header_bytes = int.from_bytes(file.read(8), "little")
        digest.update(file.read(min(header_bytes, _WHOLE_BYTES)))
        for sample in range(_SAMPLES):
            file.seek(sample * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE_BYTES))
