"""When the audio positions of a family sound: spans of seconds from a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alas_core.types import FloatArray


@dataclass(frozen=True)
class FrameGrid:
    """When the k-th audio position of a family sounds.

    Parameters
    ----------
    step_s : float
        Seconds from one frame to the next.
    per_chunk : int
        Frames in each chunk of `chunk_s` seconds; 0 if the grid runs on without chunks.
    chunk_s : float
        Seconds of a chunk. The last frame of a chunk ends where the next chunk begins.
    per_window : int
        Frames that look at one window of `per_window * step_s` seconds together (a Q-Former's
        queries): each of them gets the whole window, which is all that is honestly known.
    """

    step_s: float
    per_chunk: int = 0
    chunk_s: float = 0.0
    per_window: int = 1

    def spans(self, n_frames: int, duration_s: float) -> FloatArray:
        """Half-open spans of the frames that start before the audio ends, cut at its end.

        Parameters
        ----------
        n_frames : int
            Audio positions in the prompt, padding included.
        duration_s : float
            Seconds of audio.

        Returns
        -------
        np.ndarray [shape=(n, 2), float32]
            n <= n_frames; seconds, starts never fall, ends at most `duration_s`.
        """
        k = np.arange(n_frames + 1, dtype=np.float64)
        if self.per_chunk:
            chunk, place = np.divmod(k, self.per_chunk)
            edges = chunk * self.chunk_s + place * self.step_s
            starts, ends = edges[:-1], edges[1:]
        else:
            window = np.floor(k[:-1] / self.per_window)
            starts = window * self.per_window * self.step_s
            ends = starts + self.per_window * self.step_s
        kept = starts < duration_s - 1e-6
        spans = np.stack([starts[kept], np.minimum(ends[kept], duration_s)], axis=1)
        return spans.astype(np.float32)

    def frames_in(self, duration_s: float) -> float:
        """How many frames the grid puts into that many seconds, fractions included."""
        if self.per_chunk:
            return duration_s / self.chunk_s * self.per_chunk
        return duration_s / self.step_s

    @property
    def rate_hz(self) -> float:
        """Mean number of frames a second."""
        return self.frames_in(1.0)
