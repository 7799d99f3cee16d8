"""From what a user names to a data set: `folder:PATH`, `manifest:PATH?audio=COLUMN`, or a path.

The part before the colon is a layout, the part after a question mark its options. A path alone
is looked at, and the layout is recognised.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from alas_core.datasets.base import DataSet
from alas_core.datasets.demo import UtteranceFolder, demo
from alas_core.datasets.folder import audio_folder
from alas_core.datasets.hub import hub, is_saved
from alas_core.datasets.iemocap import EXCITED, iemocap, is_iemocap
from alas_core.datasets.librispeech import CASES, is_librispeech, librispeech
from alas_core.datasets.librisqa import librisqa
from alas_core.datasets.manifest import FIELDS, manifest
from alas_core.datasets.mmau import SUBSETS, mmau
from alas_core.datasets.records import SEPARATORS, SUFFIXES
from alas_core.errors import InputError

Options = Mapping[str, str]


@dataclass(frozen=True)
class Spec:
    """A data set as a user names it.

    Parameters
    ----------
    layout : a name in `LAYOUTS`; empty if it is to be recognised.
    path : folder or file; for `hf` the name of the data set.
    options : of the layout.
    """

    layout: str
    path: str = ""
    options: Options = field(default_factory=dict)

    def __str__(self) -> str:
        query = f"?{urlencode(self.options)}" if self.options else ""
        return f"{self.layout}:{self.path}{query}" if self.path else self.layout


@dataclass(frozen=True)
class Layout:
    """How one kind of data set is opened.

    Parameters
    ----------
    label : what people call it.
    open : from path and options to the data set.
    options : the names of the options that it knows, and the values of those that have few; the
        first is the default.
    found_at : whether a path seems to be one.
    """

    label: str
    open: Callable[[Path, Options], DataSet]
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    found_at: Callable[[Path], bool] = lambda _: False


def _beside(path: Path, options: Options, name: str) -> Path | None:
    """A path among the options, relative to the folder of the data set."""
    folder = path if path.is_dir() else path.parent
    return folder / Path(options[name]).expanduser() if name in options else None


def _mapping(options: Options) -> dict[str, str]:
    return {name: column for name, column in options.items() if name in FIELDS}


def _open_manifest(path: Path, options: Options) -> DataSet:
    root = _beside(path, options, "root")
    return manifest(path, _mapping(options), root, options.get("separator"))


def _open_librisqa(path: Path, options: Options) -> DataSet:
    return librisqa(path, _beside(path, options, "root"), options.get("case", "as-is"))


def _open_iemocap(path: Path, options: Options) -> DataSet:
    return iemocap(path, options.get("excited", "leave"), _beside(path, options, "root"))


def _open_mmau(path: Path, options: Options) -> DataSet:
    return mmau(
        path,
        _beside(path, options, "transcripts"),
        _beside(path, options, "root"),
        options.get("subset", "speech"),
    )


def _open_hub(path: Path, options: Options) -> DataSet:
    return hub(str(path), _mapping(options), options.get("split"), options.get("config"))


def _has_fields(*fields: str) -> Callable[[Path], bool]:
    """Whether a JSON seems to be a list of objects with these fields; only its head is read."""

    def found_at(path: Path) -> bool:
        if path.suffix.lower() != ".json" or not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(20_000).decode("utf-8", errors="replace")
        return all(f'"{field}"' in head for field in fields)

    return found_at


LAYOUTS: Mapping[str, Layout] = {
    "utterances": Layout(
        "Folder with utterances.jsonl",
        lambda path, _: UtteranceFolder(path, path.name),
        found_at=lambda path: (path / "utterances.jsonl").is_file(),
    ),
    "librispeech": Layout(
        "LibriSpeech",
        lambda path, options: librispeech(path, options.get("case", "as-is")),
        {"case": tuple(CASES)},
        found_at=is_librispeech,
    ),
    "librisqa": Layout(
        "LibriSQA",
        _open_librisqa,
        {"case": tuple(CASES), "root": ()},
        found_at=_has_fields("speech_path", "question", "text"),
    ),
    "iemocap": Layout(
        "IEMOCAP",
        _open_iemocap,
        {"excited": tuple(EXCITED), "root": ()},
        found_at=lambda path: is_iemocap(path) or _has_fields("wav", "emo")(path),
    ),
    "mmau": Layout(
        "MMAU",
        _open_mmau,
        {"subset": SUBSETS, "transcripts": (), "root": ()},
        found_at=_has_fields("audio_id", "question", "choices"),
    ),
    "manifest": Layout(
        "Table",
        _open_manifest,
        dict.fromkeys((*FIELDS, "root"), ()) | {"separator": tuple(SEPARATORS)},
        found_at=lambda path: path.is_file() and path.suffix.lower() in SUFFIXES,
    ),
    "hf": Layout(
        "Hugging Face data set",
        _open_hub,
        dict.fromkeys((*FIELDS, "split", "config"), ()),
        found_at=is_saved,
    ),
    "folder": Layout(
        "Folder of recordings",
        lambda path, _: audio_folder(path),
        found_at=Path.is_dir,
    ),
}
"""In the order in which a path is compared with them."""


def parse(spec: str) -> Spec:
    """A user's text as a `Spec`, unchecked."""
    text = spec.strip()
    if text == "demo":
        return Spec("demo")
    layout, colon, rest = text.partition(":")
    if not colon or layout not in LAYOUTS:
        layout, rest = "", text
    with contextlib.suppress(OSError):  # too long for a name, in a folder that may not be read
        if Path(rest).exists():
            return Spec(layout, rest)
    path, _, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    return Spec(layout, path, options)


