"""The BEATs audio encoder, which transformers lacks; parameter names are those of its checkpoints.

A transformer over 16 x 16 patches of a log-mel spectrogram: a convolution gives positions, each
attention adds a bias of relative position that a gate scales by the query, and residuals are scaled
as in DeepNet (norm after). Only inference, only one sound at a time.

References
----------
Chen et al. 2022, arXiv:2212.09058; Wang et al. 2022, arXiv:2203.00555 (DeepNet).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

from alas_core.errors import ModelError
from alas_core.types import FloatArray

N_MELS = 128
_MEAN, _STD = 15.41663, 6.55582
"""Of the log-mel values that the encoder was trained on."""

_NEEDED = {"deep_norm": True, "layer_norm_first": False, "gru_rel_pos": True, "conv_bias": False}


def log_mels(samples: FloatArray) -> FloatArray:
    """Kaldi's filterbank features as BEATs wants them.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), float32], 16 kHz, in [-1, 1]

    Returns
    -------
    np.ndarray [shape=(n, 128), float32]
        One row each 10 ms, windows of 25 ms inside the sound; normalised.
    """
    mels = spectrogram(
        np.asarray(samples, dtype=np.float64) * 2**15,
        window_function(400, "povey", periodic=False),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=2.0,
        center=False,
        preemphasis=0.97,
        mel_filters=_filters(),
        mel_floor=1.192092955078125e-07,
        log_mel="log",
        remove_dc_offset=True,
    ).T
    normal: FloatArray = ((mels - _MEAN) / (2 * _STD)).astype(np.float32)
    return normal


@cache
def _filters() -> FloatArray:
    """Kaldi's triangles; the lowest ones are narrower than a bin of the spectrum, and empty."""
    with warnings.catch_warnings(action="ignore"):
        filters: FloatArray = mel_filter_bank(
            num_frequency_bins=257,
            num_mel_filters=N_MELS,
            min_frequency=20,
            max_frequency=8000,
            sampling_rate=16000,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )
    return filters


class Beats(nn.Module):
    """Log-mels (1, n, 128) to states (1, 8 * (n // 16), encoder_embed_dim), about 50 a second."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        for name, value in _NEEDED.items():
            if bool(config.get(name)) != value:
                raise ModelError(
                    f"the BEATs checkpoint has {name} = {config.get(name)}, expected {value}; use "
                    "one of the published BEATs_iter3+ (AS2M) files"
                )
        width, patch = int(config["encoder_embed_dim"]), int(config["input_patch_size"])
        embed = int(config["embed_dim"])
        self.width = width
        self.patch_embedding = nn.Conv2d(1, embed, patch, stride=patch, bias=False)
        self.layer_norm = nn.LayerNorm(embed)
        self.post_extract_proj = nn.Linear(embed, width) if embed != width else nn.Identity()
        self.encoder = _Encoder(config, width)

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        patches = self.patch_embedding(mels.unsqueeze(1)).flatten(2).transpose(1, 2)
        states: torch.Tensor = self.encoder(self.post_extract_proj(self.layer_norm(patches)))
        return states


class _Encoder(nn.Module):
    def __init__(self, config: Mapping[str, Any], width: int) -> None:
        super().__init__()
        kernel = int(config["conv_pos"])
        convolution = nn.Conv1d(
            width, width, kernel, padding=kernel // 2, groups=int(config["conv_pos_groups"])
        )
        # The published names weight_g and weight_v are understood by torch's own hook.
        self.pos_conv = nn.ModuleList([nn.utils.parametrizations.weight_norm(convolution, dim=2)])
        self.n_extra = 1 - kernel % 2
        self.layer_norm = nn.LayerNorm(width)
        n_layers = int(config["encoder_layers"])
        layers = [_Layer(config, width, n_layers) for _ in range(n_layers)]
        for layer in layers[1:]:  # one table for all
            layer.self_attn.relative_attention_bias = layers[0].self_attn.relative_attention_bias
        self.layers = nn.ModuleList(layers)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        places = self.pos_conv[0](states.transpose(1, 2))
        places = functional.gelu(places[..., : places.shape[-1] - self.n_extra]).transpose(1, 2)
        states = self.layer_norm(states + places)
        bias = cast(_Layer, self.layers[0]).self_attn.position_bias(states.shape[1])
        for layer in self.layers:
            states = layer(states, bias)
        return states


class _Layer(nn.Module):
    def __init__(self, config: Mapping[str, Any], width: int, n_layers: int) -> None:
        super().__init__()
        inner = int(config["encoder_ffn_embed_dim"])
        self.self_attn = _Attention(config, width)
        self.self_attn_layer_norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)
        self.final_layer_norm = nn.LayerNorm(width)
        self.alpha = math.pow(2 * n_layers, 0.25)

    def forward(self, states: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        states = self.self_attn_layer_norm(states * self.alpha + self.self_attn(states, bias))
        changed = self.fc2(functional.gelu(self.fc1(states)))
        result: torch.Tensor = self.final_layer_norm(states * self.alpha + changed)
        return result


class _Attention(nn.Module):
    def __init__(self, config: Mapping[str, Any], width: int) -> None:
        super().__init__()
        self.n_heads = int(config["encoder_attention_heads"])
        self.n_buckets = int(config["num_buckets"])
        self.max_distance = int(config["max_distance"])
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.relative_attention_bias = nn.Embedding(self.n_buckets, self.n_heads)
        self.grep_linear = nn.Linear(width // self.n_heads, 8)
        self.grep_a = nn.Parameter(torch.ones(1, self.n_heads, 1, 1))

    def forward(self, states: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            part(states).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for part in (self.q_proj, self.k_proj, self.v_proj)
        )
        gates = self.grep_linear(query).unflatten(-1, (2, 4)).sum(-1)
        first, second = torch.sigmoid(gates).chunk(2, dim=-1)
        scale = first * (second * self.grep_a - 1.0) + 2.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=scale * bias)
        result: torch.Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return result

    def position_bias(self, n: int) -> torch.Tensor:
        """(n_heads, n, n): by how far the key is before or after the query, in buckets."""
        place = torch.arange(n, device=self.relative_attention_bias.weight.device)
        distance = place[None, :] - place[:, None]
        half = self.n_buckets // 2
        exact = half // 2
        far = torch.log(distance.abs().clamp(min=1).float() / exact)
        far = exact + (far / math.log(self.max_distance / exact) * (half - exact)).long()
        bucket = torch.where(distance.abs() < exact, distance.abs(), far.clamp(max=half - 1))
        table: torch.Tensor = self.relative_attention_bias(bucket + half * (distance > 0))
        return table.permute(2, 0, 1)
