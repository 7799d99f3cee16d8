"""What an aligner is, and where one comes from."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from alas_core.errors import AlignmentError, InputError
from alas_core.models.watching import Load, Report, Watched
from alas_core.types import Audio, Reference, WordTiming
from alas_core.words import split_words

FILE_SUFFIXES = (".textgrid", ".ctm", ".json", ".wdseg")
"""Files of word times that can serve as a reference, lower-case."""

CHECKPOINT_KINDS = ("whisper", "ctc", "qwen3")
"""Aligners that need a checkpoint, named after a colon: "ctc:facebook/wav2vec2-base-960h"."""

DEFAULT_CHECKPOINTS = {"whisper": "openai/whisper-large-v3"}
"""What an aligner's bare name means."""


class Aligner(Protocol):
    """Finds when each word of a known transcript is spoken. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """Says all that determines the times (program, version, content): part of the RunKey."""
        ...

    def align(self, audio: Audio, transcript: str) -> Reference:
        """Every word of the transcript in order, placed or with a problem.

        Raises
        ------
        InputError
            If the transcript holds no word.
        AlignmentError
            If the aligner cannot run or its file cannot be understood. Words that are not found
            are no error: they come back without a place.
        """
        ...


@runtime_checkable
class Loads(Protocol):
    """An aligner that has a checkpoint to load, which may have to be downloaded."""

    def prepare(self, report: Report) -> None:
        """Load it now, if it is not loaded, and say on the way how far that is.

        Raises
        ------
        ModelError, AlignmentError
            If the files cannot be had, or hold no such checkpoint.
        """
        ...


@dataclass(frozen=True)
class KnownTimes:
    """An `Aligner` for words whose times are known already."""

    reference: Reference

    @property
    def name(self) -> str:
        return self.reference.name

    def align(self, audio: Audio, transcript: str) -> Reference:
        """The reference; it belongs to this audio and transcript alone."""
        del audio, transcript
        return self.reference


def preparing(aligner: Aligner) -> Generator[Watched, None, None]:
    """Have an aligner load what it needs, and yield how far that is; most need nothing.

    Closing the generator stops the loading at its next report.
    """
    if isinstance(aligner, Loads):
        yield from Load(aligner.prepare).watch()


def get_aligner(name_or_path: str, tier: str = "") -> Aligner:
    """The aligner of that name, or one that reads a file of word times.

    Parameters
    ----------
    name_or_path : str
        "pocketsphinx"; "whisper", "ctc:CHECKPOINT" or "qwen3:CHECKPOINT" (a hub id or a folder;
        "whisper" alone takes its default); or the path of a file.
    tier : str
        Of a TextGrid; "" takes "words".

    Raises
    ------
    AlignmentError
        If there is no such aligner or file.
    ModelError
        If there is no such checkpoint.
    """
    checkpoint = checkpoint_of(name_or_path)
    if checkpoint:
        return _with_checkpoint(name_or_path.partition(":")[0], checkpoint)
    if name_or_path == "pocketsphinx":
        from alas_core.reference.pocketsphinx import PocketsphinxAligner

        return PocketsphinxAligner()
    path = Path(name_or_path)
    if path.suffix.lower() in FILE_SUFFIXES:
        from alas_core.reference.files import FileAligner

        return FileAligner(path, tier)
    raise AlignmentError(
        f"no reference is called {name_or_path!r}, expected 'pocketsphinx', 'whisper', "
        "'whisper:CHECKPOINT', 'ctc:CHECKPOINT', 'qwen3:CHECKPOINT' or a file of word times "
        f"({', '.join(FILE_SUFFIXES)}); check the spelling"
    )


def checkpoint_of(name_or_path: str) -> str:
    """The hub id or folder of the checkpoint that `get_aligner` would load; "" for none."""
    kind, _, checkpoint = name_or_path.partition(":")
    return (checkpoint or DEFAULT_CHECKPOINTS.get(kind, "")) if kind in CHECKPOINT_KINDS else ""


def _with_checkpoint(kind: str, checkpoint: str) -> Aligner:
    if kind == "whisper":
        from alas_core.reference.whisper import WhisperAligner

        return WhisperAligner(checkpoint)
    if kind == "ctc":
        from alas_core.reference.ctc import CTCAligner

        return CTCAligner(checkpoint)
    from alas_core.reference.qwen3 import Qwen3Aligner

    return Qwen3Aligner(checkpoint)


def words_to_place(transcript: str) -> tuple[WordTiming, ...]:
    """The words of a transcript, or `InputError` if there is none."""
    words = split_words(transcript)
    if not words:
        shown = transcript if len(transcript) <= 40 else transcript[:40] + "..."
        raise InputError(
            f"the transcript {shown!r} holds no word, expected the words that are spoken; type "
            "what is said in the recording"
        )
    return words


def unplaced(words: tuple[WordTiming, ...], problem: str) -> tuple[WordTiming, ...]:
    """The same words, none placed, all for one reason."""
    return tuple(replace(word, problem=problem) for word in words)
