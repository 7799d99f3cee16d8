"""What the training minimises: frames that sound like words, text that continues, right answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import Qwen2AudioForConditionalGeneration

from alas_core.demo.bank import Batch, frames_of
from alas_core.demo.prompts import Sequences

NORM_WEIGHT = 0.02
Laid = TypeVar("Laid", Batch, Sequences)


def _autocast(like: Tensor) -> torch.autocast:
    return torch.autocast(like.device.type, torch.bfloat16)


def moved(held: Laid, device: torch.device) -> Laid:
    """Bring the tensors of a batch to where the model is.

    Parameters
    ----------
    held : Batch or Sequences
        From the CPU.
    device : torch.device
        Where to.

    Returns
    -------
    Batch or Sequences
        A copy with its tensors there.
    """
    there: dict[str, Any] = {
        name: value.to(device) for name, value in vars(held).items() if isinstance(value, Tensor)
    }
    return replace(held, **there)


def encode(model: Qwen2AudioForConditionalGeneration, batch: Batch, offset: int = 0) -> Tensor:
    """The stock encoder and projector on a batch shorter than the model's full window.

    Parameters
    ----------
    model : Qwen2AudioForConditionalGeneration
        Its audio tower has eager attention.
    batch : Batch
        Log-mel and lengths.
    offset : int
        Position of the first encoder step, so that late positions are learnt too.

    Returns
    -------
    Tensor [shape=(B, T / 4, width), float32]
        What stands at the audio positions of the language model's input.
    """
    tower = model.model.audio_tower
    device = batch.mel.device
    with _autocast(batch.mel):
        hidden = functional.gelu(tower.conv1(batch.mel))
        hidden = functional.gelu(tower.conv2(hidden)).transpose(1, 2)
        steps = hidden.shape[1]
        hidden = hidden + tower.embed_positions.weight[offset : offset + steps]
        inside = torch.arange(steps, device=device)[None] < ((batch.lengths - 1) // 2 + 1)[:, None]
        mask = torch.zeros(inside.shape, device=device).masked_fill(~inside, -1e9)
        mask = mask[:, None, None].expand(-1, 1, steps, -1)
        for layer in tower.layers:
            hidden = layer(hidden, mask)
        hidden = tower.avg_pooler(hidden.transpose(1, 2)).transpose(1, 2)
        frames: Tensor = model.model.multi_modal_projector(tower.layer_norm(hidden))
    return frames.float()


def laid_in(frames: Tensor, batch: Batch, embedded: Tensor, places: Tensor) -> Tensor:
    """Lay the audio's frames over its placeholders, as the stock class does.

    Parameters
    ----------
    frames : Tensor [shape=(B, N, width)]
        From `encode`.
    batch : Batch
        Which of them are sound.
    embedded : Tensor [shape=(B, T, width)]
        Input embeddings.
    places : Tensor [shape=(B, T), bool]
        Where the placeholders are: as many as frames of sound.

    Returns
    -------
    Tensor [shape=(B, T, width)]
        A new tensor.
    """
    counts = torch.tensor([frames_of(n) for n in batch.lengths.tolist()], device=frames.device)
    inside = torch.arange(frames.shape[1], device=frames.device)[None] < counts[:, None]
    return embedded.masked_scatter(places[..., None], frames[inside])


def frame_loss(
    frames: Tensor, labels: Tensor, embeddings: Tensor, log_scale: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of each frame's cosine to every token embedding.

    Parameters
    ----------
    frames : Tensor [shape=(B, N, width)]
        From `encode`.
    labels : Tensor [shape=(B, N), int64]
        Token ids; `IGNORED` where there is nothing to learn.
    embeddings : Tensor [shape=(vocabulary, width)]
        The language model's input embeddings.
    log_scale : Tensor [shape=()]
        Logarithm of the inverse temperature.

    Returns
    -------
    loss : Tensor
        Mean over labelled frames, with a small pull of the frames' norms to 1.
    accuracy : Tensor
        Share of labelled frames nearest to their own word (or to silence).
    """
    known = labels >= 0
    chosen = frames[known]
    norms = chosen.norm(dim=-1, keepdim=True)
    with _autocast(chosen):
        cosines = functional.linear(
            chosen / (norms + 1e-5), functional.normalize(embeddings, dim=-1)
        )
    logits = cosines.float() * log_scale.exp()
    loss = functional.cross_entropy(logits, labels[known])
    accuracy = (logits.argmax(-1) == labels[known]).float().mean()
    return loss + NORM_WEIGHT * (norms - 1).square().mean(), accuracy


def sequence_loss(
    language_model: nn.Module, embedded: Tensor, rows: Sequences, embeddings: Tensor
) -> tuple[Tensor, Tensor]:
    """Weighted next-token loss.

    Parameters
    ----------
    language_model : nn.Module
        The stock Qwen2 decoder.
    embedded : Tensor [shape=(B, T, width)]
        Input embeddings, audio frames in place.
    rows : Sequences
        Targets and weights.
    embeddings : Tensor [shape=(vocabulary, width)]
        Also the output head while training.

    Returns
    -------
    loss : Tensor
        Sum of weighted cross-entropies over the number of answer tokens.
    answer_loss : Tensor
        Mean cross-entropy of the answer tokens alone (detached).
    """
    with _autocast(embedded):
        hidden = language_model(
            inputs_embeds=embedded, attention_mask=rows.attention, use_cache=False
        ).last_hidden_state
        targets, weights = rows.targets[:, 1:], rows.weights[:, 1:]
        known = targets >= 0
        logits = functional.linear(hidden[:, :-1][known], embeddings)
    losses = functional.cross_entropy(logits.float(), targets[known], reduction="none")
    weight = weights[known]
    answers = weight >= 1
    loss = (losses * weight).sum() / answers.sum()
    return loss, losses[answers].mean().detach()
