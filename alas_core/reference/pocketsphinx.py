"""Forced alignment of English with pocketsphinx: offline, no download, the default reference.

The words of the transcript are laid over the recording without pruning. Each one is then held
against a loop of all phones over the same frames: how much worse than "any speech sound at all"
does the word explain them? That ratio is the confidence, and words far below are reported as not
found instead of being given a place (Witt and Young 2000, "goodness of pronunciation").
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata

import numpy as np
import numpy.typing as npt
from pocketsphinx import Decoder

from alas_core.audio import SAMPLE_RATE, SILENCE_PEAK, resample
from alas_core.errors import AlignmentError
from alas_core.reference.base import unplaced, words_to_place
from alas_core.reference.pronouncing import guess_notes, guessed_readings, sounds
from alas_core.reference.readings import Reading, parse, placeholder, readings
from alas_core.types import Audio, Reference, WordTiming

RULES = 2
"""Version of the rules in this file and in readings.py. Raise it when they give other times."""

FRAME_S = 0.01
LOST_WORD = -6.0
"""Log likelihood ratio a frame below which a word counts as not spoken. On synthetic speech 0.5 %
of spoken words lie below (mostly short ones), and a third of single words put in for others."""

LOST_TEXT = -2.0
"""The same for the mean over a recording. Of the demo's 48 utterances the right transcripts all lie
above, 46 wrong ones of the same grammar below; noise lies below -8."""

OTHER_SPEECH = 1e-20
"""Price of a sound outside the transcript before its first or after its last word."""

OTHER_SPEECH_S = 0.4  # shorter sounds are breath or a word's own edge: not worth a note
_MOST_WORDS_A_SECOND = 12
_PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V "
    "W Y Z ZH"
).split()
_SCORE_STEPS = 1024
"""Acoustic scores are kept in steps of 1/1024 of a log likelihood."""


@dataclass(frozen=True)
class _Segment:
    word: str
    start: int
    end: int
    score: float  # log likelihood a frame


@dataclass(frozen=True)
class _Laid:
    """Segments of each word, and of speech before the first and after the last one."""

    spans: list[list[_Segment]]
    others: list[_Segment]

    def notes(self) -> tuple[str, ...]:
        """What is said before and after the words, if it is more than a sound or two."""
        first, last = self.spans[0][0].start, self.spans[-1][-1].end
        before = sum(s.end - s.start for s in self.others if s.end <= first) * FRAME_S
        after = sum(s.end - s.start for s in self.others if s.start >= last) * FRAME_S
        return tuple(
            f"About {length_s:.1f} s of speech {place} word are not in the transcript."
            for length_s, place in ((before, "before the first"), (after, "after the last"))
            if length_s > OTHER_SPEECH_S
        )


class PocketsphinxAligner:
    """Places the words of an English transcript; implements `Aligner`.

    Notes
    -----
    Onsets lie within 15 ms of the synthesiser's on average, 99 % within 100 ms (150 sentences of
    espeak-ng and flite, two thirds of them noisy). A transcript that lacks the first or last words
    still finds its own: what is said before and after them is left alone, and mostly noted. Words
    outside the dictionary (126,000 English words, numbers, hyphenated words, initials) are
    pronounced as they are spelt, which the notes say, or come back without a place if they are not
    in Latin letters; so do words that do not fit their frames, and all words of a transcript that
    does not fit the recording. A wrong word among right ones often goes unnoticed.
    """

    name = f"pocketsphinx {metadata.version('pocketsphinx')} r{RULES}"

    def align(self, audio: Audio, transcript: str) -> Reference:
        """Place the words; see `Aligner.align`."""
        words = words_to_place(transcript)
        audio = resample(audio, SAMPLE_RATE)
        if float(np.ptp(audio.samples)) < 2 * SILENCE_PEAK:
            return Reference(self.name, unplaced(words, "the recording is silent"))
        if len(words) > max(_MOST_WORDS_A_SECOND * audio.duration_s, 1):
            problem = f"{len(words)} words cannot be spoken in {audio.duration_s:.1f} s"
            return Reference(self.name, unplaced(words, problem))
        try:
            with _LOCK:
                placed, notes = _place(_decoder(), audio, words)
        except RuntimeError as error:
            raise AlignmentError(
                f"pocketsphinx stopped on a transcript of {len(words)} words ({error}), expected "
                "word times; give them as a TextGrid, CTM or JSON file instead"
            ) from error
        return Reference(self.name, placed, notes)


_LOCK = threading.Lock()
_DECODERS: list[Decoder] = []


def _decoder() -> Decoder:
    """The process's decoder (150 ms to load), with the loop of phones built in."""
    if not _DECODERS:
        # No pruning: with the usual beams one in ten right transcripts is not found at all.
        decoder = Decoder(lm=None, bestpath=False, beam=0, wbeam=0, pbeam=0, loglevel="FATAL")
        for phone in _PHONES:
            decoder.add_word(f"+{phone}", phone, phone == _PHONES[-1])
        share = 1 / len(_PHONES)
        arcs = [(state, 1, share, f"+{phone}") for state in (0, 1) for phone in _PHONES]
        decoder.add_fsg("phones", decoder.create_fsg("phones", 0, 1, arcs))
        _DECODERS.append(decoder)
    return _DECODERS[0]


