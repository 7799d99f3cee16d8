"""Sound in and out: one decoder for every source.

Everything behind `decode` is mono float32 at 16 kHz, the rate of every encoder here; what was
changed on the way is said in `Audio.notes`. Bad files end in `InputError`, never in noise:
libsndfile reads some damaged files without an error, so its answer is checked afterwards.
"""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from alas_core.errors import InputError
from alas_core.types import Audio

SAMPLE_RATE = 16_000
"""Samples a second of every decoded `Audio`."""

MIN_S = 0.1
"""Shorter sound holds no word, and trips the audio towers of some models."""

SILENCE_PEAK = 1e-4
"""Below this peak (-80 dB of full scale, 3 steps of 16 bit) a recording counts as silent."""

MAX_S = 300.0  # one recording is to be looked at, not a corpus

_MAX_CHANNELS = 16
RATES_HZ = (4_000, 192_000)
_BIT_WIDTHS = (8, 12, 16, 20, 24, 32, 64)
_STREAMED = 2**31 - 2**20  # recorders that cannot seek write about 2 or 4 GB: no claim at all
READABLE = "wav, flac, ogg, opus, mp3, aiff, caf or w64"
"""What `decode` reads, for messages."""

_FORMATS = f"{READABLE}; convert others with ffmpeg -i INPUT output.wav"

Samples = npt.NDArray[np.float32]


def decode(
    source: bytes | os.PathLike[str] | str, *, name: str = "", max_s: float = MAX_S
) -> Audio:
    """Decode a recording to mono float32 at 16 kHz.

    Parameters
    ----------
    source : bytes or path
        An encoded file (wav, flac, ogg, opus, mp3, aiff, caf, w64) or where one lies.
    name : str
        What messages call it; the file's name by default.
    max_s : float > 0
        Longer recordings are refused; `alas_core.parts` cuts them together with their words.

    Returns
    -------
    Audio
        Samples in [-1, 1] at `SAMPLE_RATE`. `notes` tells, one sentence each, what was changed:
        channels mixed down, resampled, scaled, shorter than its header says, silent.

    Raises
    ------
    InputError
        If it is no audio, damaged, shorter than `MIN_S`, longer than `max_s`, or has samples
        that are not finite. Silence is legal (a control) and noted.
    """
    if isinstance(source, bytes):
        return _decode_stream(io.BytesIO(source), name or "the recording", len(source), max_s)
    path = Path(source)
    name = name or path.name
    try:
        with path.open("rb") as stream:
            return _decode_stream(stream, name, path.stat().st_size, max_s)
    except OSError as error:
        raise InputError(
            f"{name} cannot be opened ({error.strerror or error}), expected an audio file; "
            f"check the path '{path}'"
        ) from error


def _decode_stream(stream: BinaryIO, name: str, n_bytes: int, max_s: float) -> Audio:
    if n_bytes == 0:
        raise InputError(
            f"{name} is empty (0 bytes), expected {_FORMATS}; record or export it again"
        )
    channels, rate, notes = _read(stream, name, max_s)
    samples, more = _mix_down(channels, name)
    notes += more
    peak = float(np.abs(samples).max())
    if peak > 1:
        samples = samples / np.float32(peak)
        notes.append(f"The peak was {peak:.3g} times full scale: scaled down.")
    if float(np.ptp(samples)) < 2 * SILENCE_PEAK:
        notes.append("The recording is silent: no word can be found in it.")
    audio = Audio(np.ascontiguousarray(samples, dtype=np.float32), rate, tuple(notes))
    return resample(audio, SAMPLE_RATE)


def _read(stream: BinaryIO, name: str, max_s: float) -> tuple[Samples, int, list[str]]:
    """Samples (n_samples, n_channels), their rate, and notes."""
    try:
        with sf.SoundFile(stream) as file:
            _check_header(file, name)
            # The header may claim 2**36 samples: never ask for more than can be used.
            limit = int(max_s * file.samplerate) + 1
            samples: Samples = file.read(min(file.frames, limit), dtype="float32", always_2d=True)
            rate, claimed, log = file.samplerate, file.frames, file.extra_info
    except (sf.SoundFileError, MemoryError, TypeError, ValueError, OverflowError) as error:
        reason = str(getattr(error, "error_string", error)).strip(" .") or type(error).__name__
        raise InputError(
            f"{name} cannot be read as audio ({reason}), expected {_FORMATS}; if it is one of "
            "these, the file is damaged: record or export it again"
        ) from error
    held_s = len(samples) / rate
    if len(samples) == limit:
        raise InputError(
            f"{name} lasts {max(claimed / rate, held_s):.1f} s, expected at most {max_s:g} s; cut "
            "out the utterance you want to look at"
        )
    if held_s < MIN_S:
        raise InputError(
            f"{name} holds {held_s:.3g} s of sound ({len(samples)} samples), expected at least "
            f"{MIN_S:g} s; record or export it again"
        )
    return samples, rate, _truncation_notes(log, len(samples), min(claimed, limit), rate)


