"""Aligners: one contract, forced alignment against the synthesiser's own times, files of times."""

from __future__ import annotations

import itertools
import json
import math
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alas_core.audio import cut, resample
from alas_core.datasets import UtteranceFolder
from alas_core.errors import AlignmentError, InputError
from alas_core.reference import from_file, get_aligner, readings, tier_names, to_textgrid
from alas_core.reference.agreement import agreement
from alas_core.reference.files import MAX_BYTES
from alas_core.reference.formats import read_textgrid
from alas_core.reference.pronouncing import guess
from alas_core.types import Audio, Reference, WordTiming

DATA = UtteranceFolder(Path(__file__).parent / "data" / "utterances", "Fixture")
BRIDGE = DATA.load("bridge")
HERONS = DATA.load("herons")
KNOWN = (
    "the well known surgeon's cafe nineteen ninety nine hundred one thousand and twenty first "
    "three point five fifty percent dollars number oh zero seven two m. l. rock third million"
).split()
PHONES = dict.fromkeys(KNOWN, "AH")


def truth(name):
    """What the synthesiser says: word, start, end."""
    words = json.loads(DATA.reference_path(name).read_text())["words"]
    return [(word["word"], word["start_s"], word["end_s"]) for word in words]


def align(audio, transcript):
    return get_aligner("pocketsphinx").align(audio, transcript)


def problems(reference):
    return {word.word: word.problem for word in reference.unplaced}


def written(words, suffix):
    """The same word times in each format that can be read."""
    placed = tuple(WordTiming(word, 0, 1, start, end) for word, start, end in words)
    if suffix == ".textgrid":
        return to_textgrid(Reference("truth", placed), 60.0).encode()
    if suffix == ".ctm":
        lines = (f"bridge 1 {start} {end - start} {word} 0.9" for word, start, end in words)
        return "\n".join([";; made by hand", *lines]).encode()
    return json.dumps([{"word": w, "start": a, "end": b} for w, a, b in words]).encode()


# One contract for every aligner


@pytest.fixture(params=["pocketsphinx", ".textgrid", ".ctm", ".json"])
def aligner(request, tmp_path):
    if not request.param.startswith("."):
        return get_aligner(request.param)
    path = tmp_path / f"words{request.param}"
    path.write_bytes(written(truth("bridge"), request.param))
    return get_aligner(str(path))


def test_every_word_comes_back_in_order(aligner):
    transcript = "The red zorblax sleeps under the old bridge!"
    reference = aligner.align(BRIDGE.audio, transcript)
    assert reference.name == aligner.name
    assert [word.word for word in reference.words] == transcript.rstrip("!").split()
    for word in reference.words:
        assert transcript[word.start_char : word.end_char] == word.word
        assert word.placed == (not word.problem)
    assert list(problems(reference)) == ["zorblax"]
    placed = [word for word in reference.words if word.placed]
    assert all(0 <= w.start_s < w.end_s <= BRIDGE.audio.duration_s for w in placed)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in itertools.pairwise(placed))
    assert all(w.confidence is None or 0 <= w.confidence <= 1 for w in placed)


@pytest.mark.parametrize("transcript", ["", "  ", "?!... --"])
def test_a_transcript_without_words_is_refused(aligner, transcript):
    with pytest.raises(InputError, match="holds no word"):
        aligner.align(BRIDGE.audio, transcript)


@pytest.mark.parametrize("name", ["whisperer", "words.txt", "", "nowhere/words.TextGrid"])
def test_there_is_no_such_reference(name):
    with pytest.raises(AlignmentError, match="expected"):
        get_aligner(name)


# pocketsphinx


@pytest.mark.parametrize("utterance", [BRIDGE, HERONS], ids=lambda u: u.id)
def test_onsets_agree_with_the_synthesiser(utterance):
    reference = align(utterance.audio, utterance.transcript)
    errors = [
        abs(word.start_s - start)
        for word, (_, start, _) in zip(reference.words, truth(utterance.id), strict=True)
    ]
    assert np.mean(errors) < 0.03
    assert max(errors) < 0.1
    assert min(word.confidence for word in reference.words) > 0.5
    assert reference.notes == ()


