"""The resumable state of the training as one safetensors file."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

_MODEL, _MOMENT, _SCALE = "model/", "moment/", "log_scale"


def save_state(
    path: Path,
    model: nn.Module,
    log_scale: Tensor,
    optimiser: torch.optim.Optimizer | None,
    place: dict[str, float],
) -> None:
    """Write weights, moments and place under a temporary name, then rename.

    Parameters
    ----------
    path : Path
        Of the file.
    model, log_scale : nn.Module, Tensor
        What is trained.
    optimiser : torch.optim.Optimizer or None
        None between stages.
    place : dict[str, float]
        Stage, step and seconds so far.
    """
    tensors = {_MODEL + name: value for name, value in model.state_dict().items()}
    tensors[_SCALE] = log_scale.detach()
    state = optimiser.state_dict()["state"] if optimiser else {}
    for index, moments in state.items():
        tensors |= {f"{_MOMENT}{index}/{name}": value for name, value in moments.items()}
    packed = {name: value.detach().contiguous().clone() for name, value in tensors.items()}
    part = path.with_suffix(".part")
    save_file(packed, part, metadata={"place": json.dumps(place)})
    part.replace(path)


def load_state(
    path: Path, model: nn.Module, log_scale: nn.Parameter
) -> tuple[dict[int, dict[str, Tensor]], dict[str, float]]:
    """Read what `save_state` wrote; weights go into the model.

    Parameters
    ----------
    path : Path
        Of the file.
    model, log_scale : nn.Module, nn.Parameter
        Changed in place.

    Returns
    -------
    moments : dict[int, dict[str, Tensor]]
        Of the optimiser, by parameter; empty between stages.
    place : dict[str, float]
        Stage, step and seconds so far.
    """
    weights: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = defaultdict(dict)
    with safe_open(path, framework="pt") as file:
        place: dict[str, float] = json.loads(file.metadata()["place"])
        for name in file.keys():  # noqa: SIM118 - not a mapping
            if name.startswith(_MODEL):
                weights[name.removeprefix(_MODEL)] = file.get_tensor(name)
            elif name.startswith(_MOMENT):
                index, _, part = name.removeprefix(_MOMENT).partition("/")
                moments[int(index)][part] = file.get_tensor(name)
        log_scale.data.copy_(file.get_tensor(_SCALE))
    model.load_state_dict(weights)
    return dict(moments), place


def restore_moments(
    optimiser: torch.optim.Optimizer, moments: dict[int, dict[str, Tensor]]
) -> None:
    """Give a new optimiser the moments of an old one.

    Parameters
    ----------
    optimiser : torch.optim.Optimizer
        Over the same parameters in the same order.
    moments : dict[int, dict[str, Tensor]]
        From `load_state`.
    """
    state: dict[str, Any] = optimiser.state_dict()
    optimiser.load_state_dict({**state, "state": moments})
