"""Data sets: one contract, lists that lie, and paths that lead out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from alas_core import datasets
from alas_core.datasets import Row, UtteranceFolder, path_inside
from alas_core.datasets.manifest import read_choices
from alas_core.errors import InputError
from alas_core.null import wrong_transcripts
from alas_core.reference import get_aligner
from alas_core.words import split_words
from tests import layouts

FIXTURE = Path(__file__).parent / "data" / "utterances"


@pytest.fixture(params=["demo", "upload", *layouts.BUILDERS])
def data(request, tmp_path, monkeypatch):
    if request.param == "demo":
        return datasets.demo()
    if request.param == "upload":
        raw = layouts.sound(tmp_path / "a.wav").read_bytes()
        return datasets.uploaded({"a.wav": raw, "a.txt": b"hello there"})
    if request.param == "hub":
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    return datasets.open_source(layouts.BUILDERS[request.param](tmp_path))


# One contract for every data set


def test_rows_name_utterances_that_load(data):
    rows = data.ids()
    assert rows
    assert all(problem.column == "emotion" for problem in data.problems()), "of IEMOCAP only"
    assert len({row.id for row in rows}) == len(rows)
    for row in rows[:3]:
        utterance = data.load(row.id)
        assert (utterance.id, utterance.transcript) == (row.id, row.transcript)
        assert utterance.task == row.task
        assert split_words(utterance.transcript)
        assert utterance.audio.sample_rate == 16_000
        if row.duration_s is not None:
            assert utterance.audio.duration_s == pytest.approx(row.duration_s, abs=0.01)
        with pytest.raises(TypeError):
            utterance.meta["speaker"] = "somebody else"


def test_a_list_is_light(data, monkeypatch):
    monkeypatch.setattr("alas_core.audio.decode", None)
    assert data.ids() is data.ids()
    assert data.name


def test_loading_twice_gives_the_same(data):
    first = data.ids()[0].id
    assert data.load(first).audio.sha == data.load(first).audio.sha


def test_the_pool_holds_words_to_cut_from(data):
    pool = data.pool()
    assert len(pool) >= 2
    assert all(split_words(sentence) for sentence in pool)
    assert wrong_transcripts(data.ids()[0].transcript, pool, 5)


@pytest.mark.parametrize("name", ["nobody", "", "../demo-001"])
def test_an_unknown_utterance_is_an_input_error(data, name):
    with pytest.raises(InputError, match="no utterance"):
        data.load(name)
    with pytest.raises(InputError, match="no utterance"):
        data.reference_path(name)


def test_the_files_of_word_times_place_every_word(data):
    for row in data.ids()[:3]:
        utterance, path = data.load(row.id), data.reference_path(row.id)
        if path is not None:
            aligner = get_aligner(str(path))
            assert aligner.align(utterance.audio, utterance.transcript).unplaced == ()


def test_the_words_of_the_demo_are_not_in_its_pool():
    data = datasets.demo()
    assert not set(data.pool()) & {row.transcript for row in data.ids()}
    assert all(data.reference_path(row.id) for row in data.ids())


# The folder


def test_all_fields_of_an_utterance():
    data = UtteranceFolder(FIXTURE, "Fixture")
    assert data.name == "Fixture"
    assert data.ids()[1] == Row(
        "herons", "we counted nine herons beside the river", "count", "flite:slt", "clean", 2.741
    )
    herons = data.load("herons")
    assert (herons.instruction, herons.choices, herons.answer) == (
        "how many",
        ("eight", "nine"),
        "nine",
    )
    assert herons.meta["label count"] == "nine"
    assert herons.meta["voice"] == "flite:slt"
    assert herons.meta["voice_heard_in_training"] is False
    with pytest.raises(TypeError):
        herons.meta["voice"] = "other"
    assert data.pool() == (
        "our neighbours painted their door green",
        "the soup was far too salty",
    )


def folder(path, *lines, pool=None):
    path.mkdir(exist_ok=True)
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (path / "utterances.jsonl").write_text(text, encoding="utf-8")
    sf.write(path / "a.wav", 0.1 * np.sin(np.arange(8_000)), 16_000)
    if pool is not None:
        (path / "sentences.txt").write_text(pool)
    return UtteranceFolder(path, "Test")


def entry(name="a", **more):
    return {"id": name, "file": "a.wav", "transcript": "one word", **more}


def test_only_id_file_and_transcript_are_needed(tmp_path):
    data = folder(
        tmp_path, entry(), "", entry("b", transcript="\u2028 separators"), pool="one\ntwo"
    )
    assert data.ids() == (Row("a", "one word"), Row("b", "\u2028 separators"))
    found = data.load("a")
    assert (found.task, found.instruction, found.answer) == ("transcribe", "", None)
    assert (found.choices, found.meta) == ((), {})
    assert data.pool() == ("one", "two")
    assert data.reference_path("a") is None


def test_odd_values_do_no_harm(tmp_path):
    data = folder(
        tmp_path,
        entry(choices="yes", labels=[1], duration_s="long", answer=3, note=None, deep={"a": [1]}),
    )
    assert data.ids()[0].duration_s is None
    found = data.load("a")
    assert (found.choices, found.answer) == ((), "3")
    assert found.meta == {"duration_s": "long", "deep": '{"a": [1]}'}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([entry(), "{"], "line 2"),
        ([entry(), "[1]"], "line 2"),
        ([entry(), "[" * 100_000], "line 2"),
        ([entry(), {"id": "a", "file": "a.wav"}], "line 2, column 'transcript'"),
        ([entry(), entry(7)], "line 2, column 'id'"),
        ([entry(), entry()], "line 2, column 'id': the id 'a' is already that of line 1"),
        ([entry(), entry("b", file="b.wav")], "line 2, column 'file': the file 'b.wav' does not"),
    ],
)
def test_a_bad_line_is_listed_and_the_others_stay(tmp_path, lines, says):
    data = folder(tmp_path, *lines)
    assert [row.id for row in data.ids()] == ["a"]
    (problem,) = data.problems()
    assert says in str(problem)
    assert data.load("a").audio.duration_s == 0.5


def test_a_missing_or_foreign_list(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read \(No such file.*check that it is there"):
        UtteranceFolder(tmp_path, "Test").ids()
    (tmp_path / "utterances.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        UtteranceFolder(tmp_path, "Test").ids()


def test_what_was_left_out_says_so_when_it_is_asked_for(tmp_path):
    with pytest.raises(InputError, match="left the utterance 'a' out: line 1, column 'file'"):
        folder(tmp_path, entry(file="b.wav")).load("a")


@pytest.mark.parametrize(
    "file", ["../outside.wav", "/etc/hostname", "x/../../outside.wav", "link.wav", "loop", "a\0b"]
)
def test_no_path_leads_out_of_the_folder(tmp_path, file):
    inside = tmp_path / "inside"
    data = folder(inside, entry(file=file))
    sf.write(tmp_path / "outside.wav", np.zeros(8_000), 16_000)
    (inside / "link.wav").symlink_to(tmp_path / "outside.wav")
    (inside / "loop").symlink_to(inside / "loop")
    with pytest.raises(InputError):
        data.load("a")
    if file not in ("loop", "a\0b"):
        with pytest.raises(InputError, match="inside"):
            path_inside(inside, file, "a test")


def test_links_within_the_folder_are_followed(tmp_path):
    data = folder(tmp_path, entry(file="link.wav"))
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    assert data.load("a").audio.duration_s == 0.5


def test_an_id_cannot_reach_another_reference(tmp_path):
    inside = tmp_path / "inside"
    data = folder(inside, entry("../../secret"))
    (tmp_path / "secret.json").write_text("[]")
    with pytest.raises(InputError, match="inside"):
        data.reference_path("../../secret")


def test_plain_sentences_are_many_and_short():
    sentences = datasets.plain_sentences()
    assert len(sentences) >= 200
    assert len(set(sentences)) == len(sentences)
    assert all(3 <= len(split_words(sentence)) <= 20 for sentence in sentences)


@pytest.mark.parametrize(
    ("cell", "choices"),
    [
        ('["Yes", "No"]', ("Yes", "No")),
        ("['It\\'s so', \"No\"]", ("It's so", "No")),
        ('{"A": "Yes", "B": "No"}', ("Yes", "No")),
        ("{'A': 'Yes', 'B': 'No'}", ("Yes", "No")),
        ("Yes|No", ("Yes", "No")),
        ("[not a list", ("[not a list",)),
        ("[__import__('os').abort()]", ("[__import__('os').abort()]",)),
        ("[" * 9999, ("[" * 9999,)),
        (None, ()),
    ],
)
def test_options_are_read_as_json_as_python_prints_them_and_parted_by_bars(cell, choices):
    assert read_choices(cell) == choices
