"""What is trained in which stage, how fast, and with which attention."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration

from alas_core.demo.stages import ENCODER_RATE, Stage


def set_trainable(model: Qwen2AudioForConditionalGeneration, stage: str) -> None:
    """Let the parts learn that a stage is for.

    Parameters
    ----------
    model : Qwen2AudioForConditionalGeneration
        Changed in place.
    stage : str
        "listen" (ears and embeddings), "read" (language model without them) or a later one (all).
    """
    language_model = model.model.language_model
    for part in (model.model.audio_tower, model.model.multi_modal_projector):
        part.requires_grad_(stage != "read")
    language_model.requires_grad_(stage != "listen")
    language_model.embed_tokens.requires_grad_(stage != "read")
    model.model.audio_tower.embed_positions.requires_grad_(False)
    model.lm_head.requires_grad_(False)


def new_optimiser(
    model: Qwen2AudioForConditionalGeneration, stage: Stage, log_scale: nn.Parameter
) -> torch.optim.Optimizer:
    """AdamW over what is trainable; weight decay on matrices only, a slower encoder later.

    Parameters
    ----------
    model : Qwen2AudioForConditionalGeneration
        After `set_trainable`.
    stage : Stage
        Gives name and rate.
    log_scale : nn.Parameter
        Of the frame loss; trained too.

    Returns
    -------
    torch.optim.Optimizer
        Each group has a "factor" on the stage's rate.
    """
    slow = {id(parameter) for parameter in model.model.audio_tower.parameters()}
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for parameter in [*(p for p in model.parameters() if p.requires_grad), log_scale]:
        decay = 0.02 if parameter.ndim > 1 else 0.0
        late = stage.name not in ("listen", "read")
        factor = ENCODER_RATE if late and id(parameter) in slow else 1.0
        groups.setdefault((decay, factor), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": decay, "factor": factor}
            for (decay, factor), parameters in groups.items()
        ],
        lr=stage.rate,
        betas=(0.9, 0.98),
        fused=True,
    )


def attend_eagerly(model: Qwen2AudioForConditionalGeneration) -> None:
    """Use the plain attention, whose backward pass is the faster one on a CPU.

    Parameters
    ----------
    model : Qwen2AudioForConditionalGeneration
        Changed in place.
    """
    for part in (model.model.audio_tower, model.model.language_model):
        part.config._attn_implementation = "eager"


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Nothing learns inside, and nothing is compiled a second time for it."""
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        yield
