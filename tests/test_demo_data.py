"""The shipped utterances: complete, held out, and aligned."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import soundfile

from alas_core.demo import dataset
from alas_core.demo.aligner import WordAligner
from alas_core.demo.grammar import CHOICES, INSTRUCTIONS, is_held_out
from alas_core.demo.voices import NEW_VOICES

DATA = Path(__file__).resolve().parent.parent / "assets" / "demo" / "data"


@pytest.fixture(scope="module")
def records():
    lines = (DATA / "utterances.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_sound_is_what_the_list_says(records):
    for record in records:
        info = soundfile.info(DATA / record["file"])
        assert (info.samplerate, info.channels, info.format) == (16_000, 1, "FLAC")
        assert info.duration == pytest.approx(record["duration_s"], abs=0.002)
    assert len(records) == len({record["id"] for record in records}) == 48
    assert max(record["duration_s"] for record in records) > 9


def test_sentences_are_held_out_and_as_the_seed_says(records):
    planned = dataset.plan()

    assert [record["transcript"] for record in records] == [s.text for s, *_ in planned]
    for index, record in enumerate(records):
        # A joined utterance is longer than any training sentence.
        assert is_held_out(record["transcript"]) or index in (14, 26), record["id"]


def test_references_place_every_word_in_order(records):
    for record in records:
        path = DATA / "references" / f"{record['id']}.json"
        reference = json.loads(path.read_text(encoding="utf-8"))
        words = reference["words"]
        times = [time for word in words for time in (word["start_s"], word["end_s"])]
        assert reference["aligner"].startswith("pocketsphinx ")
        assert [word["word"] for word in words] == record["transcript"].split()
        assert times == sorted(times)
        assert times[-1] <= record["duration_s"] + 0.02


def test_references_are_what_the_aligner_says(records):
    aligner = WordAligner()
    for record in records[:3]:
        sound, _ = soundfile.read(DATA / record["file"], dtype="float32")
        path = DATA / "references" / f"{record['id']}.json"
        kept = json.loads(path.read_text(encoding="utf-8"))["words"]
        for (word, start_s, end_s), stored in zip(
            aligner.align(sound, record["transcript"]), kept, strict=True
        ):
            assert word == stored["word"]
            # FLAC rounds the sound to 16 bits, which may move a boundary by one step of 10 ms.
            assert (start_s, end_s) == pytest.approx(
                (stored["start_s"], stored["end_s"]), abs=0.0101
            )


def test_tasks_labels_and_choices_agree(records):
    for record in records:
        assert record["instruction"] == INSTRUCTIONS[record["task"]][0]
        assert record["choices"] == list(CHOICES.get(record["task"], ()))
        if record["task"] == "transcribe":
            assert record["answer"] == record["transcript"]
        else:
            assert record["answer"] == record["labels"][record["task"]]
        assert not record["choices"] or record["answer"] in record["choices"]
    assert set(Counter(record["task"] for record in records)) == set(INSTRUCTIONS)


def test_voices_and_conditions_are_mixed(records):
    new = [record for record in records if not record["voice_heard_in_training"]]

    assert {record["voice"] for record in new} == set(NEW_VOICES)
    assert len({record["voice"] for record in records}) >= 8
    assert {record["condition"] for record in records} == {"clean", "noisy", "fast"}


def test_wrong_sentences_are_others(records):
    lines = (DATA / "sentences.txt").read_text(encoding="utf-8").splitlines()

    assert lines == dataset.wrong_sentences()
    assert len(set(lines)) == 300
    assert all(is_held_out(line) for line in lines)
    assert not set(lines) & {record["transcript"] for record in records}
