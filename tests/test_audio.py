"""The decoder against good, odd and lying files; the pictures against librosa and plain loops."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from alas_core import audio as au
from alas_core.errors import InputError
from alas_core.spectrogram import envelope, mel_spectrogram
from alas_core.types import Audio


def tone(duration_s=0.5, rate=16_000, hz=440.0, n_channels=1):
    one = 0.3 * np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate)) / rate)
    return np.repeat(one[:, None], n_channels, axis=1)


def encoded(samples, rate=16_000, container="WAV", subtype="PCM_16"):
    stream = io.BytesIO()
    sf.write(stream, samples, rate, format=container, subtype=subtype)
    return stream.getvalue()


def patched(raw, offset, layout, value):
    changed = bytearray(raw)
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


WAV = encoded(tone())
FLAC = encoded(tone(), container="FLAC")


@pytest.mark.parametrize(
    ("container", "subtype", "tolerance"),
    [
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "PCM_24", 1e-6),
        ("WAV", "FLOAT", 1e-7),
        ("WAV", "DOUBLE", 1e-7),
        ("WAV", "PCM_U8", 0.01),
        ("FLAC", "PCM_16", 1e-4),
        ("AIFF", "PCM_16", 1e-4),
    ],
)
def test_decodes_every_sample_format(container, subtype, tolerance):
    heard = au.decode(encoded(tone(), container=container, subtype=subtype))
    assert heard.samples.dtype == np.float32
    assert heard.sample_rate == 16_000
    assert heard.notes == ()
    np.testing.assert_allclose(heard.samples, tone()[:, 0], atol=tolerance)


@pytest.mark.parametrize(("container", "subtype"), [("MP3", "MPEG_LAYER_III"), ("OGG", "OPUS")])
def test_decodes_lossy_formats(container, subtype):
    heard = au.decode(encoded(tone(2), container=container, subtype=subtype))
    assert heard.duration_s == pytest.approx(2, abs=0.1)
    assert np.std(heard.samples) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_reads_a_path(tmp_path: Path):
    path = tmp_path / "speech.wav"
    path.write_bytes(WAV)
    assert au.decode(path).sha == au.decode(str(path)).sha == au.decode(WAV).sha


def test_eight_channels_are_mixed_down():
    samples = tone(n_channels=8) * np.arange(8)
    heard = au.decode(encoded(samples / 8))
    assert heard.notes == ("Mixed 8 channels down to one.",)
    np.testing.assert_allclose(heard.samples, samples.mean(axis=1) / 8, atol=1e-4)


def test_opposite_channels_do_not_cancel_to_silence():
    heard = au.decode(encoded(tone(n_channels=2) * [1, -1]))
    assert "cancel" in heard.notes[0]
    assert np.std(heard.samples) == pytest.approx(0.3 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize(
    ("rate", "note"),
    [
        (8_000, "Resampled from 8 kHz; nothing above 4 kHz was ever there."),
        (96_000, "Resampled from 96 kHz to 16 kHz."),
        (44_100, "Resampled from 44.1 kHz to 16 kHz."),
    ],
)
def test_other_rates_are_resampled(rate, note):
    heard = au.decode(encoded(tone(1, rate), rate))
    assert heard.notes == (note,)
    assert len(heard.samples) == 16_000
    inner = slice(800, -800)  # the filter rings at both ends
    np.testing.assert_allclose(heard.samples[inner], tone(1)[inner, 0], atol=2e-3)


def test_resampling_keeps_inside_full_scale():
    square = np.sign(np.sin(2 * np.pi * 300 * np.arange(44_100) / 44_100)).astype(np.float32)
    heard = au.resample(Audio(square, 44_100), 16_000)
    assert np.abs(heard.samples).max() == 1


def test_silence_is_legal_and_said():
    heard = au.decode(encoded(np.zeros(8_000)))
    assert heard.notes == ("The recording is silent: no word can be found in it.",)
    assert not heard.samples.any()


def test_constant_offset_counts_as_silence():
    assert "silent" in au.decode(encoded(np.full(8_000, 0.25))).notes[0]


def test_samples_beyond_full_scale_are_scaled():
    heard = au.decode(encoded(tone() * 30_000, subtype="FLOAT"))
    assert "times full scale" in heard.notes[0]
    assert np.abs(heard.samples).max() == pytest.approx(1)


def test_half_a_file_says_what_is_missing():
    half = au.decode(encoded(tone(5))[: 44 + 76_800])
    assert half.notes == ("The file says 5.0 s but holds 2.4 s: the rest is missing.",)
    assert half.duration_s == pytest.approx(2.4)


@pytest.mark.parametrize(
    ("container", "subtype", "note"),
    [
        ("AIFF", "PCM_16", "The file says 5.0 s but holds 2.5 s"),
        ("MP3", "MPEG_LAYER_III", "The file says 5.0 s but holds 2."),
        ("OGG", "OPUS", "The file breaks off after"),
    ],
)
def test_half_a_file_of_other_formats(container, subtype, note):
    raw = encoded(tone(5), container=container, subtype=subtype)
    assert au.decode(raw[: len(raw) // 2]).notes[0].startswith(note)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF - 36])
def test_the_header_of_a_stream_is_no_claim(size):
    assert au.decode(patched(WAV, 40, "<I", size)).notes == ()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        pytest.param(b"", "is empty (0 bytes)", id="0 bytes"),
        pytest.param(b"just some words\n" * 50, "cannot be read as audio", id="text"),
        pytest.param(WAV[:30], "cannot be read as audio", id="cut header"),
        pytest.param(WAV[:44], "0 samples", id="header only"),
        pytest.param(patched(WAV, 40, "<I", 0), "0 samples", id="claims no data"),
        pytest.param(patched(WAV, 34, "<H", 7), "7 bits", id="claims 7 bits"),
        pytest.param(patched(WAV, 24, "<I", 0), "cannot be read", id="rate 0"),
        pytest.param(patched(WAV, 24, "<I", 2_000_000), "2000000 Hz", id="rate 2 MHz"),
        pytest.param(patched(WAV, 24, "<I", 10), "10 Hz", id="rate 10 Hz"),
        pytest.param(patched(WAV, 22, "<H", 0), "cannot be read", id="no channel"),
        pytest.param(patched(WAV, 22, "<H", 900), "900 channels", id="900 channels"),
        pytest.param(patched(WAV, 22, "<H", 5000), "cannot be read", id="5000 channels"),
        pytest.param(FLAC[: len(FLAC) // 2], "damaged", id="half a flac"),
        pytest.param(patched(FLAC, 21, "B", FLAC[21] | 15), "damaged", id="flac of 2**36 samples"),
        pytest.param(encoded(tone(0.05)), "0.05 s", id="too short"),
        pytest.param(encoded(tone(301)), "lasts 301.0 s, expected at most 300 s", id="too long"),
    ],
)
def test_unusable_files_end_in_one_clear_sentence(raw, says):
    with pytest.raises(InputError, match="talk") as caught:
        au.decode(raw, name="talk.wav")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_not_finite_are_refused(value):
    samples = tone()
    samples[[7, 70, 700]] = value
    with pytest.raises(InputError, match="3 of 8000 samples"):
        au.decode(encoded(samples, subtype="DOUBLE"))


def test_a_limit_can_be_lowered():
    with pytest.raises(InputError, match=r"lasts 0.5 s, expected at most 0.4 s"):
        au.decode(WAV, max_s=0.4)
    assert au.decode(WAV, max_s=0.5).duration_s == 0.5


@pytest.mark.parametrize("name", ["missing.wav", "."])
def test_a_path_without_a_file(tmp_path: Path, name: str):
    with pytest.raises(InputError, match="cannot be opened"):
        au.decode(tmp_path / name)


def test_a_name_that_means_headerless_samples(tmp_path: Path):
    path = tmp_path / "speech.raw"
    path.write_bytes(WAV)
    with pytest.raises(InputError, match="cannot be read as audio"):
        au.decode(path)


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=200), st.integers(0, 43))
def test_any_damage_gives_audio_or_input_error(junk, offset):
    raw = bytearray(WAV)
    raw[offset : offset + len(junk)] = junk
    try:
        heard = au.decode(bytes(raw))
    except InputError:
        return
    assert np.isfinite(heard.samples).all()
    assert np.abs(heard.samples).max() <= 1


@pytest.mark.parametrize("write", [au.to_wav_bytes, au.to_flac_bytes])
def test_sixteen_bit_comes_back_exactly(write):
    levels = np.arange(-32768, 32768, dtype=np.int16)
    sound = Audio((levels / np.float32(32768)).astype(np.float32), 16_000)
    np.testing.assert_array_equal(au.to_pcm16(sound), levels)
    assert au.decode(write(sound)).sha == sound.sha


def test_full_scale_does_not_wrap_around():
    assert au.to_pcm16(Audio(np.ones(3, np.float32), 16_000)).tolist() == [32767] * 3


def test_cut_takes_a_half_open_span():
    sound = Audio(np.arange(16_000, dtype=np.float32) / 16_000, 16_000)
    piece = au.cut(sound, 0.25, 0.5)
    assert piece.samples[0] == 0.25
    assert len(piece.samples) == 4_000
    assert len(au.cut(sound, -1, 2).samples) == 16_000


@pytest.mark.parametrize("span", [(0.5, 0.5), (0.6, 0.4), (1, 2), (np.nan, 1), (0, np.inf)])
def test_cut_refuses_empty_spans(span):
    with pytest.raises(InputError, match="span"):
        au.cut(Audio(np.zeros(16_000, np.float32), 16_000), *span)


def test_mel_spectrogram_agrees_with_librosa():
    librosa = pytest.importorskip("librosa", reason="the oracle is librosa's own pipeline")
    noise = np.random.default_rng(0).normal(0, 0.1, 16_123).astype(np.float32)
    power = librosa.feature.melspectrogram(y=noise, sr=16_000, n_fft=400, hop_length=160, n_mels=80)
    ours = mel_spectrogram(Audio(noise, 16_000))
    np.testing.assert_allclose(ours, librosa.power_to_db(power, ref=np.max), atol=1e-2)


def test_mel_spectrogram_puts_a_click_at_its_time():
    samples = np.zeros(16_000, np.float32)
    samples[8_000] = 1
    levels = mel_spectrogram(Audio(samples, 16_000), n_mels=40, hop_s=0.02)
    assert levels.shape == (40, 51)
    assert levels.mean(axis=0).argmax() == 25


@pytest.mark.parametrize("n_samples", [1, 100, 399, 400, 16_000])
def test_mel_spectrogram_of_silence_is_the_floor(n_samples):
    levels = mel_spectrogram(Audio(np.zeros(n_samples, np.float32), 16_000))
    assert levels.shape == (80, n_samples // 160 + 1)
    assert (levels == -80).all()


@settings(deadline=None)  # the machine may be busy
@given(n_samples=st.integers(1, 60), n_bins=st.integers(1, 80))
def test_envelope_agrees_with_a_loop(n_samples, n_bins):
    samples = np.random.default_rng(n_samples).normal(size=n_samples).astype(np.float32)
    expected = []
    for i in range(n_bins):
        first, last = i * n_samples // n_bins, (i + 1) * n_samples // n_bins
        piece = samples[first : max(last, first + 1)]
        expected.append((piece.min(), piece.max()))
    np.testing.assert_array_equal(envelope(Audio(samples, 16_000), n_bins), expected)


@pytest.mark.parametrize("n_bins", [0, -1])
def test_envelope_needs_a_bin(n_bins):
    with pytest.raises(InputError, match="bins"):
        envelope(Audio(np.zeros(9, np.float32), 16_000), n_bins)
