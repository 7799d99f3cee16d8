"""Word times of the demo's speech by forced alignment with pocketsphinx, never by hand."""

from __future__ import annotations

from importlib import metadata

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder

FRAMES_PER_SECOND = 100
SAMPLE_RATE_HZ = 16_000
MARGIN_S = 0.15
FLOOR_DB = -30.0
"""Noise under the speech: on digital silence the aligner gives up on 40 % of espeak-ng's speech,
with it on none."""


def _in_faint_noise(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    margin = np.zeros(int(MARGIN_S * SAMPLE_RATE_HZ), np.float32)
    sound = np.concatenate([margin, samples, margin])
    sound = sound / max(float(np.abs(sound).max()), 1e-9) * 0.5
    power = float(np.sqrt(np.mean(sound**2)))
    floor = np.random.default_rng(0).standard_normal(len(sound)) * power * 10 ** (FLOOR_DB / 20)
    return np.asarray(np.clip(sound + floor, -1, 1) * 32767, dtype=np.int16)


def aligner_name() -> str:
    """Name and version of the aligner, as written beside each alignment.

    Returns
    -------
    str
        For example "pocketsphinx 5.1.1".
    """
    return f"pocketsphinx {metadata.version('pocketsphinx')}"


class WordAligner:
    """Forced alignment of known words; one decoder, used again and again."""

    def __init__(self) -> None:
        self._decoder = Decoder(lm=None, bestpath=False, loglevel="FATAL")

    def align(
        self, samples: NDArray[np.float32], text: str
    ) -> list[tuple[str, float, float]] | None:
        """Find when each word is spoken.

        Parameters
        ----------
        samples : np.ndarray [shape=(n,), float32]
            Mono sound at 16 kHz in [-1, 1].
        text : str
            Lower-case words that the aligner's dictionary knows.

        Returns
        -------
        list[tuple[str, float, float]] or None
            Word, start and end in seconds; None if the words cannot be laid over the sound.
        """
        pcm = _in_faint_noise(samples)
        self._decoder.set_align_text(text)
        self._decoder.start_utt()
        self._decoder.process_raw(pcm.tobytes(), full_utt=True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return None
        shift = MARGIN_S * FRAMES_PER_SECOND
        spans = [
            (
                segment.word.split("(")[0],
                max(0.0, segment.start_frame - shift),
                max(0.0, segment.end_frame + 1 - shift),
            )
            for segment in self._decoder.seg()
            if segment.word[0] not in "<[("
        ]
        if [word for word, _, _ in spans] != text.split():
            return None
        return [(word, a / FRAMES_PER_SECOND, b / FRAMES_PER_SECOND) for word, a, b in spans]
