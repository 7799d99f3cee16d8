"""Data sets of the Hugging Face library `datasets`: from the hub, or from a folder.

`datasets` lists and reads the rows; the sound is left undecoded there and decoded here, so that
one decoder (and no second set of codecs) serves all data sets. No code of a data set is run: the
library gave that up. An audiofolder on this machine is a table, and read as one without it.
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from alas_core.datasets.base import Problem, path_inside
from alas_core.datasets.listing import Entry, Listed
from alas_core.datasets.manifest import manifest, table_entries
from alas_core.datasets.records import Numbered
from alas_core.errors import InputError

_TABLES = (".csv", ".jsonl", ".parquet")


class HubTable:
    """One split of a data set, opened when it is first needed.

    Parameters
    ----------
    name : a hub id such as `hf-internal-testing/librispeech_asr_dummy`, or a folder of Parquet
        files, or of what `save_to_disk` wrote.
    split : None takes the only one.
    config : the data set's configuration, if it has several.
    audio : the column of the sound; None takes the first audio column.
    """

    def __init__(
        self, name: str, split: str | None, config: str | None, audio: str | None = None
    ) -> None:
        self._name = name
        self._split = split
        self._config = config
        self._audio = audio

    @cached_property
    def audio_column(self) -> str:
        """The column that holds the sound."""
        found = [
            name
            for name, feature in self._raw.features.items()
            if type(feature).__name__ == "Audio" and self._audio in (None, name)
        ]
        if not found:
            columns = ", ".join(self._raw.column_names)
            raise InputError(
                f"'{self._name}' has no audio column"
                f"{f' {self._audio!r}' if self._audio else ''} (its columns: {columns[:120]}), "
                "expected one with sound; choose another data set or configuration"
            )
        return str(found[0])

    def rows(self) -> Iterator[Numbered]:
        """The rows without their sound; the audio column holds the row's number as text."""
        others = self._raw.remove_columns([self.audio_column])
        labels = {
            name: feature
            for name, feature in others.features.items()
            if type(feature).__name__ == "ClassLabel"
        }
        for number, row in enumerate(others):
            for name, label in labels.items():
                row[name] = None if row[name] is None else label.int2str(row[name])
            yield f"row {number + 1}", {self.audio_column: str(number), **row}

    def sound(self, number: int) -> bytes:
        """The encoded sound of a row."""
        cell = self._undecoded[number][self.audio_column]
        if not isinstance(cell, Mapping) or not (cell.get("bytes") or cell.get("path")):
            raise InputError(f"row {number + 1} of '{self._name}' has no sound; leave it out")
        if cell.get("bytes"):
            return bytes(cell["bytes"])
        try:
            return path_inside(_allowed(self._name), cell["path"], f"row {number + 1}").read_bytes()
        except OSError as error:
            raise InputError(
                f"the sound of row {number + 1} of '{self._name}' cannot be read "
                f"({error.strerror or error}), expected the file '{Path(cell['path']).name}'; "
                "download the data set again"
            ) from error

    @cached_property
    def _undecoded(self) -> Any:
        from datasets import Audio

        return self._raw.cast_column(self.audio_column, Audio(decode=False))

    @cached_property
    def _raw(self) -> Any:
        found = _load(self._name, self._config)
        if not isinstance(found, Mapping):
            return found
        if self._split is None and len(found) == 1:
            return next(iter(found.values()))
        if self._split not in found:
            given = "no split is named" if self._split is None else f"split {self._split!r}"
            raise InputError(
                f"'{self._name}' has the splits {', '.join(map(str, found))}, {given}; choose one "
                "with split=NAME"
            )
        return found[self._split]


def _allowed(name: str) -> Path:
    """Where a row's file may lie: in the data set's folder, or in what was downloaded."""
    import datasets

    folder = Path(name).expanduser()
    return folder if folder.exists() else Path(datasets.config.HF_CACHE_HOME)


