"""The conversation as the model's chat template writes it: once with the audio, once with a text.

The audio run is the measure: in the text run the transcript stands where the audio stood, and all
else is the same. Some templates write a turn without audio otherwise (the instruction elsewhere, or
not at all). Of those, the text run is the audio run's own text with the audio cut out.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from alas_core.errors import InputError, ModelError
from alas_core.models.guard import first_line
from alas_core.models.protocol import Prompt

_NUMBERING = "Audio 1: "
"""Qwen2-Audio counts its sounds so. It is no part of the prompt: a transcript is no sound."""

_TODAY = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
_DAY = datetime.date(2025, 1, 1)
"""What a template that writes today's date gets (Granite 3): one key is one prompt, on any day."""


@dataclass(frozen=True)
class _Content:
    """What a turn is about: as a content block, and as a part of a plain text."""

    block: dict[str, str]
    text: str


_Layout = Callable[[Prompt, _Content], list[dict[str, Any]]]


def render_audio(processor: Any, prompt: Prompt) -> str:
    """The rendered conversation with the family's audio placeholder in it.

    Raises
    ------
    InputError
        If the instruction holds a control string of the model.
    ModelError
        If the template cannot write a conversation with audio.
    """
    return _fitting(processor, prompt)[1]


def render_text(processor: Any, prompt: Prompt, transcript: str) -> tuple[str, int]:
    """The rendered conversation with the transcript in the audio's place.

    Returns
    -------
    str
        The text to be tokenised.
    int
        The character at which the transcript begins in it.
    """
    controls = control_strings(processor)
    head, tail = _around(processor, prompt, controls)
    # White space goes with the transcript, not with the prompt: tokenizers fold it into the first
    # word, and the prompt's own tokens stay those of the audio run.
    if head and not head[-1].isspace() and not head.endswith(controls):
        head += " "
    if tail and not tail[0].isspace() and not tail.startswith(controls):
        tail = "\n" + tail
    return head + transcript + tail, len(head)


def placement(processor: Any, prompt: Prompt) -> str:
    """For the user: where the template puts the instruction, if not where it was asked for."""
    instruction, token = prompt.instruction.strip(), _audio_token(processor)
    if not token or not instruction:
        return ""
    before, _, after = render_audio(processor, prompt).partition(token)
    if instruction in (before if prompt.instruction_first else after):
        return ""
    if instruction not in before + after:
        return "The model's chat template has no place for an instruction: neither run has it."
    side = "after" if prompt.instruction_first else "before"
    return f"The model's chat template puts the instruction {side} the audio, in both runs."


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


def _around(processor: Any, prompt: Prompt, controls: tuple[str, ...]) -> tuple[str, str]:
    """What stands before and after the transcript."""
    layout, heard = _fitting(processor, prompt)
    duration = getattr(processor, "audio_duration_token", None)
    if duration:  # VibeVoice's processor fills it in where it is given the audio
        heard = heard.replace(duration, f"{prompt.audio_s:.2f}")
    mark, token = uuid.uuid4().hex, _audio_token(processor)
    try:
        read = _render(processor, layout(prompt, _Content(_text_block(mark), mark)))
    except (TypeError, TemplateError):  # no turn without audio
        read = heard
    own = read.split(mark)
    if token and heard.count(token) == 1:
        before, after = _unmarked(heard.split(token), read, controls)
        if len(own) != 2 or _bare(own[0], own[1]) != _bare(before, after):
            return before, after
    if len(own) != 2:
        raise ModelError(
            f"the model's chat template writes a text block {len(own) - 1} times, expected once; "
            "this template cannot be used for the text run"
        )
    return own[0], own[1]


def _bare(before: str, after: str) -> tuple[str, str]:
    return before.rstrip(), after.lstrip()


def _unmarked(parts: list[str], read: str, controls: tuple[str, ...]) -> tuple[str, str]:
    """Without what marks audio: control strings beside it that a turn without audio has not."""
    before, after = parts

    def marker(beside: Callable[[str], bool]) -> str:
        text = before + after
        extra = (one for one in controls if beside(one) and text.count(one) > read.count(one))
        return next(extra, "")

    while found := marker(after.startswith):
        after = after.removeprefix(found)
    while found := marker(before.endswith):
        before = before.removesuffix(found)
    return before.removesuffix(_NUMBERING), after


def _audio_token(processor: Any) -> str:
    """What the template writes in the audio's place; "" if the processor does not say."""
    holders = (processor, processor.tokenizer)
    return next((one for h in holders if (one := getattr(h, "audio_token", None))), "")


def _template(processor: Any) -> str:
    """The template in use: of several the default one, always of the same day."""
    found = getattr(processor, "chat_template", None) or processor.tokenizer.chat_template
    if isinstance(found, dict):
        found = found.get("default")
    return _TODAY.sub(lambda call: repr(_DAY.strftime(call[2])), found or "")


def _fitting(processor: Any, prompt: Prompt) -> tuple[_Layout, str]:
    """The first layout of which the template writes audio and instruction, and that text."""
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
    token, instruction = _audio_token(processor), prompt.instruction.strip()
    sound = _Content({"type": "audio", "audio": "utterance"}, token)
    without_instruction, reasons = [], []
    for layout in (_in_blocks, _with_system_turn, _in_one_text):
        try:
            text = _render(processor, layout(prompt, sound))
        except (TypeError, TemplateError) as error:
            reasons.append(first_line(error))
            continue
        if token not in text:
            reasons.append(f"it writes no '{token}'")
        elif instruction in text:
            return layout, text
        else:
            without_instruction.append((layout, text))
    if without_instruction:
        return without_instruction[0]
    raise ModelError(
        f"the model's chat template fails on a turn with audio ({reasons[0]}), expected one that "
        "takes an audio block or a plain text; use the template published with the checkpoint"
    )


def _in_blocks(prompt: Prompt, content: _Content) -> list[dict[str, Any]]:
    """As most families have it."""
    blocks = [content.block]
    if prompt.instruction.strip():
        blocks.insert(0 if prompt.instruction_first else 1, _text_block(prompt.instruction))
    return [{"role": "user", "content": blocks}]


def _with_system_turn(prompt: Prompt, content: _Content) -> list[dict[str, Any]]:
    """For templates that leave out a user's text (Qwen3-ASR)."""
    return [
        {"role": "system", "content": [_text_block(prompt.instruction)]},
        {"role": "user", "content": [content.block]},
    ]


def _in_one_text(prompt: Prompt, content: _Content) -> list[dict[str, Any]]:
    """For templates that know no blocks, or none of audio (Granite Speech)."""
    parts = [content.text]
    if prompt.instruction.strip():
        parts.insert(0 if prompt.instruction_first else 1, prompt.instruction)
    return [{"role": "user", "content": "".join(parts)}]


def _text_block(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _render(processor: Any, conversation: list[dict[str, Any]]) -> str:
    # The template is given: some families keep it with the tokenizer, where a processor's own
    # method does not look.
    template = _template(processor)
    # A model that thinks first would spend the few tokens of its answer on that.
    thinking = {"enable_thinking": False} if "enable_thinking" in template else {}
    rendered: str = processor.apply_chat_template(
        conversation,
        chat_template=template,
        tokenize=False,
        add_generation_prompt=True,
        **thinking,
    )
    return rendered
