"""Word times as a file for Praat, and what is wrong with a file that Praat would not write."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from alas_core.types import Reference


def to_textgrid(reference: Reference, duration_s: float) -> str:
    """The placed words as a Praat TextGrid (long format) with one tier, "words".

    Words that overlap are cut where the next one begins: Praat knows no overlap.
    """
    from praatio import textgrid

    placed = sorted((word for word in reference.words if word.placed), key=lambda w: w.start_s)
    edges = [word.start_s for word in placed[1:]] + [duration_s]
    entries = [
        (word.start_s, min(word.end_s, edge), word.word)
        for word, edge in zip(placed, edges, strict=False)
        if min(word.end_s, edge) > word.start_s
    ]
    grid = textgrid.Textgrid(0.0, duration_s)
    grid.addTier(textgrid.IntervalTier("words", entries, 0.0, duration_s))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "words.TextGrid")
        grid.save(str(path), "long_textgrid", True, minimumIntervalLength=None)
        return path.read_text(encoding="utf-8")


_OVERLAP = re.compile(r"overlap in time: (?P<first>\(.*\)) and (?P<second>\(.*\))")


def why_unreadable(raw: bytes, error: Exception) -> str:
    """What praatio's refusal of a TextGrid means for the one who made the file."""
    from praatio.utilities.errors import TextgridException

    if not raw.strip():
        return (
            f"the TextGrid is empty ({len(raw)} bytes), expected words in intervals; export it anew"
        )
    reason = " ".join(str(error).split())
    overlap = _OVERLAP.search(reason)
    if overlap:
        return (
            f"the TextGrid has intervals that overlap, {overlap['first'][:60]} and "
            f"{overlap['second'][:60]}, expected each to begin where the one before it ends, or "
            "later; correct the times, and keep one speaker a tier"
        )
    if isinstance(error, TextgridException):
        return (
            f"the TextGrid contradicts itself ({reason[:100]}), expected intervals in order; "
            "correct the times"
        )
    head = raw[:200].decode(
        "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace"
    )
    if "TextGrid" not in head:
        return (
            f"it is no TextGrid (it begins with {' '.join(head.split())[:30]!r}), expected Praat's "
            "long or short text format; choose another file, or export the TextGrid again"
        )
    return (
        "the TextGrid is cut off or damaged, expected Praat's long or short text format; export "
        "it again, or open it in Praat and save it as text"
    )