def _load(name: str, config: str | None) -> Any:
    if importlib.util.find_spec("datasets") is None:
        raise InputError(
            "data sets of Hugging Face need the library 'datasets', which is not installed here; "
            "install it with 'pip install -r requirements-extras.txt'"
        )
    import datasets

    datasets.disable_progress_bars()
    folder = Path(name).expanduser()
    try:
        if _was_saved(folder):
            return datasets.load_from_disk(str(folder))
        return datasets.load_dataset(str(folder) if folder.exists() else name, config)
    except (
        datasets.exceptions.DatasetsError,
        ImportError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise InputError(_plainly(name, error)) from error


def _plainly(name: str, error: Exception) -> str:
    causes = [error]
    while causes[-1].__cause__ is not None and isinstance(causes[-1].__cause__, Exception):
        causes.append(causes[-1].__cause__)
    reason = " ".join(str(causes[-1]).split())[:160]
    if any(isinstance(cause, ConnectionError) for cause in causes):
        return (
            f"the Hugging Face hub cannot be reached for '{name}', expected a network or a data "
            "set that was downloaded before; go online, or name a folder on this machine"
        )
    if any(isinstance(cause, ImportError) for cause in causes):
        return (
            f"'{name}' keeps its sound in files, which the library 'datasets' reads only with "
            f"'torchcodec' ({reason}); install it, or download the files and name their folder"
        )
    return (
        f"'{name}' cannot be opened ({type(causes[-1]).__name__}: {reason}), expected a data set "
        "of the Hugging Face hub that you may read, or a folder; check the name and configuration"
    )


def audiofolder_table(folder: Path, split: str | None) -> Path | None:
    """The table of an audiofolder's split, or None if the folder is none.

    Raises
    ------
    InputError
        If it has several splits, and none of them is named.
    """
    tables = _tables(folder)
    if split is None and len(tables) < 2:
        return next(iter(tables), None)
    named = [table for table in tables if table.parent.name == split]
    if tables and not named:
        raise InputError(
            f"'{folder}' has the splits {', '.join(table.parent.name for table in tables)}, got "
            f"{split!r}; choose one with split=NAME"
        )
    return next(iter(named), None)


def _tables(folder: Path) -> list[Path]:
    places = (f"{place}metadata{suffix}" for place in ("", "*/", "data/*/") for suffix in _TABLES)
    return [path for place in places for path in sorted(folder.glob(place))]


def _was_saved(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def is_saved(folder: Path) -> bool:
    """Whether a folder lies as one of the hub does, or was written by `save_to_disk`.

    One of the hub has a table beside its sound (an audiofolder), Parquet with sound in it, itself
    or in `data`, or a card that names configurations.
    """
    looks = (_was_saved, _tables, _has_configurations, _holds_parquet_with_sound)
    return folder.is_dir() and any(look(folder) for look in looks)


def _has_configurations(folder: Path) -> bool:
    """Whether the head of a README.md, between its lines of dashes, is that of a data set."""
    card = folder / "README.md"
    if not card.is_file():
        return False
    with card.open(encoding="utf-8", errors="replace") as file:
        lines = file.read(20_000).split("\n")
    if lines[0].strip() != "---":
        return False
    head = itertools.takewhile(lambda line: line.strip() != "---", lines[1:])
    return any(line.startswith(("configs:", "dataset_info:")) for line in head)


def _holds_parquet_with_sound(folder: Path) -> bool:
    """Whether the first Parquet has encoded sound in a column; a list names files instead."""
    shards = (sorted(place.glob("*.parquet")) for place in (folder, folder / "data"))
    return any(_has_sound(found[0]) for found in shards if found)


def _has_sound(table: Path) -> bool:
    import pyarrow
    import pyarrow.parquet

    try:
        columns = pyarrow.parquet.read_schema(table)
    except (pyarrow.ArrowException, OSError):  # the table itself says what is wrong with it
        return False
    structs = (column.type for column in columns if pyarrow.types.is_struct(column.type))
    return any(struct.get_field_index("bytes") >= 0 for struct in structs)


def hub(
    name: str,
    mapping: Mapping[str, str] | None = None,
    split: str | None = None,
    config: str | None = None,
) -> Listed:
    """The data set of a split; see `HubTable` and, for the mapping, `manifest.manifest`.

    Raises
    ------
    InputError
        If a folder has several splits, and none of them is named.
    """
    chosen = dict(mapping or {})
    listed = audiofolder_table(Path(name).expanduser(), split)
    if listed is not None:
        return manifest(listed, chosen)
    table = HubTable(name, split, config, chosen.get("audio"))

    def entries() -> Iterator[Entry | Problem]:
        chosen["audio"] = table.audio_column
        for found in table_entries(table.rows, chosen, name, f"hf:{name}"):
            if isinstance(found, Entry):
                found = replace(found, audio=partial(table.sound, int(str(found.audio))))
            yield found

    title = "/".join(Path(name).parts[-2:])
    return Listed(f"{title} {split or ''}".strip(), Path(name), entries, {"transcript": "text"})
