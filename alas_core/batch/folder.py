"""A run as others read it: what was asked for, how far it is, and its tables."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alas_core.batch import schema
from alas_core.errors import StoreError
from alas_core.place import Place


@dataclass(frozen=True)
class RunFolder:
    """One run, as it stood when it was opened.

    Parameters
    ----------
    place : Place
        Where it lies.
    info : mapping
        The content of `run.json`.
    """

    place: Place
    info: Mapping[str, Any]

    @property
    def url(self) -> str:
        return self.place.url

    @property
    def state(self) -> str:
        """The state that the run itself wrote last: "running", "paused", "finished" and so on."""
        return str(self.info["state"])

    def path(self, table: str) -> str:
        """Path of a table's file on `place.filesystem`."""
        return self.place.path(schema.file_name(table))

    def table(self, name: str) -> Any:
        """A table as `pyarrow.Table`; without rows if the run has not written it yet.

        Columns that an older run does not have are added, empty.
        """
        import pyarrow.parquet as pq

        raw = self.place.read(schema.file_name(name))
        if raw is None:
            return schema.arrow_schema(name).empty_table()
        try:
            # Not read_table: that loads the machinery for data sets of many files first.
            return _completed(pq.ParquetFile(io.BytesIO(raw)).read(), name)
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the table {schema.file_name(name)} of the run in '{self.url}' cannot be read "
                f"({str(error)[:200]}), expected a Parquet file; start the run again: it makes its "
                "tables anew and repeats nothing"
            ) from error

    def has_bundle(self, relative: str) -> bool:
        """Whether `bundle` would find one; it stays where it is.

        Raises
        ------
        StoreError
            If the place cannot be looked into.
        """
        return _is_bundle(relative) and self.place.has(relative)

    def bundle(self, relative: str) -> bytes:
        """The bytes of one analysis, by the column `bundle` of the utterances.

        Raises
        ------
        StoreError
            If the path leads out of the run's bundles, or there is no such file.
        """
        raw = self.place.read(relative) if _is_bundle(relative) else None
        if raw is None:
            raise StoreError(
                f"the run in '{self.url}' has no analysis {relative!r}, expected a file in its "
                f"folder {schema.BUNDLES}; it may have been run without bundles: run it again with"
            )
        return raw


def _is_bundle(relative: str) -> bool:
    """Whether the path names a file in the run's own folder of bundles."""
    folder, _, name = relative.partition("/")
    return folder == schema.BUNDLES and bool(name) and name[0] != "." and not set(name) & set("/\\")


def open_run(url: str) -> RunFolder:
    """Open the run in a folder or at an address.

    Raises
    ------
    StoreError
        If there is no run, it cannot be read, or a newer version of the program wrote it.
    """
    place = Place(url)
    raw = place.read(schema.RUN_FILE)
    if raw is None:
        raise StoreError(
            f"'{url}' holds no run, expected a folder with {schema.RUN_FILE}, as "
            "'python -m alas_core run' makes it; check the address"
        )
    return RunFolder(place, read_info(raw, url))


def read_info(raw: bytes, url: str) -> dict[str, Any]:
    """The content of a `run.json`, of a version that is understood, with what every reader needs.

    Raises
    ------
    StoreError
        If it is not, or has not.
    """
    try:
        info = json.loads(raw)
        found = info["schema"]
        if not (isinstance(found, int) and isinstance(info["state"], str)):
            raise TypeError("'schema' is a number and 'state' a word")
        if found <= schema.RUN_SCHEMA:  # a newer one may say all else in other words
            _check_needed(info)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StoreError(
            f"{schema.RUN_FILE} in '{url}' cannot be understood ({str(error)[:200]}), expected "
            "what this program wrote there; choose another folder for a new run"
        ) from error
    if found > schema.RUN_SCHEMA:
        raise StoreError(
            f"the run in '{url}' has schema {found}, expected at most {schema.RUN_SCHEMA}: a newer "
            "version of ALAS Explorer made it; open it with that version, or choose another folder"
        )
    return dict(info)


def _check_needed(info: Mapping[str, Any]) -> None:
    """`TypeError` without the fields that lists of runs show; the others may be of any kind."""
    counts, rate = info.get("counts"), info.get("rate_per_s")
    if not (
        isinstance(counts, dict)
        and all(isinstance(counts.get(name), int) for name in ("total", "done", "skipped"))
    ):
        raise TypeError("'counts' has the numbers 'total', 'done' and 'skipped'")
    if not isinstance(info.get("settings"), dict):
        raise TypeError("'settings' has the settings by name")
    if not isinstance(rate, int | float | None):
        raise TypeError("'rate_per_s' is a number or null")


def _completed(table: Any, name: str) -> Any:
    """The table with the columns that its run did not know yet."""
    import pyarrow as pa

    for field in schema.arrow_schema(name):
        if field.name not in table.schema.names:
            table = table.append_column(field, pa.nulls(len(table), field.type))
    return table
