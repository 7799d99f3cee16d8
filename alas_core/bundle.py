"""An `Analysis` as one file: safetensors for the arrays, JSON in its header for the rest.

Nothing in it is executed when it is read. The sound is kept as 16-bit FLAC, which may differ from
the samples analysed in the last bits; the key keeps the hash of the samples themselves.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
from safetensors import SafetensorError
from safetensors.numpy import load, save

from alas_core.audio import MAX_S, RATES_HZ, to_flac_bytes
from alas_core.errors import AlasError, StoreError
from alas_core.packing import deflated, inflated, unpacked_bytes
from alas_core.types import (
    SCHEMA,
    Analysis,
    Audio,
    Lens,
    ModelInfo,
    Null,
    Reference,
    RunKey,
    Settings,
    Token,
    Utterance,
    WordTiming,
)

SUFFIX = ".alas"
MAX_BYTES = 512 * 2**20
"""A larger file is no bundle of ours (30 s of a 7B model take about 10 MB)."""
_MAX_HEAD_BYTES = 64 * 2**20

WORD_POINTS = "word_points"
"""An array that bundles of earlier versions lack."""

_DEFLATED = "deflated"
"""In the head: type and shape of each array that is packed; earlier bundles have none."""

_ARRAYS = ("similarity", "frame_spans", "frame_word", "token_word", "paths", "coords", "norms")
_TABLES = (
    "scores",
    "baselines",
    "word_scores",
    "frame_scores",
    "token_scores",
    "cross_layer",
)
_DAMAGE = ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError
_NULL_ARRAYS = ("samples", "low", "high", "p", "p_adjusted")
_LENS_ARRAYS = ("vocabulary_ids", "tops", "values", "own_value", "own_rank", "next_rank")


def dumps(analysis: Analysis) -> bytes:
    """The bundle as bytes: a safetensors file whose header carries the rest as JSON."""
    arrays: dict[str, np.ndarray] = {name: getattr(analysis, name) for name in _ARRAYS}
    for table in _TABLES:
        arrays |= {f"{table}/{name}": a for name, a in getattr(analysis, table).items()}
    for name in ("null", "quick_null"):
        null = getattr(analysis, name)
        if null is not None:
            arrays |= {f"{name}/{part}": getattr(null, part) for part in _NULL_ARRAYS}
    if analysis.lens is not None:
        arrays |= {f"lens/{part}": getattr(analysis.lens, part) for part in _LENS_ARRAYS}
    if analysis.word_points is not None:
        arrays[WORD_POINTS] = analysis.word_points
    sound = to_flac_bytes(analysis.utterance.audio)
    arrays["audio"] = np.frombuffer(sound, dtype=np.uint8)
    packed, kinds = {}, {}
    for name, array in arrays.items():
        small = deflated(array)
        packed[name] = np.ascontiguousarray(array) if small is None else small
        if small is not None:
            kinds[name] = [array.dtype.name, *array.shape]
    head = json.dumps(_head(analysis) | {_DEFLATED: kinds}, ensure_ascii=False, allow_nan=False)
    return save(packed, metadata={"alas": head})


def _head(analysis: Analysis) -> dict[str, Any]:
    utterance = {
        field.name: getattr(analysis.utterance, field.name)
        for field in dataclasses.fields(Utterance)
        if field.name != "audio"
    }
    nulls = {
        name: getattr(analysis, name).name
        for name in ("null", "quick_null")
        if getattr(analysis, name) is not None
    }
    head = {
        "schema": SCHEMA,
        "key": dataclasses.asdict(analysis.key),
        "model": dataclasses.asdict(analysis.model),
        "utterance": utterance,
        "sample_rate": analysis.utterance.audio.sample_rate,
        "audio_notes": analysis.utterance.audio.notes,
        "reference": dataclasses.asdict(analysis.reference),
        "tokens": [dataclasses.astuple(token) for token in analysis.tokens],
        "nulls": nulls,
        "answers": dict(analysis.answers),
        "warnings": analysis.warnings,
        "provenance": dict(analysis.provenance),
    }
    if analysis.lens is not None:
        head["vocabulary"] = analysis.lens.vocabulary
    plain: dict[str, Any] = _plain(head)
    return plain


def _plain(value: Any) -> Any:
    """JSON's own types: nan as null, sets as sorted lists, numpy numbers as Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def loads(raw: bytes) -> Analysis:
    """Read a bundle.

    Raises
    ------
    StoreError
        If the bytes are no bundle, are damaged, or were written by a newer version.
    """
    if len(raw) > MAX_BYTES:
        raise StoreError(
            f"the file has {len(raw) / 2**20:.0f} MB, expected at most {MAX_BYTES // 2**20} MB; "
            "it is none of ours: choose another file"
        )
    try:
        head = _read_head(raw)
        _check_size(head)
        arrays = load(raw)
        for name, (dtype, *shape) in head.get(_DEFLATED, {}).items():
            arrays[name] = inflated(arrays[name], dtype, shape)
        return _analysis(arrays, head)
    except StoreError:
        raise
    except (SafetensorError, AlasError, ValueError, *_DAMAGE) as error:
        raise StoreError(
            f"the bundle cannot be read: it is damaged or another file, expected a {SUFFIX} file "
            "that this program wrote; choose another one, or compute it anew"
        ) from error


