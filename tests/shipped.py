"""What the shipped training left, read from its index, so that no test holds a step of it."""

from __future__ import annotations

import json

from alas_core.resources import asset_path

_INDEX = json.loads(asset_path("demo", "checkpoints", "index.json").read_text(encoding="utf-8"))
STEPS = tuple(int(row["step"]) for row in _INDEX["checkpoints"])
EARLY = STEPS[1]
"""The second snapshot: the frames find their words, no answer is right yet."""


def kept(utterance: str, step: int = EARLY) -> str:
    """The id under which the gallery lists one checkpoint's analysis."""
    return f"checkpoints/{step:05d}/{utterance}"
