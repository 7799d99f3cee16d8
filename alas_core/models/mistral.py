"""Prompts of models whose tokenizer is mistral-common's (Voxtral): a conversation in, ids out.

Such a tokenizer takes neither a rendered text nor offsets, and sound only from a file. It encodes
every text block as plain text, so nothing that a user types can become a control token, and the
transcript's tokens are found by decoding prefixes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import soundfile

from alas_core.errors import InputError, ModelError
from alas_core.models.prompting import TextInput, covering_token
from alas_core.models.protocol import Prompt
from alas_core.types import Audio, Token


def conversation_inputs(processor: Any, audio: Audio, prompt: Prompt) -> Any:
    """Ids and features of the audio run; the sound goes through a temporary file of floats.

    Parameters
    ----------
    processor : VoxtralProcessor
    audio : at the rate of the processor's feature extractor
    prompt : instruction and its place
    """
    with tempfile.TemporaryDirectory(prefix="alas-") as folder:
        path = Path(folder) / "utterance.wav"
        soundfile.write(path, audio.samples, audio.sample_rate, subtype="FLOAT")
        block = {"type": "audio", "path": str(path)}
        return processor.apply_chat_template(_conversation(prompt, block), return_tensors="pt")


def encode_conversation(processor: Any, prompt: Prompt, transcript: str) -> TextInput:
    """The text run: instruction and transcript in one text block, the transcript found by decoding.

    Raises
    ------
    InputError
        If the transcript has no visible character.
    ModelError
        If the tokenizer's ids do not spell the text that they were made of.
    """
    spoken = transcript.strip()
    if not spoken:
        raise InputError("the transcript is empty, expected at least one word; type what is said")
    lead = transcript.index(spoken)
    instruction = prompt.instruction.strip()
    text = spoken
    if instruction:
        text = f"{instruction} {spoken}" if prompt.instruction_first else f"{spoken}\n{instruction}"
    start = len(instruction) + 1 if instruction and prompt.instruction_first else 0
    message = [{"role": "user", "content": [{"type": "text", "text": text}]}]
    ids = [int(one) for one in processor.tokenizer.apply_chat_template(message)["input_ids"]]
    control = set(processor.tokenizer.all_special_ids)
    held = [position for position, one in enumerate(ids) if one not in control]
    offsets = _offsets(processor.tokenizer, [ids[position] for position in held], text)
    positions, tokens = [], []
    for position, (first, last) in zip(held, offsets, strict=True):
        token = covering_token(spoken, first - start, last - start)
        if token is not None:
            positions.append(position)
            tokens.append(Token(token.text, token.start_char + lead, token.end_char + lead))
    return TextInput(tuple(ids), tuple(positions), tuple(tokens))


def _conversation(prompt: Prompt, block: dict[str, str]) -> list[dict[str, Any]]:
    content = [block]
    if prompt.instruction.strip():
        text = {"type": "text", "text": prompt.instruction.strip()}
        content.insert(0 if prompt.instruction_first else 1, text)
    return [{"role": "user", "content": content}]


def _offsets(tokenizer: Any, ids: list[int], text: str) -> list[tuple[int, int]]:
    """Characters of the text that each id touches; several ids may share one character."""
    offsets, whole = [], 0
    for stop in range(1, len(ids) + 1):
        decoded = tokenizer.decode(ids[:stop])
        spelled = whole
        while spelled < min(len(decoded), len(text)) and decoded[spelled] == text[spelled]:
            spelled += 1
        # What is left over decodes to replacement characters: the beginning of one character.
        offsets.append((whole, spelled if spelled == len(decoded) else spelled + 1))
        whole = spelled
    if whole != len(text):
        raise ModelError(
            f"the tokenizer's ids spell {tokenizer.decode(ids)[whole : whole + 20]!r} where the "
            f"text has {text[whole : whole + 20]!r}, expected the same; this tokenizer changes "
            "texts, so its tokens cannot be placed"
        )
    return offsets
