"""The training speech: sentences spoken, aligned, roughened and turned into log-mel frames, shard by shard.

A shard is a function of its kind and number alone, is written under a temporary name and then renamed, and is skipped
if it is there: so synthesis can be stopped and started at any time.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alas_core.demo import voices
from alas_core.demo.aligner import WordAligner
from alas_core.demo.grammar import Sentence, sentences
from alas_core.demo.processor import MAX_AUDIO_S, feature_extractor
from alas_core.demo.voices import SAMPLE_RATE_HZ, Delivery, available_engines

logger = logging.getLogger(__name__)

SHARD_SIZE = 500
TRAINING_SEED = 2025
SEEN_VOICES_SEED = 2026
NEW_VOICES_SEED = 2027
_MOODS = {
    "neutral": (1.0, 1.0, 1.0),
    "happy": (1.12, 1.2, 1.5),
    "sad": (0.82, 0.86, 0.6),
    "angry": (1.15, 1.0, 1.7),
    "afraid": (1.2, 1.3, 0.9),
}
"""Emotion: tempo, pitch and liveliness relative to the neutral delivery."""


@dataclass(frozen=True)
class Spoken:
    """One spoken sentence and how it came to be; `frames` of it lie at `offset` in the shard's mel.

    Attributes
    ----------
    text, voice : str
        The words and who says them.
    answers : dict[str, str]
        Task to answer.
    words : list of (word, start_s, end_s)
        By the aligner, on the clean speech, shifted with it.
    seed : int
        Of this utterance.
    offset, frames : int
        Place in the shard's (n, 80) log-mel array, 10 ms a row.
    """

    text: str
    voice: str
    answers: dict[str, str]
    words: list[tuple[str, float, float]]
    seed: int
    offset: int = 0
    frames: int = 0


def choose_voice(rng: random.Random) -> str:
    """Draw a training voice: 40 % espeak-ng, 50 % flite, 10 % festival, of what is installed.

    Parameters
    ----------
    rng : random.Random
        Source of chance.

    Returns
    -------
    str
        "engine:voice", never one of `voices.NEW_VOICES`.
    """
    shares = {"espeak": 0.40, "flite": 0.50, "festival": 0.10}
    engines = [engine for engine in shares if engine in available_engines()]
    engine = rng.choices(engines, [shares[one] for one in engines])[0]
    if engine == "espeak":
        return rng.choice(voices.ESPEAK_VOICES)
    table = voices.FLITE_VOICES if engine == "flite" else voices.FESTIVAL_VOICES
    return rng.choices(list(table), list(table.values()))[0]


def draw_delivery(rng: random.Random, emotion: str, voice: str) -> Delivery:
    """Draw tempo, pitch and scale around what the emotion asks for.

    Parameters
    ----------
    rng : random.Random
        Source of chance.
    emotion : str
        "neutral", "happy", "sad", "angry" or "afraid".
    voice : str
        New voices keep their own scale; the others get one in [0.8, 1.25] two times in three.

    Returns
    -------
    Delivery
        The settings for the synthesiser.
    """
    tempo, pitch, liveliness = _MOODS[emotion]
    scale = 1.0
    if voice not in voices.NEW_VOICES and rng.random() < 0.67:
        scale = 2 ** rng.uniform(-0.32, 0.32)
    return Delivery(
        rate_wpm=voices.NOMINAL_RATE_WPM * tempo * rng.uniform(0.88, 1.15),
        pitch=pitch * rng.uniform(0.85, 1.18),
        liveliness=liveliness * rng.uniform(0.5, 1.8),
        scale=scale,
    )


def coloured_noise(
    rng: np.random.Generator, length: int, slope: float
) -> NDArray[np.float32]:
    """Noise of unit power whose amplitude falls as frequency ** -slope.

    Parameters
    ----------
    rng : np.random.Generator
        Source of chance.
    length : int
        Samples.
    slope : float
        0 is white, 0.5 pink, 1 brown.

    Returns
    -------
    np.ndarray [shape=(length,), float32]
        The noise.
    """
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum *= np.maximum(np.arange(len(spectrum)), 4.0) ** -slope
    noise = np.fft.irfft(spectrum, length)
    return (noise / (np.sqrt(np.mean(noise**2)) + 1e-9)).astype(np.float32)


def place_in_room(
    speech: NDArray[np.float32], seed: int, *, snr_db: float, lead_s: float, level_db: float
) -> NDArray[np.float32]:
    """Trim, give a lead-in and a tail of silence, set the level, add noise.

    Parameters
    ----------
    speech : np.ndarray [shape=(n,), float32]
        Clean speech at 16 kHz.
    seed : int
        Of the noise.
    snr_db : float
        Speech power over noise power.
    lead_s : float
        Silence before the speech.
    level_db : float
        Peak level in dB below full scale (negative).

    Returns
    -------
    np.ndarray [shape=(m,), float32]
        Mono sound at 16 kHz, in [-1, 1].
    """
    rng = np.random.default_rng(seed)
    tail = np.zeros(int(0.1 * SAMPLE_RATE_HZ), np.float32)
    room = np.concatenate([np.zeros(int(lead_s * SAMPLE_RATE_HZ), np.float32), speech, tail])
    noise = coloured_noise(rng, len(room), rng.uniform(0.0, 1.0))
    power = float(np.sqrt(np.mean(speech**2)))
    room = room + noise * power * 10 ** (-snr_db / 20)
    return (room / np.abs(room).max() * 10 ** (level_db / 20)).astype(np.float32)


def _loud_part(samples: NDArray[np.float32]) -> tuple[int, int]:
    loud = np.flatnonzero(np.abs(samples) > 1e-3)
    return (int(loud[0]), int(loud[-1]) + 1) if loud.size else (0, len(samples))


def say(
    sentence: Sentence, voice: str, delivery: Delivery, aligner: WordAligner
) -> tuple[NDArray[np.float32], list[tuple[str, float, float]]] | None:
    """Speak and align one sentence, trimmed to the speech.

    Parameters
    ----------
    sentence : Sentence
        What to say.
    voice : str
        "engine:voice".
    delivery : Delivery
        How to say it.
    aligner : WordAligner
        Lays the words over the sound before it is rescaled.

    Returns
    -------
    (samples, words) or None
        Mono 16 kHz speech and (word, start_s, end_s); None if the words could not be laid.
    """
    raw, rate = voices.speak(sentence.text, voice, delivery)
    words = aligner.align(voices.rescale(raw, rate, 1.0), sentence.text)
    if words is None:
        return None
    first, last = _loud_part(raw)
    speech = voices.rescale(raw[first:last], rate, delivery.scale)
    times = [
        (word, *(max(0.0, (t - first / rate) / delivery.scale) for t in span))
        for word, *span in words
    ]
    return speech, [(word, start, end) for word, start, end in times]


def _utterance(
    sentence: Sentence, voice: str, seed: int, aligner: WordAligner
) -> tuple[Spoken, NDArray[np.float32]] | None:
    rng = random.Random(seed)
    said = say(sentence, voice, draw_delivery(rng, sentence.emotion, voice), aligner)
    if said is None:
        return None
    lead_s = rng.uniform(0.02, 0.3)
    snr_db = rng.uniform(6, 20) if rng.random() < 0.3 else rng.uniform(20, 50)
    sound = place_in_room(said[0], seed, snr_db=snr_db, lead_s=lead_s, level_db=-rng.uniform(1, 15))
    if len(sound) > MAX_AUDIO_S * SAMPLE_RATE_HZ:
        return None
    words = [(word, round(a + lead_s, 3), round(b + lead_s, 3)) for word, a, b in said[1]]
    return Spoken(sentence.text, voice, dict(sentence.answers), words, seed), sound


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float16]:
    """Log-mel frames by the model's own feature extractor.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), float32]
        Mono sound at 16 kHz.

    Returns
    -------
    np.ndarray [shape=(n_mel_frames, 80), float16]
        One row each 10 ms, without the extractor's padding.
    """
    features = feature_extractor()(
        samples, sampling_rate=SAMPLE_RATE_HZ, padding="longest", return_tensors="np"
    )
    return np.ascontiguousarray(features["input_features"][0].T.astype(np.float16))


def make_shard(folder: Path, kind: str, number: int, size: int) -> Path:
    """Synthesise one shard unless it is there.

    Parameters
    ----------
    folder : Path
        Where shards lie.
    kind : str
        "train", "seen_voices" (held-out sentences) or "new_voices" (held-out sentences and voices).
    number : int
        Of the shard within its kind.
    size : int
        Sentences; a few are dropped because they cannot be aligned.

    Returns
    -------
    Path
        The shard's JSON file; beside it lie its mel (.npy) and, if held out, its sound (.i16.npy).
    """
    done = folder / f"{kind}_{number:02d}.json"
    if done.exists():
        return done
    seed = {"train": TRAINING_SEED, "seen_voices": SEEN_VOICES_SEED, "new_voices": NEW_VOICES_SEED}[kind]
    stream = sentences(seed, held_out=kind != "train")
    chosen = itertools.islice(stream, number * size, (number + 1) * size)
    aligner, items, mels, sounds = WordAligner(), [], [], []
    for index, sentence in enumerate(chosen, start=number * size):
        own = seed * 100_000 + index
        voice = choose_voice(random.Random(own + 7))
        if kind == "new_voices":
            voice = voices.NEW_VOICES[index % len(voices.NEW_VOICES)]
        made = _utterance(sentence, voice, own, aligner)
        if made is None:
            continue
        items.append(made[0])
        mels.append(log_mel(made[1]))
        if kind != "train":
            sounds.append((made[1] * 32767).astype(np.int16))
    _write_shard(done, items, mels, sounds)
    return done


def _write_shard(
    done: Path,
    items: list[Spoken],
    mels: list[NDArray[np.float16]],
    sounds: list[NDArray[np.int16]],
) -> None:
    np.save(done.with_suffix(".npy"), np.concatenate(mels))
    if sounds:
        np.save(done.with_suffix(".i16.npy"), np.concatenate(sounds))
    records: list[dict[str, Any]] = []
    offset = start = 0
    for index, (item, mel) in enumerate(zip(items, mels, strict=True)):
        record = {**asdict(item), "offset": offset, "frames": len(mel)}
        if sounds:
            record |= {"start": start, "samples": len(sounds[index])}
            start += len(sounds[index])
        offset += len(mel)
        records.append(record)
    part = done.with_suffix(".part")
    part.write_text(json.dumps(records), encoding="utf-8")
    part.replace(done)


def synthesise(
    folder: Path, n_training: int, workers: int, progress: Callable[[int, int], None]
) -> None:
    """Make all shards: training speech, and held-out sentences by seen and by new voices.

    Parameters
    ----------
    folder : Path
        Where shards lie; made if missing.
    n_training : int
        Training sentences, rounded up to whole shards of `SHARD_SIZE`.
    workers : int
        Processes.
    progress : Callable[[int, int], None]
        Called with shards done and shards in all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [("seen_voices", 0, 200), ("new_voices", 0, 150)]
    jobs += [("train", number, SHARD_SIZE) for number in range(-(-n_training // SHARD_SIZE))]
    with ProcessPoolExecutor(workers) as pool:
        futures = [pool.submit(make_shard, folder, *job) for job in jobs]
        for count, future in enumerate(futures, start=1):
            future.result()
            progress(count, len(jobs))
