"""A run as far as it stands: its tables made in memory from the parts that are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alas_core.batch import schema
from alas_core.batch.compact import in_memory, records
from alas_core.batch.folder import RunFolder

MOST = 500
"""Parts that are read to show a run before its end: some 12 MB. A larger one waits for its tables,
which are written whenever it ends or is cancelled."""
_WITH_TABLES = ("finished", "cancelled")


@dataclass(frozen=True)
class Standing(RunFolder):
    """A run whose tables are those of its parts.

    Parameters
    ----------
    tables : name -> pyarrow.Table
    """

    tables: Mapping[str, Any] = field(default_factory=dict)

    def table(self, name: str) -> Any:
        return self.tables[name]


def as_it_stands(folder: RunFolder) -> RunFolder:
    """The run with what is done so far, where its own tables do not say that and parts are few.

    Raises
    ------
    StoreError
        If the place cannot be read, or a part is damaged.
    """
    if folder.state in _WITH_TABLES:
        return folder
    names = folder.place.names(schema.PARTS)
    if not 0 < len(names) <= MOST:
        return folder
    found = sorted(records(folder.place, names), key=lambda record: record.utterance)
    return Standing(folder.place, folder.info, in_memory(found))