def _place(
    decoder: Decoder, audio: Audio, words: tuple[WordTiming, ...]
) -> tuple[tuple[WordTiming, ...], tuple[str, ...]]:
    choices = [readings(word.word, decoder.lookup_word) for word in words]
    guesses = {k: _guessed(decoder, words[k].word) for k, known in enumerate(choices) if not known}
    choices = [options or guesses[k] for k, options in enumerate(choices)]
    known = [bool(options) for options in choices]
    words = tuple(
        word if is_known else replace(word, problem="not in the English dictionary")
        for word, is_known in zip(words, known, strict=True)
    )
    if not any(known):
        return words, ("No word of the transcript is in the English dictionary.",)
    sound = _faintly_noisy(audio.samples)
    paths = [
        options or ((_add_placeholder(decoder, word.word),),)
        for options, word in zip(choices, words, strict=True)
    ]
    anything = _frame_scores(_decode(decoder, "phones", sound) or ())
    for open_ends in (True, False):  # clipped to its words; if that does not fit, all of it
        laid = _lay(decoder, sound, paths, open_ends)
        if laid is None:
            continue
        ratios = [_ratio(span, anything) for span in laid.spans]
        if _fits(words, laid.spans, ratios):
            notes = (*guess_notes(words, guesses, placed=True), *laid.notes())
            return _judge(words, laid.spans, ratios, audio.duration_s), notes
    problem = "the transcript does not fit the audio"
    return tuple(replace(word, problem=word.problem or problem) for word in words), (
        "The transcript does not fit the recording: other words, another language, or noise.",
        *guess_notes(words, guesses, placed=False),
    )


def _guessed(decoder: Decoder, word: str) -> tuple[Reading, ...]:
    """Readings of a word whose unknown parts are pronounced as they are spelt."""
    options = guessed_readings(word, decoder.lookup_word)
    for part in {part for reading in options for part in reading}:
        if decoder.lookup_word(part) is None:
            decoder.add_word(part, " ".join(sounds(part)), True)
    return options


def _fits(
    words: Sequence[WordTiming], spans: Sequence[Sequence[_Segment]], ratios: Sequence[float]
) -> bool:
    """Whether the known words together explain their frames about as well as any sounds would."""
    rows = [
        (ratio, span[-1].end - span[0].start)
        for word, span, ratio in zip(words, spans, ratios, strict=True)
        if not word.problem
    ]
    frames = sum(length for _, length in rows)
    return sum(ratio * length for ratio, length in rows) >= LOST_TEXT * frames


def _judge(
    words: Sequence[WordTiming],
    spans: Sequence[Sequence[_Segment]],
    ratios: Sequence[float],
    duration_s: float,
) -> tuple[WordTiming, ...]:
    """Give each known word its place, unless it does not fit there."""
    judged = []
    for word, span, ratio in zip(words, spans, ratios, strict=True):
        if not word.problem and ratio < LOST_WORD:
            word = replace(word, problem="not found in the audio")
        if not word.problem:
            word = replace(
                word,
                start_s=span[0].start * FRAME_S,
                end_s=min(span[-1].end * FRAME_S, duration_s),
                confidence=1 / (1 + math.exp(LOST_WORD / 2 - ratio)),
            )
        judged.append(word)
    return tuple(judged)


