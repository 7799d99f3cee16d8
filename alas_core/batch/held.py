"""What a run's folder holds already, and whether the data set still says the same.

A part is named after its utterance, its row, and the size and time of the files that the row names:
the list of names alone tells what is left to do. Where only size or time differ, the files are
read: a corpus that was merely copied is not analysed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from alas_core.batch import compact, schema
from alas_core.batch.plan import DONE, SKIPPED, Item, contents
from alas_core.datasets import DataSet
from alas_core.errors import AlasError
from alas_core.place import Place


@dataclass(frozen=True)
class Committed:
    """The parts of a run that are there.

    Parameters
    ----------
    done, skipped : part of an item -> name of its file
    stale : names of parts that an item has outgrown: its row or sound changed, or it was done after
        all
    """

    done: Mapping[str, str]
    skipped: Mapping[str, str]
    stale: tuple[str, ...]


def committed(
    place: Place, source: DataSet, items: Sequence[Item], names: Iterable[str]
) -> Committed:
    """Sort the names of the parts by what they are to these items.

    Raises
    ------
    StoreError
        If a part cannot be read.
    """
    current = {item.part.partition("-")[0]: item.part for item in items}
    exact = set(current.values())
    found: dict[str, dict[str, str]] = {DONE: {}, SKIPPED: {}}
    doubtful: dict[str, str] = {}
    stale = []
    for name in sorted(names, key=lambda name: name.partition(".")[0] not in exact):
        part, dot, ending = name.partition(".")
        kind = dot + ending
        # What is in the data set no longer (or beyond the limit) stays if it is a result.
        gone = part if kind == DONE else ""
        wanted = current.get(part.partition("-")[0], gone)
        if kind not in found or row_of(part) != row_of(wanted) or wanted in found[kind]:
            stale.append(name)
        elif part == wanted or row_of(part) == part or row_of(wanted) == wanted:
            found[kind][wanted] = name
        elif kind == DONE and wanted not in doubtful:
            doubtful[wanted] = name
        else:  # skipped, and its files have changed: they may be mended
            stale.append(name)
    for part, name in doubtful.items():
        if _renewed(place, source, part, name):
            found[DONE][part] = part + DONE
        else:
            stale.append(name)
    stale += [found[SKIPPED].pop(part) for part in sorted(found[DONE].keys() & found[SKIPPED])]
    return Committed(found[DONE], found[SKIPPED], tuple(stale))


def row_of(part: str) -> str:
    """What of a part's name says utterance and row; the rest tells the files, if it is there."""
    return "-".join(part.split("-")[:2])


def _renewed(place: Place, source: DataSet, part: str, name: str) -> bool:
    """Whether the files still hold what was analysed; if so the part gets their present time."""
    record = next(compact.records(place, [name]), None)
    raw = place.read(f"{schema.PARTS}/{name}")
    if record is None or raw is None:
        return False
    try:
        same = record.row.get("contents") == contents(source, source.load(record.utterance))
    except AlasError:  # it is tried again, and skipped with the reason
        return False
    if same:
        place.write(f"{schema.PARTS}/{part}{DONE}", raw)
        place.remove(f"{schema.PARTS}/{name}")
    return same


def outgrown(place: Place, held: Committed) -> set[str]:
    """Analyses that only stale parts name: a part that was renamed leaves its own behind."""
    old = {name.partition("-")[0] for name in held.stale}
    twins = [name for part, name in held.done.items() if part.partition("-")[0] in old]
    named, stale = (
        {
            str(record.row["bundle"])
            for record in compact.records(place, names)
            if record.row.get("bundle")
        }
        for names in (twins, held.stale)
    )
    return stale - named


def ordered(names: Iterable[str], items: Sequence[Item], known_rows: Set[str]) -> list[str]:
    """Parts in the data set's order, whoever finished first; then those beyond the limit.

    What is in the data set no longer is left out, and stays where it is: it may come back.
    """
    known = set(names)
    by_row = {}
    for name in sorted(known):
        part, dot, ending = name.partition(".")
        by_row[row_of(part), dot + ending] = name
    keys = [(row_of(item.part), ending) for item in items for ending in (DONE, SKIPPED)]
    first = [by_row[key] for key in keys if key in by_row]
    beyond = (name for name in known - set(first) if name.partition("-")[0] in known_rows)
    return [*first, *sorted(beyond)]
