"""Changed sound: what is promised of its loudness, length and times."""

from __future__ import annotations

import numpy as np
import pytest

from alas_core.errors import InputError
from alas_core.perturbations import (
    at_speed,
    noise_instead,
    reversed_in_time,
    scaled_words,
    silence_instead,
    with_noise,
)
from alas_core.types import Audio, WordTiming
from tests.factory import make_audio


@pytest.fixture
def audio() -> Audio:
    return make_audio(1.0)


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def test_noise_is_as_loud_and_long_and_holds_none_of_the_sound(audio: Audio) -> None:
    noise = noise_instead(audio, 1)
    assert noise.samples.shape == audio.samples.shape
    assert rms(noise.samples) == pytest.approx(rms(audio.samples), rel=0.02)
    assert abs(np.corrcoef(noise.samples, audio.samples)[0, 1]) < 0.03
    assert noise_instead(audio, 1).sha == noise.sha != noise_instead(audio, 2).sha


def test_silence_is_digital(audio: Audio) -> None:
    assert not silence_instead(audio).samples.any()
    assert silence_instead(audio).duration_s == audio.duration_s


def test_backwards_twice_is_the_recording(audio: Audio) -> None:
    assert reversed_in_time(audio).sha != audio.sha
    assert reversed_in_time(reversed_in_time(audio)).sha == audio.sha


@pytest.mark.parametrize("snr_db", [20.0, 0.0, -10.0])
def test_the_ratio_of_powers_is_the_one_asked_for(audio: Audio, snr_db: float) -> None:
    noisy = with_noise(audio, snr_db, 3).samples.astype(float)
    assert np.abs(noisy).max() <= 1
    # The share of the recording in the sum, by least squares: it may have been scaled as a whole.
    gain = noisy @ audio.samples / (audio.samples.astype(float) @ audio.samples)
    noise = noisy - gain * audio.samples
    assert 20 * np.log10(gain * rms(audio.samples) / rms(noise)) == pytest.approx(snr_db, abs=0.2)


def test_noise_added_to_silence_is_no_error() -> None:
    silent = Audio(np.zeros(1600, np.float32), 16_000)
    assert np.isfinite(with_noise(silent, 0.0).samples).all()
    assert not noise_instead(silent).samples.any()
    loud = Audio(0.45 * np.sign(np.sin(np.arange(16_000) / 9)).astype(np.float32), 16_000)
    noise = noise_instead(loud).samples
    assert np.sqrt((noise**2).mean()) == pytest.approx(0.45, rel=0.02)  # normal samples: 0.25


def test_a_faster_recording_is_shorter_at_the_same_pitch() -> None:
    time = np.arange(16_000) / 16_000
    tone = Audio((0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), 16_000)
    fast = at_speed(tone, 1.25)
    assert fast.duration_s == pytest.approx(0.8, abs=0.001)
    middle = fast.samples[2000:10_192]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * 16_000 / len(middle) == pytest.approx(440, abs=4)


@pytest.mark.parametrize("sample_rate", [16_000, 48_000])
@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_a_short_burst_stays_short_at_another_speed(sample_rate: int, speed: float) -> None:
    samples = np.zeros(sample_rate, np.float32)
    begin, end = round(0.5 * sample_rate), round(0.51 * sample_rate)
    samples[begin:end] = np.random.default_rng(0).uniform(-0.5, 0.5, end - begin)
    changed = at_speed(Audio(samples, sample_rate), speed).samples.astype(float) ** 2
    about = slice(round((0.48 / speed) * sample_rate), round((0.53 / speed) * sample_rate))
    assert changed[about].sum() > 0.95 * changed.sum()


@pytest.mark.parametrize("speed", [0.0, 0.4, 2.5, -1.0])
def test_an_absurd_speed_is_refused(audio: Audio, speed: float) -> None:
    with pytest.raises(InputError, match=r"expected 0\.5 to 2"):
        at_speed(audio, speed)


def test_times_are_scaled_and_unplaced_words_stay_so() -> None:
    words = (WordTiming("a", 0, 1, 0.2, 0.6), WordTiming("b", 2, 3, problem="lost"))
    moved = scaled_words(words, 0.5)
    assert (moved[0].start_s, moved[0].end_s) == (0.1, 0.3)
    assert not moved[1].placed
