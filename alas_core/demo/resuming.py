"""The resumable state of the training as one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

_MODEL, _MOMENT, _SCALE = "model/", "moment/", "log_scale"


def save_state(
    path: Path,
    model: nn.Module,
    log_scale: Tensor,
    moments: Mapping[str, Tensor],
    place: dict[str, float],
) -> None:
    """Write weights, moments and place under a temporary name, then rename.

    Parameters
    ----------
    path : Path
        Of the file.
    model, log_scale : nn.Module, Tensor
        What is trained.
    moments : Mapping[str, Tensor]
        Of the optimisers, by name; empty between stages.
    place : dict[str, float]
        Stage, step and seconds so far.
    """
    tensors = {_MODEL + name: value for name, value in model.state_dict().items()}
    tensors[_SCALE] = log_scale.detach()
    tensors |= {_MOMENT + name: value for name, value in moments.items()}
    packed = {name: value.detach().contiguous().clone() for name, value in tensors.items()}
    part = path.with_suffix(".part")
    save_file(packed, part, metadata={"place": json.dumps(place)})
    part.replace(path)


def load_state(
    path: Path, model: nn.Module, log_scale: nn.Parameter
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Read what `save_state` wrote; weights go into the model.

    Parameters
    ----------
    path : Path
        Of the file.
    model, log_scale : nn.Module, nn.Parameter
        Changed in place.

    Returns
    -------
    moments : dict[str, Tensor]
        As they were given; empty between stages.
    place : dict[str, float]
        Stage, step and seconds so far.
    """
    weights: dict[str, Tensor] = {}
    moments: dict[str, Tensor] = {}
    with safe_open(path, framework="pt") as file:
        place: dict[str, float] = json.loads(file.metadata()["place"])
        for name in file.keys():  # noqa: SIM118 - not a mapping
            if name.startswith(_MODEL):
                weights[name.removeprefix(_MODEL)] = file.get_tensor(name)
            elif name.startswith(_MOMENT):
                moments[name.removeprefix(_MOMENT)] = file.get_tensor(name)
        log_scale.data.copy_(file.get_tensor(_SCALE))
    model.load_state_dict(weights)
    return moments, place
