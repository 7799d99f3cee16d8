"""An `Analysis` as text: one JSON object for programs, tables for people."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from alas_core.definitions import SCORES
from alas_core.findings import findings
from alas_core.numerals import number
from alas_core.types import Analysis, FloatArray, WordTiming

MAIN_SCORES = ("hit_rate", "lift", "path_accuracy", "onset_error_ms")
"""Beside ALAS, the scores of the table for people; the JSON object has them all."""


def as_json(analysis: Analysis) -> dict[str, Any]:
    """One object, ready for ``json.dumps(..., allow_nan=False)``: what is not a number is null.

    Returns
    -------
    dict
        `model`, `reference`, `n_frames`, `n_tokens`, `best_layer`, `null` (name and size of the
        null that `null_low`, `null_high` and `p` come from), `layers` (one object a layer: each
        score by its name, `null_low`, `null_high`, `p`, `p_adjusted`, and `baselines`, what each
        score would be without any binding), `words` (`tokens` are the word's own, `alas` has one
        value a layer, `problem` says why a word has no times), `unplaced`, `warnings`,
        `answers`, `provenance` with the settings and the digest of the key.
    """
    null = analysis.main_null
    result = {
        "model": analysis.model.model_id,
        "utterance": analysis.utterance.id,
        "transcript": analysis.utterance.transcript,
        "reference": analysis.reference.name,
        "n_frames": analysis.n_frames,
        "n_tokens": analysis.n_tokens,
        "best_layer": analysis.best_layer,
        "null": {"name": null.name, "n": len(null.samples)},
        "layers": [_layer(analysis, layer) for layer in range(analysis.n_layers + 1)],
        "words": [_word(analysis, i, word) for i, word in enumerate(analysis.words)],
        "unplaced": [word.word for word in analysis.reference.unplaced],
        "warnings": analysis.warnings,
        "answers": analysis.answers,
        "provenance": {
            **analysis.provenance,
            "revision": analysis.model.revision,
            "dtype": analysis.model.dtype,
            "variant": analysis.model.variant,
            "device": analysis.model.device,
            "settings": dataclasses.asdict(analysis.key.settings),
            "key": analysis.key.digest,
        },
    }
    plain: dict[str, Any] = _plain(result)
    return plain


def as_text(analysis: Analysis) -> str:
    """Layers by main scores, words by times, and the findings, for a terminal."""
    parts = [_heading(analysis), _layer_table(analysis), _word_table(analysis)]
    parts.append(_list("Findings", [finding.text for finding in findings(analysis)]))
    parts.append(_list("Warnings", analysis.warnings))
    return "\n\n".join(part for part in parts if part) + "\n"


def _layer(analysis: Analysis, layer: int) -> dict[str, Any]:
    null = analysis.main_null
    return {
        "layer": layer,
        **_at(layer, analysis.scores),
        "null_low": null.low[layer],
        "null_high": null.high[layer],
        "p": null.p[layer],
        "p_adjusted": null.p_adjusted[layer],
        "baselines": _at(layer, analysis.baselines),
    }


def _at(layer: int, scores: Mapping[str, FloatArray]) -> dict[str, Any]:
    """One layer of each score, in the order of the definitions."""
    ordered = [name for name in SCORES if name in scores]
    ordered += [name for name in scores if name not in SCORES]
    return {name: scores[name][layer] for name in ordered}


def _word(analysis: Analysis, index: int, word: WordTiming) -> dict[str, Any]:
    return {
        "word": word.word,
        "start_s": word.start_s,
        "end_s": word.end_s,
        "tokens": _tokens_of(analysis, index),
        "alas": analysis.word_scores["alas"][:, index],
        "problem": word.problem or None,
    }


def _tokens_of(analysis: Analysis, index: int) -> list[str]:
    owners = zip(analysis.tokens, analysis.token_word, strict=True)
    return [token.text for token, owner in owners if owner == index]


def _plain(value: Any) -> Any:
    """Python numbers, lists and dicts; a number that is not finite becomes None."""
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype == np.float32:  # the shortest number that it is: 0.08, not 0.0799999982
            value = np.asarray(value).astype(str).astype(np.float64)
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Iterable):
        if hasattr(value, "items"):
            return {str(key): _plain(item) for key, item in value.items()}
        return [_plain(item) for item in value]
    return str(value)


def _heading(analysis: Analysis) -> str:
    null, model = analysis.main_null, analysis.model
    loaded = ", ".join(filter(None, (model.variant, f"{model.dtype} on {model.device}")))
    held = int((analysis.frame_word >= 0).sum())
    rows = [
        ("Utterance", f"{analysis.utterance.id}: {_printable(analysis.utterance.transcript)}"),
        ("Model", f"{model.model_id}, {model.n_layers} layers, {loaded}"),
        ("Reference", analysis.reference.name),
        ("Frames", f"{analysis.n_frames}, {held} of them in a word"),
        ("Tokens", str(analysis.n_tokens)),
        ("Null", f"{null.name}, {len(null.samples)} samples; band = 2.5 to 97.5 %"),
    ]
    return "\n".join(f"{name:<11}{value}" for name, value in rows)


def _layer_table(analysis: Analysis) -> str:
    null, best = analysis.main_null, analysis.best_layer
    names = [name for name in MAIN_SCORES if name in analysis.scores]
    rows = [["layer", "alas", "null band", "p corrected", *names]]
    for layer in range(analysis.n_layers + 1):
        band = f"{number(null.low[layer])} to {number(null.high[layer])}"
        row = [f"{'*' if layer == best else ''}{layer}", number(analysis.scores["alas"][layer])]
        row += [band, number(null.p_adjusted[layer])]
        rows.append(row + [number(analysis.scores[name][layer]) for name in names])
    rows.append(["without", number(0), "", ""])
    rows[-1] += [number(analysis.baselines[name][best]) for name in names]
    return (
        _columns(rows, [str.rjust] * len(rows[0]))
        + f"\n* best layer by ALAS; last row: layer {best} without any binding; p over all"
    )


def _word_table(analysis: Analysis) -> str:
    best = analysis.best_layer
    rows = [["word", "start_s", "end_s", f"alas @ {best}", "tokens"]]
    for index, word in enumerate(analysis.words):
        times = [f"{word.start_s:.2f}", f"{word.end_s:.2f}"] if word.placed else ["-", "-"]
        score = number(analysis.word_scores["alas"][best, index])
        last = " ".join(_printable(token.strip()) for token in _tokens_of(analysis, index))
        if not word.placed:
            last = f"not placed: {word.problem}" if word.problem else "not placed"
        rows.append([_printable(word.word), *times, score, last])
    return _columns(rows, [str.ljust, str.rjust, str.rjust, str.rjust, str.ljust])


def _columns(rows: Sequence[Sequence[str]], align: Sequence[Callable[[str, int], str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            put(cell, width) for put, cell, width in zip(align, row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _list(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"- {_printable(line)}" for line in lines)]) if lines else ""


def _printable(text: str) -> str:
    """The text without control characters, which a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)
