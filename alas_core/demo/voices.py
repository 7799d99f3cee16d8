"""Speech from three free synthesisers: espeak-ng, flite and (if installed) festival.

A voice is named "engine:voice". One speaker becomes many by `Delivery.scale`, which plays the sound
faster or slower (so that pitch and formants move together, as with a smaller or larger speaker)
while the synthesiser is asked to speak slower or faster by the same factor, so that the tempo
stays.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from alas_core.errors import InputError

SAMPLE_RATE_HZ = 16_000
NOMINAL_RATE_WPM = 160.0
NEW_VOICES = ("flite:rms", "espeak:en-us+f2", "espeak:en-us+m2")
"""Never heard in training."""
TIMEOUT_S = 60.0
"""For one sentence; a synthesiser that takes longer is stuck."""
_DONE = "done"

_ESPEAK_ACCENTS = ("en-us", "en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc", "en-029")
_ESPEAK_VARIANTS = tuple(
    "m1 m3 m4 m5 m6 m7 m8 f1 f3 f4 f5 klatt klatt2 klatt3 klatt4 croak Andy Annie Alex Michael "
    "steph grandma".split()
)
ESPEAK_VOICES = (
    *(f"espeak:{accent}" for accent in dict.fromkeys(_ESPEAK_ACCENTS)),
    *(f"espeak:{accent}+{kind}" for accent in _ESPEAK_ACCENTS for kind in _ESPEAK_VARIANTS),
)
FLITE_VOICES = {"flite:slt": 0.32, "flite:awb": 0.36, "flite:kal16": 0.22, "flite:kal": 0.10}
FESTIVAL_VOICES = {
    "festival:ked_diphone": 0.6,
    "festival:cmu_us_slt_arctic_hts": 0.25,
    "festival:kal_diphone": 0.15,
}
_FLITE_PITCH_HZ = {"slt": 170.0, "awb": 115.0, "kal": 105.0, "kal16": 105.0, "rms": 100.0}


@dataclass(frozen=True)
class Delivery:
    """How a sentence is spoken.

    Attributes
    ----------
    rate_wpm : float
        Nominal words a minute; 160 is the synthesisers' normal tempo.
    pitch : float
        Factor on the voice's own mean pitch.
    liveliness : float
        Factor on the voice's own pitch range.
    scale : float
        Factor on pitch and formants together, at unchanged tempo; above 1 is a smaller speaker.
    """

    rate_wpm: float = NOMINAL_RATE_WPM
    pitch: float = 1.0
    liveliness: float = 1.0
    scale: float = 1.0


def available_engines() -> tuple[str, ...]:
    """Names of the installed synthesisers, out of espeak, flite and festival.

    Returns
    -------
    tuple[str, ...]
        "espeak", "flite", "festival": those whose program is on the path.
    """
    programs = {"espeak": "espeak-ng", "flite": "flite", "festival": "festival"}
    return tuple(engine for engine, program in programs.items() if shutil.which(program))


def speak(text: str, voice: str, delivery: Delivery) -> tuple[NDArray[np.float32], int]:
    """Say a sentence, before any resampling.

    Parameters
    ----------
    text : str
        Lower-case words.
    voice : str
        "engine:voice", for example "flite:slt".
    delivery : Delivery
        Tempo, pitch and scale; the scale is only compensated here (tempo), see `rescale`.

    Returns
    -------
    samples : np.ndarray [shape=(n,), float32]
        Mono, in [-1, 1].
    sample_rate : int
        What the synthesiser wrote, in Hz.

    Raises
    ------
    InputError
        If the engine is unknown, not installed, or gives no sound.
    """
    engine, _, name = voice.partition(":")
    makers = {"espeak": _espeak, "flite": _flite, "festival": _festival}
    if engine not in makers or engine not in available_engines():
        raise InputError(
            f"voice {voice!r} needs the synthesiser {engine!r}, which is not installed; "
            f"found {', '.join(available_engines()) or 'none'}; install espeak-ng and flite"
        )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "speech.wav"
        makers[engine](text, name, delivery, target)
        if not target.exists():
            raise InputError(f"voice {voice!r} wrote no sound for {text!r}; check the installation")
        samples, sample_rate = soundfile.read(target, dtype="float32")
    return samples, int(sample_rate)


def rescale(samples: NDArray[np.float32], sample_rate: int, scale: float) -> NDArray[np.float32]:
    """Bring to 16 kHz while moving pitch and formants by one factor.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), float32]
        Mono sound at `sample_rate` Hz.
    sample_rate : int
        In Hz.
    scale : float
        Above 1: higher and shorter.

    Returns
    -------
    np.ndarray [shape=(about n * 16000 / sample_rate / scale,), float32]
        Mono sound at 16 kHz.
    """
    played_hz = round(sample_rate * scale)
    return np.asarray(soxr.resample(samples, played_hz, SAMPLE_RATE_HZ), dtype=np.float32)


def _run(command: list[str]) -> None:
    # Captured although nobody reads it: its end is noticed at once, that of a process within 50 ms.
    subprocess.run(command, check=False, capture_output=True, timeout=TIMEOUT_S)


def _espeak(text: str, name: str, delivery: Delivery, target: Path) -> None:
    rate = round(delivery.rate_wpm / delivery.scale)
    pitch = int(np.clip(50 + 60 * np.log2(delivery.pitch), 0, 99))
    command = ["espeak-ng", "-v", name, "-s", str(max(80, rate)), "-p", str(pitch)]
    _run([*command, "-w", str(target), text])


def _flite(text: str, name: str, delivery: Delivery, target: Path) -> None:
    stretch = NOMINAL_RATE_WPM / delivery.rate_wpm * delivery.scale
    mean_hz = _FLITE_PITCH_HZ[name] * delivery.pitch
    settings = {
        "duration_stretch": stretch,
        "int_f0_target_mean": mean_hz,
        "int_f0_target_stddev": 0.13 * mean_hz * delivery.liveliness,
    }
    options = [part for key, value in settings.items() for part in ("--setf", f"{key}={value:.3f}")]
    _run(["flite", "-voice", name, *options, "-t", text, "-o", str(target)])


def _festival(text: str, name: str, delivery: Delivery, target: Path) -> None:
    stretch = NOMINAL_RATE_WPM / delivery.rate_wpm * delivery.scale
    mean_hz = 105.0 * delivery.pitch
    deviation_hz = 14.0 * delivery.liveliness
    lines = (
        # One expression: where the voice is missing, the one before it must not speak.
        f"(begin (voice_{name})",
        f"(Parameter.set 'Duration_Stretch {stretch:.3f})",
        f"(set! int_lr_params '((target_f0_mean {mean_hz:.1f}) (target_f0_std {deviation_hz:.1f})"
        " (model_f0_mean 170) (model_f0_std 34)))",
        f'(set! u (Utterance Text "{text}"))',
        f'(utt.synth u) (utt.save.wave u "{target}" \'riff))',
    )
    _festival_of(os.getpid()).run(lines)


@functools.cache
def _festival_of(_process: int) -> _Festival:
    """The one of this process: a forked one does not share its parent's."""
    return _Festival()


class _Festival:
    """A festival that is kept: to start it and load a voice takes ten times as long as to speak."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["festival", "--pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
        )

    def run(self, commands: Iterable[str]) -> None:
        """Give commands and wait until they are done; one that fails does not stop the next."""
        asked, told = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        stuck = threading.Timer(TIMEOUT_S, self._process.kill)
        stuck.start()
        with contextlib.suppress(BrokenPipeError):
            # Its output is a pipe, so it is told to flush it.
            asked.write("\n".join([*commands, f'(format t "{_DONE}\\n")', "(fflush nil)", ""]))
            asked.flush()
        while (line := told.readline()) and line.strip() != _DONE:
            pass
        stuck.cancel()
        if not line:
            # It has ended: the next sentence starts another.
            _festival_of.cache_clear()
