"""How a written word may be spoken, in the words of an English pronunciation dictionary.

A dictionary knows "surgeon", not "well-known", "1999" or "LLM". Each written word has readings:
sequences of dictionary words, any of which may be what was said. A word without a reading is
unknown; `placeholder` then gives it rough phones that keep its place in the sentence.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence

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
_MAX_DIGITS = 9
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = ["", "ten", *"twenty thirty forty fifty sixty seventy eighty ninety".split()]
_SCALES = ((10**6, "million"), (10**3, "thousand"), (10**2, "hundred"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
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
    digits, suffix = re.fullmatch(r"([\d,.]+)([a-z]*)", number).groups()  # type: ignore[union-attr]
    whole, _, decimals = digits.replace(",", "").partition(".")
    if len(whole) > _MAX_DIGITS or len(decimals) > _MAX_DIGITS:
        return ()
    value = int(whole)
    if whole.startswith("0") and value:  # a code: 007
        said = [_one_by_one(whole)]
    else:
        said = [_cardinal(value), _cardinal(value, "and")]
    if re.fullmatch(r"[1-9]\d{3}", number):
        century, year = divmod(value, 100)
        if not year:
            said.insert(0, (*_cardinal(century), "hundred"))
        elif year < 10:
            said[:0] = [(*_cardinal(century), zero, _ONES[year]) for zero in ("oh", "zero")]
        else:
            said.insert(0, _cardinal(century) + _cardinal(year))
    if decimals:
        said = [(*words, "point", *_one_by_one(decimals)) for words in said]
    elif suffix:
        said = [(*words[:-1], _ordinal(words[-1])) for words in said]
    return tuple(dict.fromkeys(said))


def _cardinal(value: int, joint: str = "") -> Reading:
    """Words of a whole number below 10**9; `joint` stands after the hundreds ("and") or not."""
    if value < 20:
        return (_ONES[value],)
    if value < 100:
        tens, ones = divmod(value, 10)
        return (_TENS[tens], *(_cardinal(ones) if ones else ()))
    size, name = next(scale for scale in _SCALES if value >= scale[0])
    many, rest = divmod(value, size)
    between = (joint,) if joint and rest and rest < 100 else ()
    return (*_cardinal(many, joint), name, *between, *(_cardinal(rest, joint) if rest else ()))


def _one_by_one(digits: str) -> Reading:
    return tuple(_ONES[int(digit)] for digit in digits)


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return word.removesuffix("y") + "ieth" if word.endswith("y") else f"{word}th"


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
