"""Numbers as tables: on the screen with two digits, in files with all of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from alas_core.definitions import SCORES, Score
from alas_core.mistakes import nearest_other, nearest_tokens
from alas_core.numerals import number
from alas_core.types import Analysis

Row = Mapping[str, object]

_FRAME_COLUMNS = {"alas": "mass_minus_uniform"}
"""Of a frame it is m − u; ALAS divides their means by 1 − u."""


def _known(analysis: Analysis) -> list[tuple[str, Score]]:
    """The scores that the analysis has, in the order of their table."""
    return [(name, score) for name, score in SCORES.items() if name in analysis.scores]


def layer_rows(analysis: Analysis) -> list[dict[str, object]]:
    """One row a layer: every score, its baseline, the null band and p of ALAS."""
    null = analysis.main_null
    rows: list[dict[str, object]] = []
    for layer in range(analysis.n_layers + 1):
        row: dict[str, object] = {"layer": layer}
        for name, _ in _known(analysis):
            row[name] = float(analysis.scores[name][layer])
            if name in analysis.baselines:
                row[f"{name}_baseline"] = float(analysis.baselines[name][layer])
        row |= {
            "null": null.name,
            "null_low": float(null.low[layer]),
            "null_high": float(null.high[layer]),
            "p": float(null.p[layer]),
            "p_adjusted": float(null.p_adjusted[layer]),
        }
        rows.append(row)
    return rows


def score_rows(analysis: Analysis, layer: int) -> list[dict[str, object]]:
    """One row a score: at this layer, its baseline there, and where it is best."""
    rows: list[dict[str, object]] = []
    for name, score in _known(analysis):
        values = analysis.scores[name]
        baseline = analysis.baselines.get(name)
        rows.append(
            {
                "Score": score.label,
                f"Layer {layer}": number(float(values[layer])),
                "Baseline there": "none" if baseline is None else number(float(baseline[layer])),
                "Best": score.best_place(values),
                "Better is": score.better,
                "Unit": score.unit,
                "Baseline means": score.baseline,
            }
        )
    return rows


def word_rows(analysis: Analysis, layer: int) -> list[dict[str, object]]:
    """One row a word of the transcript: when it is spoken and how it is found at this layer.

    `taken_for` names the other word that most of its frames are nearest to; empty where the word
    itself is.
    """
    tokens = [0] * len(analysis.words)
    for word in analysis.token_word:
        if word >= 0:
            tokens[word] += 1
    rows: list[dict[str, object]] = []
    for index, word in enumerate(analysis.words):
        row: dict[str, object] = {
            "word": word.word,
            "start_s": word.start_s if word.placed else None,
            "end_s": word.end_s if word.placed else None,
            "tokens": tokens[index],
        }
        row |= {name: _or_none(v[layer][index]) for name, v in analysis.word_scores.items()}
        row |= {"taken_for": _taken_for(analysis, index, layer), "problem": word.problem}
        rows.append(row)
    return rows


def shown_words(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Rows of `word_rows` for the screen: whole milliseconds, no column that is empty throughout.

    What lies between -0.5 and 0.5 ms is float32's rounding of a frame's start: it is 0.
    """
    kept = [
        name for row in rows[:1] for name in row if any(r[name] not in (None, "") for r in rows)
    ]
    return [{name: _whole_ms(name, row[name]) for name in kept} for row in rows]


def _whole_ms(name: str, cell: object) -> object:
    return round(cell) if name.endswith("_ms") and isinstance(cell, float) else cell


def _taken_for(analysis: Analysis, index: int, layer: int) -> str:
    other, count, n_frames = nearest_other(analysis, index, layer)
    return "" if other is None else f"{analysis.words[other].word} ({count} of {n_frames} frames)"


def frame_rows(analysis: Analysis, layer: int) -> list[dict[str, object]]:
    """One row an audio frame: its time, the word in it, its scores and its nearest token."""
    rows: list[dict[str, object]] = []
    tokens = nearest_tokens(analysis, layer).tolist()
    for index, (start, end) in enumerate(analysis.frame_spans.tolist()):
        word, nearest = int(analysis.frame_word[index]), tokens[index]
        row: dict[str, object] = {
            "frame": index,
            "start_s": start,
            "end_s": end,
            "word": analysis.words[word].word if word >= 0 else None,
            "nearest_token": analysis.tokens[nearest].text,
            "cosine": float(analysis.similarity[layer, index, nearest]),
        }
        row |= {
            _FRAME_COLUMNS.get(name, name): _or_none(v[layer][index])
            for name, v in analysis.frame_scores.items()
        }
        rows.append(row)
    return rows


def to_parquet(rows: Sequence[Row]) -> bytes:
    """A Parquet file (zstd) with the columns of the rows."""
    import pyarrow as pa
    from pyarrow import parquet

    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist([dict(row) for row in rows]), sink, compression="zstd")
    return sink.getvalue()


def _or_none(value: float) -> float | None:
    return float(value) if value == value else None


def to_csv(rows: Sequence[Row]) -> str:
    """CSV with all digits; text cells that a spreadsheet would take for a formula are quoted.

    Such a cell gets an apostrophe in front, as OWASP advises against formula injection. Numbers
    stay numbers.
    """
    stream = io.StringIO()
    if rows:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _safe(cell) for name, cell in row.items()} for row in rows)
    return stream.getvalue()


def _safe(cell: object) -> object:
    if isinstance(cell, str) and cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n"):
        return "'" + cell
    return cell
