"""The nouns of the project: frozen dataclasses over float32 numpy, with shape checks.

Conventions: layer 0 is the input of the first transformer block; no batch axis; seconds are
absolute seconds of the audio; character offsets count code points of the transcript.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from alas_core.consistency import check_consistent
from alas_core.errors import InputError
from alas_core.keys import SCHEMA, RunKey, Settings, content_sha
from alas_core.readout import Lens

__all__ = [
    "NO_WORD",
    "SCHEMA",
    "Analysis",
    "Audio",
    "BoolArray",
    "FloatArray",
    "IntArray",
    "Lens",
    "ModelInfo",
    "Null",
    "Reference",
    "RunKey",
    "Settings",
    "Token",
    "Utterance",
    "WordTiming",
    "content_sha",
]

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]

NO_WORD = -1
"""In `frame_word` and `token_word`: belongs to no word (silence, punctuation)."""


@dataclass(frozen=True)
class Audio:
    """Decoded sound: mono float32 samples in [-1, 1].

    `notes` tells the user in plain words what was changed on the way in (mixed down, resampled,
    cut), one sentence each.
    """

    samples: npt.NDArray[np.float32]
    sample_rate: int
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.samples.ndim != 1:
            raise InputError(
                f"audio has shape {self.samples.shape}, expected one channel (n_samples,); "
                "decode it with alas_core.audio.decode"
            )

    @property
    def duration_s(self) -> float:
        return len(self.samples) / self.sample_rate

    @property
    def sha(self) -> str:
        return content_sha(self.samples.astype(np.float32).tobytes(), str(self.sample_rate))


@dataclass(frozen=True)
class Utterance:
    """One recording with its words and, where the data set has them, a task and an answer."""

    id: str
    audio: Audio
    transcript: str
    task: str = "transcribe"
    instruction: str = ""
    choices: tuple[str, ...] = ()
    answer: str | None = None
    meta: Mapping[str, str | float | bool] = field(default_factory=dict)
    part: str = ""  # such as "28.5-57", of a longer recording: times are seconds of the part


@dataclass(frozen=True)
class WordTiming:
    """One word of the transcript and the half-open span [start_s, end_s) in which it is spoken.

    A word that the aligner could not place keeps its place in the list, with `nan` times and a
    `problem` that says why ("not in the dictionary", "not found in the audio").
    """

    word: str
    start_char: int
    end_char: int
    start_s: float = math.nan
    end_s: float = math.nan
    confidence: float | None = None
    problem: str = ""

    @property
    def placed(self) -> bool:
        return math.isfinite(self.start_s) and math.isfinite(self.end_s)


@dataclass(frozen=True)
class Reference:
    """A word-level time reference: every word of the transcript, in order, placed or not."""

    name: str
    words: tuple[WordTiming, ...]
    notes: tuple[str, ...] = ()

    @property
    def unplaced(self) -> tuple[WordTiming, ...]:
        return tuple(word for word in self.words if not word.placed)


@dataclass(frozen=True)
class Token:
    """One position of the transcript in the text-only run; offsets into the transcript."""

    text: str
    start_char: int
    end_char: int


@dataclass(frozen=True)
class ModelInfo:
    """What the rest of the project may know of a loaded model.

    `variant` says how the loaded network differs from the checkpoint ("4bit", "LoRA off").
    """

    model_id: str
    revision: str
    family: str
    dtype: str
    device: str
    n_layers: int
    d_model: int
    frame_rate_hz: float
    vocabulary_size: int
    max_audio_s: float | None = None
    min_audio_s: float = 0.1
    name: str = ""
    known_words: frozenset[str] | None = None
    notes: tuple[str, ...] = ()
    variant: str = ""

    @property
    def title(self) -> str:
        """Its name and the last part of its id, which tells it from others of that name."""
        own = PurePath(self.model_id).name or self.model_id
        name, told = ("".join(filter(str.isalnum, text.casefold())) for text in (self.name, own))
        if told in name:
            return self.name
        return own if name in told else f"{self.name} ({own})"


@dataclass(frozen=True)
class Null:
    """ALAS of one utterance under wrong words, layer by layer.

    Parameters
    ----------
    name : "wrong transcripts" or "permuted words"
    samples : np.ndarray [shape=(n_null, n_layers + 1), float32]
    low, high : np.ndarray [shape=(n_layers + 1,)], the 2.5 and 97.5 % quantiles
    p : np.ndarray [shape=(n_layers + 1,)], (1 + number at or above the score) / (n_null + 1)
    p_adjusted : the same after Benjamini-Hochberg over the layers
    """

    name: str
    samples: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    p_adjusted: FloatArray


@dataclass(frozen=True)
class Analysis:
    """Everything the pages, the report and the command line show of one utterance and model.

    Shapes, with L = n_layers, N = n_frames, K = n_tokens, W = n_words (placed or not):

    similarity (L+1, N, K) float16; frame_spans (N, 2) seconds; frame_word (N,), token_word (K,)
    index into `words` or NO_WORD; paths (L+1, N) token of each frame on the model's path;
    scores name -> (L+1,); word_scores name -> (L+1, W), nan where a word is not placed or holds no
    frame; frame_scores name -> (L+1, N), nan outside words; token_scores name -> (L+1, K);
    baselines name -> (L+1,) what each score would be without any binding;
    coords (L+1, N+K, n_components) float16, frames first, in any unit; norms (L+1, N+K) float32;
    cross_layer name -> (L+1, L+1): audio at the row's layer against text at the column's;
    lens: the vocabulary read-out over N+K positions, None where there is none;
    word_points (L+1, 2, W, 64) float16: each word's mean frame state, then its mean token state, in
    a space that all utterances of a model share (`geometry.shared_points`); nan for a word without
    position, None in bundles of earlier versions.
    """

    key: RunKey
    model: ModelInfo
    utterance: Utterance
    reference: Reference
    tokens: tuple[Token, ...]
    similarity: npt.NDArray[np.float16]
    frame_spans: FloatArray
    frame_word: IntArray
    token_word: IntArray
    paths: IntArray
    scores: Mapping[str, FloatArray]
    baselines: Mapping[str, FloatArray]
    word_scores: Mapping[str, FloatArray]
    frame_scores: Mapping[str, FloatArray]
    token_scores: Mapping[str, FloatArray]
    coords: npt.NDArray[np.float16]
    norms: FloatArray
    quick_null: Null
    null: Null | None = None
    cross_layer: Mapping[str, FloatArray] = field(default_factory=dict)
    lens: Lens | None = None
    word_points: npt.NDArray[np.float16] | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_consistent(self, NO_WORD)

    @property
    def words(self) -> tuple[WordTiming, ...]:
        return self.reference.words

    @property
    def main_null(self) -> Null:
        """What the scores are read against: wrong transcripts, or permuted words before those."""
        return self.null or self.quick_null

    @property
    def n_layers(self) -> int:
        """Number of transformer blocks; arrays have one row more (layer 0, the input)."""
        return int(self.similarity.shape[0]) - 1

    @property
    def n_frames(self) -> int:
        return int(self.similarity.shape[1])

    @property
    def n_tokens(self) -> int:
        return int(self.similarity.shape[2])

    @property
    def mask(self) -> BoolArray:
        """The reference R, (n_frames, n_tokens): True where frame and token share a word."""
        same: BoolArray = self.frame_word[:, None] == self.token_word[None, :]
        result: BoolArray = same & (self.frame_word != NO_WORD)[:, None]
        return result

    @property
    def best_layer(self) -> int:
        """The layer with the highest ALAS that is a number; the shallowest of equals, or 0."""
        return int(np.nan_to_num(self.scores["alas"], nan=-np.inf).argmax())
