"""The demo's speech: spoken, rescaled, aligned, set in noise, and written shard by shard."""

from __future__ import annotations

import json
import os
import random

import numpy as np
import pytest

from alas_core.demo import delivery, synthesis, voices
from alas_core.demo.aligner import WordAligner
from alas_core.demo.voices import NEW_VOICES, SAMPLE_RATE_HZ, Delivery
from alas_core.errors import InputError

INSTALLED = voices.available_engines()
needs_voices = pytest.mark.skipif(
    not {"espeak", "flite"} <= set(INSTALLED),
    reason="needs the synthesisers: apt-get install espeak-ng flite",
)
TEXT = "the red cat sleeps near the garden"


def test_an_absent_synthesiser_is_said():
    with pytest.raises(InputError, match="install espeak-ng and flite"):
        voices.speak(TEXT, "gramophone:his-master", Delivery())


def test_training_never_draws_a_new_voice():
    rng = random.Random(1)
    if not INSTALLED:
        pytest.skip("needs a synthesiser: apt-get install espeak-ng flite")
    drawn = {delivery.choose_voice(rng) for _ in range(3000)}

    assert not drawn & set(NEW_VOICES)
    assert len(drawn) > 20


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_noise_has_unit_power_and_the_wanted_colour(slope):
    noise = delivery.coloured_noise(np.random.default_rng(0), 1 << 15, slope)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[64:128].mean(), power[4096:8192].mean()

    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1, rel=0.01)
    assert np.log2(low / high) == pytest.approx(2 * slope * 6, abs=1)


def test_place_in_room_keeps_the_wanted_distance_to_the_noise():
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    speech = np.sin(2 * np.pi * 300 * time_s).astype(np.float32)
    sound = delivery.place_in_room(speech, 3, snr_db=12, lead_s=0.25, level_db=-3)
    lead = sound[: int(0.2 * SAMPLE_RATE_HZ)]
    body = sound[SAMPLE_RATE_HZ // 2 : SAMPLE_RATE_HZ]
    ratio = 10 * np.log10(np.mean(body**2) / np.mean(lead**2))

    assert np.abs(sound).max() == pytest.approx(10 ** (-3 / 20), rel=1e-3)
    assert ratio == pytest.approx(12, abs=1.5)
    assert len(sound) == len(speech) + int(0.35 * SAMPLE_RATE_HZ)


def test_scale_moves_pitch_and_length_together():
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = np.sin(2 * np.pi * 500 * time_s).astype(np.float32)
    moved = voices.rescale(tone, SAMPLE_RATE_HZ, 1.25)
    peak_hz = np.abs(np.fft.rfft(moved)).argmax() * SAMPLE_RATE_HZ / len(moved)

    assert len(moved) == pytest.approx(SAMPLE_RATE_HZ / 1.25, abs=2)
    assert peak_hz == pytest.approx(625, abs=3)


@needs_voices
@pytest.mark.parametrize("voice", ["espeak:en-us+m3", "flite:slt", "flite:rms"])
def test_words_are_found_in_what_was_said(voice):
    raw, rate = voices.speak(TEXT, voice, Delivery(scale=1.1))
    words = WordAligner().align(voices.rescale(raw, rate, 1.0), TEXT)

    assert words is not None
    assert [word for word, _, _ in words] == TEXT.split()
    assert all(0 <= start < end <= len(raw) / rate + 0.05 for _, start, end in words)


@needs_voices
def test_other_words_are_not_laid_over_the_sound():
    raw, rate = voices.speak("thank you", "espeak:en-us", Delivery())
    text = "twenty golden elephants are counted behind the strange museum tomorrow"

    assert WordAligner().align(voices.rescale(raw, rate, 1.0), text) is None


@needs_voices
def test_a_shard_is_made_once(tmp_path):
    path = synthesis.make_shard(tmp_path, "new_voices", 0, 4)
    made = path.stat().st_mtime_ns
    records = json.loads(path.read_text(encoding="utf-8"))
    mel = np.load(path.with_suffix(".npy"))
    sound = np.load(path.with_suffix(".i16.npy"))

    assert synthesis.make_shard(tmp_path, "new_voices", 0, 4).stat().st_mtime_ns == made
    assert {record["voice"] for record in records} <= set(NEW_VOICES)
    assert mel.shape == (sum(record["frames"] for record in records), 80)
    assert len(sound) == sum(record["samples"] for record in records)
    for record in records:
        ends = [end for _, _, end in record["words"]]
        assert ends == sorted(ends)
        assert ends[-1] <= record["samples"] / SAMPLE_RATE_HZ


@pytest.mark.skipif(
    "festival" not in voices.available_engines(), reason="needs festival: apt-get install festival"
)
def test_festival_is_kept_goes_on_after_an_error_and_is_started_anew_where_it_ended():
    voice = "festival:kal_diphone"
    sound, rate = voices.speak("two red birds", voice, Delivery())
    kept = voices._festival_of(os.getpid())._process
    with pytest.raises(InputError, match="wrote no sound"):
        voices.speak("two red birds", "festival:nobody", Delivery())
    again, _ = voices.speak("two red birds", voice, Delivery())
    np.testing.assert_array_equal(again, sound)
    assert rate == 16_000
    assert voices._festival_of(os.getpid())._process is kept
    kept.kill()
    kept.wait()
    with pytest.raises(InputError, match="wrote no sound"):
        voices.speak("two red birds", voice, Delivery())
    anew, _ = voices.speak("two red birds", voice, Delivery())
    np.testing.assert_array_equal(anew, sound)
