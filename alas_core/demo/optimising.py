"""What is trained in which stage, how fast, and with which attention."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration

from alas_core.demo.stages import ENCODER_RATE, MATRIX_RATE, Stage

DECAY = 0.02


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


class Optimisers:
    """Several optimisers, each for its share of the parameters, stepped as one.

    Parameters
    ----------
    parts : Sequence[torch.optim.Optimizer]
        Each group of theirs has a "factor" on the stage's rate.
    """

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self._parts = tuple(parts)

    @property
    def parameters(self) -> list[Tensor]:
        """All that is trained."""
        groups = (group for part in self._parts for group in part.param_groups)
        return [parameter for group in groups for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def step(self, rate: float) -> None:
        """Update every parameter.

        Parameters
        ----------
        rate : float
            Learning rate; each group multiplies it by its own factor.
        """
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = rate * group["factor"]
            part.step()

    def moments(self) -> dict[str, Tensor]:
        """Return what the optimisers remember, by "part/parameter/name".

        Returns
        -------
        dict[str, Tensor]
            Empty before the first step.
        """
        return {
            f"{number}/{index}/{name}": value
            for number, part in enumerate(self._parts)
            for index, held in part.state_dict()["state"].items()
            for name, value in held.items()
        }

    def restore(self, moments: Mapping[str, Tensor]) -> None:
        """Go on with what other optimisers over the same parameters remembered.

        Parameters
        ----------
        moments : Mapping[str, Tensor]
            From `moments`.
        """
        states: list[dict[int, dict[str, Tensor]]] = [defaultdict(dict) for _ in self._parts]
        for key, value in moments.items():
            number, index, name = key.split("/")
            states[int(number)][int(index)][name] = value
        for part, state in zip(self._parts, states, strict=True):
            part.load_state_dict({**part.state_dict(), "state": dict(state)})


def new_optimisers(
    model: Qwen2AudioForConditionalGeneration, stage: Stage, log_scale: nn.Parameter
) -> Optimisers:
    """Muon for the layers' matrices, AdamW for the rest that is trained; a slower encoder later.

    Muon makes every direction of a matrix's update equally long (Jordan et al. 2024); scaled to the
    size of AdamW's updates (Liu et al. 2025, arXiv:2502.16982) the two share a rate. Here `listen`
    took half as many steps with it.

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
    Optimisers
        Weight decay on matrices only.
    """
    slow = {id(parameter) for parameter in model.model.audio_tower.parameters()}
    table = model.model.language_model.embed_tokens.weight
    late = stage.name not in ("listen", "read")
    matrices: dict[float, list[Tensor]] = {}
    others: dict[tuple[float, float], list[Tensor]] = {}
    for parameter in [*(p for p in model.parameters() if p.requires_grad), log_scale]:
        factor = ENCODER_RATE if late and id(parameter) in slow else 1.0
        if parameter.ndim == 2 and parameter is not table:
            matrices.setdefault(factor * MATRIX_RATE, []).append(parameter)
        else:
            decay = DECAY if parameter.ndim > 1 else 0.0
            others.setdefault((decay, factor), []).append(parameter)
    return Optimisers(
        (
            torch.optim.Muon(
                [{"params": held, "factor": factor} for factor, held in matrices.items()],
                lr=stage.rate,
                weight_decay=DECAY,
                adjust_lr_fn="match_rms_adamw",
            ),
            torch.optim.AdamW(
                [
                    {"params": held, "weight_decay": decay, "factor": factor}
                    for (decay, factor), held in others.items()
                ],
                lr=stage.rate,
                betas=(0.9, 0.98),
                fused=True,
            ),
        )
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
