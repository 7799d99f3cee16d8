"""What there is to choose from, as light lists; nothing here loads a model or a recording."""

from __future__ import annotations

from collections import Counter
from functools import cache

from alas_core import datasets
from alas_core.models.choices import choices
from alas_core.ui.text import cut


def models() -> dict[str, str]:
    """Model id to label; local folders are looked up anew each time.

    No two labels are the same: the browser sends back a label, and two folders may share a name.
    """
    offered = choices()
    times = Counter(choice.label for choice in offered)
    return {
        choice.id: choice.label if times[choice.label] == 1 else f"{choice.label} ({choice.id})"
        for choice in offered
    }


def model_description(model_id: str) -> str:
    """One sentence about a model, or nothing."""
    found = (choice for choice in choices() if choice.id == model_id)
    return next((choice.description for choice in found), "")


@cache
def demo_utterances() -> dict[str, str]:
    """Id to a label that can be searched: words, task, voice, condition."""
    labels = {}
    for row in datasets.demo().ids():
        parts = (cut(row.transcript, 60), row.task, row.voice, row.condition)
        labels[row.id] = " · ".join(part for part in parts if part)
    return labels
