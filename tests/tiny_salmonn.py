"""A tiny SALMONN as it was published: four parts in one folder, under the published names.

The names of the two pickled files are written out here by hand, from the authors' code, so that
the loader is not tested against itself. For tests only.
"""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

from tests import tiny

WIDTH, EMBED, N_MELS, LLAMA, WHISPER = 32, 16, 80, 32, 24
BEATS_CONFIG = {
    "input_patch_size": 16,
    "embed_dim": EMBED,
    "conv_bias": False,
    "encoder_layers": 2,
    "encoder_embed_dim": WIDTH,
    "encoder_ffn_embed_dim": 64,
    "encoder_attention_heads": 2,
    "activation_fn": "gelu",
    "layer_norm_first": False,
    "deep_norm": True,
    "conv_pos": 8,
    "conv_pos_groups": 4,
    "relative_position_embedding": True,
    "num_buckets": 32,
    "max_distance": 80,
    "gru_rel_pos": True,
    "finetuned_model": False,
}


def salmonn(folder: Path, seed: int = 0) -> Path:
    """The folder with its four parts."""
    random = torch.Generator().manual_seed(seed)
    _whisper(folder / "whisper-large-v2", seed)
    _vicuna(folder / "vicuna-13b-v1.1", seed)
    beats = {"cfg": BEATS_CONFIG, "model": _filled(beats_shapes(), random)}
    torch.save(beats, folder / "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt")
    torch.save({"model": _filled(salmonn_shapes(), random), "epoch": 3}, folder / "salmonn_v1.pth")
    return folder


def beats_shapes() -> dict[str, tuple[int, ...]]:
    shapes = {
        "patch_embedding.weight": (EMBED, 1, 16, 16),
        "layer_norm.weight": (EMBED,),
        "layer_norm.bias": (EMBED,),
        "post_extract_proj.weight": (WIDTH, EMBED),
        "post_extract_proj.bias": (WIDTH,),
        "encoder.pos_conv.0.weight_g": (1, 1, 8),
        "encoder.pos_conv.0.weight_v": (WIDTH, WIDTH // 4, 8),
        "encoder.pos_conv.0.bias": (WIDTH,),
        "encoder.layer_norm.weight": (WIDTH,),
        "encoder.layer_norm.bias": (WIDTH,),
    }
    for layer in range(2):
        start = f"encoder.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{start}.self_attn.{name}", WIDTH, WIDTH)
        shapes |= _linear(f"{start}.self_attn.grep_linear", 8, WIDTH // 2)
        shapes[f"{start}.self_attn.grep_a"] = (1, 2, 1, 1)
        shapes[f"{start}.self_attn.relative_attention_bias.weight"] = (32, 2)
        shapes |= _linear(f"{start}.fc1", 64, WIDTH) | _linear(f"{start}.fc2", WIDTH, 64)
        for name in ("self_attn_layer_norm", "final_layer_norm"):
            shapes |= _norm(f"{start}.{name}", WIDTH)
    return shapes


def salmonn_shapes() -> dict[str, tuple[int, ...]]:
    start, width = "speech_Qformer.bert", 64
    shapes = {
        "speech_query_tokens": (1, 1, width),
        **_norm("ln_speech", WHISPER),
        **_norm("ln_audio", WIDTH),
        **_norm(f"{start}.embeddings.LayerNorm", width),
        **_linear("speech_llama_proj", LLAMA, width),
    }
    for layer in range(2):
        block = f"{start}.encoder.layer.{layer}"
        for kind, seen in (("attention", width), ("crossattention", WHISPER + WIDTH)):
            shapes |= _linear(f"{block}.{kind}.self.query", width, width)
            shapes |= _linear(f"{block}.{kind}.self.key", width, seen)
            shapes |= _linear(f"{block}.{kind}.self.value", width, seen)
            shapes |= _linear(f"{block}.{kind}.output.dense", width, width)
            shapes |= _norm(f"{block}.{kind}.output.LayerNorm", width)
        shapes |= _linear(f"{block}.intermediate_query.dense", 96, width)
        shapes |= _linear(f"{block}.output_query.dense", width, 96)
        shapes |= _norm(f"{block}.output_query.LayerNorm", width)
        for name in ("q_proj", "v_proj"):
            lora = f"llama_model.base_model.model.model.layers.{layer}.self_attn.{name}"
            shapes[f"{lora}.lora_A.default.weight"] = (8, LLAMA)
            shapes[f"{lora}.lora_B.default.weight"] = (LLAMA, 8)
    return shapes


def _linear(name: str, out: int, into: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _filled(shapes: dict[str, tuple[int, ...]], random: torch.Generator) -> dict[str, torch.Tensor]:
    state = {}
    for name, shape in shapes.items():
        scale = 1.0 if "norm" in name.lower() or len(shape) < 2 else shape[-1] ** -0.5
        state[name] = torch.randn(shape, generator=random) * scale
    first = "encoder.layers.0.self_attn.relative_attention_bias.weight"
    for name in state:  # published files hold the shared table once for each layer
        if name.endswith("relative_attention_bias.weight"):
            state[name] = state[first]
    return state


def _whisper(folder: Path, seed: int) -> None:
    config = transformers.WhisperConfig(
        d_model=WHISPER,
        num_mel_bins=N_MELS,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=48,
        decoder_ffn_dim=48,
        vocab_size=100,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    tiny.random_model(transformers.WhisperModel, config, seed).save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=N_MELS).save_pretrained(folder)


def _vicuna(folder: Path, seed: int) -> None:
    words = tiny.tokenizer(())
    config = transformers.LlamaConfig(
        vocab_size=len(words),
        hidden_size=LLAMA,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
        bos_token_id=None,
    )
    tiny.random_model(transformers.LlamaForCausalLM, config, seed).save_pretrained(folder)
    words.save_pretrained(folder)
