"""IEMOCAP: the release's folders, or the JSON that SpeechBrain's recipe makes of them.

Release: `Session1/dialog/transcriptions/Ses01F_impro01.txt`, the emotions of its turns in
`dialog/EmoEvaluation/`, their sound in `sentences/wav/Ses01F_impro01/`, their word times beside it
in `sentences/ForcedAlignment/`. Of the eleven labels the four usual classes are kept; whether
"excited" counts as happiness is the user's choice. Turns of other emotions are listed as left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from alas_core import tasks
from alas_core.datasets.base import Problem, path_inside, read_text
from alas_core.datasets.listing import Entry, Listed, Meta
from alas_core.datasets.manifest import as_text
from alas_core.datasets.records import Record, flat_meta, no_text, records
from alas_core.errors import InputError

CODES: Mapping[str, str] = {
    "ang": "anger",
    "hap": "happiness",
    "sad": "sadness",
    "neu": "neutrality",
}
"""The release's codes of the four classes, in the authors' words."""

OTHERS: Mapping[str, str] = {
    "exc": "excited",
    "fru": "frustration",
    "sur": "surprise",
    "fea": "fear",
    "dis": "disgust",
    "oth": "another emotion",
    "xxx": "no agreement among the listeners",
}
"""The release's other codes."""

EXCITED = {"leave": CODES, "merge": {**CODES, "exc": "happiness"}}
"""What becomes of "excited": left out, or counted as happiness (5,531 turns, as is often done)."""

_TURN = re.compile(r"(?P<id>Ses\d\d[FM]_\S+)\s+\[[\d.]+-[\d.]+\]:\s*(?P<words>.*)")
_LABEL = re.compile(
    r"\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\s+(?P<id>\S+)\s+(?P<code>\w+)\s+"
    r"\[(?P<v>[\d.]+), *(?P<a>[\d.]+), *(?P<d>[\d.]+)\]"
)
_NOISE = re.compile(r"\[[A-Z_ ]+\]|\+\+[A-Z_]+\+\+")


def iemocap(path: Path, excited: str = "leave", root: Path | None = None) -> Listed:
    """The data set of an IEMOCAP release, or of a JSON with the fields `wav`, `emo` and `text`.

    Parameters
    ----------
    path : the release's folder (with `Session1`), or a JSON file.
    excited : a name in `EXCITED`.
    root : the release's folder where `path` is a JSON; the JSON's by default.

    Raises
    ------
    InputError
        If `excited` is none of `EXCITED`. The files are first read by who goes through the entries.
    """
    if excited not in EXCITED:
        raise InputError(
            f'excited is {excited!r}, expected {" or ".join(EXCITED)}: whether "excited" counts '
            "as happiness; choose one"
        )
    classes = EXCITED[excited]
    name = f"IEMOCAP ({'excited as happiness' if excited == 'merge' else 'without excited'})"
    if path.is_dir():
        return Listed(name, path, lambda: _release(path, classes), {"audio": "wav"})
    base = root or path.parent
    columns = {"audio": "wav", "transcript": "text"}
    return Listed(name, base, lambda: _json(path, base, classes), columns)


def is_iemocap(path: Path) -> bool:
    """Whether a folder holds the release's sessions."""
    return (path / "Session1" / "dialog" / "EmoEvaluation").is_dir()


def _release(root: Path, classes: Mapping[str, str]) -> Iterator[Entry | Problem]:
    sessions = sorted(folder for folder in root.glob("Session*") if folder.is_dir())
    if not sessions:
        raise InputError(
            f"'{root}' holds no folder Session1, expected the IEMOCAP release; choose the folder "
            "'IEMOCAP_full_release'"
        )
    for session in sessions:
        for path in _texts(session / "dialog" / "EmoEvaluation"):
            words = session / "dialog" / "transcriptions" / path.name
            yield from _dialog(root, session, path, words, classes)


def _texts(folder: Path) -> list[Path]:
    """The dialogs' files; "._Ses..." beside them are left by the Mac that packed the release."""
    return sorted(path for path in folder.glob("Ses*.txt") if path.is_file())


def _dialog(
    root: Path, session: Path, labels: Path, words: Path, classes: Mapping[str, str]
) -> Iterator[Entry | Problem]:
    where = f"'{labels.relative_to(root).as_posix()}'"
    try:
        said = read_turns(path_inside(root, words.relative_to(root).as_posix(), where))
        lines = _read(path_inside(root, labels.relative_to(root).as_posix(), where)).splitlines()
    except InputError as error:
        yield Problem(where, "", str(error))
        return
    folder = session.relative_to(root) / "sentences" / "wav" / labels.stem
    for number, line in enumerate(lines, start=1):
        found = _LABEL.match(line.strip())
        if found is None:
            continue
        turn = f"line {number} of {where}"
        if found["code"] not in classes:
            yield _other(turn, found["id"], found["code"])
            continue
        if found["id"] not in said:
            yield Problem(turn, "", f"'{words.name}' has no words for {found['id']}; add the line")
            continue
        code = found["code"]
        yield _entry(
            turn,
            found["id"],
            (folder / f"{found['id']}.wav").as_posix(),
            said[found["id"]],
            classes[code],
            {
                "session": session.name.removeprefix("Session"),
                "emotion_code": code,
                "valence": float(found["v"]),
                "activation": float(found["a"]),
                "dominance": float(found["d"]),
            },
        )


