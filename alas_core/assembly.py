"""From two runs' states and a reference to the first complete picture of an utterance."""

from __future__ import annotations

import dataclasses
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from alas_core import __version__
from alas_core.alignment import Alignment
from alas_core.errors import AlignmentError
from alas_core.lens import LayerReading, read_layers, targets
from alas_core.models.protocol import AudioStates, Head, Prompt, SpeechLLM, TextStates
from alas_core.null import make_null, permuted_words
from alas_core.packing import on_grid
from alas_core.paths import monotonic_paths
from alas_core.reduction import Reduction, reduce_states
from alas_core.scores import score_alignment
from alas_core.types import (
    NO_WORD,
    Analysis,
    BoolArray,
    FloatArray,
    ModelInfo,
    Reference,
    RunKey,
    Settings,
    Utterance,
    WordTiming,
)
from alas_core.words import frame_words, split_words, token_words

SIMILARITY_STEP = 2.0**-12
"""Stored cosines are multiples of this: as exact as float16 is near 1, and small on disk."""

COORDS_STEPS = 2**11
"""Stored coordinates are exact to this part of their layer's largest: finer than any screen."""

_LARGEST_POWER = 15
"""Of two: a massive activation may lie beyond it, and float16 ends below 2**16."""

_PACKAGES = ("torch", "transformers", "numpy", "librosa", "pocketsphinx", "umap-learn")
_MANY_WORDS_PER_S = 8.0
"""Faster than anyone speaks: then transcript and audio hardly belong together."""


@dataclass(frozen=True)
class Plan:
    """A request with every default filled in."""

    model: SpeechLLM
    prompt: Prompt
    wrong: tuple[str, ...]
    key: RunKey


