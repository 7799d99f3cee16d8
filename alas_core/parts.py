"""A part of a long recording with the words that are spoken in it.

The words are placed in the whole recording first; those whose middle lies in the part are its
transcript, and their times move with it. So sound, words and reference stay consistent.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from alas_core import audio as sounds
from alas_core.errors import AlignmentError, InputError
from alas_core.models.registry import device_lock
from alas_core.reference import Aligner, KnownTimes
from alas_core.types import Audio, Reference, Utterance, WordTiming, content_sha

_SPAN = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)-(\d{1,4}(?:\.\d{1,3})?)")

EDGE_S = 0.05
"""A word that reaches so far over a cut counts as cut through."""


@dataclass(frozen=True)
class Part:
    """The half-open span [start_s, end_s) of a recording, in seconds; written "12.5-40"."""

    start_s: float
    end_s: float

    @classmethod
    def parse(cls, text: str) -> Part:
        """The part that a link, an order or the command line names.

        Raises
        ------
        InputError
            If the text names none.
        """
        found = _SPAN.fullmatch(text)
        part = cls(*map(float, found.groups())) if found else None
        if part is None or part.end_s <= part.start_s:
            raise InputError(
                f"the part is {text[:40]!r}, expected its start and a later end in seconds with a "
                "hyphen between, such as 0-28.5; correct it"
            )
        return part

    def __str__(self) -> str:
        return f"{self.start_s:g}-{self.end_s:g}"


def take_part(
    utterance: Utterance, aligner: Aligner, part: Part, transcript: str = ""
) -> tuple[Utterance, Aligner]:
    """The utterance cut to a part, and who knows when the part's words are spoken.

    Parameters
    ----------
    utterance : the whole one
    aligner : places the words of the whole recording; it runs here, unless there is a transcript
    part : what is wanted of it
    transcript : what is said in the part, where somebody has typed it; it is placed in the part
        alone

    Raises
    ------
    InputError
        If the part reaches out of the recording.
    AlignmentError
        If the words cannot be placed, or none of them lies in the part.
    """
    lasts_s = utterance.audio.duration_s
    if part.end_s > lasts_s + EDGE_S:
        raise InputError(
            f"the part is {part} s of a recording of {lasts_s:.2f} s, expected one that ends in "
            f"it; choose an end of at most {lasts_s:.2f}"
        )
    sound = sounds.cut(utterance.audio, part.start_s, part.end_s)
    note = f"This is the part from {part.start_s:g} to {part.end_s:g} s of a recording of "
    note += f"{lasts_s:.1f} s."
    sound = dataclasses.replace(sound, notes=(*sound.notes, note))
    if not transcript:
        with device_lock:  # an aligner may use the accelerator
            whole = aligner.align(utterance.audio, utterance.transcript)
        transcript, reference = cut_words(utterance.transcript, whole, part, utterance.audio)
        aligner = KnownTimes(reference)
    cut = dataclasses.replace(
        utterance,
        id=f"{utterance.id}, {part} s",
        audio=sound,
        transcript=transcript,
        part=str(part),
    )
    return cut, aligner


def cut_words(
    transcript: str, reference: Reference, part: Part, audio: Audio
) -> tuple[str, Reference]:
    """Transcript and word times of a part.

    Parameters
    ----------
    transcript, reference, audio : of the whole recording
    part : of it

    Returns
    -------
    str
        From the first to the last word whose middle lies in the part, with the signs beside them.
    Reference
        Their times, in seconds of the part. Words without a place stay among their neighbours; at
        a cut, where nobody knows on which side they are spoken, they are left out and listed.

    Raises
    ------
    AlignmentError
        If no word lies in the part.
    """
    words = reference.words
    inside = [k for k, word in enumerate(words) if _within(word, part)]
    if not inside:
        raise AlignmentError(
            f"{reference.name} placed none of the {len(words)} words from {part.start_s:g} to "
            f"{part.end_s:g} s, expected at least one; type what is said in this part, choose "
            "another part or another reference"
        )
    first, last = inside[0], inside[-1]
    before = [word.placed for word in words[:first]]
    after = [word.placed for word in words[last + 1 :]]
    if not any(before) and part.start_s == 0:
        first = 0
    if not any(after) and part.end_s >= audio.duration_s:
        last = len(words) - 1
    start, end = _characters(transcript, words, first, last)
    kept = tuple(_moved(word, part, start, audio.duration_s) for word in words[first : last + 1])
    # With all the words: a change outside the part may move the times in it.
    whole = content_sha(audio.sha, transcript)[:12]
    name = f"{reference.name}, cut at {part} s from {whole}"
    notes = (*reference.notes, *_notes(words, first, last, part))
    return transcript[start:end], Reference(name, kept, notes)


def _within(word: WordTiming, part: Part) -> bool:
    return word.placed and part.start_s <= (word.start_s + word.end_s) / 2 < part.end_s


def _characters(
    transcript: str, words: Sequence[WordTiming], first: int, last: int
) -> tuple[int, int]:
    """The words' text with the quotation marks, dots and brackets that touch its ends."""
    left_from = words[first - 1].end_char if first else 0
    left = transcript[left_from : words[first].start_char]
    right_to = words[last + 1].start_char if last + 1 < len(words) else len(transcript)
    right = transcript[words[last].end_char : right_to]
    touching = re.search(r"\S*$", left)
    parted = first == 0 or any(map(str.isspace, left))  # else it belongs to the word before
    start = words[first].start_char - (len(touching[0]) if touching and parted else 0)
    following = re.match(r"\S*", right)
    return start, words[last].end_char + (len(following[0]) if following else 0)


def _moved(word: WordTiming, part: Part, start_char: int, duration_s: float) -> WordTiming:
    problem, times = word.problem, (word.start_s, word.end_s)
    if word.placed and not _within(word, part):
        problem, times = "its time lies outside this part", (float("nan"), float("nan"))
    elif word.placed:
        end_s = min(part.end_s, duration_s)
        times = max(times[0], part.start_s) - part.start_s, min(times[1], end_s) - part.start_s
    return dataclasses.replace(
        word,
        start_char=word.start_char - start_char,
        end_char=word.end_char - start_char,
        start_s=times[0],
        end_s=times[1],
        problem=problem,
    )


def _notes(words: Sequence[WordTiming], first: int, last: int, part: Part) -> list[str]:
    """What the reader must know of the cuts."""
    cut = [word.word for word in words if any(_cuts(at, word) for at in (part.start_s, part.end_s))]
    unplaced = []
    for row in (words[:first][::-1], words[last + 1 :]):
        for word in row:
            if word.placed:
                break
            unplaced.append(word.word)
    notes = []
    if cut:
        notes.append(f"The cut goes through: {', '.join(cut)}.")
    if unplaced:
        notes.append(f"Left out, as they have no place and stand at a cut: {', '.join(unplaced)}.")
    return notes


def _cuts(at_s: float, word: WordTiming) -> bool:
    return word.placed and word.start_s + EDGE_S < at_s < word.end_s - EDGE_S
