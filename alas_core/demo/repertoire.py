"""Which sentences a stage of the training draws from, beyond those that were spoken."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from transformers import PreTrainedTokenizerBase

from alas_core.demo.bank import Item
from alas_core.demo.grammar import sentences
from alas_core.demo.processor import N_MELS

WRITTEN_SEED = 3


def written_items(tokenizer: PreTrainedTokenizerBase, count: int) -> list[Item]:
    """Sentences of the training side that nobody has spoken: for reading only.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        Gives the token of each word.
    count : int
        Sentences.

    Returns
    -------
    list[Item]
        Without sound: `mel` has no rows, the word times are empty.
    """
    silent, never = np.empty((0, N_MELS), np.float16), np.empty(0)
    return [
        Item(
            mel=silent,
            text=sentence.text,
            voice="",
            token_ids=tuple(tokenizer(sentence.text).input_ids),
            starts_s=never,
            ends_s=never,
            answers=dict(sentence.answers),
        )
        for sentence in itertools.islice(sentences(WRITTEN_SEED, held_out=False), count)
    ]


def with_questions(items: Sequence[Item], copies: int) -> list[Item]:
    """Add the questions among the sentences again.

    Parameters
    ----------
    items : Sequence[Item]
        All sentences.
    copies : int
        How often.

    Returns
    -------
    list[Item]
        The items, then the copies.
    """
    return [*items, *[item for item in items if "question" in item.answers] * copies]
