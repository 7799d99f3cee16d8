"""What is known of each speech-LLM family: one frozen row each, no code.

A row says when each audio position sounds, how much audio the family takes, and what is odd about
its class in transformers 5.23. Every row's class ran in the contract suite with tiny random
weights; no published checkpoint did, so hub ids and chat templates are as documented there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alas_core.models.family import Family
from alas_core.models.grid import FrameGrid

_HZ_25 = FrameGrid(0.04)
_HZ_12_5 = FrameGrid(0.08)
_OMNI_3 = FrameGrid(0.08, per_chunk=13, chunk_s=1.0)
_QFORMER = FrameGrid(0.1, per_window=3)
_SEQ2SEQ = "AutoModelForSeq2SeqLM"

_ROWS = (
    Family(
        "qwen2_audio",
        "Qwen2-Audio",
        _HZ_25,
        limit_from_extractor=True,
        hub_ids=("Qwen/Qwen2-Audio-7B-Instruct",),
    ),
    Family(
        "qwen2_5_omni",
        "Qwen2.5-Omni (thinker)",
        _HZ_25,
        "Qwen2_5OmniThinkerForConditionalGeneration",
        limit_from_extractor=True,
        needs=("torchvision",),
        hub_ids=("Qwen/Qwen2.5-Omni-7B",),
    ),
    Family(
        "qwen3_omni_moe",
        "Qwen3-Omni (thinker)",
        _OMNI_3,
        "Qwen3OmniMoeThinkerForConditionalGeneration",
        min_audio_s=0.5,
        needs=("torchvision",),
        hub_ids=("Qwen/Qwen3-Omni-30B-A3B-Instruct",),
    ),
    Family("qwen3_asr", "Qwen3-ASR", _OMNI_3, min_audio_s=0.5, hub_ids=("Qwen/Qwen3-ASR-1.7B-hf",)),
    Family(
        "audioflamingo3",
        "Audio Flamingo 3",
        _HZ_25,
        _SEQ2SEQ,
        max_audio_s=600.0,
        hub_ids=("nvidia/audio-flamingo-3-hf",),
    ),
    Family(
        "musicflamingo",
        "Music Flamingo",
        _HZ_25,
        _SEQ2SEQ,
        max_audio_s=1200.0,
        hub_ids=("nvidia/music-flamingo-2601-hf",),
    ),
    Family(
        "voxtral",
        "Voxtral",
        _HZ_12_5,
        min_audio_s=0.2,
        needs=("mistral_common",),
        hub_ids=("mistralai/Voxtral-Mini-3B-2507",),
        padded_to_s=30.0,
        conversations=True,
    ),
    Family(
        "granite_speech",
        "Granite Speech",
        _QFORMER,
        min_audio_s=0.3,
        needs=("torchaudio",),
        hub_ids=("ibm-granite/granite-speech-3.3-2b",),
        lora=".",
    ),
    Family(
        "granite_speech_plus",
        "Granite Speech Plus",
        _QFORMER,
        min_audio_s=0.3,
        needs=("torchaudio",),
        hub_ids=("ibm-granite/granite-speech-4.1-2b-plus",),
        lora=".",
    ),
    Family(
        "phi4_multimodal",
        "Phi-4 multimodal",
        _HZ_12_5,
        min_audio_s=0.2,
        needs=("torchvision",),
        hub_ids=("microsoft/Phi-4-multimodal-instruct",),
        hub_revision="refs/pr/70",  # the one that transformers' own tests take
        lora="speech-lora",
    ),
    Family(
        "gemma3n",
        "Gemma 3n",
        FrameGrid(0.16),
        max_audio_s=30.0,
        min_audio_s=0.4,
        fixed_frames=188,
        needs=("timm", "torchvision"),
        hub_ids=("google/gemma-3n-E4B-it",),
        active_state="altup_active_idx",
        note="The states are those of the active AltUp stream.",
    ),
    Family(
        "gemma4",
        "Gemma 4",
        _HZ_25,
        max_audio_s=30.0,
        needs=("torchvision",),
        hub_ids=("google/gemma-4-e2b-it",),
    ),
    Family(
        "gemma4_unified",
        "Gemma 4 unified",
        _HZ_25,
        needs=("torchvision",),
        hub_ids=("google/gemma-4-12B-it",),
        note="It has no audio encoder: layer 0 is a projection of the sound itself.",
    ),
    Family(
        "glmasr",
        "GLM-ASR",
        _HZ_12_5,
        max_audio_s=655.0,
        min_audio_s=0.2,
        hub_ids=("zai-org/GLM-ASR-Nano-2512",),
    ),
    Family(
        "vibevoice_asr",
        "VibeVoice ASR",
        FrameGrid(3200 / 24000),
        min_audio_s=0.3,
        forward_options=(("sample", False),),
        hub_ids=("microsoft/VibeVoice-ASR-HF",),
    ),
    Family(
        "fun_asr_nano",
        "Fun-ASR Nano",
        FrameGrid(0.06),
        min_audio_s=0.2,
        needs=("torchaudio",),
        hub_ids=("FunAudioLLM/Fun-ASR-Nano-2512-hf",),
    ),
    Family(
        "moss_transcribe_diarize",
        "MOSS transcribe-diarize",
        _HZ_12_5,
        min_audio_s=0.2,
        hub_ids=("hf-audio/MOSS-Transcribe-Diarize-HF",),
    ),
    Family(
        "nemotron_h_omni",
        "Nemotron-H Omni",
        _HZ_12_5,
        min_audio_s=0.2,
        needs=("torchvision",),
        hub_ids=("nvidia/Nemotron-3-Nano-Omni-30B-A3B-Reasoning-BF16",),
    ),
    Family(
        "nemo_speechlm",
        "Nemotron 3.5 Transcribe",
        _HZ_12_5,
        min_audio_s=0.2,
        hub_ids=("nvidia/NVIDIA-Nemotron-3.5-Transcribe-30B-A4B",),
        note="Its frames hold who speaks, too: what a diarization model says is added to each.",
    ),
    Family(
        "dots3_note",
        "Dots 3 Note",
        _HZ_12_5,
        min_audio_s=0.2,
        needs=("torchvision",),
        hub_ids=("dots-studio/dots3-note-prev",),
    ),
    Family(
        "inkling_mm_model",
        "Inkling",
        FrameGrid(0.05),
        needs=("torchvision",),
        hub_ids=("thinkingmachines/Inkling",),
        note="It has no audio encoder: layer 0 is an embedding of the sound's mel bins. Each frame "
        "hears 0.1 s, its own span and the 0.05 s before it.",
    ),
    Family(
        "salmonn",
        "SALMONN",
        FrameGrid(0.34),
        "Salmonn (this project's, from transformers' parts and BEATs)",
        max_audio_s=30.0,
        min_audio_s=0.4,
        fixed_frames=88,
        note="Each frame is one query over a window of 0.34 s. Built after the authors' code and "
        "tried on random weights with the published names; no published weights were run.",
    ),
    Family("muse_spark", "Muse Spark", _HZ_12_5, min_audio_s=0.2, needs=("torchvision",)),
)

FAMILIES: dict[str, Family] = {row.model_type: row for row in _ROWS}
"""Every family by its `model_type`; each ran here with tiny random weights (contract suite)."""

_ALIASES = {
    "qwen2_5_omni_thinker": "qwen2_5_omni",
    "qwen3_omni_moe_thinker": "qwen3_omni_moe",
}


def audio_token(config: Mapping[str, Any]) -> int | None:
    """Id of the audio token in a config.json or its parts; None if it names none."""
    parts = (config.get(name) for name in ("thinker_config", "audio_config"))
    for holder in (config, *(part for part in parts if isinstance(part, Mapping))):
        for name in ("audio_token_id", "audio_token_index"):
            if isinstance(found := holder.get(name), int):
                return found
    return None


def measured_family(model_type: str) -> Family:
    """A row for a family that the table does not know: its frame rate is measured once loaded."""
    return Family(
        model_type,
        f"{model_type} (not in the table)",
        FrameGrid(1.0),
        min_audio_s=0.5,
        measured=True,
        note="Unverified timing: this family is not in the table of facts. Its frame rate was "
        "measured on its processor (10 s against 20 s of audio); when each frame sounds within "
        "the audio is assumed to be even.",
    )


def family_of(model_type: str) -> Family | None:
    """The row of a checkpoint's `model_type`, or None if the family is not known here."""
    return FAMILIES.get(_ALIASES.get(model_type, model_type))
