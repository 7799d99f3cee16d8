"""What is known of each speech-LLM family: one frozen row each, no code.

A row says when each audio position sounds, how much audio the family takes, and what is odd about
its class in transformers 5.23. Rows marked `verified` ran here with tiny random weights in the
contract suite; the others come from reading the library's source.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.types import FloatArray


@dataclass(frozen=True)
class FrameGrid:
    """When the k-th audio position of a family sounds.

    Parameters
    ----------
    step_s : float
        Seconds from one frame to the next.
    per_chunk : int
        Frames in each chunk of `chunk_s` seconds; 0 if the grid runs on without chunks.
    chunk_s : float
        Seconds of a chunk. The last frame of a chunk ends where the next chunk begins.
    per_window : int
        Frames that look at one window of `per_window * step_s` seconds together (a Q-Former's
        queries): each of them gets the whole window, which is all that is honestly known.
    """

    step_s: float
    per_chunk: int = 0
    chunk_s: float = 0.0
    per_window: int = 1

    def spans(self, n_frames: int, duration_s: float) -> FloatArray:
        """Half-open spans of the frames that start before the audio ends, cut at its end.

        Parameters
        ----------
        n_frames : int
            Audio positions in the prompt, padding included.
        duration_s : float
            Seconds of audio.

        Returns
        -------
        np.ndarray [shape=(n, 2), float32]
            n <= n_frames; seconds, starts never fall, ends at most `duration_s`.
        """
        k = np.arange(n_frames + 1, dtype=np.float64)
        if self.per_chunk:
            chunk, place = np.divmod(k, self.per_chunk)
            edges = chunk * self.chunk_s + place * self.step_s
            starts, ends = edges[:-1], edges[1:]
        else:
            window = np.floor(k[:-1] / self.per_window)
            starts = window * self.per_window * self.step_s
            ends = starts + self.per_window * self.step_s
        kept = starts < duration_s - 1e-6
        spans = np.stack([starts[kept], np.minimum(ends[kept], duration_s)], axis=1)
        return spans.astype(np.float32)

    def frames_in(self, duration_s: float) -> float:
        """How many frames the grid puts into that many seconds, fractions included."""
        if self.per_chunk:
            return duration_s / self.chunk_s * self.per_chunk
        return duration_s / self.step_s

    @property
    def rate_hz(self) -> float:
        """Mean number of frames a second."""
        return self.frames_in(1.0)


@dataclass(frozen=True)
class Family:
    """One row of facts.

    Parameters
    ----------
    model_type : str
        As in the checkpoint's config.json.
    label : str
        The family's own name.
    grid : FrameGrid
        When each frame sounds.
    model_class : str
        The class or auto class of transformers that loads it.
    max_audio_s : float or None
        Longest audio; longer input would be cut in silence or refused by the class.
    limit_from_extractor : bool
        The feature extractor's own window is the limit (`n_samples`), whichever is shorter.
    min_audio_s : float
        Shortest audio that gives at least two frames.
    fixed_frames : int
        Number of audio positions whatever the audio's length; 0 if it grows with the audio.
    needs : tuple of str
        Packages that the class imports beyond this project's own requirements.
    active_state : str
        Field of the text config that picks the residual stream out of 4-D states, "" if 3-D.
    forward_options : tuple of (name, value)
        Arguments of the forward pass that make it repeatable.
    verified : bool
        The contract suite ran it here with tiny random weights.
    note : str
        Shown to the user beside results of this family.
    """

    model_type: str
    label: str
    grid: FrameGrid
    model_class: str = "AutoModelForMultimodalLM"
    max_audio_s: float | None = None
    limit_from_extractor: bool = False
    min_audio_s: float = 0.1
    fixed_frames: int = 0
    needs: tuple[str, ...] = ()
    active_state: str = ""
    forward_options: tuple[tuple[str, bool], ...] = ()
    verified: bool = False
    note: str = ""


_HZ_25 = FrameGrid(0.04)
_HZ_12_5 = FrameGrid(0.08)
_OMNI_3 = FrameGrid(0.08, per_chunk=13, chunk_s=1.0)
_QFORMER = FrameGrid(0.1, per_window=3)
_SEQ2SEQ = "AutoModelForSeq2SeqLM"

_ROWS = (
    Family("qwen2_audio", "Qwen2-Audio", _HZ_25, limit_from_extractor=True, verified=True),
    Family(
        "qwen2_5_omni",
        "Qwen2.5-Omni (thinker)",
        _HZ_25,
        "Qwen2_5OmniThinkerForConditionalGeneration",
        limit_from_extractor=True,
        needs=("torchvision",),
        verified=True,
    ),
    Family(
        "qwen3_omni_moe",
        "Qwen3-Omni (thinker)",
        _OMNI_3,
        "Qwen3OmniMoeThinkerForConditionalGeneration",
        min_audio_s=0.5,
        needs=("torchvision",),
        verified=True,
    ),
    Family("qwen3_asr", "Qwen3-ASR", _OMNI_3, min_audio_s=0.5, verified=True),
    Family(
        "audioflamingo3", "Audio Flamingo 3", _HZ_25, _SEQ2SEQ, max_audio_s=600.0, verified=True
    ),
    Family("musicflamingo", "Music Flamingo", _HZ_25, _SEQ2SEQ, max_audio_s=1200.0, verified=True),
    Family("voxtral", "Voxtral", _HZ_12_5, min_audio_s=0.2, needs=("mistral_common",)),
    Family(
        "granite_speech",
        "Granite Speech",
        _QFORMER,
        min_audio_s=0.3,
        needs=("torchaudio",),
        note="Its LoRA for speech is off here: the class switches it on only while generating.",
    ),
    Family(
        "granite_speech_plus",
        "Granite Speech Plus",
        _QFORMER,
        min_audio_s=0.3,
        needs=("torchaudio",),
        note="Its LoRA for speech is off here: the class switches it on only while generating.",
    ),
    Family(
        "phi4_multimodal",
        "Phi-4 multimodal",
        _HZ_12_5,
        min_audio_s=0.2,
        needs=("torchvision",),
        verified=True,
    ),
    Family(
        "gemma3n",
        "Gemma 3n",
        FrameGrid(0.16),
        max_audio_s=30.0,
        min_audio_s=0.4,
        fixed_frames=188,
        needs=("timm",),
        active_state="altup_active_idx",
        verified=True,
        note="The states are those of the active AltUp stream.",
    ),
    Family("gemma4", "Gemma 4", _HZ_25, max_audio_s=30.0, needs=("torchvision",), verified=True),
    Family(
        "gemma4_unified",
        "Gemma 4 unified",
        _HZ_25,
        needs=("torchvision",),
        verified=True,
        note="It has no audio encoder: layer 0 is a projection of the sound itself.",
    ),
    Family("glmasr", "GLM-ASR", _HZ_12_5, max_audio_s=655.0, min_audio_s=0.2, verified=True),
    Family(
        "vibevoice_asr",
        "VibeVoice ASR",
        FrameGrid(3200 / 24000),
        min_audio_s=0.3,
        forward_options=(("sample", False),),
        verified=True,
    ),
    Family("fun_asr_nano", "Fun-ASR Nano", FrameGrid(0.06), min_audio_s=0.2, needs=("torchaudio",)),
    Family(
        "moss_transcribe_diarize",
        "MOSS transcribe-diarize",
        _HZ_12_5,
        min_audio_s=0.2,
        verified=True,
    ),
    Family("nemotron_h_omni", "Nemotron-H Omni", _HZ_12_5, min_audio_s=0.2),
    Family("muse_spark", "Muse Spark", _HZ_12_5, min_audio_s=0.2),
)

FAMILIES: dict[str, Family] = {row.model_type: row for row in _ROWS}
"""Every family by its `model_type`."""

_ALIASES = {
    "qwen2_5_omni_thinker": "qwen2_5_omni",
    "qwen3_omni_moe_thinker": "qwen3_omni_moe",
}


def family_of(model_type: str) -> Family | None:
    """The row of a checkpoint's `model_type`, or None if the family is not known here."""
    return FAMILIES.get(_ALIASES.get(model_type, model_type))
