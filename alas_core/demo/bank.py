"""Training examples: spoken sentences read from shards, joined, placed late, and roughened.

Everything is a function of the examples and a seeded generator; nothing is kept but the memory-
mapped shards.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from alas_core.demo.processor import MAX_AUDIO_S
from alas_core.demo.roughening import roughened, stretched
from alas_core.errors import InputError

MEL_FRAMES_PER_SECOND = 100
MEL_FRAMES_PER_FRAME = 4
MAX_MEL_FRAMES = MAX_AUDIO_S * MEL_FRAMES_PER_SECOND
IGNORED = -100


@dataclass(frozen=True)
class Item:
    """One spoken sentence of a shard.

    Attributes
    ----------
    mel : np.ndarray [shape=(n_mel_frames, 80), float16]
        A view into the memory-mapped shard.
    text, voice : str
        What is said and by whom.
    token_ids : tuple[int, ...]
        One token a word.
    starts_s, ends_s : np.ndarray [shape=(n_words,), float]
        Word times by the aligner.
    answers : dict[str, str]
        Task to answer.
    """

    mel: NDArray[np.float16]
    text: str
    voice: str
    token_ids: tuple[int, ...]
    starts_s: NDArray[np.float64]
    ends_s: NDArray[np.float64]
    answers: dict[str, str]


@dataclass(frozen=True)
class Batch:
    """Examples of similar length.

    Attributes
    ----------
    mel : Tensor [shape=(B, 80, T), float32]
        Log-mel, padded with each example's floor; T is a multiple of 4.
    lengths : Tensor [shape=(B,), int64]
        Mel frames that are sound.
    labels : Tensor [shape=(B, T / 4), int64]
        Per frame: the token of its word, `silence_id` between words, `IGNORED` in padding.
    examples : tuple[tuple[Item, ...], ...]
        The sentences of each example, in order.
    """

    mel: Tensor
    lengths: Tensor
    labels: Tensor
    examples: tuple[tuple[Item, ...], ...]


def load_items(folder: Path, kind: str, tokenizer: PreTrainedTokenizerBase) -> list[Item]:
    """Read the sentences of all shards of one kind.

    Parameters
    ----------
    folder : Path
        Where `synthesis.synthesise` wrote.
    kind : str
        "train", "seen_voices" or "new_voices".
    tokenizer : PreTrainedTokenizerBase
        Gives the token of each word.

    Returns
    -------
    list[Item]
        In the order of the shards.

    Raises
    ------
    InputError
        If there is no shard.
    """
    paths = sorted(folder.glob(f"{kind}_[0-9][0-9].json"))
    if not paths:
        raise InputError(
            f"no {kind} speech in {folder.name!r}; expected shards such as {kind}_00.json; "
            "run `python -m alas_core.demo synthesise` first"
        )
    items: list[Item] = []
    for path in paths:
        mel = np.load(path.with_suffix(".npy"), mmap_mode="r")
        items.extend(_item(record, mel, tokenizer) for record in json.loads(path.read_text()))
    return items


def _item(
    record: dict[str, Any], mel: NDArray[np.float16], tokenizer: PreTrainedTokenizerBase
) -> Item:
    _, starts, ends = zip(*record["words"], strict=True)
    return Item(
        mel=mel[record["offset"] : record["offset"] + record["frames"]],
        text=record["text"],
        voice=record["voice"],
        token_ids=tuple(tokenizer(record["text"]).input_ids),
        starts_s=np.asarray(starts),
        ends_s=np.asarray(ends),
        answers=record["answers"],
    )


def draw_batches(
    items: Sequence[Item], size: int, seed: str, *, joined_share: float = 0.12
) -> Iterator[list[tuple[Item, ...]]]:
    """Endless batches of examples of similar length, for one seed always the same.

    Parameters
    ----------
    items : Sequence[Item]
        Drawn without replacement in each pass.
    size : int
        Examples a batch; batches of joined sentences hold about half as many.
    seed : str
        Of the order.
    joined_share : float
        Share of the sentences that are joined by two or three into longer examples.

    Yields
    ------
    list[tuple[Item, ...]]
        One example a tuple.
    """
    epoch = 0
    while True:
        rng = random.Random(f"{seed}/{epoch}")
        order = rng.sample(range(len(items)), len(items))
        cut = int(len(order) * joined_share)
        batches = _by_length([(items[i],) for i in order[cut:]], size, rng)
        batches += _by_length(list(_joined([items[i] for i in order[:cut]], rng)), size // 2, rng)
        rng.shuffle(batches)
        yield from batches
        epoch += 1


def _joined(items: Sequence[Item], rng: random.Random) -> Iterator[tuple[Item, ...]]:
    position = 0
    while position < len(items):
        count = rng.choice((2, 2, 3, 4))
        group = tuple(items[position : position + count])
        while sum(len(item.mel) for item in group) * 1.12 > MAX_MEL_FRAMES:
            group = group[:-1]
        position += max(1, len(group))
        if group:
            yield group


def _by_length(
    examples: list[tuple[Item, ...]], size: int, rng: random.Random
) -> list[list[tuple[Item, ...]]]:
    def length(example: tuple[Item, ...]) -> float:
        return sum(len(item.mel) for item in example) + rng.uniform(0, 12)

    ordered = sorted(examples, key=length)
    return [ordered[at : at + size] for at in range(0, len(ordered) - size + 1, size)]


def make_batch(
    examples: Sequence[tuple[Item, ...]],
    silence_id: int,
    rng: random.Random | None,
    strength: float = 1.0,
) -> Batch:
    """Turn examples into padded log-mel with frame labels.

    Parameters
    ----------
    examples : Sequence[tuple[Item, ...]]
        Sentences to be said one after the other, per example.
    silence_id : int
        The token that labels frames without a word.
    rng : random.Random or None
        Source of the augmentation; None for none.
    strength : float
        Of the augmentation, in [0, 1].

    Returns
    -------
    Batch
        See there.
    """
    sounds, spans = zip(*(_sound(example, rng, strength) for example in examples), strict=True)
    lengths = torch.tensor([min(len(sound), MAX_MEL_FRAMES) for sound in sounds])
    width = math.ceil((int(lengths.max()) + 4) / MEL_FRAMES_PER_FRAME) * MEL_FRAMES_PER_FRAME
    width = min(width, MAX_MEL_FRAMES)
    mel = torch.stack([_padded(sound[:width], width) for sound in sounds]).transpose(1, 2)
    labels = torch.full((len(sounds), width // MEL_FRAMES_PER_FRAME), IGNORED)
    for row, (span, length) in enumerate(zip(spans, lengths.tolist(), strict=True)):
        count = frames_of(length)
        labels[row, :count] = _labels(span, count, silence_id)
    return Batch(mel.contiguous(), lengths, labels, tuple(examples))


def frames_of(mel_frames: int) -> int:
    """Language-model frames that the encoder makes of so many mel frames.

    Parameters
    ----------
    mel_frames : int
        At 100 a second.

    Returns
    -------
    int
        At 25 a second; the stock class's own rounding.
    """
    return ((mel_frames - 1) // 2 + 1 - 2) // 2 + 1


def _padded(sound: Tensor, width: int) -> Tensor:
    return functional.pad(sound, (0, 0, 0, width - len(sound)), value=float(sound.min()))


def _labels(
    spans: tuple[NDArray[np.float64], NDArray[np.float64], list[int]], count: int, silence_id: int
) -> Tensor:
    starts, ends, tokens = spans
    centres = (np.arange(count) + 0.5) * MEL_FRAMES_PER_FRAME / MEL_FRAMES_PER_SECOND
    word = np.searchsorted(starts, centres, side="right") - 1
    inside = (word >= 0) & (centres < ends[np.maximum(word, 0)])
    labels = np.where(inside, np.asarray(tokens)[np.maximum(word, 0)], silence_id)
    return torch.from_numpy(labels)


def _sound(
    example: tuple[Item, ...], rng: random.Random | None, strength: float
) -> tuple[Tensor, tuple[NDArray[np.float64], NDArray[np.float64], list[int]]]:
    pieces: list[Tensor] = []
    starts: list[NDArray[np.float64]] = []
    ends: list[NDArray[np.float64]] = []
    at_s = 0.0
    for item in example:
        piece = torch.from_numpy(np.asarray(item.mel, dtype=np.float32))
        factor = 1.0
        if rng is not None:
            piece, factor = stretched(piece, rng, strength)
        starts.append(item.starts_s * factor + at_s)
        ends.append(item.ends_s * factor + at_s)
        at_s += len(piece) / MEL_FRAMES_PER_SECOND
        pieces.append(piece)
    sound = torch.cat(pieces)
    delay_s = 0.0
    if rng is not None:
        delay = _delay(len(sound), rng)
        sound = functional.pad(sound, (0, 0, delay, 0), value=float(sound.min()))
        sound = roughened(sound, rng, strength)
        delay_s = delay / MEL_FRAMES_PER_SECOND
    tokens = [token for item in example for token in item.token_ids]
    return sound, (np.concatenate(starts) + delay_s, np.concatenate(ends) + delay_s, tokens)


def _delay(length: int, rng: random.Random) -> int:
    room = MAX_MEL_FRAMES - length
    return rng.randrange(min(room, 250)) if rng.random() < 0.06 and room > 1 else 0
