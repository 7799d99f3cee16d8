"""The two prompts of one utterance, and where the transcript's tokens stand in the text one.

The conversation is rendered once by the model's own chat template. In the text run a unique mark
stands where the audio stood and is then replaced by the transcript, so its character position is
known whatever words the instruction repeats, and the template cannot trim or change it.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alas_core.errors import InputError, ModelError
from alas_core.models.protocol import Prompt
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


def render_audio(processor: Any, prompt: Prompt) -> str:
    """The rendered conversation with the family's audio placeholder in it."""
    return _render(processor, prompt, {"type": "audio", "audio": "utterance"})


def render_text(processor: Any, prompt: Prompt, transcript: str) -> tuple[str, int]:
    """The rendered conversation with the transcript in the audio's place.

    Returns
    -------
    str
        The text to be tokenised.
    int
        The character at which the transcript begins in it.
    """
    mark = uuid.uuid4().hex
    rendered = _render(processor, prompt, {"type": "text", "text": mark})
    if rendered.count(mark) != 1:
        raise ModelError(
            f"the model's chat template writes a text block {rendered.count(mark)} times, "
            "expected once; this template cannot be used for the text run"
        )
    head, tail = rendered.split(mark)
    # White space goes with the transcript, not with the prompt: tokenizers fold it into the first
    # word, and the prompt's own tokens stay those of the audio run.
    if prompt.instruction.strip():
        if prompt.instruction_first and not head[-1:].isspace():
            head += " "
        elif not prompt.instruction_first and not tail[:1].isspace():
            tail = "\n" + tail
    return head + transcript + tail, len(head)


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


def control_strings(processor: Any) -> tuple[str, ...]:
    """Added tokens with which a text could steer the model: special ones and the template's own."""
    template = _template(processor)
    added = processor.tokenizer.added_tokens_decoder.values()
    return tuple(
        token.content
        for token in added
        if len(token.content) > 1
        and not token.content.isspace()
        and (token.special or token.content in template)
    )


def needs_special_tokens(tokenizer: Any, text: str) -> bool:
    """Whether the tokenizer must still add its start token: templates that write it have it."""
    return tokenizer.bos_token is None or not text.startswith(tokenizer.bos_token)


def _template(processor: Any) -> str:
    template = getattr(processor, "chat_template", None) or processor.tokenizer.chat_template
    if isinstance(template, dict):
        return "\n".join(template.values())
    return str(template or "")


def _render(processor: Any, prompt: Prompt, block: dict[str, str]) -> str:
    typed = [control for control in control_strings(processor) if control in prompt.instruction]
    if typed:
        raise InputError(
            f"the instruction holds '{typed[0]}', which this model reads as a control token; "
            "take it out of the instruction"
        )
    if not _template(processor):
        raise ModelError(
            "the model has no chat template, expected one in its processor or tokenizer files; "
            "use an instruction-tuned checkpoint of the family"
        )
    content = [block]
    if prompt.instruction.strip():
        content.insert(0 if prompt.instruction_first else 1, _text_block(prompt.instruction))
    conversation = [{"role": "user", "content": content}]
    rendered: str = processor.apply_chat_template(
        conversation, tokenize=False, add_generation_prompt=True
    )
    return rendered


def _text_block(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


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
