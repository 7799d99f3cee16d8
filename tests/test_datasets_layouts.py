"""What each layout makes of the quirks of its published form, and how one is named and found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from alas_core import datasets, tasks
from alas_core.audio import READABLE
from alas_core.datasets import discovery, opening
from alas_core.datasets.hub import HubTable, hub
from alas_core.datasets.manifest import as_text, guess, preview
from alas_core.datasets.opening import parse, recognise
from alas_core.errors import InputError
from alas_core.reference import get_aligner
from alas_core.response_filter import expected_answer, judge_answers
from tests import layouts
from tests.layouts import WORDS, sound


def opened(builder, root: Path, more: str = ""):
    return datasets.open_source(builder(root) + more)


# How a data set is named


@pytest.mark.parametrize(
    ("text", "layout", "path", "options"),
    [
        ("demo", "demo", "", {}),
        ("folder:/data/x", "folder", "/data/x", {}),
        ("/data/a:b", "", "/data/a:b", {}),
        ("manifest:a.csv?audio=the+sound&text=x", "manifest", "a.csv", {"audio": "the sound"}),
        ("hf:owner/name?split=test", "hf", "owner/name", {"split": "test"}),
    ],
)
def test_a_name_is_taken_apart(text, layout, path, options):
    spec = parse(text)
    assert (spec.layout, spec.path) == (layout, path)
    assert options.items() <= spec.options.items()
    assert parse(str(spec)) == spec or not layout


def test_a_path_may_hold_a_question_mark(tmp_path):
    odd = tmp_path / "what?x=1"
    layouts.folder(odd)
    assert len(datasets.open_source(f"folder:{odd / 'data'}").ids()) == 3


@pytest.mark.parametrize(
    ("builder", "layout"),
    [
        (layouts.folder, "folder"),
        (layouts.manifest_nemo, "manifest"),
        (layouts.manifest_csv, "manifest"),
        (layouts.librispeech, "librispeech"),
        (layouts.librisqa_part_1, "librisqa"),
        (layouts.iemocap, "iemocap"),
        (layouts.iemocap_json, "iemocap"),
        (layouts.mmau, "mmau"),
        (layouts.hub_audiofolder, "hf"),
        (layouts.hub_parquet, "hf"),
        (layouts.hub_saved, "hf"),
    ],
)
def test_a_path_alone_is_recognised(tmp_path, builder, layout):
    assert recognise(Path(parse(str(builder(tmp_path))).path)) == layout


def test_a_folder_of_the_hubs_parquet_is_opened_by_its_path_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    place = parse(layouts.hub_parquet(tmp_path)).path
    assert [row.id for row in datasets.open_source(place).ids()] == ["a", "b"]
    assert [row.id for row in datasets.open_source(f"{place}?split=test").ids()] == ["a", "b"]
    (tmp_path / "set" / "data" / "test-00000-of-00001.parquet").rename(
        tmp_path / "set" / "x.parquet"
    )
    assert recognise(tmp_path / "set") == "hf"


def test_a_parquet_that_names_files_makes_no_hub_of_its_folder(tmp_path):
    layouts.manifest_parquet(tmp_path)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    assert recognise(tmp_path) == "folder"


@pytest.mark.parametrize(
    ("card", "layout"),
    [
        ("---\nconfigs:\n- config_name: clean\n---\n# Talks\n", "hf"),
        ("---\nlicense: mit\ndataset_info:\n  features: []\n---\n", "hf"),
        ("---\nlicense: mit\n---\nconfigs: none\n", "folder"),
        ("configs: none\n", "folder"),
    ],
)
def test_a_card_with_configurations_makes_a_data_set_of_the_hub(tmp_path, card, layout):
    sound(tmp_path / "clean" / "a.wav")
    (tmp_path / "README.md").write_text(card)
    assert recognise(tmp_path) == layout


def test_the_demo_has_two_names():
    assert datasets.open_source("demo") is datasets.demo()
    folder = Path(__file__).parent / "data" / "utterances"
    assert [row.id for row in datasets.open_source(str(folder)).ids()] == ["bridge", "herons"]


@pytest.mark.parametrize(
    "spec", ["no/such/folder", "folder:no/such", "manifest:no.csv", "", "hm:x"]
)
def test_what_is_not_there_is_an_input_error(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="expected"):
        datasets.open_source(spec).ids()


@pytest.mark.parametrize("spec", ["~nobody-of-this-name/x", "a" * 5000, "folder:" + "a/" * 3000])
def test_a_path_that_cannot_be_looked_at_is_an_input_error(spec):
    with pytest.raises(InputError):
        datasets.open_source(spec)


def test_a_folder_that_may_not_be_read_hides_no_other(tmp_path, monkeypatch):
    sound(tmp_path / "mine" / "a.wav")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "list.json").write_text("[]")
    closed = {tmp_path / "lost+found", tmp_path / "list.json"}
    look = opening.recognise

    def refuse(path):
        if path in closed:
            raise PermissionError(13, "Permission denied")
        return look(path)

    monkeypatch.setattr(discovery, "recognise", refuse)
    assert [found.place for found in discovery.discover([tmp_path])] == [f"{tmp_path.name}/mine"]
    monkeypatch.setattr(opening, "recognise", refuse)
    with pytest.raises(InputError, match=r"cannot be looked at \(Permission denied"):
        datasets.open_source(str(tmp_path / "lost+found"))


@pytest.mark.parametrize(
    ("content", "listed"),
    [
        ([{"file": "a.wav", "text": "hello"}], True),
        ({"a": {"text": "hello", "audio_path": "sounds/a.FLAC"}}, True),
        (
            '{"audio_filepath": "a.wav", "text": "x"}\n{"audio_filepath": "b.wav", "text": "y"}\n',
            True,
        ),
        ('\ufeff[\n  {"path": "a.mp3"}\n]', True),
        ([{"word": "hello", "start_s": 0.1, "end_s": 0.4}], False),
        ([{"file": "model.py", "path": "src"}], False),
        ([{"output": "a.wav"}], False),
        ({"file": "a.wav", "rate": 16_000}, False),
        ("[]", False),
        ("{]", False),
    ],
)
def test_a_json_is_found_where_its_rows_name_sound(tmp_path, content, listed):
    path = tmp_path / "roots" / "m.json"
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    found = [(one.place, one.spec.layout) for one in discovery.discover([path.parent])]
    assert found == ([("roots/m.json", "manifest")] if listed else [])


def test_an_option_of_another_layout_is_refused(tmp_path):
    spec = layouts.folder(tmp_path)
    for named in (spec, spec.removeprefix("folder:")):
        with pytest.raises(InputError, match="'folder:' has no option 'case'"):
            datasets.open_source(f"{named}?case=lower")


def test_only_the_roots_are_open_to_users_of_a_server(tmp_path):
    spec = layouts.folder(tmp_path / "open")
    roots = [tmp_path / "open"]
    assert datasets.open_source(spec, roots).ids()
    sound(tmp_path / "secret" / "a.wav")
    (tmp_path / "open" / "link").symlink_to(tmp_path / "secret")
    for path in ("/etc", tmp_path / "open" / ".." / "secret", tmp_path / "open" / "link"):
        with pytest.raises(InputError, match="outside the folders"):
            datasets.open_source(f"folder:{path}", roots)
    table = tmp_path / "open" / "list.csv"
    table.write_text("audio,text\na.wav,hello there\n")
    with pytest.raises(InputError, match="outside the folders"):
        datasets.open_source(f"manifest:{table}?root=../secret", roots)


def test_the_roots_are_read_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ALAS_DATA_ROOTS", f"{tmp_path}:/no/such/folder:")
    assert datasets.data_roots() == (tmp_path,)
    monkeypatch.delenv("ALAS_DATA_ROOTS")
    assert datasets.data_roots() == ()


# Folder


def test_words_come_from_text_label_or_times(tmp_path):
    data = opened(layouts.folder, tmp_path)
    assert {row.id: row.transcript for row in data.ids()} == {
        "more/three": "only times are here",
        "more/two": WORDS["two"].upper(),
        "one": WORDS["one"],
    }
    assert data.reference_path("one").name == "one.TextGrid"
    assert data.reference_path("more/two") is None
    assert data.load("more/three").audio.notes == ("Resampled from 22.05 kHz to 16 kHz.",)


@pytest.mark.parametrize(
    ("builder", "words"),
    [
        (layouts.folder, "one.txt"),
        (layouts.librispeech, "84-121123.trans.txt"),
        (layouts.iemocap, "transcriptions/Ses01F_impro01.txt"),
    ],
)
def test_words_are_not_read_through_a_link_that_leads_out_of_the_folder(builder, words, tmp_path):
    spec = builder(tmp_path / "inside")
    (file,) = (path for path in tmp_path.rglob(Path(words).name) if path.match(words))
    before = datasets.open_source(spec).ids()
    outside = tmp_path / file.name
    file.rename(outside)
    file.symlink_to(outside)
    data = datasets.open_source(spec)
    assert len(data.ids()) < len(before)
    (told,) = (one for one in data.problems() if "expected a path inside" in one.reason)
    assert file.name in told.reason
    elsewhere = file.with_name("moved.bin")  # a link that stays within is followed, as for sound
    file.unlink()
    outside.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert datasets.open_source(spec).ids() == before


def test_mmau_reads_no_words_through_a_link_that_leads_out_of_the_folder(tmp_path):
    spec = layouts.mmau(tmp_path / "inside")
    before = datasets.open_source(spec).ids()
    for number, file in enumerate(sorted((tmp_path / "inside").rglob("*.txt"))):
        file.symlink_to(file.rename(tmp_path / f"{number}.txt"))
    after = datasets.open_source(spec).ids()
    assert len(after) < len(before)


def test_htk_labels_are_words_with_times(tmp_path):
    sound(tmp_path / "a.wav")
    (tmp_path / "a.lab").write_text("0 1000000 sil\n1000000 3000000 hello\n3000000 5000000 you\n")
    assert datasets.open_source(str(tmp_path)).ids()[0].transcript == "hello you"


def test_two_recordings_of_one_stem_keep_their_endings(tmp_path):
    for ending in ("wav", "flac"):
        sound(tmp_path / f"a.{ending}")
    (tmp_path / "A.TXT").write_text("hello there")
    assert [row.id for row in datasets.open_source(str(tmp_path)).ids()] == ["a.flac", "a.wav"]


@pytest.mark.parametrize("ending", READABLE.replace(" or ", ", ").split(", "))
def test_every_format_that_is_named_is_read(tmp_path, ending):
    noise = np.random.default_rng(0).normal(scale=0.1, size=9_600).clip(-1, 1)
    kind = {"opus": {"format": "OGG", "subtype": "OPUS"}}.get(ending, {"format": ending.upper()})
    sf.write(tmp_path / f"a.{ending}", noise, 16_000, **kind)
    (tmp_path / "a.txt").write_text("hello there")
    data = datasets.open_source(str(tmp_path))
    assert data.load("a").audio.duration_s == pytest.approx(0.6, abs=0.1)


# Tables


@pytest.mark.parametrize(
    ("columns", "field", "column"),
    [
        (["client_id", "path", "sentence"], "audio", "path"),
        (["client_id", "path", "sentence"], "text", "sentence"),
        (["audio_filepath", "duration", "text"], "audio", "audio_filepath"),
        (["file", "audio", "text", "speaker_id", "id"], "audio", "audio"),
        (["File Name", "Transcript"], "audio", "File Name"),
        (["x", "y"], "audio", None),
    ],
)
def test_columns_are_guessed_by_name(columns, field, column):
    assert guess(columns).get(field) == column


def test_a_table_can_be_looked_at_first(tmp_path):
    found = preview(Path(parse(layouts.manifest_csv(tmp_path)).path))
    assert found.columns == ("client_id", "path", "sentence", "up_votes", "age")
    assert found.rows[0]["sentence"] == 'He said, "no".'
    assert found.guess == {"audio": "path", "text": "sentence", "speaker": "client_id"}


def test_what_a_table_says_besides_is_kept(tmp_path):
    data = opened(layouts.manifest_csv, tmp_path)
    first = data.load("common_voice_en_1")
    assert first.meta == {"speaker": "a1", "up_votes": "2", "age": ""}
    assert data.name == "validated"


def test_columns_of_ones_own_are_mapped(tmp_path):
    data = opened(layouts.manifest_parquet, tmp_path)
    assert [row.id for row in data.ids()] == ["0", "1"]


def test_questions_options_and_answers_of_a_table(tmp_path):
    sound(tmp_path / "a.wav")
    path = tmp_path / "qa.csv"
    path.write_text(
        "audio,text,question,choices,answer\n"
        "a.wav,it rained all day,How was the weather?,wet|dry,wet\n"
        'a.wav,it rained all day,Was it wet?,"[""yes"", ""no""]",yes\n'
        "a.wav,it rained all day,When?,,all day\n"
    )
    data = datasets.open_source(str(path))
    assert [row.id for row in data.ids()] == ["a", "a#2", "a#3"]
    choice, listed, free = (data.load(row.id) for row in data.ids())
    assert (choice.task, choice.choices, choice.answer) == (tasks.CHOICE, ("wet", "dry"), "wet")
    assert choice.instruction.splitlines()[:3] == ["How was the weather?", "A. wet", "B. dry"]
    assert listed.choices == ("yes", "no")
    assert free.task == tasks.QUESTION
    assert free.instruction.startswith("When? Answer the question as short as possible")
    shared = datasets.open_source(f"manifest:{path}?task=emotion")
    assert {row.task for row in shared.ids()} == {"emotion"}


def test_a_task_that_there_is_not_is_listed_and_left_out_unless_the_row_asks(tmp_path):
    sound(tmp_path / "a.wav")
    (tmp_path / "list.csv").write_text(
        "audio,text,task,question\n"
        "a.wav,it rained,nonsense,\na.wav,it rained,ASR,\na.wav,it rained,,\n"
        "a.wav,it rained,weather,Was it wet?\n"
    )
    data = datasets.open_source(str(tmp_path / "list.csv"))
    assert [tasks.task_of(row.task).name for row in data.ids()] == [
        tasks.TRANSCRIBE, tasks.TRANSCRIBE, tasks.QUESTION
    ]  # fmt: skip
    (problem,) = data.problems()
    assert (problem.where, problem.column) == ("line 2", "task")
    assert "'nonsense' and nothing is asked, expected one of transcribe, question" in problem.reason


def test_a_label_where_nothing_is_asked_is_no_answer(tmp_path):
    sound(tmp_path / "a.wav")
    (tmp_path / "list.csv").write_text("audio,text,label\na.wav,it rained,angry\n")
    said = datasets.open_source(str(tmp_path / "list.csv")).load("a")
    assert (said.task, said.answer, said.meta["label"]) == (tasks.TRANSCRIBE, None, "angry")
    assert expected_answer(said) == "it rained"
    (tmp_path / "gold.csv").write_text("audio,text,gold\na.wav,it rained,7\n")
    said = datasets.open_source(str(tmp_path / "gold.csv")).load("a")
    assert (said.answer, said.meta["gold"]) == (None, "7")


@pytest.mark.parametrize(
    ("emotions", "choices"),
    [(["sad", "angry", "sad"], ("angry", "sad")), (["happy"] * 3, tasks.EMOTIONS)],
)
@pytest.mark.parametrize("named", ["", "?task=emotion"])
def test_emotions_without_options_are_chosen_from_those_that_occur(
    tmp_path, emotions, choices, named
):
    rows = "".join(
        f"{name}.wav,it rained,{one}\n" for name, one in zip("abc", emotions, strict=True)
    )
    for name in "abc":
        sound(tmp_path / f"{name}.wav")
    (tmp_path / "list.csv").write_text(f"audio,text,emotion\n{rows}")
    said = datasets.open_source(f"manifest:{tmp_path / 'list.csv'}{named}").load("a")
    assert (said.task, said.choices, said.answer) == (tasks.EMOTION, choices, emotions[0])
    assert said.instruction.endswith(f"including {', '.join(choices)}.")
    assert said.meta["label"] == emotions[0]
    every = ", ".join(choices)
    judged = judge_answers(said, {"audio": emotions[0], "text": every})
    assert judged.audio.correct
    assert not judged.text.correct, "it names every one"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567.0, "1234567"), (0.1234567, "0.1234567"), (float("nan"), ""), (3, "3"), (-2.0, "-2")],
)
def test_numbers_of_a_table_keep_their_digits(value, text):
    assert as_text(value) == text


# Published data sets


def test_librispeech_speakers_chapters_and_capitals(tmp_path):
    data = opened(layouts.librispeech, tmp_path)
    assert [row.id for row in data.ids()] == [
        "1272-128104-0000",
        "84-121123-0000",
        "84-121123-0001",
    ]
    quilter = data.load("1272-128104-0000")
    assert quilter.meta == {
        "speaker": "1272",
        "chapter": "128104",
        "sex": "M",
        "subset": "dev-clean",
    }
    assert data.reference_path(quilter.id) is not None
    lower = datasets.open_source(f"librispeech:{tmp_path / 'LibriSpeech'}?case=lower")
    assert lower.load("84-121123-0000").transcript == "go do you hear"
    with pytest.raises(InputError, match="expected as-is or lower"):
        datasets.open_source(f"librispeech:{tmp_path / 'LibriSpeech'}?case=upper")


def test_librispeech_lists_what_does_not_fit(tmp_path):
    spec = layouts.librispeech(tmp_path)
    chapter = tmp_path / "LibriSpeech" / "dev-clean" / "84" / "121123"
    (chapter / "84-121123-0001.flac").unlink()
    sound(chapter / "84-121123-0007.flac")
    found = [str(problem) for problem in datasets.open_source(spec).problems()]
    assert len(found) == 2
    assert found[0].startswith(
        "line 2 of '84/121123/84-121123.trans.txt', column 'audio': the file"
    )
    assert "'84/121123/84-121123-0007.flac': no .trans.txt has a line" in found[1]


def test_librisqa_part_1_is_open_and_finds_flac(tmp_path):
    data = opened(layouts.librisqa_part_1, tmp_path)
    assert [row.id for row in data.ids()] == ["84-121123-0000", "84-121123-0000#2"]
    first = data.load("84-121123-0000")
    assert (first.task, first.answer, first.choices) == (tasks.QUESTION, "To go.", ())
    assert first.instruction == (
        "What is the listener told to do? Answer the question as short as possible "
        "(in 10-15 words)."
    )
    assert first.meta["question"] == "What is the listener told to do?"


def test_librisqa_part_2_is_read_as_its_card_describes_it(tmp_path):
    data = opened(layouts.librisqa_part_2, tmp_path)
    asked = data.load(data.ids()[0].id)
    assert asked.task == tasks.CHOICE
    assert asked.choices == ("Under five minutes", "An hour", "A day", "A year")
    assert asked.answer == "Under five minutes"
    assert asked.meta["question"] == "How long did it take?"
    assert asked.meta["reasons"] == "The speaker says so"
    assert asked.meta["duration"] == 2.5
    path = tmp_path / "LibriSQA-PartII-test.json"
    row = {key: value for key, value in json.loads(path.read_text())[0].items() if key != "answer"}
    path.write_text(json.dumps([row, _copied(path)]))
    data = datasets.open_source(f"librisqa:{path}?root={tmp_path / 'LibriSpeech'}")
    assert data.load(data.ids()[0].id).answer == "Under five minutes"
    (problem,) = data.problems()
    assert "column 'question'" in str(problem)


def _copied(path):
    """The row without what only the published form has."""
    (row,) = json.loads(path.read_text())
    return {key: value for key, value in row.items() if "_and_" not in key}


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "How long did it take? A. Under five minutes B. An hour C. A day D. A year"},
        {"question": "How long?", "options": ["Under five minutes", "An hour", "A day", "A year"]},
        {
            "question": "How long?",
            "options": {"A": "Under five minutes", "B": "An hour", "C": "A day", "D": "A year"},
        },
        {
            "question": "How long?",
            "A": "A. Under five minutes",
            "B": "B. An hour",
            "C": "(C) A day",
            "D": "A year",
        },
    ],
)
def test_librisqa_part_2_is_also_read_from_copies_of_other_forms(tmp_path, changes):
    spec = layouts.librisqa_part_2(tmp_path)
    path = tmp_path / "LibriSQA-PartII-test.json"
    path.write_text(json.dumps([_copied(path) | changes]))
    (row,) = datasets.open_source(spec).ids()
    asked = datasets.open_source(spec).load(row.id)
    assert asked.task == tasks.CHOICE
    assert asked.choices == ("Under five minutes", "An hour", "A day", "A year")
    assert asked.meta["question"] in ("How long?", "How long did it take?")


@pytest.mark.parametrize(
    ("told", "answer", "reasons"),
    [
        ("B", "An hour", None),
        ("(B)", "An hour", None),
        ("B. An hour", "An hour", None),
        ("B: an hour. It was no day.", "An hour", "It was no day"),
        ("B. Because a day would be too long.", "An hour", "Because a day would be too long"),
        ("An hour", "An hour", None),
        ("A day is what it took", "A day is what it took", None),
        ("F. Another", "F. Another", None),
    ],
)
def test_librisqa_part_2_keeps_reasons_apart_from_the_answer(tmp_path, told, answer, reasons):
    spec = layouts.librisqa_part_2(tmp_path)
    path = tmp_path / "LibriSQA-PartII-test.json"
    options = ["Under five minutes", "An hour", "A day", "A year"]
    changes = {"question": "How long?", "options": options, "answer": told}
    path.write_text(json.dumps([_copied(path) | changes]))
    data = datasets.open_source(spec)
    asked = data.load(data.ids()[0].id)
    assert asked.answer == answer
    assert asked.meta.get("reasons") == reasons


def test_iemocap_keeps_four_classes_and_says_what_becomes_of_excited(tmp_path):
    spec = layouts.iemocap(tmp_path)
    left = datasets.open_source(spec)
    assert {row.id: left.load(row.id).answer for row in left.ids()} == {
        "Ses01F_impro01_F000": "neutrality",
        "Ses01F_impro01_F002": "happiness",
    }
    said = [str(problem) for problem in left.problems()]
    assert len(said) == 3
    assert "excited=merge counts it as happiness" in said[0]
    assert "Ses01F_impro01_M003 is 'xxx' (no agreement among the listeners)" in said[1]
    assert "'fru' (frustration), expected one of the four classes anger, happiness" in said[2]
    merged = datasets.open_source(f"iemocap:{spec}?excited=merge")
    assert len(merged.problems()) == 2
    excited = merged.load("Ses01F_impro01_M001")
    assert excited.answer == excited.meta["label"] == "happiness"
    assert excited.meta["emotion_code"] == "exc"
    assert excited.meta["speaker"] == "Ses01M", "the one who speaks, not the one who wore markers"
    assert excited.transcript == "You café goer!"
    assert excited.choices == tasks.EMOTIONS
    assert excited.instruction == (
        "classify the emotion of the speaker in only one word including anger, happiness, "
        "sadness, neutrality."
    )
    assert "excited as happiness" in merged.name
    with pytest.raises(InputError, match="expected leave or merge"):
        datasets.open_source(f"iemocap:{spec}?excited=yes")


def test_iemocap_json_finds_its_words_in_the_release(tmp_path):
    data = opened(layouts.iemocap_json, tmp_path)
    assert {row.id: row.transcript for row in data.ids()} == {
        "Ses01F_impro01_F000": "Excuse me.",
        "Ses01F_impro01_F002": "That's out of control.",
    }
    assert data.load("Ses01F_impro01_F002").answer == "happiness"


@pytest.mark.parametrize("layout", [layouts.iemocap, layouts.iemocap_json])
def test_iemocap_brings_its_word_times(layout, tmp_path):
    data = opened(layout, tmp_path)
    assert data.reference_path("Ses01F_impro01_F002") is None, "a few turns have none"
    path = data.reference_path("Ses01F_impro01_F000")
    placed = get_aligner(str(path)).align(data.load("Ses01F_impro01_F000").audio, "Excuse me.")
    assert [(word.word, word.start_s, word.end_s) for word in placed.words] == [
        ("Excuse", pytest.approx(0.05), pytest.approx(0.25)),
        ("me", pytest.approx(0.3), pytest.approx(0.45)),
    ]
    assert not placed.notes, "silence and laughter are no words"


def test_mmau_needs_words_and_says_so(tmp_path):
    spec = layouts.mmau(tmp_path)
    data = datasets.open_source(spec)
    late, unknown = (data.load(row.id) for row in data.ids())
    assert (late.transcript, late.answer) == ("Sorry that I am late.", "Being late")
    assert (unknown.transcript, unknown.answer) == ("Well, here I am at last.", None)
    assert late.choices[0] == "Being late"
    assert late.meta["sub-category"] == "Event-Based Knowledge Retrieval"
    (problem,) = datasets.open_source(spec.partition("?")[0]).problems()
    assert "transcripts=FILE" in str(problem)
    everything = datasets.open_source(f"{spec}&subset=all")
    assert len(everything.ids()) + len(everything.problems()) == 3


def test_a_hub_table_keeps_its_ids_and_names_its_labels(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    spec = layouts.hub_parquet(tmp_path)
    data = datasets.open_source(spec)
    assert [row.id for row in data.ids()] == ["a", "b"]
    assert data.load("b").meta == {"sex": "m"}
    with pytest.raises(InputError, match="has the splits test"):
        datasets.open_source(spec.replace("split=test", "split=train")).ids()
    with pytest.raises(InputError, match="no audio column 'text'"):
        datasets.open_source(f"{spec}&audio=text").ids()


def test_columns_of_a_hub_table_that_nobody_could_guess_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    place = layouts.hub_saved(tmp_path)
    with pytest.raises(InputError, match="has the splits trening, prøve"):
        datasets.open_source(f"hf:{place}").ids()
    spec = f"hf:{place}?split=prøve&audio=støy&text=ord&id=nr"
    data = datasets.open_source(spec)
    assert {row.id: row.transcript for row in data.ids()} == layouts.WORDS
    quiet = datasets.open_source(spec.replace("støy", "lyd"))
    name = next(iter(layouts.WORDS))
    loud, soft = (one.load(name).audio.samples for one in (data, quiet))
    assert len(loud) != len(soft)


def test_a_hub_table_cannot_name_files_elsewhere(tmp_path):
    sound(tmp_path / "secret.wav")
    own = sound(tmp_path / "set" / "own.wav")
    table = HubTable(str(tmp_path / "set"), None, None)
    paths = [own, tmp_path / "secret.wav", None]
    table._undecoded = [{"audio": {"bytes": None, "path": path and str(path)}} for path in paths]
    table.audio_column = "audio"
    assert table.sound(0) == own.read_bytes()
    with pytest.raises(InputError, match="inside"):
        table.sound(1)
    with pytest.raises(InputError, match="has no sound"):
        table.sound(2)


def test_audiofolder_splits_are_chosen_by_name(tmp_path):
    spec = layouts.hub_audiofolder(tmp_path)
    assert {row.transcript for row in datasets.open_source(spec).ids()} == set(WORDS.values())
    sound(tmp_path / "set" / "test" / "x.wav")
    (tmp_path / "set" / "test" / "metadata.csv").write_text("file_name,text\nx.wav,hello\n")
    with pytest.raises(InputError, match="splits test, train"):
        hub(str(tmp_path / "set"))


def test_the_hub_out_of_reach_is_said_plainly(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("Couldn't reach 'a/b' on the Hub (LocalEntryNotFoundError)")

    monkeypatch.setattr("datasets.load_dataset", unreachable)
    with pytest.raises(InputError, match="cannot be reached for 'a/b', expected"):
        datasets.open_source("hf:a/b").ids()


def test_hub_data_sets_without_the_library_say_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="requirements-extras"):
        datasets.open_source("hf:a/b").ids()
