"""Word times from a Qwen3 forced aligner: a speech LLM that fills in a start and an end per word.

The checkpoint (class `Qwen3ASRForTokenClassification`) reads the audio and the transcript with a
blank before and after each word, and says for each blank which 80 ms of the audio it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from alas_core.errors import AlignmentError
from alas_core.reference.checkpoints import CheckpointAligner, Loaded, Words
from alas_core.types import Audio, FloatArray, WordTiming

RULES = 1
"""Version of the rules in this file. Raise it when they give other times."""


class Qwen3Aligner(CheckpointAligner):
    """Places the words of a transcript in 11 languages; implements `Aligner`.

    Notes
    -----
    Times are multiples of the checkpoint's step (80 ms). A word whose start and end fall into one
    step is given that step, as far as the next word leaves room.
    """

    kind, rules = "qwen3", RULES

    def _place(self, loaded: Loaded, audio: Audio, words: Words, transcript: str) -> Words:
        del transcript
        timed, sure = _fill_in(loaded, audio, words)
        step_s = float(loaded.processor.timestamp_segment_time) / 1000
        return _placed(words, timed, sure, step_s, audio.duration_s)


def _fill_in(
    loaded: Loaded, audio: Audio, words: Sequence[WordTiming]
) -> tuple[list[dict[str, Any]], FloatArray]:
    """Start and end of each word, in seconds, and how sure the model is, (n_words,)."""
    import torch

    processor, model = loaded.processor, loaded.model
    inputs, lists = processor.prepare_forced_aligner_inputs(
        audio.samples, " ".join(word.word for word in words)
    )
    if len(lists[0]) != len(words):
        raise AlignmentError(
            f"the Qwen3 aligner reads {len(lists[0])} words where the transcript has "
            f"{len(words)}, expected the same; write signs and numbers out as words"
        )
    inputs = inputs.to(loaded.device)
    with torch.no_grad():
        logits = model(**inputs).logits.float()
    marker = int(model.config.timestamp_token_id)
    timed = processor.decode_forced_alignment(logits, inputs["input_ids"], lists, marker)[0]
    blanks = logits[0][inputs["input_ids"][0] == marker].softmax(-1).amax(-1)
    sure: FloatArray = blanks.reshape(-1, 2).amin(1).cpu().numpy()
    return timed, sure


def _placed(
    words: Sequence[WordTiming],
    timed: Sequence[dict[str, Any]],
    sure: FloatArray,
    step_s: float,
    duration_s: float,
) -> tuple[WordTiming, ...]:
    starts = [float(entry["start_time"]) for entry in timed]
    placed = []
    rows = zip(words, timed, sure, itertools.pairwise([*starts, np.inf]), strict=True)
    for word, entry, confidence, (start_s, next_s) in rows:
        end_s = min(max(float(entry["end_time"]), min(start_s + step_s, next_s)), duration_s)
        if end_s <= start_s:
            placed.append(replace(word, problem="the aligner gives it no time of its own"))
        else:
            placed.append(replace(word, start_s=start_s, end_s=end_s, confidence=float(confidence)))
    return tuple(placed)
