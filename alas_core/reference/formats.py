"""Files of word times: Praat TextGrid, CTM, JSON, and the segments of the CMU Sphinx aligner.

Readers return what the file says; `files.from_file` checks it and finds the transcript's words.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alas_core.errors import AlignmentError
from alas_core.reference.praat import why_unreadable

SILENCES = frozenset(
    "sil silence sp spn <eps> <sil> <s> </s> <unk> [noise] [silence] [unk] <p:> #".split()
)
"""Labels for no word, lower-case; "spn" and "<unk>" are a word the aligner did not know."""

_FRAME_S = 0.01
"""Of CMU Sphinx's segments."""


@dataclass(frozen=True)
class TimedWord:
    """One word as a file places it: seconds, unchecked."""

    word: str
    start_s: float
    end_s: float
    confidence: float | None = None


def read_textgrid(raw: bytes, tier: str = "") -> list[TimedWord]:
    """The labelled intervals of a tier; "" takes "words" (or "word", or else the first one).

    Raises
    ------
    AlignmentError
        If praatio cannot read it, or reads something other than what it says, or if there is no
        such tier.
    """
    tiers = {found.name: found for found in reversed(_interval_tiers(raw))}
    name = _chosen_tier(list(reversed(tiers)), tier, "TextGrid")
    entries = tiers[name].entries
    _check_counts(raw, name, len(entries))
    return [TimedWord(entry.label, entry.start, entry.end) for entry in entries]


def textgrid_tiers(raw: bytes) -> tuple[str, ...]:
    """Names of a TextGrid's interval tiers, in its order."""
    return tuple(dict.fromkeys(tier.name for tier in _interval_tiers(raw)))


def _chosen_tier(names: Sequence[str], wanted: str, kind: str) -> str:
    """The name that is meant, without regard to case: the wanted one, else that of the words."""
    plain = {name.strip().lower(): name for name in reversed(names)}
    if wanted and wanted.strip().lower() not in plain:
        listed = ", ".join(f"'{name[:30]}'" for name in names[:8]) or "none"
        raise AlignmentError(
            f"the {kind} has no tier '{wanted[:30]}' to read words from, expected one of: "
            f"{listed}; choose one of them"
        )
    return plain.get(wanted.strip().lower()) or plain.get("words") or plain.get("word") or names[0]


