"""The training speech: sentences spoken, aligned, set in noise, turned into log-mel, by shards.

A shard is a function of its kind and number alone, is written under a temporary name and then
renamed, and is skipped if it is there: so synthesis can be stopped and started at any time.
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
import torch
from numpy.typing import NDArray

from alas_core.demo import voices
from alas_core.demo.aligner import WordAligner
from alas_core.demo.delivery import (
    USUAL,
    WIDE,
    Ranges,
    choose_voice,
    draw_delivery,
    place_in_room,
)
from alas_core.demo.grammar import sentences
from alas_core.demo.processor import MAX_AUDIO_S, feature_extractor
from alas_core.demo.shapes import Sentence
from alas_core.demo.voices import SAMPLE_RATE_HZ, Delivery

logger = logging.getLogger(__name__)

SHARD_SIZE = 500
TRAINING_SEED = 2025
SEEN_VOICES_SEED = 2026
NEW_VOICES_SEED = 2027
HELD_OUT = {"seen_voices": 600, "new_voices": 450}
"""Sentences in the shard of each kind: enough that every task is asked fifty times and more."""


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

    def moved(seconds: float) -> float:
        return max(0.0, (seconds - first / rate) / delivery.scale)

    return speech, [(word, moved(start), moved(end)) for word, start, end in words]


def _utterance(
    sentence: Sentence, voice: str, seed: int, aligner: WordAligner, ranges: Ranges
) -> tuple[Spoken, NDArray[np.float32]] | None:
    rng = random.Random(seed)
    said = say(sentence, voice, draw_delivery(rng, sentence.emotion, voice, ranges), aligner)
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
    seed = {"train": TRAINING_SEED, "seen_voices": SEEN_VOICES_SEED, "new_voices": NEW_VOICES_SEED}[
        kind
    ]
    stream = sentences(seed, held_out=kind != "train")
    chosen = itertools.islice(stream, number * size, (number + 1) * size)
    ranges = WIDE if kind == "train" else USUAL
    aligner, items, mels, sounds = WordAligner(), [], [], []
    for index, sentence in enumerate(chosen, start=number * size):
        own = seed * 100_000 + index
        voice = choose_voice(random.Random(own + 7), ranges)
        if kind == "new_voices":
            voice = voices.NEW_VOICES[index % len(voices.NEW_VOICES)]
        made = _utterance(sentence, voice, own, aligner, ranges)
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
    jobs = [(kind, 0, size) for kind, size in HELD_OUT.items()]
    jobs += [("train", number, SHARD_SIZE) for number in range(-(-n_training // SHARD_SIZE))]
    # One thread a process: the threads of several feature extractors wait for each other, which
    # made the log-mel twenty times slower and all of this by a third.
    with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = [pool.submit(make_shard, folder, *job) for job in jobs]
        for count, future in enumerate(futures, start=1):
            future.result()
            progress(count, len(jobs))
