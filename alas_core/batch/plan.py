"""What a run is asked to do: the order, and the items of its data set that are still to be done."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alas_core.batch import schema
from alas_core.datasets import DataSet
from alas_core.errors import InputError, StoreError
from alas_core.models.identity import Loading
from alas_core.tasks import named_task
from alas_core.types import Settings, Utterance, content_sha

DONE = ".done"
SKIPPED = ".skipped"
"""How the name of a part ends: the folder's list alone tells what is left to do."""

OWN_REFERENCE = "own"
"""As a reference: the file of word times that the data set has for each utterance."""

_SAME = (
    "source",
    "model",
    "revision",
    "dtype",
    "variant",
    "task",
    "instruction",
    "reference_name",
    "answers",
    "encoder",
    "results",
)
"""Fields of `run.json` that have one value in one run, beside the settings."""


@dataclass(frozen=True)
class RunOrder:
    """A run in strings and numbers; a machine that gets it can do any of its items.

    Parameters
    ----------
    source : str
        What `alas_core.datasets` opens.
    model : str
        A name for `alas_core.models.registry`.
    task : str or None
        Of all utterances; None leaves each its own.
    instruction : str or None
        Beside each audio and transcript; None takes the utterance's own, else the model's.
    reference : str
        As in `alas_core.reference.get_aligner`, or `OWN_REFERENCE`.
    limit : int or None
        Only so many utterances, from the first.
    bundles, answers : bool
        Whether to keep each analysis, and to have the model answer audio and transcript.
    """

    source: str
    model: str = "demo"
    task: str | None = None
    instruction: str | None = None
    reference: str = "pocketsphinx"
    settings: Settings = field(default_factory=Settings)
    limit: int | None = None
    bundles: bool = True
    answers: bool = True
    loading: Loading = field(default_factory=Loading)

    def __post_init__(self) -> None:
        if self.task is not None:
            named_task(self.task)
        if self.limit is not None and self.limit < 1:
            raise InputError(
                f"the limit is {self.limit}, expected at least 1; leave it out for all"
            )


@dataclass(frozen=True)
class Item:
    """One utterance of a run.

    Parameters
    ----------
    id : of the utterance
    part : name of its part without the ending; says which row it is, what the row says, and size
        and time of the files that it names
    problem : why it cannot be done, if that is known before its sound is read
    """

    id: str
    part: str
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one item, small enough to be sent around.

    Parameters
    ----------
    skipped : columns of the table `skipped`; empty if the item was analysed
    seconds : from reading the sound to the commit
    """

    item: Item
    skipped: Mapping[str, str]
    seconds: float


def plan_items(source: DataSet, limit: int | None) -> list[Item]:
    """The utterances of a data set in its order, each under the name of its part.

    An id that comes a second time is kept as an item with a problem: its sound could not be told
    from the first one's. Rows that the data set has left out follow, where the limit allows.
    """
    rows = source.ids()
    items = []
    seen: Counter[str] = Counter()
    for row in rows[:limit]:
        again = seen[row.id]
        seen[row.id] += 1
        problem = (
            f"the id {row.id!r} is used {again + 1} times, expected each once; rename this row"
            if again
            else ""
        )
        content = tuple(map(str, dataclasses.astuple(row)))  # details, too
        stamp = "" if again else source.stamp(row.id)
        items.append(Item(row.id, _part((row.id, str(again)), content, stamp), problem))
    if limit is None or limit >= len(rows):
        for left_out in source.problems():
            where = (left_out.where, left_out.column, "left out")
            items.append(Item(left_out.name, _part(where, (left_out.reason,)), left_out.told))
    if not items:
        raise InputError(
            f"the data set '{source.name}' holds no utterance, expected at least one; check that "
            "its folder is the right one and that transcripts lie beside the sound"
        )
    return items


def known_rows(source: DataSet) -> frozenset[str]:
    """How the parts of all utterances of a data set begin, whatever the limit."""
    return frozenset(_row_name(row.id, "0") for row in source.ids())


def _row_name(*name: str) -> str:
    return content_sha(*name)[:24]


def _part(name: tuple[str, ...], content: tuple[str, ...], stamp: str = "") -> str:
    row = f"{_row_name(*name)}-{content_sha(*content)[:16]}"
    return f"{row}-{content_sha(stamp)[:12]}" if stamp else row


def contents(source: DataSet, utterance: Utterance) -> str:
    """A digest of the sound of an utterance and of the word times that came with it."""
    path = source.reference_path(utterance.id)
    return content_sha(utterance.audio.sha, path.read_bytes() if path else b"")


def order_of(info: Mapping[str, Any]) -> RunOrder:
    """The order that a `run.json` was made from, so that a run can be resumed."""
    names = {field.name for field in dataclasses.fields(RunOrder)}
    try:
        known = {name: info[name] for name in names}
        parts = {
            "settings": Settings(**info["settings"]),
            "loading": Loading(**info["loading"]),
        }
        return RunOrder(**known | parts)
    except (KeyError, TypeError) as error:
        raise StoreError(
            f"{schema.RUN_FILE} does not say how the run was started ({error}), expected the "
            "fields that this program writes; start it anew into another folder"
        ) from error


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], url: str) -> None:
    """Refuse to add to a run that was made in another way.

    Raises
    ------
    StoreError
        Naming the first difference.
    """
    # Runs from before results had a number of their own are of the first kind.
    before, now = ({"results": 1, **run} for run in (before, now))
    pairs = [(name, before.get(name), now.get(name)) for name in _SAME]
    settings = [set(run.get("settings") or {}) for run in (before, now)]
    pairs += [
        (name, before["settings"].get(name), now["settings"].get(name))
        for name in sorted(set.union(*settings))
    ]
    for name, old, new in pairs:
        if old != new:
            raise StoreError(
                f"the run in '{url}' was made with {name} {old!r}, this one has {new!r}; results "
                f"of both in one table could not be told apart: repeat it with {name} {old!r}, or "
                "choose another folder"
            )


def check_limit(before: Mapping[str, Any], limit: int | None, total: int, url: str) -> None:
    """Refuse to count fewer utterances than the tables of a run hold.

    Parameters
    ----------
    before : its `run.json`
    limit, total : of the order, and how many utterances that makes

    Raises
    ------
    StoreError
        If the limit is smaller than the earlier one, and cuts off what that one took.
    """
    earlier, had = before.get("limit"), (before.get("counts") or {}).get("total", 0)
    if limit is not None and (earlier is None or limit < earlier) and total < had:
        raise StoreError(
            f"the run in '{url}' is of {had} utterances, the limit is {limit}, expected no smaller "
            "run than before, since its tables keep what was done beyond; take a limit of at least "
            f"{had}, or none, or choose another folder"
        )
