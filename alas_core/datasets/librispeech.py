"""LibriSpeech as OpenSLR ships it: `dev-clean/84/121123/84-121123.trans.txt` and FLAC beside it.

The folder may be the corpus, a split, a speaker or a chapter. Word times from the Montreal Forced
Aligner, unpacked into the same folders, are found. MLS and LibriLight lie differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from alas_core.datasets.base import Problem, path_inside, read_text
from alas_core.datasets.folder import walk
from alas_core.datasets.listing import Entry, Listed
from alas_core.errors import InputError

_WORDS = ".trans.txt"
CASES: Mapping[str, Callable[[str], str]] = {"as-is": str, "lower": str.lower}
"""What can be done to the transcripts, which are all in capitals."""


def librispeech(root: Path, case: str = "as-is") -> Listed:
    """The data set of a LibriSpeech folder.

    Parameters
    ----------
    root : Path
    case : a name in `CASES`. In capitals most tokenizers cut words into many tokens.
    """
    check_case(case)
    return Listed(f"LibriSpeech {root.name}", root, lambda: _entries(root, case))


def check_case(case: str) -> None:
    """`InputError` if there is no such treatment of capitals."""
    if case not in CASES:
        raise InputError(f"case is {case!r}, expected {' or '.join(CASES)}; choose one of them")


def is_librispeech(root: Path) -> bool:
    """Whether a folder, or one of the first folders in it, holds a `.trans.txt`."""
    folder = root
    for _ in range(5):
        if not folder.is_dir():
            return False
        if any(folder.glob(f"*{_WORDS}")):
            return True
        folder = next((inner for inner in sorted(folder.iterdir()) if inner.is_dir()), root / "?")
    return False


def _entries(root: Path, case: str) -> Iterator[Entry | Problem]:
    files = walk(root)
    speakers = read_speakers(root)
    lists = [name for name in files if name.endswith(_WORDS)]
    if not lists:
        raise InputError(
            f"'{root}' holds no file that ends in {_WORDS}, expected LibriSpeech's folders "
            "(speaker/chapter); choose the folder that was unpacked"
        )
    sounds = {
        PurePosixPath(name).with_suffix("").as_posix(): name
        for name in files
        if name.endswith((".flac", ".wav"))
    }
    for name in lists:
        for entry in _chapter(root, name, sounds, speakers, case):
            if isinstance(entry, Entry):
                sounds.pop(PurePosixPath(str(entry.audio)).with_suffix("").as_posix(), None)
            yield entry
    for name in sounds.values():
        yield Problem(f"'{name}'", "", f"no {_WORDS} has a line for it; add the line")


def _chapter(
    root: Path,
    name: str,
    sounds: Mapping[str, str],
    speakers: Mapping[str, Mapping[str, str]],
    case: str,
) -> Iterator[Entry | Problem]:
    folder = PurePosixPath(name).parent
    try:
        text = read_text(path_inside(root, name, "the folder"))
    except InputError as error:
        yield Problem(f"'{name}'", "", str(error))
        return
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"line {number} of '{name}'"
        utterance_id, _, words = line.strip().partition(" ")
        if not utterance_id:
            continue
        speaker, _, rest = utterance_id.partition("-")
        stem = (folder / utterance_id).as_posix()
        yield Entry(
            where=where,
            id=utterance_id,
            audio=sounds.get(stem, f"{stem}.flac"),
            transcript=CASES[case](words.strip()),
            speaker=speaker,
            reference=f"{stem}.TextGrid",
            meta={"chapter": rest.partition("-")[0], **speakers.get(speaker, {})},
        )


def read_speakers(root: Path) -> dict[str, dict[str, str]]:
    """Sex and subset of the readers in SPEAKERS.TXT, of the folder or the one it lies in.

    Lines are `id | sex | subset | minutes | name`; a semicolon starts a comment, and a name may
    hold a bar. A file that is missing is no error: only these columns are.
    """
    path = next((p for p in (root, root.parent) if (p / "SPEAKERS.TXT").is_file()), None)
    if path is None:
        return {}
    cells = (
        [cell.strip() for cell in line.split("|")]
        for line in read_text(path / "SPEAKERS.TXT").splitlines()
        if not line.startswith(";")
    )
    return {row[0]: {"sex": row[1], "subset": row[2]} for row in cells if len(row) >= 3}
