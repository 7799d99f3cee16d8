"""Tiny models of the families whose whole processor needs packages that are not installed here.

Their processors want torchvision (or their models timm) for images, which this project never
shows. So they are put together in memory: the real model class and the audio half of the real
processor class, without its image and video parts. For tests only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import torch
import transformers
from transformers.models.gemma3n import modeling_gemma3n

from alas_core.models.facts import FAMILIES as FACTS
from alas_core.models.loading import Checkpoint
from tests import tiny

_OMNI = {
    "audio_token": "<|AUDIO|>",
    "image_token": "<|IMAGE|>",
    "video_token": "<|VIDEO|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
}
_ROPE = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}
_ENCODER = {
    "encoder_layers": 1,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "d_model": 32,
    "output_dim": 32,
    "num_mel_bins": 128,
}
_VISION = {"depth": 1, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2}


def qwen2_5_omni(seed: int = 0) -> Checkpoint:
    words = tiny.tokenizer(tuple(_OMNI.values()), **_OMNI)
    config = transformers.Qwen2_5OmniThinkerConfig(
        audio_config=_ENCODER,
        vision_config={**_VISION, "out_hidden_size": 32},
        text_config=_omni_text(words),
        **_omni_ids(words, "index"),
    )
    processor = _omni_processor(transformers.Qwen2_5OmniProcessor, words)
    model_class = transformers.Qwen2_5OmniThinkerForConditionalGeneration
    return checkpoint("qwen2_5_omni", tiny.random_model(model_class, config, seed), processor)


def qwen3_omni_moe(seed: int = 0) -> Checkpoint:
    words = tiny.tokenizer(tuple(_OMNI.values()), **_OMNI)
    experts = {"moe_intermediate_size": 32, "num_experts": 4, "num_experts_per_tok": 2}
    config = transformers.Qwen3OmniMoeThinkerConfig(
        audio_config={**_ENCODER, "downsample_hidden_size": 8},
        vision_config={**_VISION, "out_hidden_size": 32, "deepstack_visual_indexes": [0]},
        text_config={**_omni_text(words), **experts, "head_dim": 8},
        **_omni_ids(words, "id"),
    )
    processor = _omni_processor(transformers.Qwen3OmniMoeProcessor, words)
    model_class = transformers.Qwen3OmniMoeThinkerForConditionalGeneration
    return checkpoint("qwen3_omni_moe", tiny.random_model(model_class, config, seed), processor)


def gemma3n(seed: int = 0) -> Checkpoint:
    names = {"audio_token": "<audio>", "boa_token": "<boa>", "eoa_token": "<eoa>"}
    words = tiny.tokenizer(tuple(names.values()), **names)
    audio_id = words.convert_tokens_to_ids("<audio>")
    processor = audio_half(
        transformers.Gemma3nProcessor,
        feature_extractor=transformers.Gemma3nAudioFeatureExtractor(),
        tokenizer=words,
        chat_template=tiny.chat_template("<audio>"),
        audio_token="<audio>",
        audio_token_id=audio_id,
        audio_seq_length=188,
        full_audio_sequence="\n\n<boa>" + "<audio>" * 188 + "<eoa>\n\n",
    )
    real = transformers.AutoModel.from_config

    def without_vision(config: Any, **options: Any) -> Any:
        return torch.nn.Identity() if "vision" in config.model_type else real(config, **options)

    with mock.patch.object(modeling_gemma3n.AutoModel, "from_config", side_effect=without_vision):
        model_class = transformers.Gemma3nForConditionalGeneration
        model = tiny.random_model(model_class, _gemma3n_config(words, audio_id), seed)
    return checkpoint("gemma3n", model, processor)


def gemma4(seed: int = 0) -> Checkpoint:
    encoder = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return _gemma4("Gemma4", "gemma4", {**encoder, "output_proj_dims": 32}, seed)


def gemma4_unified(seed: int = 0) -> Checkpoint:
    return _gemma4("Gemma4Unified", "gemma4_unified", {"hidden_size": 640}, seed)


def phi4_multimodal(seed: int = 0) -> Checkpoint:
    names = {"audio_token": "<|audio|>", "image_token": "<|image|>"}
    words = tiny.tokenizer(tuple(names.values()), **names)
    audio_id, image_id = words.convert_tokens_to_ids(list(names.values()))
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    images = {"crop_size": 28, "image_size": 28, "patch_size": 14, "image_token_id": image_id}
    channels = {
        "ext_pw_out_channel": 32,
        "depthwise_separable_out_channel": 32,
        "nemo_conv_channels": 16,
    }
    config = transformers.Phi4MultimodalConfig(
        **sizes,
        vocab_size=len(words),
        num_hidden_layers=2,
        num_key_value_heads=1,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
        vision_config={**sizes, **images, "num_hidden_layers": 3},
        audio_config={**sizes, **channels, "num_blocks": 3, "audio_token_id": audio_id},
    )
    processor = audio_half(
        transformers.Phi4MultimodalProcessor,
        audio_processor=transformers.Phi4MultimodalFeatureExtractor(),
        tokenizer=words,
        chat_template=tiny.chat_template("<|audio|>"),
        audio_token="<|audio|>",
        audio_token_id=audio_id,
    )
    model = tiny.random_model(transformers.Phi4MultimodalForCausalLM, config, seed)
    return checkpoint("phi4_multimodal", model, processor)


def inkling(seed: int = 0) -> Checkpoint:
    names = {"audio_token": "<|audio|>", "image_token": "<|image|>"}
    begins = {"audio_bos_token": "<|content_audio|>", "image_bos_token": "<|content_image|>"}
    words = tiny.tokenizer((*names.values(), *begins.values()), **names, **begins)
    ids = {f"{name}_id": words.convert_tokens_to_ids(t) for name, t in {**names, **begins}.items()}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16}
    config = transformers.InklingConfig(
        text_config={
            **heads,
            **{f"swa_{name}": size for name, size in heads.items()},
            "vocab_size": len(words) + 8,
            "unpadded_vocab_size": len(words),  # as published: rows of the head that no token has
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 3,
            "layer_types": ["hybrid_sliding", "hybrid", "hybrid_sliding"],
            "mlp_layer_types": ["dense", "sparse", "sparse"],
            "d_rel": 4,
            "moe_intermediate_size": 16,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_shared_experts": 1,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
            "bos_token_id": None,
        },
        audio_config={"mel_vocab_size": 16},
        vision_config={"hidden_size": 32, "num_hidden_layers": 2, "patch_size": 4},
        **ids,
    )
    lowest, highest, n_bins = -7.0, 2.0, 16
    processor = audio_half(
        transformers.InklingProcessor,
        feature_extractor=transformers.InklingFeatureExtractor(),
        tokenizer=words,
        chat_template=tiny.chat_template("<|content_audio|><|audio|>"),
        num_dmel_bins=n_bins,
        dmel_min_value=lowest,
        dmel_max_value=highest,
        bin_centers=torch.linspace(lowest, highest, n_bins),
        **names,
        **ids,
    )
    model_class = transformers.InklingForConditionalGeneration
    return checkpoint("inkling_mm_model", tiny.random_model(model_class, config, seed), processor)


def dots3_note(seed: int = 0) -> Checkpoint:
    names = {"audio_token": "<|audio_comp_pad|>", "image_token": "<|imgpad|>"}
    names["video_token"] = "<|video_pad|>"
    marks = ("<|audio_comp_start|>", "<|audio_comp_end|>")
    words = tiny.tokenizer((*marks, *names.values()), **names)
    ids = {f"{name}_id": words.convert_tokens_to_ids(token) for name, token in names.items()}
    latent = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_nope_head_dim": 8, "v_head_dim": 8}
    latent = {**latent, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
    sizes = {"hidden_size": 32, "intermediate_size": 64}
    config = transformers.Dots3NoteConfig(
        text_config={
            **sizes,
            **latent,
            **{f"swa_{name}": size for name, size in latent.items()},
            "qk_rope_head_dim": 8,
            "swa_qk_rope_head_dim": 8,
            "vocab_size": len(words),
            "num_hidden_layers": 3,
            "layer_types": ["indexed_attention", "sliding_attention", "indexed_attention"],
            "index_head_dim": 16,
            "index_n_heads": 2,
            "moe_intermediate_size": 16,
            "shared_experts_intermediate_size": 16,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
            "bos_token_id": None,
        },
        audio_config={
            **sizes,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "downsample_hidden_size": 8,
            "adapter_input_size": 32,
            "adapter_out_dim": 32,
        },
        vision_config={
            **sizes,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "mlp_layer_types": ["dense"],
            "adapter_in_dim": 32,
            "adapter_out_dim": 32,
        },
        **ids,
    )
    processor = audio_half(
        transformers.Dots3NoteProcessor,
        feature_extractor=transformers.Dots3NoteFeatureExtractor(),
        tokenizer=words,
        chat_template=tiny.chat_template(marks[0] + "<|audio_comp_pad|>" + marks[1]),
        **names,
        **ids,
    )
    model_class = transformers.Dots3NoteForConditionalGeneration
    return checkpoint("dots3_note", tiny.random_model(model_class, config, seed), processor)


FAMILIES: dict[str, Callable[..., Checkpoint]] = {
    "qwen2_5_omni": qwen2_5_omni,
    "qwen3_omni_moe": qwen3_omni_moe,
    "gemma3n": gemma3n,
    "gemma4": gemma4,
    "gemma4_unified": gemma4_unified,
    "phi4_multimodal": phi4_multimodal,
    "inkling_mm_model": inkling,
    "dots3_note": dots3_note,
}
"""Maker of a checkpoint in memory by `model_type`."""


def _gemma3n_config(words: Any, audio_id: int) -> Any:
    # As in the real vocabulary: 8 vision ids, then 8 audio ids, behind the text's own.
    size = len(words)
    return transformers.Gemma3nConfig(
        text_config={
            "vocab_size": size + 16,
            "vocab_size_per_layer_input": size,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "hidden_size_per_layer_input": 8,
            "laurel_rank": 4,
            "num_kv_shared_layers": 0,
            "layer_types": ["full_attention", "full_attention"],
            "activation_sparsity_pattern": [0.0, 0.0],
            "altup_active_idx": 1,  # not the default, so that taking stream 0 would be found out
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
        },
        audio_config={
            "vocab_size": 8,
            "vocab_offset": size + 8,
            "hidden_size": 32,
            "conf_num_attention_heads": 2,
            "conf_num_hidden_layers": 1,
        },
        vision_config={"vocab_size": 8, "vocab_offset": size, "hidden_size": 32},
        audio_token_id=audio_id,
    )


def _gemma4(name: str, model_type: str, audio_config: dict[str, Any], seed: int) -> Checkpoint:
    names = {"audio_token": "<audio>", "boa_token": "<boa>", "eoa_token": "<eoa>"}
    words = tiny.tokenizer(tuple(names.values()), **names)
    audio_id = words.convert_tokens_to_ids("<audio>")
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "head_dim": 16, "intermediate_size": 64}
    text_config = {
        **sizes,
        "vocab_size": len(words),
        "vocab_size_per_layer_input": len(words),
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "global_head_dim": 16,
        "hidden_size_per_layer_input": 8,
        "num_kv_shared_layers": 0,
        "layer_types": ["full_attention", "full_attention"],
        "pad_token_id": words.pad_token_id,
        "eos_token_id": words.eos_token_id,
    }
    config = getattr(transformers, f"{name}Config")(
        text_config=text_config,
        audio_config=audio_config,
        vision_config={**sizes, "num_hidden_layers": 1, "num_key_value_heads": 2},
        audio_token_id=audio_id,
        boa_token_id=words.convert_tokens_to_ids("<boa>"),
    )
    processor = audio_half(
        getattr(transformers, f"{name}Processor"),
        feature_extractor=getattr(transformers, f"{name}AudioFeatureExtractor")(),
        tokenizer=words,
        chat_template=tiny.chat_template("<audio>"),
        audio_token_id=audio_id,
        audio_seq_length=750,
        audio_ms_per_token=40,
        **names,
    )
    model_class = getattr(transformers, f"{name}ForConditionalGeneration")
    return checkpoint(model_type, tiny.random_model(model_class, config, seed), processor)


def _omni_ids(words: Any, suffix: str) -> dict[str, int]:
    ids = {name: words.convert_tokens_to_ids(token) for name, token in _OMNI.items()}
    return {
        **{f"{kind}_token_{suffix}": ids[f"{kind}_token"] for kind in ("audio", "image", "video")},
        "audio_start_token_id": ids["audio_bos_token"],
        "audio_end_token_id": ids["audio_eos_token"],
        "vision_start_token_id": ids["vision_bos_token"],
        "vision_end_token_id": ids["vision_eos_token"],
    }


def _omni_text(words: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(words),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_parameters": _ROPE,
        "pad_token_id": words.pad_token_id,
    }


def _omni_processor(processor_class: Any, words: Any) -> Any:
    tokens = {name: token for name, token in _OMNI.items() if name.split("_")[0] != "vision"}
    ids = {f"{name}_id": words.convert_tokens_to_ids(token) for name, token in tokens.items()}
    return audio_half(
        processor_class,
        feature_extractor=tiny.whisper_features(60),
        tokenizer=words,
        chat_template=tiny.chat_template("<|audio_bos|><|AUDIO|><|audio_eos|>"),
        **tokens,
        **ids,
    )


def audio_half(processor_class: Any, **parts: Any) -> Any:
    """The processor without images and videos: its `__init__` would insist on both."""
    processor = object.__new__(processor_class)
    nothing = dict.fromkeys(("image_processor", "video_processor", "image_token", "video_token"))
    for name, part in {**nothing, **parts}.items():
        setattr(processor, name, part)
    return processor


def checkpoint(model_type: str, model: Any, processor: Any) -> Checkpoint:
    model.config.get_text_config(decoder=True).tie_last_hidden_states = False
    frozen = model.eval().requires_grad_(False)
    return Checkpoint(frozen, processor, FACTS[model_type], "cpu", torch.float32)
