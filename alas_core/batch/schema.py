"""What a run leaves behind: names of files and columns, and the columns' types.

A run is a folder, on disk or at any fsspec URL:

`run.json`
    what was asked for (model, task, settings, source), its state and counts, and the provenance.
`scores.parquet`
    one row an utterance and layer: every score, what it would be without binding, and the null.
`utterances.parquet`
    one row an utterance: its labels, both answers and whether it passes the response filter.
`words.parquet`
    one row a word, at the utterance's best layer.
`skipped.parquet`
    one row an utterance that could not be analysed, with the stage and the reason.
`cross_layer.parquet`
    means over the utterances of the matrices audio at one layer against text at another.
`bundles/`
    one analysis an utterance, as Explore opens it.
`parts/`
    one object an utterance, written as soon as it is done; the tables are made of them.
"""

from __future__ import annotations

from typing import Any

from alas_core.definitions import SCORES

RUN_SCHEMA = 1
"""Raise it when a column or a field of `run.json` changes its meaning."""

RUN_FILE = "run.json"
LOCK_FILE = "lock.json"
WISH_FILE = "wish.json"
BUNDLES = "bundles"
PARTS = "parts"

SCORE_COLUMNS = tuple(SCORES)
BASELINE_COLUMNS = tuple(f"baseline_{name}" for name in SCORES)
NULL_COLUMNS = ("null_low", "null_high", "null_mean", "p")
META_PREFIX = "meta_"
"""The data set's own columns follow those of `utterances`, each behind this prefix."""

TABLES: dict[str, dict[str, str]] = {
    "scores": {
        "utterance": "string",
        "layer": "int32",
        **dict.fromkeys((*SCORE_COLUMNS, *BASELINE_COLUMNS, *NULL_COLUMNS), "float32"),
    },
    "utterances": {
        "utterance": "string",
        "transcript": "string",
        "task": "string",
        "duration_s": "float64",
        "n_frames": "int32",
        "n_tokens": "int32",
        "n_words": "int32",
        "speaker": "string",
        "label": "string",
        "expected": "string",
        "answer_audio": "string",
        "answer_text": "string",
        "correct_audio": "bool",
        "correct_text": "bool",
        "answer_similarity": "float32",
        "kept": "bool",
        "best_layer": "int32",
        "alas_best": "float32",
        "bundle": "string",
    },
    "words": {
        "utterance": "string",
        "index": "int32",
        "word": "string",
        "start_s": "float64",
        "end_s": "float64",
        "n_tokens": "int32",
        "n_frames": "int32",
        "layer": "int32",
        "alas": "float32",
        "hit": "float32",
    },
    "skipped": {
        "utterance": "string",
        "stage": "string",
        "reason": "string",
        "kind": "string",
    },
    "cross_layer": {
        "name": "string",
        "audio_layer": "int32",
        "text_layer": "int32",
        "mean": "float64",
        "n": "int32",
    },
}
"""Columns of each table in their order, as names of Arrow types. Everything may be null but
`utterance`, `layer` and `index`: a score that does not exist, an answer that was not asked for, a
word without a place, a verdict without an expected answer."""


def file_name(table: str) -> str:
    """Name of a table's file in the folder of the run."""
    return f"{table}.parquet"


def arrow_schema(table: str, meta: dict[str, str] | None = None) -> Any:
    """The `pyarrow.Schema` of a table.

    Parameters
    ----------
    table : str
        A name in `TABLES`.
    meta : dict, optional
        Further columns of `utterances`, without their prefix: name to Arrow type.
    """
    import pyarrow as pa

    columns = TABLES[table] | {META_PREFIX + name: kind for name, kind in (meta or {}).items()}
    return pa.schema([(name, pa.type_for_alias(kind)) for name, kind in columns.items()])
