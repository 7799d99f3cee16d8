"""A reference from the user's own file of word times, for example the Montreal Forced Aligner's.

The file's words are matched to the transcript's in order; its times are absolute seconds of the
recording and are taken as they are, never rescaled.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from alas_core.errors import AlignmentError
from alas_core.reference.base import words_to_place
from alas_core.reference.formats import READERS, SILENCES, TIER_LISTERS, TimedWord
from alas_core.types import Audio, Reference, WordTiming

MAX_BYTES = 5_000_000
MAX_WORDS = 5_000
SLACK_S = 0.05
"""How far a time may lie outside the recording or inside its neighbour: rounding, not a mistake."""


class FileAligner:
    """Reads word times from a file; implements `Aligner`. The file is read once, here.

    Parameters
    ----------
    path : of a TextGrid, CTM, JSON or wdseg file
    tier : of a TextGrid or a JSON of the Montreal Forced Aligner; "" takes "words"

    Raises
    ------
    AlignmentError
        If the file is missing, too large, or of no known kind.
    """

    def __init__(self, path: Path, tier: str = "") -> None:
        self._file_name, self._tier = path.name, tier
        self._raw = _read(path)
        self.name = reference_name(self._raw, path.name, tier)

    def align(self, audio: Audio, transcript: str) -> Reference:
        """Match the file's words to the transcript's; see `from_file`."""
        return from_file(self._raw, self._file_name, transcript, audio.duration_s, self._tier)


def reference_name(raw: bytes, name: str, tier: str = "") -> str:
    """Format, tier and content hash ("TextGrid sha256:0123456789ab"): part of the RunKey."""
    kind, _ = _reader(name)
    chosen = f" '{tier}'" if tier else ""
    return f"{kind}{chosen} sha256:{hashlib.sha256(raw).hexdigest()[:12]}"


def tier_names(raw: bytes, name: str) -> tuple[str, ...]:
    """The tiers that words can be read from, in the file's order; none in a CTM or a plain list.

    Raises
    ------
    AlignmentError
        If the file cannot be understood.
    """
    _reader(name)
    lister = TIER_LISTERS.get(Path(name).suffix.lower())
    with _naming(name):
        return lister(raw) if lister else ()


@contextlib.contextmanager
def _naming(name: str) -> Iterator[None]:
    """Readers know a file's content only: say of which file they speak."""
    try:
        yield
    except AlignmentError as error:
        raise AlignmentError(f"'{name}': {error}") from error


def from_file(
    source: bytes | PathLike[str] | str,
    name: str,
    transcript: str,
    duration_s: float,
    tier: str = "",
) -> Reference:
    """Word times of a transcript from a TextGrid, CTM, JSON or wdseg file.

    Parameters
    ----------
    source : bytes or path
        The file's content, or where it lies.
    name : str
        The file's name: its ending tells the format.
    transcript : str
    duration_s : float
        Length of the recording; times beyond it are refused.
    tier : str
        The one to read, by name without regard to case; "" takes "words", else the first.

    Returns
    -------
    Reference
        Every word of the transcript; those the file lacks have no place. `notes` lists words that
        only the file has.

    Raises
    ------
    InputError
        If the transcript holds no word.
    AlignmentError
        If the file cannot be understood, its times are out of order or outside the recording, or
        it shares no word with the transcript.
    """
    raw = source if isinstance(source, bytes) else _read(Path(source))
    if len(raw) > MAX_BYTES:
        raise _too_large(name, len(raw))
    words = words_to_place(transcript)
    kind, read = _reader(name)
    with _naming(name):
        timed = [word for word in read(raw, tier) if _is_word(word.word)]
        _check_times(timed, duration_s, kind)
    placed, extra = _match(words, timed, duration_s)
    if not any(word.placed for word in placed):
        raise AlignmentError(
            f"'{name}' shares no word with the transcript (its first: {_some(timed)}), expected "
            "the times of these words; choose the file that belongs to this recording"
        )
    notes = (f"The {kind} also holds {_some(extra)}: not in the transcript.",) if extra else ()
    return Reference(reference_name(raw, name, tier), placed, notes)


def _reader(name: str) -> tuple[str, Callable[[bytes, str], list[TimedWord]]]:
    suffix = Path(name).suffix.lower()
    if suffix not in READERS:
        raise AlignmentError(
            f"'{name}' is no known file of word times, expected one that ends in .TextGrid, "
            ".ctm, .json or .wdseg; rename or convert it"
        )
    return READERS[suffix]


