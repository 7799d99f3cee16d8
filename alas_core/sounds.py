"""Changes of a recording that can be named in a link, with the word times of the unchanged one."""

from __future__ import annotations

from dataclasses import dataclass

from alas_core import perturbations
from alas_core.errors import InputError
from alas_core.models.watching import Report
from alas_core.reference import Aligner, Loads
from alas_core.types import Audio, Reference

SOUNDS = {
    **{f"snr:{snr:g}": f"Noise added, {snr:g} dB" for snr in perturbations.SNRS_DB},
    **{f"speed:{speed:g}": f"Speed × {speed:g}" for speed in perturbations.SPEEDS},
    "reversed": "Backwards",
    "noise": "Noise instead",
    "silence": "Silence instead",
}
"""Names and labels of the changes, the gentle ones first."""


def changed(audio: Audio, name: str) -> Audio:
    """The recording changed as the name says.

    Raises
    ------
    InputError
        If there is no such change.
    """
    if name not in SOUNDS:
        raise InputError(
            f"no change of sound is called {name!r}, expected one of {', '.join(SOUNDS)}"
        )
    kind, _, value = name.partition(":")
    return perturbations.changed(audio, kind, float(value) if value else None)


@dataclass(frozen=True)
class TimesOfTheOriginal:
    """An aligner that places the words in the unchanged recording; other speeds scale its times.

    A changed recording may hold no words any more; what is asked is whether the model still binds
    what stood there.
    """

    aligner: Aligner
    original: Audio

    @property
    def name(self) -> str:
        # Which sound: two recordings of equal length are the same silence.
        return f"{self.aligner.name}, times of the unchanged sound {self.original.sha[:12]}"

    def prepare(self, report: Report) -> None:
        if isinstance(self.aligner, Loads):
            self.aligner.prepare(report)

    def align(self, audio: Audio, transcript: str) -> Reference:
        found = self.aligner.align(self.original, transcript)
        ratio = audio.duration_s / self.original.duration_s
        return Reference(self.name, perturbations.scaled_words(found.words, ratio), found.notes)
