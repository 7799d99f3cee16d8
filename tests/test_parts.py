"""A part of a long recording: its sound, its words and their times belong together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alas_core.errors import AlignmentError, InputError, TooLongError
from alas_core.models.fake import FakeSpeechLLM
from alas_core.parts import Part, cut_words, take_part
from alas_core.pauses import check_longest
from alas_core.pipeline import Request, analyse
from alas_core.types import Audio, Reference, Settings, Utterance, WordTiming
from alas_core.words import split_words
from tests.test_pauses import recording

TRANSCRIPT = "“One, two! (three) four. Five six?”"


def placed(transcript: str, *times: tuple[float, float] | None) -> Reference:
    words = split_words(transcript)
    assert len(words) == len(times)
    return Reference(
        "planted",
        tuple(
            WordTiming(w.word, w.start_char, w.end_char, *(t or ()), problem="" if t else "unknown")
            for w, t in zip(words, times, strict=True)
        ),
    )


class Planted:
    name = "planted"

    def __init__(self, reference: Reference) -> None:
        self.reference, self.heard = reference, []

    def align(self, audio: Audio, transcript: str) -> Reference:
        self.heard.append((audio.duration_s, transcript))
        return self.reference


EVEN = [(0.5, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 9)]
TEN = Audio(np.zeros(160_000, np.float32), 16_000)


@pytest.mark.parametrize(
    ("part", "text"),
    [("0-2.5", "“One, two!"), ("2.5-5.5", "(three) four."), ("5.5-10", "Five six?”")],
)
def test_parts_share_out_the_words_and_their_signs(part: str, text: str) -> None:
    cut, reference = cut_words(TRANSCRIPT, placed(TRANSCRIPT, *EVEN), Part.parse(part), TEN)
    assert cut == text
    assert [w.word for w in reference.words] == [w.word for w in split_words(text)]
    for word, own in zip(reference.words, split_words(text), strict=True):
        assert (word.start_char, word.end_char) == (own.start_char, own.end_char)
    start = Part.parse(part).start_s
    expected = [(a - start, b - start) for a, b in EVEN if start <= a < Part.parse(part).end_s]
    assert np.array([(w.start_s, w.end_s) for w in reference.words]) == pytest.approx(
        np.array(expected)
    )
    assert not reference.notes


def test_a_word_under_the_knife_goes_where_most_of_it_is_and_is_named() -> None:
    whole = placed(TRANSCRIPT, *EVEN)
    cut, reference = cut_words(TRANSCRIPT, whole, Part(0, 1.8), TEN)
    assert cut == "“One, two!"
    assert reference.words[-1].end_s == 1.8
    assert reference.notes == ("The cut goes through: two.",)
    cut, reference = cut_words(TRANSCRIPT, whole, Part(1.2, 5), TEN)
    assert cut == "two! (three) four."
    assert reference.words[0].start_s == 0


def test_words_without_a_place_stay_inside_and_are_left_out_at_a_cut() -> None:
    whole = placed("a b c d e f", None, (1, 2), None, (3, 4), None, (6, 7))
    cut, reference = cut_words("a b c d e f", whole, Part(0, 5), TEN)
    assert cut == "a b c d"
    assert [w.placed for w in reference.words] == [False, True, False, True]
    assert reference.words[2].problem == "unknown"
    assert reference.notes == ("Left out, as they have no place and stand at a cut: e.",)
    cut, reference = cut_words("a b c d e f", whole, Part(5, 10), TEN)
    assert cut == "f"
    assert "stand at a cut: e." in reference.notes[0]


def test_a_word_that_a_file_puts_elsewhere_loses_its_place() -> None:
    whole = placed("a b c", (1, 2), (8, 9), (3, 4))
    _, reference = cut_words("a b c", whole, Part(0, 5), TEN)
    assert [w.placed for w in reference.words] == [True, False, True]
    assert "outside this part" in reference.words[1].problem
    assert math.isnan(reference.words[1].start_s)


def test_ideographs_are_parted_between_their_signs() -> None:
    text = "一二。三四！"
    whole = placed(text, (0, 1), (1, 2), (5, 6), (6, 7))
    assert cut_words(text, whole, Part(0, 4), TEN)[0] == "一二。"
    assert cut_words(text, whole, Part(4, 10), TEN)[0] == "三四！"


def test_a_part_of_other_words_or_of_another_sound_is_another_reference() -> None:
    other_words = TRANSCRIPT.replace("Five six", "Six five")
    other_sound = Audio(TEN.samples + 0.5, TEN.sample_rate)
    cuts = [
        cut_words(text, placed(text, *EVEN), Part(0, 2.5), sound)
        for text, sound in (
            (TRANSCRIPT, TEN), (TRANSCRIPT, TEN), (other_words, TEN), (TRANSCRIPT, other_sound),
        )
    ]  # fmt: skip
    assert {text for text, _ in cuts} == {"“One, two!"}
    names = [reference.name for _, reference in cuts]
    assert names[0] == names[1]
    assert len(set(names)) == 3, "the name is what the store tells them apart by"


def test_a_part_without_words_says_what_to_do() -> None:
    with pytest.raises(AlignmentError, match=r"none of the 6 words from 9.5 to 10 s.*type what is"):
        cut_words(TRANSCRIPT, placed(TRANSCRIPT, *EVEN), Part(9.5, 10), TEN)


@pytest.mark.parametrize("text", ["", "5", "5-4", "3-3", "-1-4", "nan-4", "0-1e9", "0-4 s", "²-³"])
def test_what_names_no_part_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"expected its start and a later end in seconds"):
        Part.parse(text)


def test_a_part_that_ends_after_the_recording_is_refused() -> None:
    utterance, aligner = Utterance("u", TEN, TRANSCRIPT), Planted(placed(TRANSCRIPT, *EVEN))
    with pytest.raises(InputError, match=r"0-100 s of a recording of 10.00 s.*at most 10.00"):
        take_part(utterance, aligner, Part(0, 100))
    cut, _ = take_part(utterance, aligner, Part(5, 10.004))  # as an offered end may be rounded
    assert cut.audio.duration_s == 5


def test_typed_words_are_placed_in_the_part_alone() -> None:
    aligner = Planted(placed("x y", (0, 1), (1, 2)))
    utterance = Utterance("u", TEN, TRANSCRIPT)
    cut, same = take_part(utterance, aligner, Part(2, 5), "x y")
    assert same is aligner
    assert not aligner.heard
    assert (cut.transcript, cut.audio.duration_s, cut.id) == ("x y", 3, "u, 2-5 s")
    assert (utterance.part, cut.part) == ("", "2-5")
    with pytest.raises(InputError, match="20-30 s of a recording of 10"):
        take_part(utterance, aligner, Part(20, 30))


def test_too_long_is_offered_in_parts_that_can_be_analysed() -> None:
    sound = recording(70, [5, 22, 41, 58])
    model = FakeSpeechLLM()
    words = "one two three four five six seven"
    times = [(10.0 * k + 1, 10.0 * k + 4) for k in range(7)]
    aligner = Planted(placed(words, *times))
    utterance = Utterance("long", sound, words)
    settings = Settings(n_null=0, n_permutations=5)
    with pytest.raises(TooLongError, match=r"lasts 70.0 s, and 'fake' hears at most 30 s") as error:
        analyse(Request("", utterance, reference=aligner, settings=settings, model=model))
    assert not aligner.heard, "too long is said before anything else is done"
    assert len(error.value.offer) == 3
    assert all(offered in str(error.value) for offered in error.value.offer)
    seen = []
    for offered in error.value.offer:
        part, times_known = take_part(utterance, aligner, Part.parse(offered))
        model.expect(part.transcript, times_known.align(part.audio, part.transcript).words)
        made = analyse(Request("", part, reference=times_known, settings=settings, model=model))
        assert made.scores["alas"].argmax() == 2, "the planted layer"
        assert f"cut at {offered} s from " in made.key.reference
        assert any("part from" in warning for warning in made.warnings)
        seen.append(part.transcript)
    assert " ".join(seen) == words


def test_no_model_takes_more_than_a_minute() -> None:
    with pytest.raises(TooLongError, match="one analysis takes at most 60 s") as error:
        check_longest(recording(70, [22, 41]), None, "m", 60.0)
    moved = error.value.after(100.5)
    assert moved.spans[0][0] == 100.5
    assert moved.offer[0].startswith("100.5-")
    check_longest(recording(70, []), None, "m")
