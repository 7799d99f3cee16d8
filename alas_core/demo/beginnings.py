"""Where the encoder starts from, so that a training of minutes gets off the ground."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from transformers import Qwen2AudioEncoder

HEAD_SHIFTS = ((-3, -1, 1, 3), (-6, -2, 2, 6), (-10, -4, 4, 10))
"""Per encoder layer and head: where attention looks at the start, in steps of 20 ms."""
LOOK_SHARPNESS = 1.7


def balance(encoder: Qwen2AudioEncoder) -> None:
    """Start the encoder where a short training can get off the ground.

    Weights are scaled by fan-in (with the class's own 0.02 the sound stands a tenth as high as the
    positions added to it), and each attention head starts by looking a few steps to one side.

    Parameters
    ----------
    encoder : Qwen2AudioEncoder
        Changed in place; call it without gradients.
    """
    for part in encoder.modules():
        if isinstance(part, nn.Conv1d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=0.5 * part.in_features**-0.5)
    layers: Any = encoder.layers
    for layer, shifts in zip(layers, HEAD_SHIFTS, strict=False):
        _look_aside(layer.self_attn.q_proj, layer.self_attn.k_proj, shifts)


def _look_aside(queries: nn.Linear, keys: nn.Linear, shifts: tuple[int, ...]) -> None:
    """Let head h of query i match the key at position i + shifts[h], by rotating sinusoids."""
    width = queries.in_features
    pairs = width // len(shifts) // 2
    bands = torch.arange(4, 4 + pairs)
    speeds = torch.exp(-math.log(10_000) / (width // 2 - 1) * bands)
    for head, shift in enumerate(shifts):
        sine_rows = head * 2 * pairs + torch.arange(pairs)
        cosine_rows = sine_rows + pairs
        turn_cos, turn_sin = (speeds * shift).cos(), (speeds * shift).sin()
        query, key = queries.weight, keys.weight
        query[sine_rows, bands] += LOOK_SHARPNESS * turn_cos
        query[sine_rows, width // 2 + bands] += LOOK_SHARPNESS * turn_sin
        query[cosine_rows, width // 2 + bands] += LOOK_SHARPNESS * turn_cos
        query[cosine_rows, bands] -= LOOK_SHARPNESS * turn_sin
        key[sine_rows, bands] += LOOK_SHARPNESS
        key[cosine_rows, width // 2 + bands] += LOOK_SHARPNESS