def test_onsets_agree_with_espeaks_own_word_events():
    """Five sentences in five voices; one word ("her", without its r) is not found."""
    spoken = UtteranceFolder(Path(__file__).parent / "data" / "espeak", "Spoken")
    apart = []
    for row in spoken.ids():
        utterance = spoken.load(row.id)
        told = get_aligner(str(spoken.reference_path(row.id)))
        first = told.align(utterance.audio, utterance.transcript)
        apart.append(agreement(first, align(utterance.audio, utterance.transcript)).onset_ms)
    onsets = np.abs(np.concatenate(apart))
    assert len(onsets) == 48
    assert np.isnan(onsets).sum() <= 1
    assert np.nanmean(onsets) < 25


def test_the_words_around_an_unknown_word_stay_where_they_were():
    whole = align(BRIDGE.audio, BRIDGE.transcript)
    holed = align(BRIDGE.audio, BRIDGE.transcript.replace("sleeps", "слипс"))
    assert problems(holed) == {"слипс": "not in the English dictionary"}
    for before, after in zip(whole.words, holed.words, strict=True):
        if after.placed:
            assert after.start_s == pytest.approx(before.start_s, abs=0.05)
            assert after.end_s == pytest.approx(before.end_s, abs=0.05)


def test_words_that_were_guessed_are_named_where_nothing_fits():
    lost = align(BRIDGE.audio, "zorblax frobnicated seventeen quuxes beneath gibberish vlorps")
    assert set(problems(lost).values()) == {"the transcript does not fit the audio"}
    (note,) = [note for note in lost.notes if "spelling" in note]
    assert all(word in note for word in ("zorblax", "frobnicated", "quuxes", "vlorps"))
    assert "Check where" not in note


def test_an_unknown_word_is_pronounced_as_it_is_spelt_and_the_notes_say_so():
    whole = align(BRIDGE.audio, BRIDGE.transcript)
    guessed = align(BRIDGE.audio, BRIDGE.transcript.replace("sleeps", "sleapes"))
    assert problems(guessed) == {}
    assert guessed.notes == (
        "Not in the English dictionary, so pronounced as the spelling suggests: sleapes "
        "(S L IY P S). Check where they were placed.",
    )
    for before, after in zip(whole.words, guessed.words, strict=True):
        assert after.start_s == pytest.approx(before.start_s, abs=0.05)
    again = align(BRIDGE.audio, BRIDGE.transcript.replace("sleeps", "sleapes"))
    assert again == guessed


def test_a_hyphenated_word_is_guessed_only_where_the_dictionary_ends():
    reference = align(BRIDGE.audio, BRIDGE.transcript.replace("fox sleeps", "fox-sleapes"))
    assert problems(reference) == {}
    assert "fox-sleapes (fox S L IY P S)" in reference.notes[0]


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("blorp", "B L AO R P"),
        ("kubernetes", "K AH B ER N AH T S"),
        ("quokka", "K W OW K AH"),
        ("x9", ""),
        ("мир", ""),
        ("", ""),
        ("a" * 31, ""),
    ],
)
def test_guesses_are_those_of_the_package_that_the_weights_are_from(word, phones):
    """What g2p_en 2.1.0 itself says, stress left out."""
    assert " ".join(guess(word)) == phones


def test_a_word_that_is_not_spoken_gets_no_place():
    reference = align(BRIDGE.audio, BRIDGE.transcript.replace("sleeps", "chocolate"))
    assert problems(reference) == {"chocolate": "not found in the audio"}


@pytest.mark.parametrize(
    ("transcript", "merged"),
    [
        ("we counted 9 herons beside the river", "9"),
        ("we counted nine-herons beside the river", "nine-herons"),
        ("WE COUNTED, “NÍNE” HERONS beside the river...", "NÍNE"),
    ],
)
def test_numbers_hyphens_capitals_and_accents_are_read(transcript, merged):
    reference = align(HERONS.audio, transcript)
    assert reference.unplaced == ()
    found = next(word for word in reference.words if word.word == merged)
    end_s = 1.704 if "-" in merged else 1.35
    assert found.start_s == pytest.approx(1.094, abs=0.06)
    assert found.end_s == pytest.approx(end_s, abs=0.06)