def _interval_tiers(raw: bytes) -> list[Any]:
    """At least one, as praatio reads them."""
    from praatio import textgrid
    from praatio.utilities.errors import PraatioException

    _check_textgrid_text(raw)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "words.TextGrid")
            path.write_bytes(raw)
            grid = textgrid.openTextgrid(str(path), True, "silence", "rename")
        tiers = [tier for tier in grid.tiers if isinstance(tier, textgrid.IntervalTier)]
    except (
        PraatioException,
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise AlignmentError(why_unreadable(raw, error)) from error
    if not tiers:
        raise AlignmentError(
            "the TextGrid has no interval tier, expected one named 'words'; point tiers hold no "
            "word spans"
        )
    return tiers


def _text(raw: bytes) -> str:
    """Decoded as praatio does: UTF-16 with its mark, else UTF-8."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise AlignmentError(
            f"the file of word times is no {encoding} text (byte {error.start}), expected UTF-8; "
            "save it again as UTF-8"
        ) from error


def _check_textgrid_text(raw: bytes) -> None:
    """Refuse what praatio would misread without an error: negative times lose their sign."""
    negative = re.search(r"^\s*(?:xmin =|xmax =)?\s*(-\d*[.\d]*[1-9]\d*)\s*$", _text(raw), re.M)
    if negative:
        raise AlignmentError(
            f"the TextGrid has the time {negative[1]} s, expected seconds from 0 on; correct it "
            "in Praat"
        )


def _check_counts(raw: bytes, name: str, n_entries: int) -> None:
    """Compare the number of intervals read with the number that the file says it has."""
    quoted = re.escape(name.replace('"', '""'))
    header = rf'"{quoted}"\s+(?:xmin = )?\S+\s+(?:xmax = )?\S+\s+(?:intervals: size = )?(\d+)\s'
    declared = re.search(header, _text(raw))
    if declared and int(declared[1]) != n_entries:
        raise AlignmentError(
            f"the TextGrid's tier '{name}' holds {n_entries} intervals, expected {declared[1]} as "
            "it says itself; the file is cut off or damaged: save it again"
        )


def read_ctm(raw: bytes, tier: str = "") -> list[TimedWord]:
    """Lines of `recording channel start duration word [confidence]`; ";;" starts a comment.

    Raises
    ------
    AlignmentError
        If it is no text, a line is none of these, there are several recordings, or a tier is
        asked for.
    """
    if tier:
        _chosen_tier((), tier, "CTM")
    words, recordings = [], set()
    for number, line in enumerate(_text(raw).splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0].startswith(";;"):
            continue
        try:
            start_s, length_s = float(fields[2]), float(fields[3])
            confidence = float(fields[5]) if len(fields) > 5 else None
            words.append(TimedWord(fields[4], start_s, start_s + length_s, confidence))
        except (IndexError, ValueError) as error:
            raise AlignmentError(
                f"line {number} of the CTM is {line[:60]!r}, expected 'recording channel start "
                "duration word [confidence]'; correct the line"
            ) from error
        recordings.add(fields[0])
    if len(recordings) > 1:
        raise AlignmentError(
            f"the CTM holds {len(recordings)} recordings ({', '.join(sorted(recordings)[:3])}), "
            "expected one; keep the lines of this recording only"
        )
    return words


def read_json(raw: bytes, tier: str = "") -> list[TimedWord]:
    """A list of words with times, alone or under "words", "segments" (Whisper) or "tiers" (MFA).

    An entry has `word` (or `text`, `label`), `start_s` (or `start`), `end_s` (or `end`) and
    perhaps `confidence` (or `probability`, `score`); or it is a list `[start, end, label]`.
    """
    content = _json(raw)
    if tier or _tiers_of(content):
        tiers = _tiers_of(content)
        chosen = tiers[_chosen_tier(list(tiers), tier, "JSON")]
        content = chosen.get("entries") if isinstance(chosen, dict) else None
    return [_timed_word(entry) for entry in _entries(content)]


def json_tiers(raw: bytes) -> tuple[str, ...]:
    """Names of the tiers in a JSON of the Montreal Forced Aligner; none in other JSON."""
    return tuple(_tiers_of(_json(raw)))


def _json(raw: bytes) -> Any:
    try:
        return json.loads(_text(raw))
    except (ValueError, RecursionError) as error:
        raise AlignmentError(
            f"the file of word times is no JSON ({str(error)[:80]}), expected a list of objects "
            "with word, start_s and end_s; write it with a JSON library"
        ) from error


def _tiers_of(content: Any) -> dict[str, Any]:
    tiers = content.get("tiers") if isinstance(content, dict) else None
    return dict(tiers) if isinstance(tiers, dict) and "words" not in content else {}


def _entries(content: Any) -> Iterator[Any]:
    if isinstance(content, list):
        yield from content
    elif isinstance(content, dict) and isinstance(content.get("words"), list):
        yield from content["words"]
    elif isinstance(content, dict) and isinstance(content.get("segments"), list):
        for segment in content["segments"]:
            yield from _entries(segment)
    else:
        keys = list(content)[:5] if isinstance(content, dict) else type(content).__name__
        raise AlignmentError(
            f"the JSON has no list of words (found {keys}), expected a list of objects with word, "
            'start_s and end_s, alone or under "words"; see the README for an example'
        )


def _timed_word(entry: Any) -> TimedWord:
    if isinstance(entry, list) and len(entry) == 3:
        entry = {"start_s": entry[0], "end_s": entry[1], "word": entry[2]}
    if isinstance(entry, dict):
        word = _first(entry, "word", "text", "label")
        start_s, end_s = _first(entry, "start_s", "start"), _first(entry, "end_s", "end")
        confidence = _first(entry, "confidence", "probability", "score")
        if isinstance(word, str) and _is_number(start_s) and _is_number(end_s):
            sure = float(confidence) if _is_number(confidence) else None
            return TimedWord(word, float(start_s), float(end_s), sure)
    raise AlignmentError(
        f"an entry of the JSON is {str(entry)[:80]}, expected an object with the text word and "
        "the numbers start_s and end_s; correct it"
    )


def _first(entry: Mapping[str, Any], *keys: str) -> Any:
    return next((entry[key] for key in keys if entry.get(key) is not None), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def read_wdseg(raw: bytes, tier: str = "") -> list[TimedWord]:
    """Segments of CMU Sphinx's aligner (IEMOCAP's ForcedAlignment): `SFrm EFrm SegAScr Word`.

    Frames are of 10 ms, the last one included; the score is no probability and is left. A word
    has the number of its pronunciation behind it, HELLO(2); `<sil>` and `++LAUGHTER++` are none.

    Raises
    ------
    AlignmentError
        If it is no text, a line is none of these, or a tier is asked for.
    """
    if tier:
        _chosen_tier((), tier, "file of segments")
    words = []
    for number, line in enumerate(_text(raw).splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] == "SFrm" or fields[:2] == ["Total", "score:"]:
            continue
        try:
            start, end, word = int(fields[0]), int(fields[1]) + 1, fields[3]
        except (IndexError, ValueError) as error:
            raise AlignmentError(
                f"line {number} of the file of segments is {line[:60]!r}, expected 'start-frame "
                "end-frame score word'; correct the line"
            ) from error
        if not word.startswith(("<", "++")):
            spelt = re.sub(r"\(\d+\)$", "", word)
            words.append(TimedWord(spelt, start * _FRAME_S, end * _FRAME_S))
    return words


READERS: Mapping[str, tuple[str, Callable[[bytes, str], list[TimedWord]]]] = {
    ".textgrid": ("TextGrid", read_textgrid),
    ".ctm": ("CTM", read_ctm),
    ".json": ("JSON", read_json),
    ".wdseg": ("file of segments", read_wdseg),
}
"""File suffix, lower-case: what people call the format, and its reader."""

TIER_LISTERS: Mapping[str, Callable[[bytes], tuple[str, ...]]] = {
    ".textgrid": textgrid_tiers,
    ".json": json_tiers,
}
"""File suffix, lower-case: what lists the tiers that a file of this kind has."""
