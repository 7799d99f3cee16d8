"""Training sequences, written with the processor's own chat template."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Qwen2AudioProcessor

from alas_core.demo.bank import IGNORED, Batch, Item, frames_of
from alas_core.demo.grammar import INSTRUCTIONS

TRANSCRIPT_WEIGHT = 0.3
"""Weight of the next-word loss on the transcript in a text prompt, against 1 on the answer."""
AUDIO_FIRST_SHARE = 0.25
TASK_WEIGHTS = {"who": 4.0, "emotion": 2.5}
"""How often a task is asked where a sentence answers several; 1 for the others."""


@dataclass(frozen=True)
class Prompt:
    """Token ids of one training sequence around the place of the content.

    Attributes
    ----------
    before, after, answer : list[int]
        The sequence is before + content + after + answer; only the answer is learnt.
    """

    before: list[int]
    after: list[int]
    answer: list[int]


class Writer:
    """Writes training prompts with the processor's own template, so that training and use agree."""

    def __init__(self, processor: Qwen2AudioProcessor) -> None:
        self.tokenizer = processor.tokenizer
        self.transcribe_share = 0.5
        ids = self.tokenizer.convert_tokens_to_ids
        self.silence_id = int(self.tokenizer.pad_token_id)
        self.audio_id = int(ids("<|AUDIO|>"))
        self.audio_marks = ([int(ids("<|audio_bos|>"))], [int(ids("<|audio_eos|>"))])
        self._end = [int(ids("<|im_end|>"))]
        self._frames = {
            (text, first): self._around(processor, text, first)
            for texts in INSTRUCTIONS.values()
            for text in texts
            for first in (True, False)
        }

    def _around(
        self, processor: Qwen2AudioProcessor, instruction: str, instruction_first: bool
    ) -> tuple[list[int], list[int]]:
        blocks = [{"type": "text", "text": instruction}, {"type": "audio"}]
        content = blocks if instruction_first else blocks[::-1]
        chat: list[Any] = [{"role": "user", "content": content}]
        prompt = processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        ids = self.tokenizer(prompt).input_ids
        at = ids.index(self.audio_id)
        return ids[: at - 1], ids[at + 2 :]

    def prompt(self, example: Sequence[Item], rng: random.Random) -> Prompt:
        """Choose a task that the example can answer and write its prompt.

        Parameters
        ----------
        example : Sequence[Item]
            The sentences said; joined ones are only transcribed.
        rng : random.Random
            Source of chance.

        Returns
        -------
        Prompt
            Around the place of the audio or of the transcript.
        """
        tasks = [t for t, a in example[0].answers.items() if a != "neutral" or rng.random() < 0.3]
        if len(example) > 1 or not tasks or rng.random() < self.transcribe_share:
            instruction = rng.choice(INSTRUCTIONS["transcribe"])
            answer = [token for item in example for token in item.token_ids]
        else:
            task = rng.choices(tasks, [TASK_WEIGHTS.get(task, 1.0) for task in tasks])[0]
            instruction = rng.choice(INSTRUCTIONS[task])
            answer = self.tokenizer(example[0].answers[task]).input_ids
        before, after = self._frames[instruction, rng.random() >= AUDIO_FIRST_SHARE]
        return Prompt(before, after, [*answer, *self._end])

    def copy_prompt(self, rng: random.Random) -> tuple[list[int], Prompt]:
        """A transcription of random tokens: text outside the grammar is copied too.

        Parameters
        ----------
        rng : random.Random
            Source of chance.

        Returns
        -------
        content : list[int]
            Two to ten random tokens.
        prompt : Prompt
            That asks to repeat them.
        """
        content = [rng.randrange(6, len(self.tokenizer)) for _ in range(rng.randint(2, 10))]
        before, after = self._frames[rng.choice(INSTRUCTIONS["transcribe"]), True]
        return content, Prompt(before, after, [*content, *self._end])


def _padded(rows: Sequence[Sequence[float]], value: float, dtype: torch.dtype) -> Tensor:
    table = torch.full((len(rows), max(map(len, rows))), value, dtype=dtype)
    for index, row in enumerate(rows):
        table[index, : len(row)] = torch.tensor(row, dtype=dtype)
    return table


@dataclass(frozen=True)
class Sequences:
    """Right-padded token ids with their targets and the weight of each target."""

    ids: Tensor
    targets: Tensor
    weights: Tensor
    attention: Tensor

    @classmethod
    def of(cls, rows: Sequence[tuple[list[int], Prompt, float]], pad_id: int) -> Sequences:
        """Lay out (content ids, prompt, weight of the content as a target) rows.

        Parameters
        ----------
        rows : Sequence[tuple[list[int], Prompt, float]]
            One training sequence each.
        pad_id : int
            Fills the ends.

        Returns
        -------
        Sequences
            Tensors of shape (rows, longest).
        """
        ids, weights = [], []
        for content, prompt, weight in rows:
            ids.append([*prompt.before, *content, *prompt.after, *prompt.answer])
            weights.append(
                [0.0] * len(prompt.before)
                + [weight] * len(content)
                + [0.0] * len(prompt.after)
                + [1.0] * len(prompt.answer)
            )
        table = _padded(ids, pad_id, torch.int64)
        weight_table = _padded(weights, 0.0, torch.float32)
        lengths = torch.tensor([len(row) for row in ids])
        attention = (torch.arange(table.shape[1])[None] < lengths[:, None]).long()
        targets = table.masked_fill(weight_table == 0, IGNORED)
        return cls(table, targets, weight_table, attention)


def text_rows(
    items: Sequence[Item], writer: Writer, rng: random.Random
) -> list[tuple[list[int], Prompt, float]]:
    """Text-only training rows: sentences with their tasks, and one in nine a random copy.

    Parameters
    ----------
    items : Sequence[Item]
        Whose transcripts to use.
    writer : Writer
        Writes the prompts.
    rng : random.Random
        Source of chance.

    Returns
    -------
    list[tuple[list[int], Prompt, float]]
        For `Sequences.of`.
    """
    rows = [(list(i.token_ids), writer.prompt((i,), rng), TRANSCRIPT_WEIGHT) for i in items]
    copies = [writer.copy_prompt(rng) for _ in range(max(1, len(items) // 8))]
    return rows + [(content, prompt, 0.0) for content, prompt in copies]


def audio_rows(
    batch: Batch, writer: Writer, rng: random.Random
) -> list[tuple[list[int], Prompt, float]]:
    """Rows whose content is audio placeholders, as the processor writes them.

    Parameters
    ----------
    batch : Batch
        Gives the number of frames of each example.
    writer : Writer
        Writes the prompts.
    rng : random.Random
        Source of chance.

    Returns
    -------
    list[tuple[list[int], Prompt, float]]
        For `Sequences.of`.
    """
    rows = []
    opening, closing = writer.audio_marks
    for example, length in zip(batch.examples, batch.lengths.tolist(), strict=True):
        content = [*opening, *[writer.audio_id] * frames_of(length), *closing]
        rows.append((content, writer.prompt(example, rng), 0.0))
    return rows