def test_another_transcript_is_recognised_as_such():
    reference = align(HERONS.audio, BRIDGE.transcript)
    assert len(reference.unplaced) == 8
    assert set(problems(reference).values()) == {"the transcript does not fit the audio"}
    assert "does not fit" in reference.notes[0]


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (np.zeros(32_000), "the recording is silent"),
        (np.full(32_000, 0.5), "the recording is silent"),
        (np.random.default_rng(0).normal(0, 0.1, 32_000), "the transcript does not fit the audio"),
        (BRIDGE.audio.samples[6_000:7_700], "8 words cannot be spoken in 0.1 s"),
        (BRIDGE.audio.samples[8_000:19_000], ""),
    ],
    ids=["silence", "offset", "noise", "0.1 s", "words cut off"],
)
def test_sound_without_these_words_places_none(samples, problem):
    reference = align(Audio(samples.astype(np.float32), 16_000), BRIDGE.transcript)
    assert len(reference.unplaced) == 8 or not problem
    assert all(problem in word.problem for word in reference.words)


def test_a_transcript_much_longer_than_the_audio_neither_hangs_nor_crashes():
    many = align(BRIDGE.audio, "red fox " * 5_000)
    assert "10000 words cannot be spoken in 2.9 s" in many.words[0].problem
    tight = align(BRIDGE.audio, "internationalization " * 30)
    assert set(problems(tight).values()) == {"the transcript does not fit the audio"}


@pytest.mark.parametrize("transcript", ["Привет мир", "我爱北京"])
def test_words_outside_english_are_listed(transcript):
    reference = align(HERONS.audio, transcript)
    assert set(problems(reference).values()) == {"not in the English dictionary"}
    assert reference.notes == ("No word of the transcript is in the English dictionary.",)


@pytest.mark.parametrize("name", ["(NULL)", "<s>", "+AA", "<sil>", "[NOISE]", "a(2)"])
def test_the_decoders_own_names_are_words_like_others(name):
    reference = align(HERONS.audio, f"we counted nine herons {name} beside the river")
    assert len(reference.words) == 8
    assert sum(word.placed for word in reference.words) >= 6


def test_a_result_does_not_depend_on_what_came_before_or_on_threads():
    first = align(BRIDGE.audio, BRIDGE.transcript)
    align(HERONS.audio, "we zorblax nine herons")
    assert align(BRIDGE.audio, BRIDGE.transcript) == first
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(align(BRIDGE.audio, BRIDGE.transcript)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [first] * 3


def test_level_and_rate_hardly_matter():
    first = align(BRIDGE.audio, BRIDGE.transcript)
    faint = Audio(BRIDGE.audio.samples * np.float32(0.01), 16_000)
    for other in (faint, resample(BRIDGE.audio, 44_100)):
        for a, b in zip(first.words, align(other, BRIDGE.transcript).words, strict=True):
            assert b.start_s == pytest.approx(a.start_s, abs=0.05)


@pytest.mark.parametrize(
    ("utterance", "transcript", "note"),
    [
        (HERONS, "nine herons beside the river", "before the first"),
        (BRIDGE, "the red fox sleeps", "after the last"),
    ],
)
def test_speech_outside_the_transcript_stays_outside_and_is_noted(utterance, transcript, note):
    reference = align(utterance.audio, transcript)
    assert [f"s of speech {note} word" in text for text in reference.notes] == [True]
    expected = {word: (start, end) for word, start, end in truth(utterance.id)}
    for word in reference.words:
        if word.word != "the":
            start, end = expected[word.word]
            assert word.start_s == pytest.approx(start, abs=0.1)
            assert word.end_s == pytest.approx(end, abs=0.1)


def test_times_are_seconds_of_the_audio():
    early = align(cut(BRIDGE.audio, 1.9, 3), "old bridge")
    assert early.words[1].start_s == pytest.approx(2.307 - 1.9, abs=0.05)


# How words are read


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("The", {"the"}),
        ("surgeon’s", {"surgeon's"}),
        ("café", {"cafe"}),
        ("Well-Known", {"well known"}),
        ("rock'", {"rock"}),
        ("21st", {"twenty first"}),
        ("1999", {"nineteen ninety nine", "one thousand nine hundred and ninety nine"}),
        ("1907", {"nineteen oh seven", "nineteen zero seven"}),
        ("1900", {"nineteen hundred", "one thousand nine hundred"}),
        ("007", {"zero zero seven"}),
        ("0", {"zero"}),
        ("53rd", {"fifty third"}),
        ("7,000,109", {"seven million one hundred and nine"}),
        ("3.05", {"three point zero five"}),
        ("3.5", {"three point five"}),
        ("1,000", {"one thousand"}),
        ("50%", {"fifty percent"}),
        ("$20", {"twenty dollars"}),
        ("#1", {"number one"}),
        ("ML", {"m. l."}),
        ("zorblax", set()),
        ("well-zorblax", set()),
        ("Привет", set()),
        ("1" * 40, set()),
        ("x" * 10_000, set()),
    ],
)
def test_readings(word, expected):
    found = {" ".join(reading) for reading in readings.readings(word, PHONES.get)}
    assert expected <= found
    assert bool(found) == bool(expected)


