"""Tiny models of the families whose feature extractors or tokenizers need packages not in CI.

As in `tiny_parts`: the real model class and the real processor class. Where the real feature
extractor wants torchaudio, its own counting of frames is kept and only the filterbank (whose
values random weights cannot tell from noise) is computed with librosa. For tests only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import librosa
import numpy as np
import soundfile
import torch
import transformers
from tokenizers import pre_tokenizers
from transformers.models.fun_asr_nano.feature_extraction_fun_asr_nano import (
    FunAsrNanoFeatureExtractor,
)
from transformers.models.fun_asr_nano.processing_fun_asr_nano import FunAsrNanoProcessor
from transformers.models.granite_speech.feature_extraction_granite_speech import (
    GraniteSpeechFeatureExtractor,
)
from transformers.models.voxtral.processing_voxtral import VoxtralProcessor

from alas_core.models.loading import Checkpoint
from tests import tiny
from tests.tiny_parts import audio_half, checkpoint

_SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}


class GraniteFeatures(GraniteSpeechFeatureExtractor):
    """The real extractor with librosa's filterbank in torchaudio's place."""

    def __init__(self) -> None:
        transformers.SequenceFeatureExtractor.__init__(self, 80, 16000, 0.0)
        self.melspec_kwargs = {"hop_length": 160}
        self.projector_window_size, self.projector_downsample_rate = 15, 5

    def __call__(self, audios: Any, device: str = "cpu") -> Any:
        del device
        lengths = [len(audio) for audio in audios]
        sizes = self._get_num_audio_features(lengths)
        features = torch.from_numpy(np.stack([self._stacked(audio) for audio in audios]))
        return transformers.BatchFeature(
            {
                "input_features": features,
                "audio_embed_sizes": sizes,
                "input_features_mask": torch.ones(len(sizes), max(sizes), dtype=torch.bool),
            }
        )

    @staticmethod
    def _stacked(audio: np.ndarray) -> np.ndarray:
        mel = log_mel(audio, n_fft=512, win_length=400)
        return mel[: len(mel) // 2 * 2].reshape(-1, 160)


class FunAsrFeatures(FunAsrNanoFeatureExtractor):
    """The real extractor with librosa's filterbank in torchaudio's (frames inside the sound)."""

    def __init__(self) -> None:
        transformers.SequenceFeatureExtractor.__init__(
            self, 80, 16000, 0.0, return_attention_mask=True
        )
        self.num_frames_lfr, self.stride_lfr = 7, 6

    def _extract_fbank_features(self, waveform: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(log_mel(waveform.numpy(), n_fft=400, center=False))


def log_mel(audio: np.ndarray, **options: Any) -> np.ndarray:
    """(n_frames, 80) in decibels, 10 ms apart."""
    mel = librosa.feature.melspectrogram(
        y=audio.astype(np.float32), sr=16000, hop_length=160, n_mels=80, **options
    )
    return (np.log10(np.maximum(mel, 1e-10)) / 4 + 1).astype(np.float32).T


def granite_speech(seed: int = 0) -> Checkpoint:
    return _granite("GraniteSpeech", "granite_speech", {}, 32, seed)


def granite_speech_plus(seed: int = 0) -> Checkpoint:
    return _granite(
        "GraniteSpeechPlus", "granite_speech_plus", {"cat_hidden_layers": [0]}, 64, seed
    )


def fun_asr_nano(seed: int = 0) -> Checkpoint:
    words = tiny.tokenizer(("<|object_ref_start|>",))
    config = transformers.FunAsrNanoConfig(
        audio_config={
            **_SIZES,
            "num_hidden_layers": 2,
            "num_timestamp_prediction_layers": 1,
        },
        adaptor_config={
            "hidden_size": 32,
            "intermediate_size": 8,
            "num_attention_heads": 2,
            "num_hidden_layers": 1,
            "projector_hidden_size": 32,
        },
        text_config=tiny.qwen3_config(words).to_dict(),
        audio_token_id=words.convert_tokens_to_ids("<|object_ref_start|>"),
    )
    processor = audio_half(
        FunAsrNanoProcessor,
        feature_extractor=FunAsrFeatures(),
        tokenizer=words,
        chat_template=tiny.chat_template("<|object_ref_start|>"),
        audio_token="<|object_ref_start|>",
        audio_token_id=config.audio_token_id,
    )
    model_class = transformers.FunAsrNanoForConditionalGeneration
    return checkpoint("fun_asr_nano", tiny.random_model(model_class, config, seed), processor)


def nemotron_h_omni(seed: int = 0) -> Checkpoint:
    names = {"audio_token": "<so_embedding>", "image_token": "<image>", "video_token": "<video>"}
    words = tiny.tokenizer(("<so_start>", "<so_end>", *names.values()), **names)
    audio_id, image_id, video_id = words.convert_tokens_to_ids(list(names.values()))
    config = transformers.NemotronH_Omni_Reasoning_V3_Config(
        text_config={
            **_SIZES,
            "vocab_size": len(words),
            "layers_block_type": ["linear_attention", "full_attention"],
            "num_key_value_heads": 1,
            "head_dim": 16,
            **tiny.MAMBA,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
            "bos_token_id": None,
        },
        audio_config={
            **_SIZES,
            "num_hidden_layers": 1,
            "subsampling_conv_channels": 8,
            "num_mel_bins": 80,
            "projection_hidden_size": 32,
            "projection_bias": False,
        },
        vision_config={
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "video_temporal_patch_size": 2,
        },
        vision_hidden_size=32,
        projector_hidden_size=32,
        audio_token_id=audio_id,
        image_token_id=image_id,
        video_token_id=video_id,
    )
    processor = audio_half(
        transformers.NemotronH_Omni_Reasoning_V3Processor,
        feature_extractor=transformers.ParakeetFeatureExtractor(),
        tokenizer=words,
        chat_template=tiny.chat_template("<so_embedding>"),
        audio_start_token="<so_start>",
        audio_end_token="<so_end>",
        audio_sampling_rate=16000,
        audio_subsampling_factor=8,
        audio_hop_length=160,
        audio_token="<so_embedding>",
        audio_token_id=audio_id,
    )
    model_class = transformers.NemotronH_Omni_Reasoning_V3
    return checkpoint("nemotron_h_omni", tiny.random_model(model_class, config, seed), processor)


def muse_spark(seed: int = 0) -> Checkpoint:
    names = {"audio_token": "<|audio|>", "image_token": "<|patch|>", "video_token": "<|video|>"}
    marks = ("<|soft_audio_start|>", "<|soft_audio_end|>")
    words = tiny.tokenizer((*marks, *names.values()), **names)
    audio_id, image_id, video_id = words.convert_tokens_to_ids(list(names.values()))
    config = transformers.MuseSparkConfig(
        text_config={
            **_SIZES,
            "vocab_size": len(words),
            "num_hidden_layers": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "moe_intermediate_size": 16,
            "moe_hidden_size": 16,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
            "bos_token_id": None,
        },
        audio_config={
            "hidden_sizes": [8, 8, 16, 16],
            "depths": [1, 1, 1, 1],
            "out_hidden_size": 32,
        },
        vision_config={**_SIZES, "num_hidden_layers": 1},
        out_hidden_size=128,
        projector_hidden_size=32,
        audio_token_id=audio_id,
        image_token_id=image_id,
        video_token_id=video_id,
    )
    processor = audio_half(
        transformers.MuseSparkProcessor,
        feature_extractor=transformers.MuseSparkFeatureExtractor(),
        tokenizer=words,
        chat_template=tiny.chat_template("<|audio|>"),
        audio_start_token=marks[0],
        audio_end_token=marks[1],
        audio_token="<|audio|>",
        audio_token_id=audio_id,
    )
    model_class = transformers.MuseSparkForConditionalGeneration
    return checkpoint("muse_spark", tiny.random_model(model_class, config, seed), processor)


def voxtral(seed: int = 0) -> Checkpoint:
    words = MistralTokenizer()
    config = transformers.VoxtralConfig(
        audio_config={**_SIZES, "num_hidden_layers": 1, "intermediate_size": 128},
        text_config={
            **_SIZES,
            "vocab_size": len(words.words),
            "num_hidden_layers": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": 2,
            "bos_token_id": 1,
        },
        audio_token_id=MistralTokenizer.AUDIO,
    )
    processor = audio_half(
        VoxtralProcessor,
        feature_extractor=tiny.whisper_features(),
        tokenizer=words,
        audio_token_id=MistralTokenizer.AUDIO,
    )
    model_class = transformers.VoxtralForConditionalGeneration
    return checkpoint("voxtral", tiny.random_model(model_class, config, seed), processor)


class MistralTokenizer:
    """Does what transformers' `MistralCommonBackend` does with one user turn.

    mistral-common itself wants an older numpy than this project. The order of ids, the padding of
    sound to 30 s and what `apply_chat_template` takes and returns are those of its version 1.13.1.
    """

    AUDIO, BEGIN_AUDIO = 24, 25
    _FRAMES, _CHUNK = 375, 480_000

    def __init__(self) -> None:
        self.words = tiny.tokenizer([f"[CONTROL_{place}]" for place in range(3, 30)])
        self.pad_token_id = 11
        self.all_special_ids = list(range(30))
        self.init_kwargs: dict[str, Any] = {}

    def apply_chat_template(self, conversation: Any, **_: Any) -> dict[str, Any]:
        batched = isinstance(conversation[0], list)
        ids, audio = [1, 3], []
        for block in (conversation[0] if batched else conversation)[0]["content"]:
            if block["type"] == "text":
                ids += self.encode(block["text"])
            else:
                samples, rate = soundfile.read(block["path"], dtype="float32")
                assert rate == 16000
                chunks = -(-len(samples) // self._CHUNK)
                audio.append(np.pad(samples, (0, chunks * self._CHUNK - len(samples))))
                ids += [self.BEGIN_AUDIO, *[self.AUDIO] * self._FRAMES * chunks]
        ids.append(4)
        encoded: dict[str, Any] = {"input_ids": [ids] if batched else ids}
        encoded["attention_mask"] = [[1] * len(ids)] if batched else [1] * len(ids)
        return encoded | ({"audio": audio} if audio else {})

    def decode(self, ids: Any, skip_special_tokens: bool = False) -> str:
        text: str = self.words.decode(ids, skip_special_tokens=skip_special_tokens)
        return text

    def batch_decode(self, rows: Any, **_: Any) -> list[str]:
        return [self.decode(row) for row in rows]

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        """Byte pairs of plain text: what looks like a control token stays text."""
        pieces = self.words.backend_tokenizer.model
        spelled = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
        return [token.id for piece, _ in spelled for token in pieces.tokenize(piece)]


FAMILIES: dict[str, Callable[..., Checkpoint]] = {
    "voxtral": voxtral,
    "granite_speech": granite_speech,
    "granite_speech_plus": granite_speech_plus,
    "fun_asr_nano": fun_asr_nano,
    "nemotron_h_omni": nemotron_h_omni,
    "muse_spark": muse_spark,
}
"""Maker of a checkpoint in memory by `model_type`."""


def _granite(
    name: str, model_type: str, encoder: dict[str, Any], encoder_width: int, seed: int
) -> Checkpoint:
    words = tiny.tokenizer(("<|audio|>",))
    audio_id = words.convert_tokens_to_ids("<|audio|>")
    config = getattr(transformers, f"{name}Config")(
        text_config={
            **_SIZES,
            "model_type": "granite",
            "vocab_size": len(words),
            "num_hidden_layers": 2,
            "num_key_value_heads": 1,
            "pad_token_id": words.pad_token_id,
            "eos_token_id": words.eos_token_id,
            "bos_token_id": None,
        },
        encoder_config={
            "hidden_dim": 32,
            "num_layers": 2,
            "num_heads": 2,
            "context_size": 20,
            "max_pos_emb": 32,
            **encoder,
        },
        projector_config={
            **_SIZES,
            "model_type": "blip_2_qformer",
            "num_hidden_layers": 1,
            "cross_attention_frequency": 1,
            "encoder_hidden_size": encoder_width,
        },
        audio_token_index=audio_id,
        has_lora_adapter=True,
    )
    processor = audio_half(
        transformers.GraniteSpeechProcessor,
        audio_processor=GraniteFeatures(),
        tokenizer=words,
        chat_template=tiny.chat_template("<|audio|>"),
        audio_token="<|audio|>",
    )
    model_class = getattr(transformers, f"{name}ForConditionalGeneration")
    return checkpoint(model_type, tiny.random_model(model_class, config, seed), processor)