def stored_array(
    raw: bytes, shape: Sequence[int], head: Mapping[str, Any], name: str
) -> npt.NDArray[Any]:
    """One float16 array of a bundle from its own bytes, for who reads nothing else of it.

    Parameters
    ----------
    raw : what the header's offsets of the array enclose
    shape : as the header has it
    head : of the bundle; says whether the array is packed

    Raises
    ------
    StoreError
        If the bytes do not hold such an array.
    """
    packed = head.get(_DEFLATED, {}).get(name)
    if packed is None:
        return np.frombuffer(raw, np.float16).reshape(tuple(shape))
    dtype, *unpacked = packed
    return inflated(np.frombuffer(raw, np.uint8), dtype, unpacked)


def read_head(stream: BinaryIO) -> dict[str, Any]:
    """What a bundle says of itself (key, model, utterance, provenance ...), without its arrays.

    Raises
    ------
    StoreError
        If this is no bundle, or one of a newer version.
    """
    start = stream.read(8)
    length = int.from_bytes(start, "little")
    try:
        if length > _MAX_HEAD_BYTES:
            raise ValueError(f"its header would have {length} bytes")
        return _read_head(start + stream.read(length))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            f"the bundle cannot be read: it is damaged or another file, expected a {SUFFIX} file "
            "that this program wrote; choose another one, or compute it anew"
        ) from error


def _read_head(raw: bytes) -> dict[str, Any]:
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    head = json.loads(header["__metadata__"]["alas"])
    if not isinstance(head, dict):
        raise StoreError("the bundle's header is not an object; it is damaged: compute it anew")
    if head["schema"] != SCHEMA:
        raise StoreError(
            f"the bundle has schema {head['schema']}, expected {SCHEMA}: it was written by a newer "
            "version of the program; open it with that one, or compute the analysis anew"
        )
    return head


def _check_size(head: Mapping[str, Any]) -> None:
    """A few bytes may unpack to many: all arrays together stay below what a bundle may have."""
    packed = head.get(_DEFLATED, {}).values()
    size = sum(unpacked_bytes(dtype, shape) for dtype, *shape in packed)
    if size > MAX_BYTES:
        raise StoreError(
            f"the bundle's arrays would unpack to {size / 2**20:.0f} MB, expected at most "
            f"{MAX_BYTES // 2**20} MB; it is none of ours: compute it anew"
        )


def _audio(encoded: bytes, notes: Sequence[str]) -> Audio:
    """The sound, read only if it is like any of ours: silence packs to next to nothing."""
    with soundfile.SoundFile(io.BytesIO(encoded)) as file:
        rate, lasts_s, (low, high) = file.samplerate, file.frames / file.samplerate, RATES_HZ
        if file.channels != 1 or lasts_s > MAX_S or not low <= rate <= high:
            raise StoreError(
                f"the bundle's sound has {lasts_s:.0f} s, {rate} Hz and channels: {file.channels}, "
                f"expected at most {MAX_S:g} s, {low} to {high} Hz and one; compute it anew"
            )
        return Audio(file.read(int(MAX_S * rate), dtype="float32"), rate, tuple(notes))


def _analysis(arrays: Mapping[str, Any], head: Mapping[str, Any]) -> Analysis:
    audio = _audio(arrays["audio"].tobytes(), head["audio_notes"])
    utterance = head["utterance"] | {"choices": tuple(head["utterance"]["choices"])}
    tables: dict[str, Any] = {
        table: {
            name.removeprefix(f"{table}/"): array
            for name, array in arrays.items()
            if name.startswith(f"{table}/")
        }
        for table in _TABLES
    }
    nulls: dict[str, Any] = {
        name: Null(title, **{part: arrays[f"{name}/{part}"] for part in _NULL_ARRAYS})
        for name, title in head["nulls"].items()
        if name in ("null", "quick_null")
    }
    return Analysis(
        key=RunKey(**head["key"] | {"settings": Settings(**head["key"]["settings"])}),
        model=_model(head["model"]),
        utterance=Utterance(audio=audio, **utterance),
        reference=_reference(head["reference"]),
        tokens=tuple(Token(*row) for row in head["tokens"]),
        answers=head["answers"],
        warnings=tuple(head["warnings"]),
        provenance=head["provenance"],
        **{name: arrays[name] for name in _ARRAYS},
        lens=_lens(arrays, head),
        word_points=arrays.get(WORD_POINTS),
        **tables,
        **nulls,
    )


def _lens(arrays: Mapping[str, Any], head: Mapping[str, Any]) -> Lens | None:
    """The read-out, which bundles of the first version lack."""
    if "vocabulary" not in head:
        return None
    parts = {part: arrays[f"lens/{part}"] for part in _LENS_ARRAYS}
    return Lens(vocabulary=tuple(head["vocabulary"]), **parts)


def _model(row: Mapping[str, Any]) -> ModelInfo:
    known = row["known_words"]
    words = None if known is None else frozenset(known)
    return ModelInfo(**dict(row) | {"known_words": words, "notes": tuple(row["notes"])})


def _reference(row: Mapping[str, Any]) -> Reference:
    words = []
    for word in row["words"]:
        times = {name: math.nan for name in ("start_s", "end_s") if word[name] is None}
        words.append(WordTiming(**dict(word) | times))
    return Reference(row["name"], tuple(words), tuple(row["notes"]))