@settings(deadline=None)  # the machine may be busy
@given(st.text())
def test_any_word_has_readings_of_known_words_and_a_placeholder(word):
    found = readings.readings(word, PHONES.get)
    assert len(found) <= 8
    assert all(part in PHONES for reading in found for part in reading)
    assert 1 <= len(readings.placeholder(word)) <= 20


def test_parse_finds_which_reading_was_spoken():
    number = (("one", "hundred"), ("a", "hundred"), ("one",))
    assert readings.parse(["one", "hundred", "men"], [number, (("men",),)]) == [2, 1]
    assert readings.parse(["one", "hundred"], [number, (("hundred",), ("men",))]) == [1, 1]
    assert readings.parse(["one", "hundred", "dogs"], [number, (("men",),)]) is None
    assert readings.parse(["one"], [number, (("men",),)]) is None


# Files of word times


@pytest.mark.parametrize("suffix", [".textgrid", ".ctm", ".json"])
def test_times_come_back_from_every_format(suffix):
    raw = written(truth("bridge"), suffix)
    reference = from_file(raw, f"Words{suffix.upper()}", BRIDGE.transcript, 2.86)
    assert [(w.word, w.start_s, w.end_s) for w in reference.words] == [
        (word, pytest.approx(start), pytest.approx(end)) for word, start, end in truth("bridge")
    ]
    assert " sha256:" in reference.name
    assert from_file(raw + b" ", f"w{suffix}", BRIDGE.transcript, 2.86).name != reference.name


JSON_SHAPES = {
    "ours": [{"word": "red", "start_s": 0.1, "end_s": 0.2, "confidence": 0.5}],
    "words": {"words": [{"text": "red", "start": 0.1, "end": 0.2, "score": 0.5}]},
    "whisper": {
        "segments": [
            {"words": []},
            {"words": [{"word": " red", "start": 0.1, "end": 0.2, "probability": 0.5}]},
        ]
    },
}


@pytest.mark.parametrize("content", JSON_SHAPES.values(), ids=JSON_SHAPES)
def test_json_of_other_tools(content):
    word = from_file(json.dumps(content).encode(), "w.json", "Red.", 1.0).words[0]
    assert (word.word, word.start_s, word.end_s, word.confidence) == ("Red", 0.1, 0.2, 0.5)


def test_json_of_the_montreal_forced_aligner():
    tiers = {
        "phones": {"type": "interval", "entries": [[0, 0.1, "R"]]},
        "words": {"type": "interval", "entries": [[0, 0.1, ""], [0.1, 0.2, "red"]]},
    }
    word = from_file(json.dumps({"tiers": tiers}).encode(), "w.json", "red", 1.0).words[0]
    assert (word.start_s, word.end_s) == (0.1, 0.2)


