"""Word times as a file for Praat."""

from __future__ import annotations

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
