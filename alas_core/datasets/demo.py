"""A folder of utterances: `utterances.jsonl`, `audio/`, `references/`, `sentences.txt`.

The shipped demo data has this layout (assets/demo/data, described in its data card).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alas_core import audio
from alas_core.datasets.base import Row, path_inside, read_sentences, read_text
from alas_core.errors import InputError
from alas_core.resources import asset_path
from alas_core.types import Utterance

_OWN_FIELDS = {"id", "file", "transcript", "task", "instruction", "choices", "answer", "labels"}


class UtteranceFolder:
    """A data set in a folder; implements `DataSet`.

    Parameters
    ----------
    root : Path
        Holds `utterances.jsonl`: one JSON object a line with `id`, `transcript` and `file` (path
        of the sound relative to `root`), optionally `task`, `instruction`, `choices`, `answer`,
        `labels` (object), `voice`, `condition`, `duration_s`; what else is there becomes `meta`.
    name : str

    Raises
    ------
    InputError
        If the list cannot be read: the message names the line.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self._root = root
        self._records = _read_records(root / "utterances.jsonl")

    def ids(self) -> tuple[Row, ...]:
        """One light row an utterance, in the order of the file."""
        return tuple(_row(record) for record in self._records.values())

    def load(self, utterance_id: str) -> Utterance:
        """Read an utterance and decode its sound."""
        record = self._record(utterance_id)
        path = path_inside(self._root, str(record["file"]), f"utterance '{utterance_id}'")
        choices = record.get("choices") or ()
        answer = record.get("answer")
        return Utterance(
            id=utterance_id,
            audio=audio.decode(path, name=str(record["file"])),
            transcript=str(record["transcript"]),
            task=str(record.get("task") or "transcribe"),
            instruction=str(record.get("instruction") or ""),
            choices=tuple(map(str, choices)) if isinstance(choices, list) else (),
            answer=None if answer is None else str(answer),
            meta=MappingProxyType(_meta(record)),
        )

    def pool(self) -> tuple[str, ...]:
        """Lines of `sentences.txt`; without that file the transcripts, each once."""
        path = self._root / "sentences.txt"
        if path.is_file():
            return read_sentences(path)
        return tuple(dict.fromkeys(str(r["transcript"]) for r in self._records.values()))

    def reference_path(self, utterance_id: str) -> Path | None:
        """The file of word times that came with an utterance, for `reference.get_aligner`."""
        self._record(utterance_id)
        owner = f"utterance '{utterance_id}'"
        path = path_inside(self._root, f"references/{utterance_id}.json", owner)
        return path if path.is_file() else None

    def _record(self, utterance_id: str) -> dict[str, Any]:
        if utterance_id not in self._records:
            first = next(iter(self._records), "none at all")
            raise InputError(
                f"{self.name} has no utterance {utterance_id!r}, expected one of its "
                f"{len(self._records)} names such as {first!r}; choose one from the list"
            )
        return self._records[utterance_id]


def _read_records(path: Path) -> dict[str, dict[str, Any]]:
    records: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            record = str(error)
        wanted = ("id", "file", "transcript")
        if not isinstance(record, dict) or not all(isinstance(record.get(k), str) for k in wanted):
            raise InputError(
                f"line {number} of '{path}' is no utterance ({str(record)[:80]}), expected one "
                "JSON object with the strings id, file and transcript; correct the line"
            )
        if record["id"] in records:
            raise InputError(
                f"line {number} of '{path}' repeats the id {record['id']!r}, expected each once; "
                "rename one of them"
            )
        records[record["id"]] = record
    return records


def _row(record: Mapping[str, Any]) -> Row:
    duration_s = record.get("duration_s")
    return Row(
        id=record["id"],
        transcript=record["transcript"],
        task=str(record.get("task") or "transcribe"),
        voice=str(record.get("voice") or ""),
        condition=str(record.get("condition") or ""),
        duration_s=duration_s if isinstance(duration_s, float | int) else None,
    )


def _meta(record: Mapping[str, Any]) -> dict[str, str | float | bool]:
    """What a data set tells beyond the utterance's own fields; nested values as JSON."""
    labels = record.get("labels")
    found = (
        {f"label {key}": value for key, value in labels.items()} if isinstance(labels, dict) else {}
    )
    found |= {key: value for key, value in record.items() if key not in _OWN_FIELDS}
    return {
        key: value if isinstance(value, str | float | bool | int) else json.dumps(value)
        for key, value in found.items()
        if value is not None
    }


def demo() -> UtteranceFolder:
    """The shipped utterances: held-out sentences spoken by several voices."""
    return _open(asset_path("demo", "data"))


@functools.lru_cache(maxsize=4)
def _open(root: Path) -> UtteranceFolder:
    return UtteranceFolder(root, "Demo")


def plain_sentences() -> tuple[str, ...]:
    """A few hundred plain English sentences: wrong words for the null of a single recording."""
    return read_sentences(asset_path("sentences.txt"))