def timed(*words):
    return json.dumps([{"word": w, "start": k, "end": k + 1} for k, w in enumerate(words)]).encode()


@pytest.mark.parametrize(
    ("transcript", "file_words", "expected"),
    [
        ("The RED fox!", "the red fox", [0, 1, 2]),
        ("the red fox", "sil the <eps> red spn fox", [1, 3, 5]),
        ("the red fox", "the fox", [0, None, 1]),
        ("the fox", "the big red fox", [0, 3]),
        ("the the the", "the the", [0, 1, None]),
        ("a well-known fox", "a well known fox", [0, 1, 3]),
        ("a well-known fox", "a well fox", [0, None, 2]),
        ("a well known fox", "a well-known fox", [0, None, None, 2]),
        ("don’t stop", "don't stop", [0, 1]),
        ("Größe 我 爱", "größe 我 爱", [0, 1, 2]),
        ("हिन्दी में", "हिन्दी में", [0, 1]),
    ],
)
def test_the_files_words_are_matched_in_order(transcript, file_words, expected):
    reference = from_file(timed(*file_words.split()), "w.json", transcript, 10.0)
    starts = [None if math.isnan(word.start_s) else word.start_s for word in reference.words]
    assert starts == expected
    assert all(word.placed or word.problem for word in reference.words)


def test_a_hyphenated_word_takes_the_time_of_its_parts():
    reference = from_file(timed("a", "well", "known"), "w.json", "a well-known", 10.0)
    assert (reference.words[1].start_s, reference.words[1].end_s) == (1, 3)


def test_words_that_only_the_file_has_are_noted():
    reference = from_file(timed("uh", "red", "um"), "w.json", "red", 10.0)
    assert reference.notes == ("The JSON also holds 'uh', 'um': not in the transcript.",)


def test_a_word_without_length_is_listed():
    raw = json.dumps([{"word": "a", "start": 0, "end": 1}, {"word": "b", "start": 1, "end": 1}])
    assert problems(from_file(raw.encode(), "w.json", "a b", 2.0)) == {
        "b": "has no length in the file of word times"
    }


