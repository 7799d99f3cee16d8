"""The model's own words: the likeliest token each time, until one of its ends."""

from __future__ import annotations

from typing import Any, Final

import torch

from alas_core.models import lora
from alas_core.models.loading import Checkpoint

_GREEDY: Final = {
    "do_sample": False,
    "num_beams": 1,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
}
"""Against what a checkpoint's generation config may ask for: the words of the answer stand in the
text run's prompt and not in the audio run's, so a penalty on repeating would change one of them."""


def answer_ids(
    checkpoint: Checkpoint, inputs: dict[str, torch.Tensor], max_new_tokens: int
) -> torch.Tensor:
    """Ids of the answer to one prompt, without the prompt; its end may be the last of them."""
    model, has_lora = checkpoint.model, checkpoint.has_lora
    lora.switch(model, on=checkpoint.loading.lora)
    # Else Granite's own generate() switches the LoRA by what it gets, not as it is asked for.
    model._hf_peft_config_loaded = False
    try:
        ids: torch.Tensor = model.generate(
            **inputs,
            max_new_tokens=max_new_tokens,
            eos_token_id=_ends(checkpoint) or None,
            **_GREEDY,
            **dict(checkpoint.family.forward_options),
        )
    finally:
        model._hf_peft_config_loaded = has_lora
    return ids[0, inputs["input_ids"].shape[1] :]


def _ends(checkpoint: Checkpoint) -> list[int]:
    """Ids that end an answer.

    Of an Omni model only the thinker is loaded, and its end of turn stands in the tokenizer alone:
    the whole model's class sets it in code.
    """
    config: Any = getattr(checkpoint.model, "generation_config", None)
    own = getattr(config, "eos_token_id", None)
    ends = {*(own if isinstance(own, list) else [own])}
    ends.add(getattr(checkpoint.processor.tokenizer, "eos_token_id", None))
    return sorted(end for end in ends if end is not None)
