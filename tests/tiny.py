"""Tiny random models of real transformers classes, each with a tokenizer of its own.

Each maker takes a folder and a seed and leaves there what `from_pretrained` wants: config, weights
(safetensors), processor, tokenizer and chat template; about half a megabyte. For tests only: such a
model knows nothing, but its shapes, offsets and frame counts are those of its family.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

TEXT = (
    "the red fox sleeps here and the blue cat waits near the old house",
    "Repeat the words. Which emotion does the speaker express? user assistant",
)
_CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


MAMBA = {
    "mamba_num_heads": 4,
    "mamba_head_dim": 16,
    "ssm_state_size": 8,
    "n_groups": 1,
    "chunk_size": 16,
}
"""Of a tiny Nemotron-H's linear attention."""


def tokenizer(specials: Sequence[str], **attributes: str) -> transformers.PreTrainedTokenizerFast:
    """A byte-level BPE of 400 tokens with the special tokens first."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[*_CHAT, *specials],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(TEXT * 50, trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=_CHAT[0],
        eos_token=_CHAT[2],
        extra_special_tokens=dict(attributes) or [*_CHAT[1:], *specials],
        clean_up_tokenization_spaces=False,
    )


def chat_template(audio: str) -> str:
    """A Qwen-like template with a system turn and that text where an audio block stands."""
    return (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
        "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
        "{% for block in message['content'] %}{% if block['type'] == 'audio' %}"
        + audio
        + "{% else %}"
        "{{ block['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )


def whisper_features(chunk_s: int = 30) -> transformers.WhisperFeatureExtractor:
    return transformers.WhisperFeatureExtractor(feature_size=128, chunk_length=chunk_s)


def qwen2_audio(folder: Path, seed: int = 0) -> Path:
    specials = ("<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>")
    words = tokenizer(specials)
    audio_config = transformers.Qwen2AudioEncoderConfig(
        encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=64, d_model=32
    )
    config = transformers.Qwen2AudioConfig(
        audio_config=audio_config,
        text_config=_qwen2(words),
        audio_token_index=words.convert_tokens_to_ids("<|AUDIO|>"),
    )
    processor = transformers.Qwen2AudioProcessor(
        feature_extractor=whisper_features(),
        tokenizer=words,
        chat_template=chat_template("Audio 1: " + "".join(specials) + "\n"),
    )
    return _save(folder, transformers.Qwen2AudioForConditionalGeneration, config, processor, seed)


def audioflamingo3(folder: Path, seed: int = 0) -> Path:
    return _flamingo(folder, seed, "AudioFlamingo3")


def musicflamingo(folder: Path, seed: int = 0) -> Path:
    return _flamingo(folder, seed, "MusicFlamingo")


def glmasr(folder: Path, seed: int = 0) -> Path:
    words = tokenizer(("<|begin_of_audio|>", "<|pad|>", "<|end_of_audio|>"))
    audio_config = transformers.GlmAsrEncoderConfig(
        hidden_size=32, intermediate_size=128, num_hidden_layers=1, num_attention_heads=2
    )
    text_config = transformers.LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    config = transformers.GlmAsrConfig(
        audio_config=audio_config.to_dict(),
        text_config=text_config.to_dict(),
        audio_token_id=words.convert_tokens_to_ids("<|pad|>"),
    )
    processor = transformers.GlmAsrProcessor(
        feature_extractor=whisper_features(),
        tokenizer=words,
        chat_template=chat_template("<|begin_of_audio|><|pad|><|end_of_audio|>"),
    )
    return _save(folder, transformers.GlmAsrForConditionalGeneration, config, processor, seed)


def qwen3_asr(folder: Path, seed: int = 0) -> Path:
    words = tokenizer(
        ("<|audio_start|>", "<|audio_pad|>", "<|audio_end|>"),
        audio_bos_token="<|audio_start|>",
        audio_token="<|audio_pad|>",
        audio_eos_token="<|audio_end|>",
    )
    audio_config = transformers.Qwen3ASREncoderConfig(
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=64,
        d_model=32,
        output_dim=32,
        downsample_hidden_size=8,
    )
    config = transformers.Qwen3ASRConfig(
        audio_config=audio_config.to_dict(),
        text_config=qwen3_config(words).to_dict(),
        audio_token_id=words.convert_tokens_to_ids("<|audio_pad|>"),
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    processor = transformers.Qwen3ASRProcessor(
        feature_extractor=transformers.Qwen3ASRFeatureExtractor(),
        tokenizer=words,
        chat_template=chat_template("<|audio_start|><|audio_pad|><|audio_end|>"),
    )
    return _save(folder, transformers.Qwen3ASRForConditionalGeneration, config, processor, seed)


def vibevoice_asr(folder: Path, seed: int = 0) -> Path:
    specials = ("<|object_ref_start|>", "<|box_start|>", "<|object_ref_end|>")
    words = tokenizer(specials)
    encoder = {"num_filters": 2, "depths": [1] * 7, "initializer_range": 0.3}
    config = transformers.VibeVoiceAsrConfig(
        acoustic_tokenizer_encoder_config={**encoder, "hidden_size": 8},
        semantic_tokenizer_encoder_config={**encoder, "hidden_size": 8},
        text_config=_qwen2(words).to_dict(),
        audio_token_id=words.convert_tokens_to_ids("<|box_start|>"),
    )
    processor = transformers.VibeVoiceAsrProcessor(
        feature_extractor=transformers.VibeVoiceAcousticTokenizerFeatureExtractor(),
        tokenizer=words,
        chat_template=chat_template("".join(specials) + " {{ '<|AUDIO_DURATION|>' }} seconds\n"),
    )
    return _save(folder, transformers.VibeVoiceAsrForConditionalGeneration, config, processor, seed)


def moss_transcribe_diarize(folder: Path, seed: int = 0) -> Path:
    specials = ("<|audio_start|>", "<|audio_pad|>", "<|audio_end|>")
    words = tokenizer(specials)
    config = transformers.MossTranscribeDiarizeConfig(
        audio_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
        },
        text_config=qwen3_config(words).to_dict(),
        audio_token_id=words.convert_tokens_to_ids("<|audio_pad|>"),
    )
    processor = transformers.MossTranscribeDiarizeProcessor(
        feature_extractor=transformers.MossTranscribeDiarizeFeatureExtractor(),
        tokenizer=words,
        chat_template=chat_template("".join(specials)),
    )
    model_class = transformers.MossTranscribeDiarizeForConditionalGeneration
    return _save(folder, model_class, config, processor, seed)


def nemotron_transcribe(folder: Path, seed: int = 0) -> Path:
    words = tokenizer(())
    n_words = len(words)  # as published: the audio token stands behind the vocabulary, rowless
    words.add_tokens(["<|audio|>"], special_tokens=True)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    encoder = {**sizes, "num_hidden_layers": 1, "num_mel_bins": 16}
    config = transformers.Nemotron3_5TranscribeConfig(
        audio_config={
            "asr_config": encoder,
            "diarization_config": {
                "model_type": "nemotron3_diarization",
                "audio_config": encoder,
                "head_config": {"hidden_size": 16, "audio_hidden_size": 32},
                "streaming_config": {"speaker_cache_length": 24},
                "chunk_length": 50,
                "chunk_left_context": 5,
                "chunk_right_context": 5,
                "fifo_length": 4,
                "speaker_cache_update_period": 30,
            },
        },
        text_config={
            **sizes,
            "model_type": "nemotron_h",
            "vocab_size": n_words,
            "layers_block_type": ["linear_attention", "moe", "full_attention"],
            "num_key_value_heads": 1,
            "head_dim": 16,
            **MAMBA,
            "moe_intermediate_size": 16,
            "moe_shared_expert_intermediate_size": 16,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
            "bos_token_id": None,
        },
        word_timestamp_config={
            **sizes,
            "num_hidden_layers": 1,
            "vocab_size": 8,
            "blank_token_id": 7,
        },
        audio_token_id=n_words,
    )
    processor = transformers.Nemotron3_5TranscribeProcessor(
        feature_extractor=transformers.NemotronAsrStreamingFeatureExtractor(feature_size=16),
        tokenizer=words,
        alignment_tokenizer=tokenizer(()),
        chat_template=chat_template("<|audio|>"),
    )
    model_class = transformers.Nemotron3_5TranscribeForConditionalGeneration
    return _save(folder, model_class, config, processor, seed)


FAMILIES: dict[str, Callable[..., Path]] = {
    "qwen2_audio": qwen2_audio,
    "audioflamingo3": audioflamingo3,
    "musicflamingo": musicflamingo,
    "glmasr": glmasr,
    "qwen3_asr": qwen3_asr,
    "vibevoice_asr": vibevoice_asr,
    "moss_transcribe_diarize": moss_transcribe_diarize,
    "nemo_speechlm": nemotron_transcribe,
}
"""Maker of a tiny model by `model_type`."""


def _flamingo(folder: Path, seed: int, name: str) -> Path:
    words = tokenizer(("<sound>", "<|sound_bos|>", "<|sound_eos|>"))
    audio_config = transformers.AudioFlamingo3EncoderConfig(
        hidden_size=32, intermediate_size=128, num_hidden_layers=1, num_attention_heads=2
    )
    config = getattr(transformers, f"{name}Config")(
        audio_config=audio_config.to_dict(),
        text_config=_qwen2(words).to_dict(),
        audio_token_id=words.convert_tokens_to_ids("<sound>"),
    )
    processor = getattr(transformers, f"{name}Processor")(
        feature_extractor=whisper_features(),
        tokenizer=words,
        chat_template=chat_template("<sound>"),
    )
    model_class = getattr(transformers, f"{name}ForConditionalGeneration")
    return _save(folder, model_class, config, processor, seed)


def _qwen2(words: Any) -> transformers.Qwen2Config:
    return transformers.Qwen2Config(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )


def qwen3_config(words: Any) -> transformers.Qwen3Config:
    return transformers.Qwen3Config(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
        tie_word_embeddings=False,
    )


def random_model(model_class: Any, config: Any, seed: int) -> Any:
    """Random weights wide enough that a wrong position or layer cannot hide in rounding."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = model_class(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 1 / math.sqrt(parameter.shape[-1]))
    return model


def _save(folder: Path, model_class: Any, config: Any, processor: Any, seed: int) -> Path:
    model = random_model(model_class, config, seed)
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