def grid(*intervals, size=None, tier="words", kind="IntervalTier"):
    size = len(intervals) if size is None else size
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", "5", "<exists>", "1"]
    lines += [f'"{kind}"', f'"{tier}"', "0", "5", str(size)]
    for start, end, label in intervals:
        lines += [str(start), str(end), f'"{label}"']
    return ("\n".join(lines) + "\n").encode()


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        pytest.param("w.txt", b"red", "no known file", id="unknown ending"),
        pytest.param("w.json", b"", "no JSON", id="0 bytes"),
        pytest.param("w.json", b"[" * 100_000, "no JSON", id="deep"),
        pytest.param("w.json", b"\xff\xfe\xff", "no utf-16", id="half a character"),
        pytest.param("w.json", b"\x80abc", "no utf-8", id="not UTF-8"),
        pytest.param("w.json", b"3", "no list of words", id="a number"),
        pytest.param("w.json", b'{"a": 1}', "no list of words", id="other object"),
        pytest.param("w.json", b'["red"]', "an entry of the JSON", id="no times"),
        pytest.param("w.json", b'[{"word": "red", "start": "0", "end": 1}]', "entry", id="text"),
        pytest.param("w.json", b'[{"word": "red", "start": NaN, "end": 1}]', "entry", id="NaN"),
        pytest.param("w.json", b'[{"word": "red", "start": 2, "end": 1}]', "later end", id="back"),
        pytest.param("w.json", b'[{"word": "red", "start": 4, "end": 6}]', "5.00 s", id="outside"),
        pytest.param("w.json", b'[{"word": "red", "start": -1, "end": 2}]', "between", id="before"),
        pytest.param("w.json", b"[]", "shares no word", id="empty list"),
        pytest.param("w.json", timed("blue", "car"), "'blue', 'car'", id="other words"),
        pytest.param(
            "w.json",
            b'[{"word": "red", "start": 2, "end": 3}, {"word": "fox", "start": 0, "end": 1}]',
            "in order",
            id="unordered",
        ),
        pytest.param("w.json", timed(*["red"] * 5_001), "at most 5000", id="too many words"),
        pytest.param("w.json", b" " * (MAX_BYTES + 1), "at most 5 MB", id="too large"),
        pytest.param("w.ctm", b"a 1 0.0 red", "line 1 of the CTM", id="short line"),
        pytest.param("w.ctm", b"a 1 zero 1 red", "line 1 of the CTM", id="no number"),
        pytest.param("w.ctm", b"a 1 nan 1 red", "correct it", id="CTM NaN"),
        pytest.param("w.ctm", b"a 1 0 1 red\nb 1 0 1 red", "2 recordings", id="two recordings"),
        pytest.param("w.ctm", b"", "shares no word", id="empty CTM"),
        pytest.param("w.wdseg", b"SFrm EFrm\n1 x 3 RED", "line 2 of the file", id="no frame"),
        pytest.param("w.TextGrid", b"", "is empty (0 bytes)", id="empty TextGrid"),
        pytest.param("w.TextGrid", b"hello\n" * 9, "is no TextGrid (it", id="no TextGrid"),
        pytest.param("w.TextGrid", b'"ooTextFile"\n"TextGrid"\n0', "is cut off", id="only a head"),
        pytest.param("w.TextGrid", grid((3, 2, "red")), "cannot occur after", id="back in Praat"),
        pytest.param("w.TextGrid", grid((0, 1, "red"), size=4), "1 intervals", id="count"),
        pytest.param("w.TextGrid", grid((-1, 1, "red")), "-1 s", id="negative"),
        pytest.param("w.TextGrid", grid((0, 9, "red")), "TextGrid", id="past the end"),
        pytest.param(
            "w.TextGrid",
            grid((0, 2, "red"), (1, 3, "fox")),
            "overlap, (0.0, 2.0, red) and (1.0, 3.0, fox), expected each to begin where",
            id="overlap",
        ),
        pytest.param("w.TextGrid", grid(kind="TextTier"), "no interval tier", id="points"),
    ],
)
def test_unusable_files_end_in_one_clear_sentence(name, raw, says):
    with pytest.raises(AlignmentError, match="expected") as caught:
        from_file(raw, name, "red fox", 5.0)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert f"'{name}'" in str(caught.value), "which of the files"
    assert "Error" not in str(caught.value), "no class of an exception"


def test_tiers_of_an_unusable_file_are_refused_with_its_name():
    with pytest.raises(AlignmentError, match=r"'mine\.TextGrid': it is no TextGrid"):
        tier_names(b"hello\n" * 9, "mine.TextGrid")


def test_a_path_is_read_as_its_content_is(tmp_path):
    path = tmp_path / "words.json"
    path.write_bytes(timed("red"))
    assert from_file(path, path.name, "red", 5.0) == from_file(timed("red"), "w.json", "red", 5.0)
    for bad in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(AlignmentError, match="cannot be read"):
            from_file(bad, "words.json", "red", 5.0)
    path.write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(AlignmentError, match="at most 5 MB"):
        get_aligner(str(path))