def _other(where: str, turn: str, code: str) -> Problem:
    remedy = "; excited=merge counts it as happiness" if code == "exc" else ""
    named = f"{code!r} ({OTHERS[code]})" if code in OTHERS else repr(code[:20])
    reason = f"{turn} is {named}, expected one of the four classes {', '.join(CODES.values())}"
    return Problem(where, "emotion", reason + remedy)


def read_turns(path: Path) -> dict[str, str]:
    """Words of a dialog's turns, marks such as [LAUGHTER] taken out: they are not spoken."""
    matches = (_TURN.match(line.strip()) for line in _read(path).splitlines())
    return {
        found["id"]: " ".join(_NOISE.sub(" ", found["words"]).split()) for found in matches if found
    }


def _read(path: Path) -> str:
    """Text of the release: UTF-8, or the Windows encoding of a few of its files."""
    try:
        return read_text(path)
    except InputError:
        try:
            return path.read_text(encoding="cp1252", errors="replace")
        except OSError as error:
            raise InputError(
                f"'{path.name}' cannot be read ({error.strerror or error}), expected the words or "
                "labels of a dialog; unpack the release again"
            ) from error


def _entry(where: str, turn: str, audio: str, words: str, label: str, meta: Meta) -> Entry:
    task = tasks.TASKS[tasks.EMOTION]
    return Entry(
        where=where,
        id=turn,
        audio=audio,
        transcript=words,
        task=task.name,
        instruction=tasks.instruction(task.template, choices=tasks.EMOTIONS),
        choices=tasks.EMOTIONS,
        answer=label,
        speaker=_speaker(turn),
        reference=_word_times(audio),
        meta={"label": label, **meta},
    )


def _word_times(audio: str) -> str | None:
    """Where the release has the word times of a sound; a few turns have none."""
    *above, folder, dialog, name = PurePosixPath(audio).parts if audio.count("/") > 1 else ("",) * 3
    if folder != "wav":
        return None
    return PurePosixPath(*above, "ForcedAlignment", dialog, name).with_suffix(".wdseg").as_posix()


def _speaker(turn: str) -> str:
    """Session and sex, which name one of the ten actors: "Ses01F_impro01_M002" -> "Ses01M".

    The letter behind the session only says who wore the markers.
    """
    first, _, last = turn.partition("_")[0], "", turn.rpartition("_")[2]
    return f"{first[:5]}{last[:1]}" if last[:1] in ("F", "M") else first


def _json(path: Path, root: Path, classes: Mapping[str, str]) -> Iterator[Entry | Problem]:
    for where, record in records(path):
        if isinstance(record, Problem):
            yield record
        elif (code := as_text(record.get("emo"))) in (*classes, *CODES.values()):
            yield _from_record(where, record, root, classes)
        else:
            yield _other(where, as_text(record.get("id")) or "the entry", code)


def _from_record(
    where: str, record: Record, root: Path, classes: Mapping[str, str]
) -> Entry | Problem:
    if not isinstance(record.get("wav"), str):
        return Problem(where, "wav", no_text(record.get("wav"), "entry", "a path"))
    audio = _inside_release(record["wav"])
    turn = as_text(record.get("id")) or PurePosixPath(audio).stem
    code = as_text(record["emo"])
    words = as_text(record.get("text") or record.get("transcript"))
    if not words:
        words = _words_beside(root, audio, turn)
    rest = {k: v for k, v in record.items() if k not in ("id", "wav", "emo", "text", "transcript")}
    return _entry(
        where, turn, audio, words, classes.get(code, code), flat_meta({"emotion_code": code} | rest)
    )


def _inside_release(named: str) -> str:
    """The path from "Session" on: the JSON's own root is another machine's, or a placeholder."""
    inner = PurePosixPath(named.replace("{data_root}", "."))
    start = next(
        (k for k, part in enumerate(inner.parts) if re.fullmatch(r"Session\d", part)), None
    )
    return inner.as_posix() if start is None else PurePosixPath(*inner.parts[start:]).as_posix()


def _words_beside(root: Path, audio: str, turn: str) -> str:
    """The transcript in the release, for a JSON without one."""
    parts = PurePosixPath(audio).parts
    if len(parts) < 2:
        return ""
    try:
        return read_turns(
            root / parts[0] / "dialog" / "transcriptions" / f"{turn.rpartition('_')[0]}.txt"
        ).get(turn, "")
    except InputError:
        return ""