def _faintly_noisy(samples: npt.NDArray[np.float32]) -> bytes:
    """16-bit samples at a steady level with a whisper of fixed noise: digital silence misleads."""
    level = 0.5 / float(np.abs(samples).max())
    noise = np.random.default_rng(0).integers(-2, 3, len(samples))
    integers = np.rint(samples * (level * 32767)).astype(np.int64) + noise
    return bytes(integers.astype(np.int16).tobytes())


def _add_placeholder(decoder: Decoder, word: str) -> str:
    """A made-up dictionary word with rough phones; named by them, so that order never matters."""
    phones = placeholder(word)
    name = "_".join(("", *phones))
    if decoder.lookup_word(name) is None:
        decoder.add_word(name, " ".join(phones), True)
    return name


def _lay(
    decoder: Decoder, sound: bytes, choices: Sequence[Sequence[Reading]], open_ends: bool
) -> _Laid | None:
    """The words over the sound, or None if no path through them fits."""
    arcs = _word_arcs(choices)
    if open_ends:
        edges = (0, len(choices))
        arcs += [(edge, edge, OTHER_SPEECH, f"+{phone}") for edge in edges for phone in _PHONES]
    decoder.add_fsg("words", decoder.create_fsg("words", 0, len(choices), arcs))
    segments = _decode(decoder, "words", sound)
    if segments is None:
        return None
    spoken = [segment for segment in segments if segment.word[0] not in "<[(+"]
    counts = parse([segment.word for segment in spoken], choices)
    if counts is None:
        return None
    ends = np.cumsum(counts)
    spans = [spoken[end - count : end] for end, count in zip(ends, counts, strict=True)]
    return _Laid(spans, [segment for segment in segments if segment.word[0] == "+"])


def _word_arcs(choices: Sequence[Sequence[Reading]]) -> list[tuple[int, int, float, str]]:
    """Arcs (from, to, probability, word) of a graph in which every word takes one reading.

    State k stands before word k; states above `len(choices)` lie inside readings.
    """
    arcs: list[tuple[int, int, float, str]] = []
    free = len(choices) + 1
    for k, options in enumerate(choices):
        for reading in options:
            inner = list(range(free, free + len(reading) - 1))
            free += len(inner)
            steps = zip([k, *inner], [*inner, k + 1], reading, strict=True)
            arcs += [(start, end, 1.0, word) for start, end, word in steps]
    return arcs


def _decode(decoder: Decoder, search: str, sound: bytes) -> list[_Segment] | None:
    decoder.activate_search(search)
    # Cepstral means run on from one recording to the next: start afresh, or order would matter.
    decoder.reinit_feat()
    decoder.start_utt()
    try:
        decoder.process_raw(sound, full_utt=True)
    finally:
        decoder.end_utt()
    if decoder.hyp() is None:
        return None
    return [
        _Segment(
            segment.word.split("(")[0] if segment.word[0] not in "<[(" else segment.word,
            segment.start_frame,
            segment.end_frame + 1,
            _SCORE_STEPS * math.log(segment.ascore) / (segment.end_frame + 1 - segment.start_frame),
        )
        for segment in decoder.seg()
        if segment.end_frame >= segment.start_frame and segment.ascore > 0
    ]


def _frame_scores(segments: Sequence[_Segment]) -> npt.NDArray[np.float64]:
    """Log likelihood of each frame, (n_frames,)."""
    lengths = [segment.end - segment.start for segment in segments]
    return np.repeat([segment.score for segment in segments], lengths)


def _ratio(span: Sequence[_Segment], anything: npt.NDArray[np.float64]) -> float:
    """Mean log likelihood ratio a frame of a word's segments against any speech sound."""
    word = _frame_scores(span)
    frames = np.concatenate([np.arange(segment.start, segment.end) for segment in span])
    return float(np.mean(word - anything[np.minimum(frames, len(anything) - 1)]))