def test_a_cut_textgrid_is_noticed():
    whole = written(truth("bridge"), ".textgrid")
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(AlignmentError, match="TextGrid"):
            from_file(whole[: int(len(whole) * share)], "w.TextGrid", BRIDGE.transcript, 60.0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_praats_encodings(encoding, newline):
    raw = grid((0, 1, "größe"), (1, 2, "red")).decode().replace("\n", newline).encode(encoding)
    assert from_file(raw, "w.TextGrid", "Größe red", 5.0).words[0].end_s == 1


def test_the_word_tier_is_chosen_by_name():
    first = grid((0, 1, "R"), (1, 2, "EH"), tier="phones").decode()
    words = grid((0, 3, "red"), tier="Words").decode()
    both = first.replace("<exists>\n1", "<exists>\n2") + words[words.index('"IntervalTier"') :]
    assert from_file(both.encode(), "w.TextGrid", "red", 5.0).words[0].end_s == 3


label = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), min_size=1)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50), label), min_size=1, max_size=6))
def test_textgrid_round_trip(entries):
    clock, words = 0, []
    for gap, length, text in entries:
        start, clock = clock + gap, clock + gap + length
        words.append(WordTiming(f"x{text}x", 0, 1, start / 100, clock / 100))
    raw = to_textgrid(Reference("any", (*words, WordTiming("z", 0, 1, problem="lost"))), 10.0)
    found = [word for word in read_textgrid(raw.encode()) if word.word]
    assert [word.word for word in found] == [word.word for word in words]
    assert [w.start_s for w in found] == pytest.approx([w.start_s for w in words])
    assert [w.end_s for w in found] == pytest.approx([w.end_s for w in words])


def test_overlapping_words_are_cut_for_praat():
    words = (WordTiming("red", 0, 3, 0.0, 1.0), WordTiming("fox", 4, 7, 0.9, 9.0))
    raw = to_textgrid(Reference("any", words), 2.0).encode()
    found = from_file(raw, "w.TextGrid", "red fox", 2.0)
    assert [(w.start_s, w.end_s) for w in found.words] == [(0.0, 0.9), (0.9, 2.0)]


def test_a_reference_without_places_is_an_empty_tier():
    assert 'name = "words"' in to_textgrid(Reference("any", (WordTiming("red", 0, 3),)), 2.0)


MFA_TIERS = {
    "tiers": {
        "phones": {"type": "interval", "entries": [[0.1, 0.4, "HH"], [0.4, 1.0, "B"]]},
        "words": {"type": "interval", "entries": [[0.1, 0.5, "hello"], [0.5, 1.0, "bob"]]},
        "second try": {"type": "interval", "entries": [[0.2, 0.6, "hello"], [0.6, 0.9, "bob"]]},
    }
}


def two_tiers(suffix):
    if suffix == ".json":
        return json.dumps(MFA_TIERS).encode()
    first, second = (
        to_textgrid(
            Reference(
                "", tuple(WordTiming(w, 0, 1, a, b) for a, b, w in MFA_TIERS["tiers"][t]["entries"])
            ),
            2.0,
        )
        for t in ("words", "second try")
    )
    tier = second[second.index("    item [1]") :].replace("item [1]", "item [2]")
    whole = first.rstrip() + "\n" + tier.replace('"words"', '"Second try"')
    return whole.replace("size = 1", "size = 2", 1).encode()


@pytest.mark.parametrize("suffix", [".TextGrid", ".json"])
def test_a_tier_is_picked_by_name(suffix, tmp_path):
    raw, name = two_tiers(suffix.lower()), f"grid{suffix}"
    assert [tier.lower() for tier in tier_names(raw, name)][-2:] == ["words", "second try"]
    plain = from_file(raw, name, "hello bob", 2.0)
    chosen = from_file(raw, name, "hello bob", 2.0, "SECOND try")
    assert [word.start_s for word in plain.words] == pytest.approx([0.1, 0.5])
    assert [word.start_s for word in chosen.words] == pytest.approx([0.2, 0.6])
    assert chosen.name != plain.name
    path = tmp_path / name
    path.write_bytes(raw)
    assert get_aligner(str(path), "second try").align(BRIDGE.audio, "hello bob") == replace(
        chosen, name=get_aligner(str(path), "second try").name
    )


@pytest.mark.parametrize("suffix", [".TextGrid", ".json", ".ctm"])
def test_a_tier_that_is_not_there_is_an_error_that_lists_those_that_are(suffix):
    raw = b"a 1 0 1 hello" if suffix == ".ctm" else two_tiers(suffix.lower())
    with pytest.raises(AlignmentError, match=r"no tier 'phonemes'.*choose one of them"):
        from_file(raw, f"grid{suffix}", "hello bob", 2.0, "phonemes")