class Clock:
    """Seconds per stage, as shown in the provenance."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 4)


def stamped(analysis: Analysis, clock: Clock) -> Analysis:
    """The analysis with the seconds spent so far in its provenance."""
    provenance = dict(analysis.provenance) | {"seconds": dict(clock.seconds)}
    return dataclasses.replace(analysis, provenance=provenance)


def assemble(
    utterance: Utterance,
    settings: Settings,
    plan: Plan,
    reference: Reference,
    audio: AudioStates,
    text: TextStates,
) -> tuple[Analysis, Alignment]:
    """Everything the first picture needs; the alignment is what the null is computed with.

    Raises
    ------
    AlignmentError
        If no frame of the model lies in a word.
    """
    alignment, reduced = _align(settings, reference, audio, text)
    n_layers, n_frames, n_tokens = alignment.similarity.shape
    paths = monotonic_paths(alignment.similarity) if n_frames >= n_tokens else None
    result = score_alignment(alignment, paths, settings.temperature)
    if paths is None:
        paths = np.full((n_layers, n_frames), -1, np.int16)
    analysis = Analysis(
        key=plan.key,
        model=plan.model.info,
        utterance=utterance,
        reference=reference,
        tokens=text.tokens,
        similarity=on_grid(reduced.similarity, SIMILARITY_STEP),
        frame_spans=audio.frame_spans,
        frame_word=alignment.frame_word.astype(np.int16),
        token_word=alignment.token_word.astype(np.int16),
        paths=paths,
        scores=result.scores | reduced.scores,
        baselines=result.baselines | reduced.baselines,
        word_scores=result.words,
        frame_scores=result.frames,
        token_scores=result.tokens,
        coords=_coords(reduced.coords),
        norms=reduced.norms,
        quick_null=make_null(
            "permuted words", _permuted(alignment, settings), result.scores["alas"]
        ),
        cross_layer=reduced.cross_layer,
        word_points=reduced.word_points.astype(np.float16),
        warnings=_warnings(utterance, plan, reference, audio, alignment),
        provenance=_provenance(plan, alignment),
    )
    return analysis, alignment


def lens_layers(
    head: Head | None, analysis: Analysis, audio: AudioStates, text: TextStates
) -> Iterator[LayerReading]:
    """The read-out of one layer after another; nothing where the model shows no output head."""
    if head is None:
        return
    names = [word.word for word in analysis.words]
    yield from read_layers(
        head,
        audio.hidden_states,
        text.hidden_states,
        targets(head, names, analysis.frame_word, analysis.token_word),
        last_is_normed=audio.last_is_normed,
    )


def _coords(coords: FloatArray) -> npt.NDArray[np.float16]:
    """Only shapes are drawn, so a layer that float16 cannot hold is halved until it can."""
    largest = np.abs(coords).max(axis=(1, 2), keepdims=True).clip(1e-3)
    power = np.ceil(np.log2(largest))
    held = np.minimum(power, _LARGEST_POWER)
    return on_grid(coords * np.exp2(held - power), np.exp2(held) / COORDS_STEPS)


def _align(
    settings: Settings, reference: Reference, audio: AudioStates, text: TextStates
) -> tuple[Alignment, Reduction]:
    words = reference.words
    frame_word = frame_words(audio.frame_spans, words)
    token_word = token_words(text.tokens, words)
    if not (frame_word != NO_WORD).any():
        raise AlignmentError(
            f"{reference.name} placed {sum(word.placed for word in words)} words but none fills "
            "half a frame of the model, expected at least one; check the times of the alignment"
        )
    names = [word.word for word in words]
    reduced = reduce_states(
        audio.hidden_states, text.hidden_states, frame_word, token_word, names, settings
    )
    alignment = Alignment(
        reduced.similarity,
        frame_word,
        token_word,
        np.array([word.start_s for word in words]),
        audio.frame_spans[:, 0],
        reduced.frame_valid,
        reduced.token_valid,
    )
    return alignment, reduced


def _permuted(alignment: Alignment, settings: Settings) -> FloatArray:
    return permuted_words(
        alignment,
        temperature=settings.temperature,
        n_permutations=settings.n_permutations,
        seed=settings.seed,
    )


def _warnings(
    utterance: Utterance,
    plan: Plan,
    reference: Reference,
    audio: AudioStates,
    alignment: Alignment,
) -> tuple[str, ...]:
    """What the user should know before reading the numbers, most important first."""
    notes = [*utterance.audio.notes, *audio.notes, *reference.notes]
    words = split_words(utterance.transcript)
    unknown = plan.model.unknown_words([word.word for word in words])
    signs = _unknown_signs(plan.model.info, utterance.transcript)
    if signs:
        notes.insert(
            0,
            f"{plan.model.info.name or 'The model'} was taught transcripts without {signs}. These "
            "are tokens, too, and can change every score: leave them out to be sure.",
        )
    if unknown:
        notes.insert(
            0,
            f"{plan.model.info.name or 'The model'} was never taught: {', '.join(unknown)}. For "
            "such words it writes fluent nonsense, and their scores say nothing.",
        )
    if reference.unplaced:
        listed = ", ".join(f"{w.word} ({w.problem or 'not placed'})" for w in reference.unplaced)
        notes.append(f"Words without a place in the audio, left out of all scores: {listed}.")
    _, n_frames, n_tokens = alignment.similarity.shape
    if n_frames < n_tokens:
        notes.append(
            f"{n_tokens} tokens but only {n_frames} frames: no monotone path exists, so the path "
            "scores are left empty."
        )
    if len(words) > _MANY_WORDS_PER_S * utterance.audio.duration_s:
        notes.append(
            f"{len(words)} words in {utterance.audio.duration_s:.1f} s is faster than anyone "
            "speaks: does the transcript belong to this audio?"
        )
    notes += _thin(alignment, words)
    return tuple(notes)


def _unknown_signs(info: ModelInfo, transcript: str) -> str:
    """Signs and capitals of a transcript that a model of few known words was not taught."""
    if info.known_words is None:
        return ""
    spelt = {letter for word in info.known_words for letter in word}
    signs = dict.fromkeys(c for c in transcript.casefold() if not (c.isalnum() or c.isspace()))
    found = [sign for sign in signs if sign not in spelt]
    parts = [f"the sign{'s' * (len(found) > 1)} {' '.join(found)}"] if found else []
    parts += ["capital letters"] if transcript != transcript.casefold() else []
    return " and ".join(parts)


def _thin(alignment: Alignment, words: Sequence[WordTiming]) -> list[str]:
    """Where there are too few words or tokens to score by."""
    spoken = np.unique(alignment.frame_word[alignment.frame_word != NO_WORD])
    notes = []
    bare = [words[index].word for index in spoken if index not in alignment.token_word]
    if bare:
        notes.append(
            f"Words without a token of their own, left out of the scores: {', '.join(bare)}. The "
            "tokenizer writes each in one token with the word before it."
        )
    if len(spoken) - len(bare) < 2:
        notes.append(
            "Only one word has frames and tokens. ALAS asks which of several words a frame is "
            "nearest to, and its quick null permutes them: with one word neither says anything."
        )
    return notes


def _provenance(plan: Plan, alignment: Alignment) -> dict[str, Any]:
    return {
        "alas_core": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "packages": dict(packages()),
        "python": platform.python_version(),
        "device": plan.model.info.device,
        "dtype": plan.model.info.dtype,
        "instruction": plan.prompt.instruction,
        "instruction_first": plan.prompt.instruction_first,
        "n_frames_with_word": int((alignment.frame_word != NO_WORD).sum()),
        "masked": {
            "frames": _masked(alignment.frame_valid),
            "tokens": _masked(alignment.token_valid),
        },
        "seconds": {},
    }


@cache
def packages() -> dict[str, str]:
    """Versions of the libraries that may change a number; looked up once, since it reads files."""
    return {name: metadata.version(name) for name in _PACKAGES}


def _masked(valid: BoolArray) -> list[int]:
    """Positions masked as sinks at any layer."""
    positions: list[int] = np.flatnonzero(~valid.all(axis=0)).tolist()
    return positions
