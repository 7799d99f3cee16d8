"""Bad input in data sets: a bad row is named and left out, a bad recording fails alone."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
import soundfile as sf

from alas_core import datasets
from alas_core.audio import READABLE, SAMPLE_RATE
from alas_core.datasets.base import Problem
from alas_core.datasets.manifest import manifest
from alas_core.errors import InputError
from alas_core.ui.several import take
from alas_core.ui.shelf import on_shelf
from tests.layouts import WORDS, sound, textgrid


def only_problem(data) -> str:
    (problem,) = data.problems()
    return str(problem)


def table(path, *rows, columns=("audio", "text"), separator=","):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator).writerows([columns, *rows])
    return manifest(path)


# Folders and recordings


def test_an_empty_folder_holds_no_utterance(tmp_path):
    data = datasets.open_source(f"folder:{tmp_path}")
    assert (data.ids(), data.problems()) == ((), ())
    assert data.pool()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.wav", b"", "'a.wav': the file 'a.wav' is empty (0 bytes)"),
        ("a.m4a", b"\0\0\0\x20ftypM4A ", "'a.m4a': the file 'a.m4a' is m4a, which the decoder"),
    ],
)
def test_what_can_be_seen_of_a_file_is_said_in_the_list(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "a.txt").write_text("hello")
    sound(tmp_path / "b.wav")
    (tmp_path / "b.txt").write_text("hello there")
    data = datasets.open_source(str(tmp_path))
    assert [row.id for row in data.ids()] == ["b"]
    assert only_problem(data).startswith(says)
    if name == "a.m4a":
        assert f"expected {READABLE}; convert it" in only_problem(data)


def recording(kind: str) -> bytes:
    rng = np.random.default_rng(0)
    rate, seconds, channels = {
        "8 channels": (16_000, 1, 8),
        "96 kHz": (96_000, 1, 1),
        "10 minutes": (8_000, 600, 1),
    }.get(kind, (16_000, 1, 1))
    samples = 0.1 * rng.normal(size=(rate * seconds, channels))
    if kind == "silent":
        samples[:] = 0
    stream = io.BytesIO()
    sf.write(stream, samples.clip(-1, 1), rate, format="WAV")
    raw = stream.getvalue()
    if kind == "text":
        return b"this is a letter, not a recording\n" * 20
    return raw[: len(raw) // 2] if kind == "truncated" else raw


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("text", "cannot be read as audio"),
        ("10 minutes", "lasts 600.0 s, expected at most 300 s"),
        ("truncated", "The file says 1.0 s but holds 0.5 s"),
        ("silent", "The recording is silent"),
        ("8 channels", "Mixed 8 channels down to one"),
        ("96 kHz", "Resampled from 96 kHz to 16 kHz"),
    ],
)
def test_an_odd_recording_fails_alone_or_says_what_was_done(tmp_path, kind, says):
    (tmp_path / "odd.wav").write_bytes(recording(kind))
    sound(tmp_path / "good.wav")
    for name in ("odd", "good"):
        (tmp_path / f"{name}.txt").write_text("hello there")
    data = datasets.open_source(str(tmp_path))
    assert data.load("good").audio.notes == ()
    if kind in ("text", "10 minutes"):
        with pytest.raises(InputError, match=says):
            data.load("odd")
    else:
        loaded = data.load("odd").audio
        assert says in " ".join(loaded.notes)
        assert loaded.sample_rate == SAMPLE_RATE


# Transcripts


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "holds no word"),
        ("  ", "holds no word"),
        ("?! ... --", "holds no word"),
        ("🙂🎉", "holds no word"),
        ("word " * 5_000, "has 5000 words, expected at most 1000"),
    ],
)
def test_a_transcript_that_cannot_be_spoken_is_left_out(tmp_path, words, says):
    sound(tmp_path / "a.wav")
    data = table(tmp_path / "list.csv", ["a.wav", words], ["a.wav", "hello there"])
    assert len(data.ids()) == 1
    assert only_problem(data).startswith("line 2, column 'text': the transcript")
    assert says in only_problem(data)


@pytest.mark.parametrize(
    "words",
    [
        "مرحبا بكم في بيتنا",
        "so 🙂 happy",
        "<img src=x onerror=alert(1)> hello",
        "=cmd|'/C calc'!A0",
    ],
)
def test_odd_words_stay_what_they_are(tmp_path, words):
    sound(tmp_path / "a.wav")
    data = table(tmp_path / "list.csv", ["a.wav", words])
    assert data.problems() == ()
    assert data.load("a").transcript == words


# Tables


def test_an_id_that_comes_twice_is_said_with_both_lines(tmp_path):
    sound(tmp_path / "a.wav")
    rows = [["x", "a.wav", "hello there"], ["x", "a.wav", "good bye"]]
    data = table(tmp_path / "list.csv", *rows, columns=("id", "audio", "text"))
    assert "line 3, column 'id': the id 'x' is already that of line 2" in only_problem(data)


def test_a_column_that_is_missing_names_those_that_are_there(tmp_path):
    with pytest.raises(
        InputError, match=r"no column that looks like 'text'.*audio, sentenze"
    ) as told:
        table(tmp_path / "list.csv", ["a.wav", "x"], columns=("audio", "sentenze")).ids()
    example = str(told.value).rpartition("as in ")[2].replace("COLUMN", "sentenze")
    assert example == f"manifest:{tmp_path / 'list.csv'}?text=sentenze"
    (problem,) = datasets.open_source(example).problems()
    assert "'a.wav' does not exist" in str(problem)
    with pytest.raises(InputError, match="no column 'words' for 'text'"):
        manifest(tmp_path / "list.csv", {"text": "words"}).ids()
    with pytest.raises(InputError, match="no field 'colour'"):
        manifest(tmp_path / "list.csv", {"colour": "audio"}).ids()


@pytest.mark.parametrize(("separator", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_a_wrong_separator_is_recognised(tmp_path, separator, name):
    sound(tmp_path / "a.wav")
    data = table(tmp_path / "list.csv", ["a.wav", "hello there"], separator=separator)
    with pytest.raises(InputError, match=f"another separator: choose {name}"):
        data.ids()
    chosen = datasets.open_source(f"manifest:{tmp_path / 'list.csv'}?separator={name}")
    assert [row.transcript for row in chosen.ids()] == ["hello there"]
    with pytest.raises(InputError, match="the separator is 'colon'"):
        datasets.open_source(f"manifest:{tmp_path / 'list.csv'}?separator=colon").ids()


@pytest.mark.parametrize(
    "path", ["../secret.wav", "{outside}/secret.wav", "link.wav", "no.wav", ""]
)
def test_no_row_reaches_outside_its_folder(tmp_path, path):
    inside = tmp_path / "inside"
    sound(tmp_path / "secret.wav")
    sound(inside / "a.wav")
    (inside / "link.wav").symlink_to(tmp_path / "secret.wav")
    named = path.format(outside=tmp_path)
    data = table(inside / "list.csv", [named, "hello there"], ["a.wav", "good bye"])
    assert [row.transcript for row in data.ids()] == ["good bye"]
    assert only_problem(data).startswith("line 2, column 'audio'")
    expected = "does not exist" if path in ("no.wav", "") else "expected a path inside"
    assert expected in only_problem(data)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("list.csv", b"", "has no header|holds no row"),
        ("list.csv", b"audio,text\n", "holds no row"),
        ("list.csv", b"audio,text,audio\nx,y,z\n", "several columns named 'audio'"),
        (
            "list.csv",
            "audio,text\na.wav,caf\xe9\n".encode("latin-1"),
            "byte 20 .* it again as UTF-8",
        ),
        ("list.json", b"{]", "is no JSON"),
        ("list.json", b"3", "expected a list of objects"),
        ("list.parquet", b"PAR1 not really", "cannot be read as Parquet"),
        ("list.xlsx", b"PK", "no known kind of list"),
    ],
)
def test_a_table_that_cannot_be_read_is_an_input_error(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        datasets.open_source(f"manifest:{tmp_path / name}").ids()


def test_rows_of_other_lengths_and_kinds_are_left_out(tmp_path):
    sound(tmp_path / "a.wav")
    (tmp_path / "list.csv").write_text("audio,text\na.wav,hello, you\na.wav,hello you\n")
    data = datasets.open_source(str(tmp_path / "list.csv"))
    assert "line 2: it has 3 cells, expected 2" in only_problem(data)
    rows = [{"audio": "a.wav", "text": 3}, {"audio": "a.wav", "text": "hello"}, [1]]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n{")
    data = datasets.open_source(f"manifest:{tmp_path / 'list.jsonl'}")
    assert [str(problem)[:30] for problem in data.problems()] == [
        "line 1, column 'text': it is '",
        "line 3: it is '[1]', expected ",
        "line 4: it is no JSON (Expecti",
    ]
    assert len(data.ids()) == 1


def test_a_row_is_named_by_its_id_and_its_reason_repeats_no_name(tmp_path):
    sound(tmp_path / "a.wav")
    rows = [
        ("x", "no.wav", "hello"),
        ("y", "a.wav", "?!"),
        ("", "a.wav", "hello"),
        ("z", "no.wav", "hello"),
        ("z", "a.wav", "hello"),
    ]
    data = table(tmp_path / "list.csv", *rows, columns=("id", "audio", "text"))
    assert [row.id for row in data.ids()] == ["z"]
    assert [(problem.name, problem.told.partition(": ")[0]) for problem in data.problems()] == [
        ("x", "line 2, column 'audio'"),
        ("y", "line 3, column 'text'"),
        ("line 4", "column 'id'"),
        ("line 5", "column 'audio'"),
    ]


@pytest.mark.parametrize(
    ("where", "name"), [("'talk.wav'", "talk.wav"), ("line 3 of 'a.txt'", "line 3 of 'a.txt'")]
)
def test_a_row_without_an_id_is_named_by_where_it_stands(where, name):
    problem = Problem(where, "emotion", "it is another one")
    assert (problem.name, problem.told) == (name, "column 'emotion': it is another one")


def test_a_file_is_named_once_and_has_no_columns(tmp_path):
    for name in ("one", "two", "three"):
        sound(tmp_path / "more" / f"{name}.wav")
    (tmp_path / "more" / "one.txt").write_text("?!")
    (tmp_path / "more" / "two.lab").write_bytes(b"\xff\xfe")
    problems = datasets.open_source(f"folder:{tmp_path}").problems()
    assert {problem.name: problem.told[:32] for problem in problems} == {
        "more/one": "the transcript '?!' holds no wor",
        "more/three": "no words stand beside it, expect",
        "more/two": "its words cannot be read: 'more/",
    }
    assert {problem.column for problem in problems} == {""}


@pytest.mark.parametrize(
    ("name", "columns", "row", "field"),
    [
        ("manifest", ("audio", "text"), {"audio": "a.wav"}, "text"),
        ("librisqa", ("speech_path", "text"), {"question": "Who?", "text": "hello"}, "speech_path"),
        ("librisqa", (), {"question": None, "text": "hello", "speech_path": "a.wav"}, "question"),
        ("mmau", (), {"question": "Who?"}, "audio_id"),
        ("iemocap", (), {"emo": "neu"}, "wav"),
    ],
)
def test_a_value_that_is_missing_is_not_called_none(tmp_path, name, columns, row, field):
    whole = dict.fromkeys(columns, "x")
    (tmp_path / "list.json").write_text(json.dumps([{**row, "task": "speech"}, whole]))
    problem = datasets.open_source(f"{name}:{tmp_path / 'list.json'}").problems()[0]
    assert (problem.where, problem.column) == ("entry 1", field)
    assert problem.reason.startswith("it is missing, expected a ")


# Several files at once


def test_uploads_are_paired_by_name(tmp_path):
    raw = sound(tmp_path / "a.wav").read_bytes()
    files = {
        "one.wav": raw,
        "one.txt": WORDS["one"].encode(),
        "two.wav": raw,
        "two.TextGrid": textgrid(WORDS["two"]).encode(),
        "three.wav": raw,
        "four.txt": b"no sound",
        "five.wav": raw,
        "five.txt": b"\xff\xfe",
        "six.wav": b"only text " * 99,
        "six.txt": WORDS["one"].encode(),
    }
    ids, problems = take(files)
    held = [on_shelf(one, "recording") for one in ids]
    assert [(r.name, r.transcript) for r in held] == [
        ("one.wav", WORDS["one"]),
        ("two.wav", WORDS["two"]),
    ]
    assert [bool(r.reference) for r in held] == [False, True]
    assert on_shelf(held[1].reference, "reference file").name == "two.TextGrid"
    assert len(problems) == 3
    assert problems[0].startswith("'three.wav': no words stand beside it, expected 'three.txt', ")
    assert "'three.lab' or 'three.TextGrid' with what is said; add one" in problems[0]
    assert "'five.wav': its words cannot be read: 'five.txt': it is no UTF-8 text" in problems[1]
    assert "six.wav cannot be read as audio" in problems[2]


def test_uploads_without_sound_or_too_large_say_so(monkeypatch):
    assert take({"a.txt": b"hello"})[1] == [
        "none of the files is sound, expected at least one recording with its words"
    ]
    monkeypatch.setattr("alas_core.ui.several.MAX_SHELF_BYTES", 2**20)
    ids, (problem,) = take({"a.wav": bytes(2**21)})
    assert (ids, problem[:36]) == ([], "the files have 2 MB together, expect")


def test_an_upload_with_longer_words_than_any_recording_has_is_left_out(tmp_path):
    sound(tmp_path / "a.wav")
    files = {"a.wav": (tmp_path / "a.wav").read_bytes(), "a.txt": b"long" * 2000}
    ids, (problem,) = take(files)
    assert not ids
    assert "the transcript of 'a.wav' has 8,000 characters, expected at most 5,000" in problem
