"""Tables as they lie on disk: JSON, JSONL, CSV, TSV, Parquet, read row by row.

A row that cannot be read is a `Problem` in its place; a file that cannot be is an `InputError`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alas_core.datasets.base import Problem, read_text
from alas_core.errors import InputError

Record = Mapping[str, Any]
Numbered = tuple[str, Record | Problem]

SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
"""Names under which a separator is chosen; a tab cannot be typed everywhere."""

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")


def records(path: Path, separator: str | None = None) -> Iterator[Numbered]:
    """Where a row stands and what it holds, by the file's ending.

    Parameters
    ----------
    path : Path
    separator : a name in `SEPARATORS` for CSV and TSV; None goes by the ending.

    Raises
    ------
    InputError
        If the file cannot be read, is of no known kind, or its separator is another.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _delimited(path, _separator(separator, suffix))
    if suffix == ".jsonl":
        return json_lines(path)
    if suffix == ".json":
        return json_records(path)
    if suffix == ".parquet":
        return _parquet(path)
    raise InputError(
        f"'{path.name}' is no known kind of list, expected a name that ends in "
        f"{', '.join(SUFFIXES)}; save it as one of these"
    )


def json_lines(path: Path) -> Iterator[Numbered]:
    """One JSON object a line; empty lines are skipped."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield _parsed(f"line {number}", line)


def _parsed(where: str, text: str) -> Numbered:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        return where, Problem(where, "", f"it is no JSON ({str(error)[:80]}); correct the line")
    return _as_record(where, record)


def _as_record(where: str, record: Any) -> Numbered:
    if isinstance(record, dict):
        return where, record
    return where, Problem(
        where, "", f"it is {str(record)[:40]!r}, expected a JSON object with named fields"
    )


def read_json(path: Path) -> Any:
    """The content of a JSON file, or `InputError`."""
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"'{path.name}' is no JSON ({str(error)[:80]}), expected a list of objects; write it "
            "with a JSON library"
        ) from error


def json_records(path: Path) -> Iterator[Numbered]:
    """A list of objects, or an object of objects (then the key is the record's `id`).

    NeMo's manifests end in .json but hold one object a line; they are read as such.
    """
    first, _, rest = read_text(path).lstrip().partition("\n")
    if rest.lstrip()[:1] == "{" and first.rstrip()[-1:] == "}":
        yield from json_lines(path)
        return
    content = read_json(path)
    if isinstance(content, dict) and all(isinstance(item, dict) for item in content.values()):
        for key, item in content.items():
            yield f"entry '{key}'", {"id": key} | item
    elif isinstance(content, list):
        for number, item in enumerate(content, start=1):
            yield _as_record(f"entry {number}", item)
    else:
        raise InputError(
            f"'{path.name}' holds {type(content).__name__}, expected a list of objects, one an "
            "utterance; choose the file that lists the utterances"
        )


def _separator(name: str | None, suffix: str) -> str:
    if name is None:
        return "\t" if suffix == ".tsv" else ","
    if name not in SEPARATORS:
        raise InputError(
            f"the separator is {name!r}, expected one of {', '.join(SEPARATORS)}; choose one"
        )
    return SEPARATORS[name]


def _delimited(path: Path, separator: str) -> Iterator[Numbered]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=separator)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, separator)
        for cells in reader:
            if cells:
                where = f"line {reader.line_num}"
                yield where, _row(where, header, cells)
    except csv.Error as error:
        raise InputError(
            f"line {reader.line_num} of '{path.name}' cannot be read ({error}), expected cells "
            'parted by one separator, quoted with "; save the table anew as CSV'
        ) from error


def _row(where: str, header: Sequence[str], cells: Sequence[str]) -> Record | Problem:
    if len(cells) == len(header):
        return dict(zip(header, cells, strict=True))
    return Problem(
        where,
        "",
        f"it has {len(cells)} cells, expected {len(header)} ({', '.join(header)[:80]}); put "
        "cells that hold the separator in quotes",
    )


def _check_header(path: Path, header: Sequence[str], separator: str) -> None:
    if not any(header):
        raise InputError(
            f"'{path.name}' has no header, expected the columns' names in its first line; add it"
        )
    others = [name for name, sign in SEPARATORS.items() if sign != separator and sign in header[0]]
    if len(header) == 1 and others:
        raise InputError(
            f"'{path.name}' has one column, {header[0][:80]!r}, expected several; it seems to be "
            f"parted by another separator: choose {others[0]}"
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise InputError(
            f"'{path.name}' has several columns named {repeated[0]!r}, expected each once; rename "
            "one of them"
        )


def _parquet(path: Path) -> Iterator[Numbered]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path)
        number = 0
        for batch in table.iter_batches(batch_size=1_000):
            for record in batch.to_pylist():
                number += 1
                yield f"row {number}", record
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"'{path.name}' cannot be read as Parquet ({str(error)[:80]}), expected a table of "
            "utterances; write it again"
        ) from error


def flat_meta(values: Record) -> dict[str, str | float | bool]:
    """What a data set tells beyond the utterance's own fields; nested values as JSON."""
    return {
        str(key): value
        if isinstance(value, str | float | bool | int)
        else json.dumps(value, default=repr)
        for key, value in values.items()
        if value is not None
    }


def as_id(value: Any) -> str:
    """The id of a row whose other values are of no use, if it is a text."""
    return value.strip() if isinstance(value, str) else ""


def no_text(value: Any, what: str, expected: str = "a text") -> str:
    """Why a value that should be a text is of no use; `what` holds it: a line, an entry, a row."""
    empty = value is None or value != value  # as Parquet and pandas write what is not there
    got = "it is missing" if empty else f"it is {str(value)[:40]!r}"
    return f"{got}, expected {expected}; correct the {what}, or leave it out"


def column_names(rows: Iterable[Numbered]) -> list[str]:
    """The names in some rows, in the order in which they appear."""
    return list(
        dict.fromkeys(name for _, row in rows if not isinstance(row, Problem) for name in row)
    )
