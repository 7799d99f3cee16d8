"""Frames against seconds: the processor must add frames as the family's facts say.

Needs the processor only, no weights: it counts the audio positions of two lengths of silence.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from alas_core.errors import ModelError
from alas_core.models.grid import FrameGrid
from alas_core.models.inputs import frame_count
from alas_core.models.loading import Checkpoint

_SHORT_S = 10.0


@dataclass(frozen=True)
class FrameCheck:
    """Frames of two lengths of audio, and what the table of facts makes of the difference.

    Parameters
    ----------
    seconds : the two lengths
    counts : audio positions that the processor gives to each
    expected : how many more the longer one should have; nan if no table says so
    """

    seconds: tuple[float, float]
    counts: tuple[int, int]
    expected: float

    @property
    def grown(self) -> int:
        return self.counts[1] - self.counts[0]

    @property
    def by_table(self) -> bool:
        """Whether a table says what to expect."""
        return not math.isnan(self.expected)

    @property
    def holds(self) -> bool:
        return not self.by_table or abs(self.grown - self.expected) <= 1.5


def weight_bytes(model: Any) -> int:
    """Bytes that a loaded model's weights and buffers take, as they lie in memory.

    Parameters
    ----------
    model : torch.nn.Module; a weight that two of its parts share counts once
    """
    return sum(part.nbytes for part in (*model.parameters(), *model.buffers()))


def check_frames(checkpoint: Checkpoint, longest_s: float | None) -> FrameCheck:
    """Count the frames of 10 s and 20 s (or half of and all that the model takes)."""
    family = checkpoint.family
    short_s = family.padded_to_s or min(_SHORT_S, (longest_s or math.inf) / 2)
    seconds = (short_s, 2 * short_s)
    short, long = (frame_count(checkpoint, one) for one in seconds)
    expected = 0.0 if family.fixed_frames else family.grid.frames_in(short_s)
    return FrameCheck(seconds, (short, long), math.nan if family.measured else expected)


def settled(checkpoint: Checkpoint, longest_s: float | None) -> tuple[Checkpoint, FrameCheck]:
    """The checkpoint with a frame grid that holds: the table's, checked, or a measured one.

    Raises
    ------
    ModelError
        If the frames do not grow with the audio as they should, or, for a family that no table
        knows, if they do not grow at all.
    """
    check, family = check_frames(checkpoint, longest_s), checkpoint.family
    between_s = check.seconds[1] - check.seconds[0]
    if not check.holds:
        raise ModelError(
            f"{between_s:g} s more audio give this checkpoint {check.grown} more frames, expected "
            f"{check.expected:.0f} for {family.label}; its frames cannot be placed in time, so it "
            "is refused"
        )
    if not family.measured:
        return checkpoint, check
    if check.grown <= 0:
        raise ModelError(
            f"{between_s:g} s more audio give this {family.model_type} checkpoint no more frames "
            f"({check.counts[1]}): its processor pads to a fixed length, so its frame rate cannot "
            "be measured; choose a family of the table on the Models page"
        )
    grid = FrameGrid(between_s / check.grown)
    return dataclasses.replace(checkpoint, family=dataclasses.replace(family, grid=grid)), check
