"""How a written word may be spoken, in the words of an English pronunciation dictionary.

A dictionary knows "surgeon", not "well-known", "1999" or "LLM". Each written word has readings:
sequences of dictionary words, any of which may be what was said. A word without a reading is
unknown; `placeholder` then gives it rough phones that keep its place in the sentence.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import inflect

Reading = tuple[str, ...]
Lookup = Callable[[str], str | None]
"""Phones of a dictionary word, or None if the dictionary lacks it."""

_PART = re.compile(r"(?P<number>\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?)|[a-z']+|(?P<sign>[%&@#$€£])")
_INITIALS = re.compile(r"[A-Z]{2,5}")
_SIGNS = {
    "%": "percent",
    "&": "and",
    "@": "at",
    "#": "number",
    "$": "dollars",
    "€": "euros",
    "£": "pounds",
}
_MAX_READINGS = 8
_MAX_NUMBER = 15
_ROUGH = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "AE B K D EH F G HH IH JH K L M N AA P K R S T AH V W K Y Z".split(),
        strict=True,
    )
)
_MAX_PHONES = 20


def normalise(word: str) -> str:
    """Lower-case, straight apostrophes, no accents: how dictionaries write a word."""
    straight = word.replace("\u2019", "'").replace("\u02bc", "'")
    letters = unicodedata.normalize("NFKD", straight)
    return "".join(char for char in letters if not unicodedata.combining(char)).lower()


def readings(word: str, lookup: Lookup) -> tuple[Reading, ...]:
    """Ways to speak a written word; empty if a part of it is unknown.

    Parameters
    ----------
    word : str
        As written in the transcript.
    lookup : callable
        The dictionary: word to phones, or None.

    Returns
    -------
    tuple of tuple of str
        At most 8 sequences of dictionary words, the likeliest first.

    Examples
    --------
    >>> readings("Well-known", {"well": "W EH L", "known": "N OW N"}.get)
    (('well', 'known'),)
    """
    plain = normalise(word)
    if lookup(plain) is not None:
        return ((plain,),)
    if _INITIALS.fullmatch(word):
        letters = tuple(f"{letter}." for letter in plain)
        return (letters,) if all(map(lookup, letters)) else ()
    parts = [match[0] for match in _PART.finditer(plain)]
    if not parts or any(map(str.isalnum, _PART.sub("", plain))):
        return ()
    if parts[0] in "$€£" and len(parts) > 1:  # written first, spoken last
        parts = [*parts[1:], parts[0]]
    choices = itertools.product(*(_part_readings(part) for part in parts))
    spoken = (tuple(itertools.chain(*choice)) for choice in choices)
    known = (reading for reading in spoken if all(map(lookup, reading)))
    return tuple(dict.fromkeys(itertools.islice(known, _MAX_READINGS)))


def _part_readings(part: str) -> tuple[Reading, ...]:
    if part[0].isdigit():
        return _number_readings(part)
    return ((_SIGNS.get(part, part.strip("'")),),)


def _number_readings(number: str) -> tuple[Reading, ...]:
    """Cardinal or ordinal, with and without "and"; four digits also as a year."""
    if len(number) > _MAX_NUMBER:
        return ()
    plain = number.replace(",", "")
    engine = _numbers()
    said = [engine.number_to_words(plain, andword=""), engine.number_to_words(plain)]
    if re.fullmatch(r"[1-9]\d{3}", plain):
        pairs = str(engine.number_to_words(plain, group=2))
        said = [pairs, pairs.replace("zero", "oh"), *said]
        if plain.endswith("00"):
            hundreds = engine.number_to_words(plain[:2])
            said.insert(0, f"{hundreds} hundred")
    if re.fullmatch(r"0\d+", plain):
        said = [str(engine.number_to_words(plain, group=1))]
    return tuple(dict.fromkeys(tuple(re.findall("[a-z]+", str(words))) for words in said))


@functools.cache
def _numbers() -> inflect.engine:
    # Checks its own types at import, which takes a while: only who meets a number pays.
    import inflect

    return inflect.engine()


def placeholder(word: str) -> tuple[str, ...]:
    """Rough phones for an unknown word: letter by letter, a vowel for what is no Latin letter.

    Good enough to find the words around it (their edges stay within 100 ms in 99 % of cases on
    synthetic speech; left out, in half), not to say where the word itself begins and ends.
    """
    phones = [_ROUGH.get(char, "AH") for char in normalise(word) if char.isalnum()]
    return tuple(phones[:_MAX_PHONES]) or ("AH",)


def parse(segments: Sequence[str], choices: Sequence[Sequence[Reading]]) -> list[int] | None:
    """How many of the decoded segments each word took, given its readings.

    Returns
    -------
    list of int or None
        One count a word, adding up to all segments; None if the segments are no such sequence.
    """
    # paths: number of segments used so far -> counts that lead there.
    paths: dict[int, list[int]] = {0: []}
    for options in choices:
        longer: dict[int, list[int]] = {}
        for used, counts in paths.items():
            for reading in options:
                end = used + len(reading)
                if tuple(segments[used:end]) == tuple(reading):
                    longer.setdefault(end, [*counts, len(reading)])
        paths = longer
    return paths.get(len(segments))
