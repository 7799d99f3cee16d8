"""Word times from any CTC checkpoint: the likeliest path of the transcript's letters, by Viterbi.

The checkpoint gives each frame (20 ms for most) a probability of each letter and of "nothing new";
of all ways to spread the transcript's letters over the frames, the likeliest one is taken (Graves
2006; Kuerzinger 2020). A word reaches from its first letter's first frame to the last one of its
last letter.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alas_core.audio import SAMPLE_RATE
from alas_core.reference.base import unplaced
from alas_core.reference.checkpoints import CheckpointAligner, Loaded, Words
from alas_core.reference.readings import normalise
from alas_core.types import Audio, FloatArray, IntArray, WordTiming

RULES = 1
"""Version of the rules in this file. Raise it when they give other times."""

PIECE_S, CONTEXT_S = 30.0, 2.0
"""Longer audio is heard in pieces of so much, each with so much of its neighbours on both sides."""

UNKNOWN = "is spelt with signs that the checkpoint's alphabet lacks"


class CTCAligner(CheckpointAligner):
    """Places the words of a transcript with any `*ForCTC` checkpoint; implements `Aligner`.

    Notes
    -----
    CTC letters are short peaks: a word's end is early rather than late. A word that the alphabet
    cannot spell (digits, other scripts) is listed; any letters stand in for it on the path, so
    that its neighbours keep their places.
    """

    kind, rules = "ctc", RULES

    def _place(self, loaded: Loaded, audio: Audio, words: Words, transcript: str) -> Words:
        del transcript
        heard = _listen(loaded, audio)
        spelt = [_spell(loaded.processor.tokenizer, word.word) for word in words]
        delimiter = getattr(loaded.processor.tokenizer, "word_delimiter_token_id", None)
        return _place(words, spelt, delimiter, heard, audio.duration_s)


@dataclass(frozen=True)
class _Heard:
    """Log probabilities (n_frames, n_symbols + 1), the last column for any letter; frame spans."""

    log_p: FloatArray
    spans: FloatArray  # (n_frames, 2), seconds
    blank: int

    @property
    def any_letter(self) -> int:
        return int(self.log_p.shape[1]) - 1


def _listen(loaded: Loaded, audio: Audio) -> _Heard:
    blank = loaded.model.config.pad_token_id
    if blank is None:
        blank = loaded.processor.tokenizer.pad_token_id
    pieces = [_hear_piece(loaded, audio, *core) for core in _pieces(audio.duration_s)]
    log_p = np.concatenate([piece[0] for piece in pieces])
    letters = np.delete(log_p, blank, axis=1).max(axis=1, keepdims=True)
    spans = np.concatenate([piece[1] for piece in pieces])
    return _Heard(np.concatenate([log_p, letters], axis=1), spans, int(blank))


def _pieces(duration_s: float) -> Iterator[tuple[float, float]]:
    """Half-open parts that cover the audio."""
    n_pieces = 1 if duration_s <= PIECE_S + 2 * CONTEXT_S else int(np.ceil(duration_s / PIECE_S))
    edges = np.linspace(0, duration_s, n_pieces + 1)
    yield from ((float(a), float(b)) for a, b in itertools.pairwise(edges))


def _hear_piece(
    loaded: Loaded, audio: Audio, start_s: float, end_s: float
) -> tuple[FloatArray, FloatArray]:
    """Log probabilities and spans of the frames whose centre lies in the piece."""
    import torch

    first = max(round((start_s - CONTEXT_S) * SAMPLE_RATE), 0)
    samples = audio.samples[first : round((end_s + CONTEXT_S) * SAMPLE_RATE)]
    inputs = loaded.processor.feature_extractor(
        samples, sampling_rate=SAMPLE_RATE, return_tensors="pt"
    ).to(loaded.device)
    with torch.no_grad():
        log_p = loaded.model(**inputs).logits[0].log_softmax(-1).cpu().numpy()
    step = getattr(loaded.model.config, "inputs_to_logits_ratio", None)
    frame_s = (step or len(samples) / len(log_p)) / SAMPLE_RATE
    starts = first / SAMPLE_RATE + np.arange(len(log_p)) * frame_s
    centres = starts + frame_s / 2
    kept = (centres >= start_s) & (centres < end_s)
    return log_p[kept], np.stack([starts, starts + frame_s], axis=1)[kept]


def _spell(tokenizer: Any, word: str) -> list[int] | None:
    """Ids of a word in the case and with the signs that the alphabet has, or None."""
    plain = normalise(word)
    bare = re.sub(r"[^\w]|_", "", plain)
    for spelling in (word, word.lower(), word.upper(), plain, plain.upper(), bare, bare.upper()):
        ids = list(tokenizer(spelling, add_special_tokens=False)["input_ids"]) if spelling else []
        if ids and tokenizer.unk_token_id not in ids:
            return ids
    return None


def _place(
    words: tuple[WordTiming, ...],
    spelt: Sequence[list[int] | None],
    delimiter: int | None,
    heard: _Heard,
    duration_s: float,
) -> tuple[WordTiming, ...]:
    labels: list[int] = []
    owners: list[int] = []
    for k, ids in enumerate(spelt):
        gap = [delimiter] if k and delimiter is not None else []
        letters = ids or [heard.any_letter]
        labels += [*gap, *letters]
        owners += [-1] * len(gap) + [k] * len(letters)
    spans = label_spans(heard.log_p, labels, heard.blank)
    if spans is None:
        problem = f"{len(labels)} letters do not fit into {duration_s:.1f} s"
        return unplaced(words, problem)
    placed = []
    for k, word in enumerate(words):
        if spelt[k] is None:
            placed.append(replace(word, problem=UNKNOWN))
            continue
        own = [n for n, owner in enumerate(owners) if owner == k]
        first, last = int(spans[own[0], 0]), int(spans[own[-1], 1])
        sure = [heard.log_p[slice(*spans[n]), labels[n]] for n in own]
        placed.append(
            replace(
                word,
                start_s=float(heard.spans[first, 0]),
                end_s=min(float(heard.spans[last - 1, 1]), duration_s),
                confidence=float(np.exp(np.concatenate(sure).mean())),
            )
        )
    return tuple(placed)


def label_spans(log_p: FloatArray, labels: Sequence[int], blank: int) -> IntArray | None:
    """Frames of each label on the likeliest CTC path through all of them.

    Parameters
    ----------
    log_p : np.ndarray [shape=(n_frames, n_symbols)], log probabilities
    labels : symbols in order, none of them the blank
    blank : the symbol between labels

    Returns
    -------
    np.ndarray [shape=(n_labels, 2), int] or None
        Half-open spans of frames; None if there are too few frames for the labels.

    References
    ----------
    Graves et al. 2006, "Connectionist temporal classification"; the maximum in place of the sum.
    """
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    skips = np.zeros(len(states), dtype=bool)
    skips[2:] = (states[2:] != blank) & (states[2:] != states[:-2])
    emitted = log_p[:, states].astype(np.float64)
    total = np.full(len(states), -np.inf)
    total[:2] = emitted[0, :2]
    steps = np.zeros(emitted.shape, dtype=np.int8)
    for frame in range(1, len(emitted)):
        ways = np.full((3, len(states)), -np.inf)
        ways[0] = total
        ways[1, 1:] = total[:-1]
        ways[2, 2:] = np.where(skips[2:], total[:-2], -np.inf)
        steps[frame] = ways.argmax(axis=0)
        total = ways.max(axis=0) + emitted[frame]
    state = len(states) - 1 if total[-1] >= total[-2] else len(states) - 2
    if not np.isfinite(total[state]):
        return None
    path = np.empty(len(emitted), dtype=np.intp)
    for frame in range(len(emitted) - 1, -1, -1):
        path[frame] = state
        state -= steps[frame, state]
    spans: IntArray = np.searchsorted(path, np.arange(1, len(states), 2)[:, None] + [0, 1])
    return spans
