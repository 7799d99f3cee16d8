"""The text run's tokens, and where the transcript's stand among them.

The transcript is put into the rendered conversation, so its character position is known whatever
words the instruction repeats, and the template cannot trim or change it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alas_core.errors import InputError, ModelError
from alas_core.models.protocol import Prompt
from alas_core.models.rendering import control_strings, render_text
from alas_core.types import Token


@dataclass(frozen=True)
class TextInput:
    """The text run before the forward pass.

    ids : token ids of the whole prompt.
    positions : where the transcript's tokens stand in `ids`, increasing.
    tokens : those tokens, with offsets into the transcript.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    tokens: tuple[Token, ...]


def encode_text(processor: Any, prompt: Prompt, transcript: str) -> TextInput:
    """Tokenise the text run and find the transcript in it by character offsets.

    Control strings of the model ("<|im_end|>") that a user typed into the transcript are encoded
    as plain text: the string is cut inside each of them before it meets the tokenizer.

    Raises
    ------
    InputError
        If the transcript has no visible character, or holds a control string that cannot be
        taken as text.
    ModelError
        If the tokenizer gives no offsets.
    """
    spoken = transcript.strip()
    if not spoken:
        raise InputError("the transcript is empty, expected at least one word; type what is said")
    text, start = render_text(processor, prompt, spoken)
    end = start + len(spoken)
    lead = transcript.index(spoken)
    controls = control_strings(processor)
    cuts = _cuts(text, start, end, controls)
    ids, offsets = _encode(processor.tokenizer, text, cuts)
    positions, tokens = [], []
    for position, (first, last) in enumerate(offsets):
        token = covering_token(spoken, first - start, last - start)
        if token is not None:
            positions.append(position)
            tokens.append(Token(token.text, token.start_char + lead, token.end_char + lead))
    control_ids = set(processor.tokenizer.convert_tokens_to_ids(list(controls)))
    if control_ids & {ids[position] for position in positions}:
        raise InputError(
            "the transcript holds a control string of this model that its tokenizer does not take "
            "as text; remove the '<...>' part from the transcript"
        )
    return TextInput(tuple(ids), tuple(positions), tuple(tokens))


def needs_special_tokens(tokenizer: Any, text: str) -> bool:
    """Whether the tokenizer must still add its start token: templates that write it have it."""
    return tokenizer.bos_token is None or not text.startswith(tokenizer.bos_token)


def _cuts(text: str, start: int, end: int, controls: Sequence[str]) -> list[int]:
    """Places inside every control string that touches the transcript."""
    cuts = set()
    for control in controls:
        found = text.find(control, max(0, start - len(control) + 1))
        while 0 <= found < end:
            cuts.add(found + 1)
            found = text.find(control, found + 1)
    return sorted(cuts)


def _encode(
    tokenizer: Any, text: str, cuts: Sequence[int]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids and character offsets of the text, tokenised piece by piece between the cuts."""
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(
            f"the tokenizer {type(tokenizer).__name__} gives no character offsets, expected one "
            "with a tokenizer.json; convert the checkpoint's tokenizer"
        )
    ids: list[int] = []
    offsets: list[tuple[int, int]] = []
    edges = [0, *cuts, len(text)]
    for begin, stop in itertools.pairwise(edges):
        piece = text[begin:stop]
        encoded = tokenizer(
            piece,
            return_offsets_mapping=True,
            add_special_tokens=begin == 0 and needs_special_tokens(tokenizer, text),
        )
        ids += encoded["input_ids"]
        offsets += [(first + begin, last + begin) for first, last in encoded["offset_mapping"]]
    return ids, offsets


def covering_token(transcript: str, first: int, last: int) -> Token | None:
    """The token's part of the transcript without surrounding white space; None if it has none."""
    first, last = max(first, 0), min(last, len(transcript))
    if first >= last:
        return None
    text = transcript[first:last]
    if text.strip():
        first += len(text) - len(text.lstrip())
        last -= len(text) - len(text.rstrip())
    return Token(transcript[first:last], first, last)
