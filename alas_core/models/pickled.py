"""The one place where a pickled file is read, and only its tensors.

The house reads safetensors. SALMONN and BEATs were published as `.pth` and `.pt` files alone, so
these two are read here with `weights_only=True`: torch's own unpickler then builds tensors,
numbers, strings and containers, and refuses every other class; it never imports or calls what a
file names.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from alas_core.errors import ModelError


def read_tensors(path: Path) -> dict[str, Any]:
    """The dictionary in a published checkpoint: tensors by name, and plain settings.

    Raises
    ------
    ModelError
        If the file is damaged, no dictionary, or holds anything but tensors and plain values.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
        raise ModelError(
            f"'{path.name}' cannot be read as tensors alone ({reason}), expected the published "
            "file; files that hold other objects are never loaded, so download it anew or have its "
            "tensors saved by themselves"
        ) from error
    if not isinstance(content, dict):
        raise ModelError(
            f"'{path.name}' holds a {type(content).__name__}, expected a dictionary of tensors; "
            "download the published file"
        )
    return content