def _check_header(file: sf.SoundFile, name: str) -> None:
    """Refuse what libsndfile would read without an error, but as noise or without end."""
    low, high = RATES_HZ
    if not low <= file.samplerate <= high:
        raise InputError(
            f"{name} claims a sample rate of {file.samplerate} Hz, expected {low} to {high}; "
            "its header is damaged or it is no speech: export it again at 16000 Hz"
        )
    if file.channels > _MAX_CHANNELS:
        raise InputError(
            f"{name} claims {file.channels} channels, expected at most {_MAX_CHANNELS}; export "
            "it with one channel"
        )
    width = re.search(r"^\s*Bit Width\s*: (\d+)", file.extra_info, re.MULTILINE)
    if width and file.subtype.startswith("PCM") and int(width[1]) not in _BIT_WIDTHS:
        raise InputError(
            f"{name} claims {width[1]} bits a sample, expected 8, 16, 24 or 32; its header is "
            "damaged and would be read as noise: export it again"
        )


def _truncation_notes(log: str, n_samples: int, n_expected: int, rate: int) -> list[str]:
    """One note if the file holds less than its header says; `log` is libsndfile's account."""
    sizes = re.search(r"^\s*(?:data|SSND) : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
    claimed_s = n_expected / rate
    if sizes and int(sizes[1]) < _STREAMED and int(sizes[2]):
        claimed_s *= int(sizes[1]) / int(sizes[2])
    held_s = n_samples / rate
    if claimed_s - held_s > 0.02:
        return [f"The file says {claimed_s:.1f} s but holds {held_s:.1f} s: the rest is missing."]
    if "lacks an end-of-stream" in log:
        return [f"The file breaks off after {held_s:.1f} s: its end is missing."]
    return []


def _mix_down(channels: Samples, name: str) -> tuple[Samples, list[str]]:
    """The mean of the channels, or the loudest one where they cancel each other."""
    bad = int(np.count_nonzero(~np.isfinite(channels)))
    if bad:
        raise InputError(
            f"{name} has {bad} of {channels.size} samples that are not finite (NaN or infinite), "
            "expected numbers in [-1, 1]; find the step that wrote them and export it again"
        )
    n_channels = channels.shape[1]
    if n_channels == 1:
        return channels[:, 0], []
    mixed: Samples = channels.mean(axis=1, dtype=np.float32)
    power = (channels - channels.mean(axis=0)).var(axis=0)
    loudest = int(power.argmax())
    if mixed.var() < 0.05**2 * power[loudest]:
        note = f"The {n_channels} channels cancel each other: kept channel {loudest + 1} alone."
        return channels[:, loudest], [note]
    return mixed, [f"Mixed {n_channels} channels down to one."]


def resample(audio: Audio, sample_rate: int) -> Audio:
    """The same sound at another rate (soxr, high quality), with a note when it changes.

    Parameters
    ----------
    audio : Audio
    sample_rate : int > 0, in Hz

    Returns
    -------
    Audio
        `round(n_samples * sample_rate / audio.sample_rate)` samples, clipped to [-1, 1].

    Raises
    ------
    InputError
        If the rate is below 1 Hz.
    """
    if sample_rate < 1:
        raise InputError(f"sample_rate is {sample_rate}, expected at least 1 Hz; 16000 is usual")
    old = audio.sample_rate
    if old == sample_rate:
        return audio
    samples: Samples = soxr.resample(audio.samples, old, sample_rate)
    note = f"Resampled from {_khz(old)} to {_khz(sample_rate)}."
    if old < sample_rate:
        note = f"Resampled from {_khz(old)}; nothing above {_khz(old / 2)} was ever there."
    # Resampling rings past full scale at steep edges.
    clipped = np.clip(samples, -1, 1).astype(np.float32, copy=False)
    return Audio(clipped, sample_rate, (*audio.notes, note))


def _khz(hz: float) -> str:
    return f"{hz / 1000:g} kHz"


def cut(audio: Audio, start_s: float, end_s: float) -> Audio:
    """The half-open span [start_s, end_s) of a recording, limited to what there is.

    Raises
    ------
    InputError
        If the span is empty, not finite or lies outside the recording.
    """
    if not (np.isfinite(start_s) and np.isfinite(end_s)):
        raise InputError(f"span is {start_s} to {end_s} s, expected finite seconds; place the word")
    first = max(round(start_s * audio.sample_rate), 0)
    last = min(round(end_s * audio.sample_rate), len(audio.samples))
    if last <= first:
        raise InputError(
            f"span {start_s:g} to {end_s:g} s holds no sample, expected a part of 0 to "
            f"{audio.duration_s:g} s; choose an end after the start"
        )
    return replace(audio, samples=audio.samples[first:last])


def to_pcm16(audio: Audio) -> npt.NDArray[np.int16]:
    """Samples as 16-bit integers, full scale at 32768."""
    scaled = np.rint(audio.samples.astype(np.float64) * 32768)
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def to_wav_bytes(audio: Audio, container: str = "WAV") -> bytes:
    """A 16-bit file; exact for what came from 16 bit at this rate."""
    stream = io.BytesIO()
    sf.write(stream, to_pcm16(audio), audio.sample_rate, format=container, subtype="PCM_16")
    return stream.getvalue()


def to_flac_bytes(audio: Audio) -> bytes:
    """As `to_wav_bytes`, compressed without loss."""
    return to_wav_bytes(audio, "FLAC")
