"""A folder of utterances: `utterances.jsonl`, `audio/`, `references/`, `sentences.txt`.

The shipped demo data has this layout (assets/demo/data, described in its data card).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alas_core.datasets.base import Problem
from alas_core.datasets.listing import Entry, Listed
from alas_core.datasets.records import as_id, flat_meta, json_lines, no_text
from alas_core.resources import asset_path

_OWN_FIELDS = {"id", "file", "transcript", "task", "instruction", "choices", "answer", "labels"}


class UtteranceFolder(Listed):
    """A data set in a folder; implements `DataSet`.

    Parameters
    ----------
    root : Path
        Holds `utterances.jsonl`: one JSON object a line with `id`, `transcript` and `file` (path
        of the sound relative to `root`), optionally `task`, `instruction`, `choices`, `answer`,
        `labels` (object), `voice`, `condition`, `duration_s`; what else is there becomes `meta`.
    name : str
    """

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(name, root, lambda: _entries(root), {"audio": "file"})


def _entries(root: Path) -> Iterator[Entry | Problem]:
    for where, record in json_lines(root / "utterances.jsonl"):
        yield record if isinstance(record, Problem) else _entry(where, record)


def _entry(where: str, record: Mapping[str, Any]) -> Entry | Problem:
    for key in ("id", "file", "transcript"):
        if not isinstance(record.get(key), str):
            return Problem(where, key, no_text(record.get(key), "line"), as_id(record.get("id")))
    choices, answer, labels = record.get("choices"), record.get("answer"), record.get("labels")
    named = {f"label {k}": v for k, v in labels.items()} if isinstance(labels, dict) else {}
    rest = {key: value for key, value in record.items() if key not in _OWN_FIELDS}
    return Entry(
        where=where,
        id=record["id"],
        audio=record["file"],
        transcript=record["transcript"],
        task=str(record.get("task") or "transcribe"),
        instruction=str(record.get("instruction") or ""),
        choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
        answer=None if answer is None else str(answer),
        reference=f"references/{record['id']}.json",
        meta=flat_meta(named | rest),
    )


def demo() -> UtteranceFolder:
    """The shipped utterances: held-out sentences spoken by several voices."""
    return _open(asset_path("demo", "data"))


@functools.lru_cache(maxsize=4)
def _open(root: Path) -> UtteranceFolder:
    return UtteranceFolder(root, "Demo")
