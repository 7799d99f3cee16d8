"""Finished runs made without a model: planted profiles by group, as large as a test needs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from alas_core.batch import schema
from alas_core.bundle import SUFFIX, dumps
from tests.factory import make_analysis

SPEAKERS = ("anna", "bert", "chen", "dora")
LABELS = ("anger", "happiness", "sadness", "neutral")
WORDS = "the red fox sleeps here while seven gray doctors carried nine books to town".split()


def make_run(
    folder: Path,
    n: int = 40,
    n_layers: int = 8,
    *,
    seed: int = 0,
    model: str = "planted",
    n_bundles: int = 0,
    n_skipped: int = 2,
) -> Path:
    """Write a finished run of `n` utterances and layers 0..`n_layers` into `folder`.

    ALAS rises to two thirds of the depth; the first speaker's is 0.2 higher, and an utterance
    answered rightly has 0.1 more than another. A tenth of the utterances does not pass the filter.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    n_bundles : int
        How many utterances have an analysis that can be opened (the same planted one).
    n_skipped : int
        Utterances, beside the `n`, that could not be analysed.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"utterance-{i:05d}" for i in range(n)]
    speaker = rng.integers(len(SPEAKERS), size=n)
    correct = rng.random(n) < 0.7
    level = 0.5 + 0.2 * (speaker == 0) + 0.1 * correct + 0.08 * rng.standard_normal(n)
    depth = np.arange(n_layers + 1) / max(n_layers, 1)
    alas = level[:, None] * np.exp(-(((depth - 2 / 3) / 0.35) ** 2))
    alas += 0.03 * rng.standard_normal(alas.shape)
    _write(folder, "scores", _scores(ids, alas, rng))
    utterances = _utterances(ids, alas, speaker, correct, rng)
    bundle = dumps(make_analysis(n_layers=n_layers)) if n_bundles else b""
    for index in range(n_bundles):
        path = folder / utterances["bundle"][index]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bundle)
    _write(folder, "utterances", utterances, {"voice": "string", "take": "float64"})
    _write(folder, "words", _words(ids, alas, rng))
    _write(folder, "cross_layer", _cross_layer(n_layers, n))
    skipped = [f"skipped-{i}" for i in range(n_skipped)]
    _write(
        folder,
        "skipped",
        {
            "utterance": skipped,
            "stage": ["reading the recording"] * n_skipped,
            "reason": ["the audio holds no sample, expected sound"] * n_skipped,
            "kind": ["InputError"] * n_skipped,
        },
    )
    (folder / schema.RUN_FILE).write_text(json.dumps(_info(n, n_layers, n_skipped, model)))
    return folder


def _write(
    folder: Path, table: str, columns: dict[str, object], meta: dict[str, str] | None = None
) -> None:
    arrow = schema.arrow_schema(table, meta)
    assert list(columns) == arrow.names
    arrays = [pa.array(columns[field.name], field.type, from_pandas=True) for field in arrow]
    path = folder / schema.file_name(table)
    pq.write_table(pa.Table.from_arrays(arrays, schema=arrow), path, compression="zstd")


def _scores(ids: list[str], alas: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
    n, layers = alas.shape
    flat = alas.ravel()
    columns: dict[str, object] = {
        "utterance": np.repeat(ids, layers),
        "layer": np.tile(np.arange(layers), n),
    }
    for index, name in enumerate(schema.SCORE_COLUMNS):
        noise = 0.05 * rng.standard_normal(flat.size)
        columns[name] = flat if name == "alas" else flat * (1 + index / 10) + noise
    for name in schema.BASELINE_COLUMNS:
        columns[name] = np.zeros(flat.size)
    low, high = -0.05 * np.ones(flat.size), 0.1 * np.ones(flat.size)
    p = np.where(flat > high, 0.02, 0.5)
    return columns | {"null_low": low, "null_high": high, "null_mean": (low + high) / 2, "p": p}


def _utterances(
    ids: list[str],
    alas: np.ndarray,
    speaker: np.ndarray,
    correct: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, object]:
    n = len(ids)
    label = rng.integers(len(LABELS), size=n)
    similarity = np.where(rng.random(n) < 0.1, 0.3, 0.9) + 0.1 * rng.random(n)
    expected = [LABELS[i] for i in label]
    answers = [
        e if ok else LABELS[(i + 1) % 4] for e, i, ok in zip(expected, label, correct, strict=True)
    ]
    return {
        "utterance": ids,
        "transcript": [" ".join(rng.choice(WORDS, 5)) for _ in range(n)],
        "task": ["emotion"] * n,
        "duration_s": 1 + 4 * rng.random(n),
        "n_frames": rng.integers(25, 125, size=n),
        "n_tokens": rng.integers(5, 9, size=n),
        "n_words": [5] * n,
        "speaker": [SPEAKERS[i] for i in speaker],
        "label": expected,
        "expected": expected,
        "answer_audio": answers,
        "answer_text": expected,
        "correct_audio": correct,
        "correct_text": np.ones(n, bool),
        "answer_similarity": similarity,
        "kept": similarity >= 0.7,
        "best_layer": alas.argmax(axis=1),
        "alas_best": alas.max(axis=1),
        "bundle": [f"{schema.BUNDLES}/{i:064x}{SUFFIX}" for i in range(n)],
        "meta_voice": [f"voice {i % 3}" for i in range(n)],
        "meta_take": np.arange(n) % 5,
    }


def _words(ids: list[str], alas: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
    n, each = len(ids), 5
    start = np.tile(np.arange(each) * 0.3, n)
    chosen = rng.integers(len(WORDS), size=n * each)
    score = np.repeat(alas.max(axis=1), each) + 0.02 * (chosen - 6)
    return {
        "utterance": np.repeat(ids, each),
        "index": np.tile(np.arange(each), n),
        "word": [WORDS[i] for i in chosen],
        "start_s": start,
        "end_s": start + 0.25,
        "n_tokens": np.ones(n * each, int),
        "n_frames": np.full(n * each, 6),
        "layer": np.repeat(alas.argmax(axis=1), each),
        "alas": score,
        "hit": np.clip(score + 0.2, 0, 1),
    }


def _cross_layer(n_layers: int, n: int) -> dict[str, object]:
    audio, text = (grid.ravel() for grid in np.indices((n_layers + 1, n_layers + 1)))
    near = np.exp(-np.abs(audio - text) / 4)
    names = ("cka", "layer_correlation")
    return {
        "name": np.repeat(names, audio.size),
        "audio_layer": np.tile(audio, 2),
        "text_layer": np.tile(text, 2),
        "mean": np.concatenate([near, near / 2]),
        "n": np.full(2 * audio.size, n),
    }


def _info(n: int, n_layers: int, n_skipped: int, model: str) -> dict[str, object]:
    return {
        "schema": schema.RUN_SCHEMA,
        "state": "finished",
        "created": "2026-01-01T00:00:00+00:00",
        "updated": "2026-01-01T01:00:00+00:00",
        "source": "planted",
        "model": model,
        "revision": "0",
        "dtype": "float32",
        "n_layers": n_layers,
        "task": "emotion",
        "instruction": "What is the emotion?",
        "reference": "planted",
        "settings": {"temperature": 0.1, "n_null": 49},
        "filter_threshold": 0.7,
        "counts": {"total": n + n_skipped, "done": n, "skipped": n_skipped},
        "provenance": {"alas_core": "test"},
    }
