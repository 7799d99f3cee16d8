"""How an English word that no dictionary has may be pronounced, guessed from its spelling.

A small encoder and decoder (two GRUs, trained on the CMU dictionary) by Kyubyong Park and Jongseok
Kim: the weights of the package g2p_en 2.1.0 (Apache-2.0), which ship in assets/vendor because the
package itself downloads other data when it is imported. About three words in four come out exactly
as a dictionary would have them, and one phone in twelve is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from alas_core.reference.readings import Lookup, Reading, readings
from alas_core.resources import asset_path
from alas_core.types import FloatArray, WordTiming

WEIGHTS = "g2p-en-2.1.0.safetensors"
MAX_LETTERS = 30

_LETTERS = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
_VOWELS = "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()
_CONSONANTS = "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
_START, _END = 2, 3
_SYMBOLS = [
    *("<pad>", "<unk>", "<s>", "</s>"),
    *(
        phone
        for phone in sorted(_VOWELS + _CONSONANTS)
        for _ in range(4 if phone == "UW" else 3 if phone in _VOWELS else 1)
    ),
]
"""What the decoder can write; the stress of vowels is dropped, the aligner's phones have none."""

_MAX_PHONES = 20
_MARK = "~"


@lru_cache(maxsize=1024)
def guess(word: str) -> tuple[str, ...]:
    """Phones of a word in small Latin letters, as the CMU dictionary writes them, without stress.

    Returns
    -------
    tuple of str
        Empty for what is no such word (digits, other scripts, more than 30 letters).

    Examples
    --------
    >>> guess("blorp")
    ('B', 'L', 'AO', 'R', 'P')
    """
    spelling = word.replace("'", "")
    if not (spelling.isascii() and spelling.isalpha() and spelling.islower()):
        return ()
    if len(spelling) > MAX_LETTERS:
        return ()
    weights = _weights()
    state = np.zeros(weights["enc_w_hh"].shape[1], dtype=np.float32)
    for letter in (*spelling, "</s>"):
        state = _gru(weights, "enc", weights["enc_emb"][_LETTERS.index(letter)], state)
    phones: list[str] = []
    last = _START
    while len(phones) < _MAX_PHONES:
        state = _gru(weights, "dec", weights["dec_emb"][last], state)
        last = int(np.argmax(weights["fc_w"] @ state + weights["fc_b"]))
        if last == _END:
            break
        phones.append(_SYMBOLS[last])
    return tuple(phone for phone in phones if phone.isalpha())


def guessed_readings(word: str, lookup: Lookup) -> tuple[Reading, ...]:
    """Readings of a word of which the dictionary lacks a part, see `readings.readings`.

    Parts that are not in the dictionary carry a mark before their spelling ("~blorp"): `sounds`
    gives their phones. Empty if a part is no English spelling at all.
    """
    options = readings(word, lambda part: lookup(part) or " ".join(guess(part)) or None)
    return tuple(
        tuple(part if lookup(part) is not None else _MARK + part for part in reading)
        for reading in options
    )


def sounds(part: str) -> tuple[str, ...]:
    """Phones of a marked part; any other part is its dictionary's business and stands as it is."""
    return guess(part.removeprefix(_MARK)) if part.startswith(_MARK) else (part,)


def guess_notes(
    words: Sequence[WordTiming], guesses: Mapping[int, Sequence[Reading]], *, placed: bool
) -> tuple[str, ...]:
    """What to say of guessed pronunciations; `guesses` are readings by word."""
    listed = [
        f"{words[k].word} ({' '.join(phone for part in options[0] for phone in sounds(part))})"
        for k, options in guesses.items()
        if options
    ]
    if not listed:
        return ()
    return (
        "Not in the English dictionary, so pronounced as the spelling suggests: "
        f"{', '.join(listed)}.{' Check where they were placed.' if placed else ''}",
    )


def _gru(weights: Mapping[str, FloatArray], part: str, x: FloatArray, h: FloatArray) -> FloatArray:
    """One step of a gated recurrent unit, gates in the order reset, update, new."""
    from_x = weights[f"{part}_w_ih"] @ x + weights[f"{part}_b_ih"]
    from_h = weights[f"{part}_w_hh"] @ h + weights[f"{part}_b_hh"]
    reset_x, update_x, new_x = np.split(from_x, 3)
    reset_h, update_h, new_h = np.split(from_h, 3)
    reset = 1 / (1 + np.exp(-(reset_x + reset_h)))
    update = 1 / (1 + np.exp(-(update_x + update_h)))
    new = np.tanh(new_x + reset * new_h)
    state: FloatArray = (1 - update) * new + update * h
    return state


@lru_cache(maxsize=1)
def _weights() -> Mapping[str, FloatArray]:
    from safetensors.numpy import load_file

    stored = load_file(asset_path("vendor", WEIGHTS))
    return {name: array.astype(np.float32) for name, array in stored.items()}