def _read(path: Path) -> bytes:
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            raise _too_large(path.name, n_bytes)
        return path.read_bytes()
    except OSError as error:
        raise AlignmentError(
            f"the file of word times '{path}' cannot be read ({error.strerror or error}), expected "
            "a TextGrid, CTM, JSON or wdseg file; check the path"
        ) from error


def _too_large(name: str, n_bytes: int) -> AlignmentError:
    return AlignmentError(
        f"'{name}' has {n_bytes / 1e6:.1f} MB, expected at most {MAX_BYTES / 1e6:g} MB of word "
        "times; keep the words of this recording only"
    )


def _is_word(label: str) -> bool:
    return label.strip().lower() not in SILENCES and bool(_parts(label))


def _some(timed: Sequence[TimedWord]) -> str:
    shown = ", ".join(f"'{word.word[:30]}'" for word in timed[:5]) or "nothing"
    return f"{shown} and {len(timed) - 5} more" if len(timed) > 5 else shown


def _check_times(timed: Sequence[TimedWord], duration_s: float, kind: str) -> None:
    """Refuse times that belong to another recording, or to no recording at all."""
    if len(timed) > MAX_WORDS:
        raise AlignmentError(
            f"the {kind} holds {len(timed)} words, expected at most {MAX_WORDS}; keep the words of "
            "this recording only"
        )
    before = 0.0
    for word in timed:
        span = f"'{word.word[:30]}' from {word.start_s:g} to {word.end_s:g} s"
        if not (math.isfinite(word.start_s) and word.start_s <= word.end_s):
            raise AlignmentError(
                f"the {kind} has {span}, expected a start and a later end in seconds; correct it"
            )
        if word.start_s < -SLACK_S or word.end_s > duration_s + SLACK_S:
            raise AlignmentError(
                f"the {kind} has {span}, expected times between 0 and {duration_s:.2f} s, the "
                "length of the recording; choose the file of this recording, times in seconds"
            )
        if word.start_s < before - SLACK_S:
            raise AlignmentError(
                f"the {kind} has {span} after a word that ends at {before:g} s, expected words in "
                "order without overlap; sort them, and keep one speaker"
            )
        before = max(before, word.end_s)


def _match(
    words: Sequence[WordTiming], timed: Sequence[TimedWord], duration_s: float
) -> tuple[tuple[WordTiming, ...], list[TimedWord]]:
    """Place each word whose parts stand in the file in the same order; the rest of the file."""
    ours = [(part, k) for k, word in enumerate(words) for part in _parts(word.word)]
    theirs = [(part, k) for k, word in enumerate(timed) for part in _parts(word.word)]
    matcher = difflib.SequenceMatcher(
        None, [part for part, _ in ours], [part for part, _ in theirs], autojunk=False
    )
    partners: dict[int, list[int]] = {k: [] for k in range(len(words))}
    owners: dict[int, set[int]] = {}
    for a, b, size in matcher.get_matching_blocks():
        for (_, our), (_, their) in zip(ours[a : a + size], theirs[b : b + size], strict=True):
            partners[our].append(their)
            owners.setdefault(their, set()).add(our)
    placed = []
    for k, word in enumerate(words):
        others = [timed[other] for other in partners[k]]
        if len(others) < len(_parts(word.word)):
            placed.append(replace(word, problem="not in the file of word times"))
        elif any(len(owners[other]) > 1 for other in partners[k]):
            placed.append(replace(word, problem="shares one entry of the file with a neighbour"))
        else:
            placed.append(_placed(word, others, duration_s))
    return tuple(placed), [word for k, word in enumerate(timed) if k not in owners]


def _placed(word: WordTiming, others: Sequence[TimedWord], duration_s: float) -> WordTiming:
    start_s, end_s = max(others[0].start_s, 0.0), min(others[-1].end_s, duration_s)
    if end_s <= start_s:
        return replace(word, problem="has no length in the file of word times")
    sure = [other.confidence for other in others if other.confidence is not None]
    confidence = min(sure) if sure else None
    return replace(word, start_s=start_s, end_s=end_s, confidence=confidence)


def _parts(word: str) -> list[str]:
    """What is compared: letters and digits without case or accents' spelling, at hyphens apart."""
    plain = unicodedata.normalize("NFKC", word).casefold()
    letters = re.sub(r"['\u2019\u02bc]", "", plain)
    return re.findall(r"[^\W_]+(?:[\u0300-\u036f\u0900-\u0dff]+[^\W_]*)*", letters)