def recognise(path: Path) -> str:
    """The layout that a path seems to have.

    Raises
    ------
    InputError
        If there is nothing, or nothing that is known.
    """
    if not path.exists():
        raise InputError(
            f"'{path}' does not exist, expected 'demo', a folder, a table, or LAYOUT:PATH with "
            f"LAYOUT one of {', '.join(LAYOUTS)}; check the path"
        )
    for name, layout in LAYOUTS.items():
        if layout.found_at(path):
            return name
    raise InputError(
        f"'{path}' is no data set that is known, expected a folder or a table "
        f"({', '.join(SUFFIXES)}); name the layout before it, as in manifest:{path}"
    )


def open_source(spec: str, roots: Sequence[Path] | None = None) -> DataSet:
    """The data set that a user names.

    Parameters
    ----------
    spec : "demo", a path, or LAYOUT:PATH?OPTION=VALUE&... with a layout of `LAYOUTS`.
    roots : folders that the path must lie in; None for a user who may read anything anyway (the
        command line).

    Raises
    ------
    InputError
        If there is no such data set, or it lies outside the roots.
    """
    named = parse(spec)
    if named.layout == "demo":
        return demo()
    if not named.path:
        raise InputError(f"no data set is named in {spec!r}, expected 'demo' or a path; name one")
    try:
        return _opened(named, _at_home(named.path), spec, roots)
    except OSError as error:  # in a folder that may not be read, a name that is too long
        raise InputError(
            f"{named.path[:200]!r} cannot be looked at ({error.strerror or error}), expected a "
            "data set that this user may read; check the path and its permissions"
        ) from error


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(
            f"{path[:200]!r} names the home of a user who is not there; write the whole path"
        ) from error


def _opened(named: Spec, path: Path, spec: str, roots: Sequence[Path] | None) -> DataSet:
    on_hub = named.layout == "hf" and not path.exists()
    if roots is not None and not on_hub:
        for place in (path, *_places(path, named.options)):
            check_allowed(place, roots)
    layout_name = named.layout or recognise(path)
    layout = LAYOUTS[layout_name]
    unknown = [name for name in named.options if name not in layout.options]
    if unknown:
        raise InputError(
            f"'{layout_name}:' has no option {unknown[0]!r}, expected "
            f"{', '.join(layout.options) or 'none at all'}; correct {spec!r}"
        )
    if not path.exists() and not on_hub:
        raise InputError(f"'{path}' does not exist, expected a data set; check the path")
    return layout.open(path, named.options)


def _places(path: Path, options: Options) -> list[Path]:
    """The options that are paths."""
    found = (_beside(path, options, name) for name in ("root", "transcripts"))
    return [place for place in found if place is not None]


def check_allowed(path: Path, roots: Sequence[Path]) -> None:
    """Refuse a path outside the folders that the server opens to its users.

    Raises
    ------
    InputError
        If it is outside all of them, links followed.
    """
    try:
        inside = any(path.resolve().is_relative_to(root.resolve()) for root in roots)
    except (OSError, ValueError, RuntimeError):  # a loop of links, a null character
        inside = False
    if not inside:
        raise InputError(
            f"'{path}' lies outside the folders that this server opens, expected a path in one of "
            "ALAS_DATA_ROOTS; ask who runs the server to add it"
        )


def data_roots() -> tuple[Path, ...]:
    """The folders in `ALAS_DATA_ROOTS` (parted as PATH is) that exist."""
    named = os.environ.get("ALAS_DATA_ROOTS", "").split(os.pathsep)
    return tuple(path for name in named if name.strip() and (path := Path(name)).is_dir())
