"""What a loaded checkpoint takes and gives: tensors of both runs, limits, the audio token's id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from alas_core.errors import ModelError
from alas_core.models.facts import audio_token
from alas_core.models.loading import Checkpoint
from alas_core.models.mistral import conversation_inputs, encode_conversation
from alas_core.models.prompting import TextInput, encode_text, needs_special_tokens
from alas_core.models.protocol import Prompt
from alas_core.models.rendering import placement, render_audio
from alas_core.types import Audio, ModelInfo


def audio_inputs(checkpoint: Checkpoint, audio: Audio, prompt: Prompt) -> dict[str, torch.Tensor]:
    """Tensors of the audio run, on the model's device, floats in the audio tower's dtype.

    `input_ids` has as many audio tokens as the language model will have audio positions.
    """
    processor = checkpoint.processor
    sound = _at_rate(audio, _sample_rate(processor))
    if checkpoint.family.conversations:
        inputs = conversation_inputs(processor, sound, prompt)
    else:
        text = render_audio(processor, prompt)
        inputs = processor(
            text=[text],
            audio=[sound.samples],
            sampling_rate=sound.sample_rate,
            return_tensors="pt",
            add_special_tokens=needs_special_tokens(processor.tokenizer, text),
        )
    return dict(inputs.to(checkpoint.device, dtype=_features_dtype(checkpoint)))


def text_input(checkpoint: Checkpoint, transcript: str, prompt: Prompt) -> TextInput:
    """Ids of the text run and where the transcript's tokens stand in it."""
    encode = encode_conversation if checkpoint.family.conversations else encode_text
    return encode(checkpoint.processor, prompt, transcript)


def prompt_notes(checkpoint: Checkpoint, prompt: Prompt) -> tuple[str, ...]:
    """For the user: what the family's template makes of the prompt, if it is not as asked for."""
    if checkpoint.family.conversations:
        return ()
    note = placement(checkpoint.processor, prompt)
    return (note,) if note else ()


def batches(
    texts: Sequence[TextInput], most_texts: int, most_positions: int
) -> Iterator[Sequence[TextInput]]:
    """Neighbours that are run together, one text at least; padding counts as positions."""
    start = longest = 0
    for end, text in enumerate(texts):
        longest = max(longest, len(text.ids))
        count = end + 1 - start
        if start < end and (count > most_texts or count * longest > most_positions):
            yield texts[start:end]
            start, longest = end, len(text.ids)
    if texts:
        yield texts[start:]


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
    found = audio_token(checkpoint.model.config.to_dict())
    if found is not None:
        return found
    processor = checkpoint.processor
    for holder in (processor, processor.tokenizer):
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
    known, name = about.get("known_words"), str(about.get("name") or family.label)
    return ModelInfo(
        model_id=model_id,
        revision=revision,
        family=family.model_type,
        dtype=str(checkpoint.dtype).removeprefix("torch."),
        device=checkpoint.device,
        n_layers=text.num_hidden_layers,
        d_model=text.hidden_size,
        frame_rate_hz=family.grid.rate_hz,
        vocabulary_size=getattr(text, "unpadded_vocab_size", None) or text.vocab_size,
        max_audio_s=longest_audio_s(checkpoint),
        min_audio_s=family.min_audio_s,
        name=f"{name}, random weights" if checkpoint.untrained else name,
        known_words=None if known is None else frozenset(str(w).casefold() for w in known),
        notes=_notes(checkpoint),
        variant=checkpoint.loading.variant(family.model_type),
    )


def _notes(checkpoint: Checkpoint) -> tuple[str, ...]:
    family, lora = checkpoint.family, ""
    if checkpoint.has_lora:
        state = "on" if checkpoint.loading.lora else "off"
        lora = f"The model's speech LoRA is {state} in both runs."
    elif family.lora:
        lora = "No speech LoRA was found beside the weights, so none is used."
    missing = ""
    if checkpoint.missing:
        names = checkpoint.missing
        were = "1 weight is" if len(names) == 1 else f"{len(names)} weights are"
        made = "was" if len(names) == 1 else "were"
        more = ", ..." if len(names) > 2 else ""
        missing = (
            f"{were} in none of the model's files and {made} made at random, which spoils the "
            f"scores: {', '.join(names[:2])}{more}. Download or convert the model anew."
        )
    return tuple(note for note in (missing, family.note, lora) if note)


def longest_audio_s(checkpoint: Checkpoint) -> float | None:
    """Shortest of the family's, the extractor's and the checkpoint's own limit, in seconds."""
    limits = [checkpoint.family.max_audio_s, checkpoint.about.get("max_audio_s")]
    if checkpoint.family.limit_from_extractor:
        extractor = checkpoint.processor.feature_extractor
        limits.append(extractor.n_samples / extractor.sampling_rate)
    return min((float(limit) for limit in limits if limit), default=None)


def _features_dtype(checkpoint: Checkpoint) -> torch.dtype:
    """The model's, but float32 for an audio tower that its class keeps in that."""
    tower = getattr(checkpoint.model.base_model, "audio_tower", None)
    held = {one.dtype for one in tower.parameters()} if tower is not None else set()
    return torch.float32 if held == {torch.float32} else checkpoint.dtype


def _sample_rate(processor: Any) -> int:
    extractor = getattr(processor, "feature_extractor", None) or processor.audio_processor
    return int(getattr(extractor, "sampling_rate", 16000))


def _at_rate(audio: Audio, rate: int) -> Audio:
    if audio.sample_rate == rate:
        return audio
    from alas_core.audio import resample

    return resample(audio, rate)
