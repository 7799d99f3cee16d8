"""The demo model: the stock class `Qwen2AudioForConditionalGeneration`, small.

Nothing is patched: the saved folder loads by `from_pretrained` like Qwen2-Audio-7B. Two traps of
the class are met here: the encoder's frozen position table is random unless it is filled with
sinusoids, and embeddings and output head are not tied by the class, so a copy of the one is written
as the other.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from transformers import (
    Qwen2AudioConfig,
    Qwen2AudioEncoderConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
)

from alas_core.demo.beginnings import balance
from alas_core.demo.processor import MAX_AUDIO_S, N_MELS
from alas_core.errors import ModelError

ENCODER_WIDTH = 192
ENCODER_LAYERS = 4
WIDTH = 192
LAYERS = 8
POSITIONS_PER_SECOND = 50
"""Encoder positions; a pooling by two after the encoder leaves 25 frames a second for the language
model."""


def demo_config(processor: Qwen2AudioProcessor) -> Qwen2AudioConfig:
    """Sizes of the demo model.

    Parameters
    ----------
    processor : Qwen2AudioProcessor
        Gives the vocabulary and the special tokens.

    Returns
    -------
    Qwen2AudioConfig
        About 5.6 million parameters, 11 MB in float16.
    """
    tokenizer = processor.tokenizer
    audio = Qwen2AudioEncoderConfig(
        num_mel_bins=N_MELS,
        encoder_layers=ENCODER_LAYERS,
        encoder_attention_heads=4,
        encoder_ffn_dim=4 * ENCODER_WIDTH,
        d_model=ENCODER_WIDTH,
        max_source_positions=MAX_AUDIO_S * POSITIONS_PER_SECOND,
        activation_function="gelu",
        dropout=0.0,
    )
    text = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=448,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.pad_token_id,
    )
    return Qwen2AudioConfig(
        audio_config=audio,
        text_config=text,
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )


def sinusoids(length: int, width: int) -> torch.Tensor:
    """Whisper's table of positions.

    Parameters
    ----------
    length, width : int
        Positions and channels.

    Returns
    -------
    torch.Tensor [shape=(length, width), float32]
        Sines in the first half of the channels, cosines in the second.
    """
    step = math.log(10_000) / (width // 2 - 1)
    angles = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def build_model(
    config: Qwen2AudioConfig, seed: int, *, for_training: bool = False
) -> Qwen2AudioForConditionalGeneration:
    """A model with random weights and proper sinusoidal positions.

    Parameters
    ----------
    config : Qwen2AudioConfig
        From `demo_config` or from a saved model.
    seed : int
        Of the weights; the caller's random state is left as it was.
    for_training : bool
        Start the encoder where a short training can get off the ground, see `beginnings.balance`.

    Returns
    -------
    Qwen2AudioForConditionalGeneration
        float32, in evaluation mode; the output head is a copy of the embeddings.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2AudioForConditionalGeneration(config)
        embeddings = model.model.language_model.embed_tokens.weight
        positions = model.model.audio_tower.embed_positions.weight
        with torch.no_grad():
            positions.copy_(sinusoids(*positions.shape))
            if for_training:
                balance(model.model.audio_tower)
            embeddings.normal_(0, embeddings.shape[1] ** -0.5)
            model.lm_head.weight.copy_(embeddings)
    return _in(model, torch.float32)


def _in(model: Any, dtype: torch.dtype) -> Qwen2AudioForConditionalGeneration:
    ready: Qwen2AudioForConditionalGeneration = model.to(dtype).eval()
    return ready


def build_untrained(model_dir: Path, seed: int) -> Qwen2AudioForConditionalGeneration:
    """The control: the architecture of a saved model with random weights.

    Parameters
    ----------
    model_dir : Path
        Folder with the saved model's config.json.
    seed : int
        See `assets/demo/untrained.json`.

    Returns
    -------
    Qwen2AudioForConditionalGeneration
        float32, in evaluation mode.

    Raises
    ------
    ModelError
        If the folder has no config.json of a Qwen2-Audio model.
    """
    path = Path(model_dir) / "config.json"
    if not path.is_file():
        raise ModelError(
            f"no config.json in {path.parent.name!r}; expected the folder of a saved Qwen2-Audio "
            "model such as assets/demo/model; run `make demo-model`"
        )
    return build_model(Qwen2AudioConfig.from_pretrained(str(model_dir)), seed)


def save_model(
    model: Qwen2AudioForConditionalGeneration, processor: Qwen2AudioProcessor, folder: Path
) -> None:
    """Write model (float16 safetensors) and processor so that `from_pretrained` loads them.

    Parameters
    ----------
    model : Qwen2AudioForConditionalGeneration
        Left as it is; a float16 copy is written.
    processor : Qwen2AudioProcessor
        Saved beside it.
    folder : Path
        Made if missing.
    """
    config = Qwen2AudioConfig.from_dict(model.config.to_dict())
    copy = Qwen2AudioForConditionalGeneration(config)
    state = {key: value.detach().clone() for key, value in model.state_dict().items()}
    copy.load_state_dict(state)
    tokenizer = processor.tokenizer
    copy.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    copy.generation_config.pad_token_id = tokenizer.pad_token_id
    copy.generation_config.do_sample = False
    _in(copy, torch.float16).save_pretrained(folder)
    processor.save_pretrained(folder)
