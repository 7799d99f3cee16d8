"""What a loaded checkpoint takes and gives: tensors of both runs, limits, the audio token's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from alas_core.errors import ModelError
from alas_core.models.facts import Family
from alas_core.models.loading import Checkpoint
from alas_core.models.prompting import TextInput, needs_special_tokens, render_audio
from alas_core.models.protocol import Prompt
from alas_core.types import Audio, ModelInfo


def audio_inputs(checkpoint: Checkpoint, audio: Audio, prompt: Prompt) -> dict[str, torch.Tensor]:
    """Tensors of the audio run, on the model's device, floats in the model's dtype.

    `input_ids` has as many audio tokens as the language model will have audio positions.
    """
    text = render_audio(checkpoint.processor, prompt)
    rate = _sample_rate(checkpoint.processor)
    inputs = checkpoint.processor(
        text=[text],
        audio=[_at_rate(audio, rate)],
        sampling_rate=rate,
        return_tensors="pt",
        add_special_tokens=needs_special_tokens(checkpoint.processor.tokenizer, text),
    )
    return dict(inputs.to(checkpoint.device, dtype=checkpoint.dtype))


def padded_inputs(checkpoint: Checkpoint, texts: Sequence[TextInput]) -> dict[str, torch.Tensor]:
    """Right-padded ids and attention mask of text runs, each (n_texts, longest)."""
    longest = max(len(text.ids) for text in texts)
    ids = torch.full((len(texts), longest), checkpoint.processor.tokenizer.pad_token_id or 0)
    attention = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text.ids)] = torch.tensor(text.ids)
        attention[row, : len(text.ids)] = 1
    return {
        "input_ids": ids.to(checkpoint.device),
        "attention_mask": attention.to(checkpoint.device),
    }


def frame_count(checkpoint: Checkpoint, seconds: float) -> int:
    """Audio positions that the processor gives to that much silence; the weights are not used."""
    samples = np.zeros(round(seconds * 16000), dtype=np.float32)
    inputs = audio_inputs(checkpoint, Audio(samples, 16000), Prompt())
    return int((inputs["input_ids"] == audio_token_id(checkpoint)).sum())


def audio_token_id(checkpoint: Checkpoint) -> int:
    """Id of the tokens that hold audio: families keep it in different places."""
    config, processor = checkpoint.model.config, checkpoint.processor
    holders = (
        config,
        getattr(config, "thinker_config", None),
        getattr(config, "audio_config", None),
        processor,
        processor.tokenizer,
    )
    for holder in holders:
        found = getattr(holder, "audio_token_id", None)
        if isinstance(found, int):
            return found
    raise ModelError(
        f"the {checkpoint.family.label} checkpoint names no audio token (audio_token_id), expected "
        "one in its config or processor; its audio positions cannot be found"
    )


def model_info(checkpoint: Checkpoint, model_id: str, revision: str) -> ModelInfo:
    """Sizes, limits and name of a checkpoint, as the rest of the project sees them."""
    family, text, about = checkpoint.family, checkpoint.text_config, checkpoint.about
    known = about.get("known_words")
    return ModelInfo(
        model_id=model_id,
        revision=revision,
        family=family.model_type,
        dtype=str(checkpoint.dtype).removeprefix("torch."),
        device=checkpoint.device,
        n_layers=text.num_hidden_layers,
        d_model=text.hidden_size,
        frame_rate_hz=family.grid.rate_hz,
        vocabulary_size=text.vocab_size,
        max_audio_s=_limit(checkpoint),
        min_audio_s=family.min_audio_s,
        name=str(about.get("name") or family.label),
        known_words=None if known is None else frozenset(str(w).casefold() for w in known),
        notes=_notes(family),
    )


def _notes(family: Family) -> tuple[str, ...]:
    unverified = (
        ""
        if family.verified
        else (
            f"{family.label} was never run by this project's tests: its frame times and states "
            "come from reading the library's source."
        )
    )
    return tuple(note for note in (unverified, family.note) if note)


def _limit(checkpoint: Checkpoint) -> float | None:
    """Shortest of the family's, the extractor's and the checkpoint's own limit, in seconds."""
    limits = [checkpoint.family.max_audio_s, checkpoint.about.get("max_audio_s")]
    if checkpoint.family.limit_from_extractor:
        extractor = checkpoint.processor.feature_extractor
        limits.append(extractor.n_samples / extractor.sampling_rate)
    return min((float(limit) for limit in limits if limit), default=None)


def _sample_rate(processor: Any) -> int:
    extractor = getattr(processor, "feature_extractor", None) or processor.audio_processor
    return int(getattr(extractor, "sampling_rate", 16000))


def _at_rate(audio: Audio, rate: int) -> np.ndarray[Any, Any]:
    if audio.sample_rate == rate:
        return audio.samples
    from alas_core.audio import resample

    return resample(audio, rate).samples
