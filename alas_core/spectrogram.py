"""What is drawn of a sound: its mel spectrogram and the envelope of its samples."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from alas_core.errors import InputError
from alas_core.types import Audio


def mel_spectrogram(audio: Audio, n_mels: int = 80, hop_s: float = 0.01) -> npt.NDArray[np.float32]:
    """Mel spectrogram in decibels below the loudest cell, for looking at.

    Windows of 25 ms (Hann), Slaney's mel scale, as Whisper's and Qwen2-Audio's extractors.

    Returns
    -------
    np.ndarray [shape=(n_mels, n_mel_frames), float32]
        Values in [-80, 0]; column j is centred at `j * hop_s`. Silence is -80 throughout.

    Raises
    ------
    InputError
        If there would be no mel band, or `hop_s` is less than a sample.
    """
    # numba comes along with librosa and takes a second: only who looks at a spectrogram pays.
    from librosa.filters import mel

    window = round(0.025 * audio.sample_rate)
    hop = round(hop_s * audio.sample_rate)
    if hop < 1 or n_mels < 1:
        raise InputError(f"n_mels is {n_mels} and hop_s {hop_s}, expected 80 and 0.01 or the like")
    padded = np.pad(audio.samples, window // 2)
    padded = np.pad(padded, (0, max(window - len(padded), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    energy = mel(sr=audio.sample_rate, n_fft=window, n_mels=n_mels) @ power.T
    decibel = 10 * np.log10(np.maximum(energy, 1e-10))
    loudest = max(float(decibel.max()), -20.0)  # so that silence is not stretched to full scale
    levels: npt.NDArray[np.float32] = np.clip(decibel - loudest, -80, 0).astype(np.float32)
    return levels


def envelope(audio: Audio, n_bins: int) -> npt.NDArray[np.float32]:
    """The waveform as a band: least and greatest sample of each of `n_bins` equal pieces.

    Returns
    -------
    np.ndarray [shape=(n_bins, 2), float32]
        Minimum and maximum. With fewer samples than bins, samples repeat.

    Raises
    ------
    InputError
        If there is no bin or no sample.
    """
    n_samples = len(audio.samples)
    if n_bins < 1 or n_samples < 1:
        raise InputError(f"{n_bins} bins of {n_samples} samples, expected at least one of each")
    edges = np.arange(n_bins) * n_samples // n_bins
    low = np.minimum.reduceat(audio.samples, edges)
    high = np.maximum.reduceat(audio.samples, edges)
    return np.stack([low, high], axis=1)
