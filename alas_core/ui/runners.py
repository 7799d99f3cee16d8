"""Where computations of all sessions take their turns: one queue for whatever uses a model.

On its own, below the modules that know what is computed: a page may be the first of its server,
whichever it is, and those that only wait for a turn must not import all that there is to compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from alas_core.layouts import Layout
from alas_core.ui.jobs import Runner, State, Step

accelerator: Runner[Any] = Runner("accelerator")
"""All that uses a model, of all sessions: one thing at a time."""

analyses = accelerator
"""The same, where an order's analysis is meant; drafts and checks are in it beside them."""

maps: Runner[Layout] = Runner("maps", max_kept=64)


def ask_aligner(
    key: str, steps: Callable[[], Iterator[Step[Any]]], checkpoint: str, reader: str, of: str
) -> State[Any]:
    """A job that listens with an aligner's checkpoint, in the one queue of all that use a model."""
    return accelerator.ask(key, steps, f"aligner {checkpoint}", reader, of)
