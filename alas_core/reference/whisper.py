"""Word times from Whisper's cross-attention, teacher-forced on the known transcript.

Whisper never writes here: it is given the words and asked where it listens while it reads each of
them (Louradour 2023, whisper-timestamped; OpenAI's `find_alignment`). The attention of the heads
that its `generation_config.alignment_heads` names is standardised over the tokens, smoothed by a
median filter over time, averaged, and dynamic time warping lays the tokens on it. The words are
the transcript's own, and their confidence is the probability that Whisper gives to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alas_core.audio import SAMPLE_RATE
from alas_core.reference.checkpoints import CheckpointAligner, Loaded, Words
from alas_core.reference.sounding import trimmed
from alas_core.types import NO_WORD, Audio, FloatArray, IntArray, Token, WordTiming
from alas_core.words import token_words

if TYPE_CHECKING:
    import torch


RULES = 1
"""Version of the rules in this file and in sounding.py. Raise it when they give other times."""

UNHEARD_LOG_P = -4.0
"""What a token is worth that is not heard: about one in 55, as of a language model without sound.
Heard ones are mostly above -1, also without the punctuation that Whisper would set."""

STEP_S = 1.0
"""A window without a word is left behind by at least so much."""


class WhisperAligner(CheckpointAligner):
    """Places the words of a transcript with any Whisper checkpoint; implements `Aligner`.

    Parameters
    ----------
    checkpoint_id : hub id or folder

    Notes
    -----
    Longer audio than Whisper's window (30 s) goes window by window. Each is given all the words
    that are left, and those up to the one after which Whisper itself would most probably stop are
    placed; the last of them, which the window may have cut, is carry-over: the next window starts
    where it starts. Dynamic time warping leaves no gap between words, so silence at a word's edges
    is taken off afterwards (`sounding.trimmed`).
    """

    kind, rules = "whisper", RULES

    def _place(self, loaded: Loaded, audio: Audio, words: Words, transcript: str) -> Words:
        placed = _through_windows(loaded, audio, words, _spelling(transcript))
        return trimmed(placed, audio)


def _spelling(transcript: str) -> str:
    """Capitals throughout (as LibriSpeech has them) are rare in what Whisper has read."""
    lower = transcript.lower()
    shouted = transcript.isupper() and len(lower) == len(transcript)
    return lower if shouted else transcript


@dataclass(frozen=True)
class _Window:
    """What Whisper says of one window: rows are the text's tokens and one for what follows."""

    attention: FloatArray  # (n_tokens + 1, n_mel_frames // 2), standardised, mean over heads
    token_log_p: FloatArray  # (n_tokens,)
    stop_log_p: FloatArray  # (n_tokens + 1,): that the text ends before this row's token
    frame_s: float


def _through_windows(
    loaded: Loaded, audio: Audio, words: tuple[WordTiming, ...], transcript: str
) -> tuple[WordTiming, ...]:
    window_s = loaded.processor.feature_extractor.n_samples / SAMPLE_RATE
    placed: list[WordTiming] = []
    start_s, prefix = 0.0, None
    while len(placed) < len(words) and start_s < audio.duration_s - 0.01:
        left = words[len(placed) :]
        features = _features(loaded, audio, start_s, window_s)
        prefix = _prefix(loaded, features) if prefix is None else prefix
        ids, owners = _tokens(loaded, transcript, left, len(prefix))
        length_s = min(window_s, audio.duration_s - start_s)
        window = _listen(loaded, features, prefix, ids, length_s)
        last = start_s + window_s >= audio.duration_s
        n_words = int(owners.max()) + 1 if last else _spoken_words(window, owners)
        times = _word_times(window, owners, n_words)
        if not last and n_words > 1:
            times = times[:-1]  # the window's edge may have cut it
        placed += [
            _placed(word, start_s + begin, start_s + end, sure)
            for word, (begin, end, sure) in zip(left, times, strict=False)
        ]
        if last:
            break
        start_s += max(times[-1][1], STEP_S) if times else window_s
    rest = words[len(placed) :]
    return (*placed, *(replace(word, problem="after the end of the audio") for word in rest))


def _placed(word: WordTiming, start_s: float, end_s: float, sure: float) -> WordTiming:
    if end_s <= start_s:
        return replace(word, problem="Whisper's attention gives it no time of its own")
    return replace(word, start_s=start_s, end_s=end_s, confidence=sure)


def _features(loaded: Loaded, audio: Audio, start_s: float, window_s: float) -> torch.Tensor:
    first = round(start_s * SAMPLE_RATE)
    samples = audio.samples[first : first + round(window_s * SAMPLE_RATE)]
    inputs = loaded.processor.feature_extractor(
        samples, sampling_rate=SAMPLE_RATE, return_tensors="pt"
    )
    features: torch.Tensor = inputs["input_features"].to(loaded.device)
    return features


def _prefix(loaded: Loaded, features: torch.Tensor) -> list[int]:
    """What stands before the text: start, language (as heard in the audio), task, no timestamps."""
    config, tokenizer = loaded.model.generation_config, loaded.processor.tokenizer
    ids = [int(loaded.model.config.decoder_start_token_id)]
    if getattr(config, "is_multilingual", False) and getattr(config, "lang_to_id", None):
        ids.append(int(loaded.model.detect_language(features)[0]))
        ids.append(int(config.task_to_id["transcribe"]))
    quiet = getattr(config, "no_timestamps_token_id", None)
    if quiet is None:
        quiet = tokenizer.convert_tokens_to_ids("<|notimestamps|>")
    return [*ids, int(quiet)]


def _tokens(
    loaded: Loaded, transcript: str, words: Sequence[WordTiming], n_prefix: int
) -> tuple[list[int], IntArray]:
    """Ids of the transcript from the first of these words on, and which of them each belongs to.

    Cut at a word's end where the decoder has no room for more.
    """
    start = words[0].start_char
    encoded = loaded.processor.tokenizer(
        " " + transcript[start:], add_special_tokens=False, return_offsets_mapping=True
    )
    shift = start - 1
    tokens = [Token("", a + shift, b + shift) for a, b in encoded["offset_mapping"]]
    owners = _owners(transcript, tokens, words)
    room = int(loaded.model.config.max_target_positions) - n_prefix
    if len(owners) > room:
        room = int(np.searchsorted(owners, owners[room]))  # only whole words
    return list(encoded["input_ids"][:room]), owners[:room]


def _owners(transcript: str, tokens: Sequence[Token], words: Sequence[WordTiming]) -> IntArray:
    """The word of each token; white space goes with the word after it, punctuation before it."""
    owners = token_words(tokens, words)
    for k in range(len(tokens) - 2, -1, -1):
        token = tokens[k]
        between = not transcript[max(token.start_char, 0) : token.end_char].strip()
        if owners[k] == NO_WORD and between:
            owners[k] = owners[k + 1]
    result: IntArray = np.maximum.accumulate(np.maximum(owners, 0))
    return result


def _listen(
    loaded: Loaded, features: torch.Tensor, prefix: list[int], ids: list[int], length_s: float
) -> _Window:
    import torch
    from scipy.ndimage import median_filter

    model, n_prefix = loaded.model, len(prefix)
    heads = _alignment_heads(model)
    decoder_ids = torch.tensor([[*prefix, *ids]], device=loaded.device)
    with torch.no_grad(), _cross_attention(model, sorted({layer for layer, _ in heads})) as seen:
        logits = model(features, decoder_input_ids=decoder_ids, use_cache=False).logits
    rows = slice(n_prefix - 1, None)
    log_p = logits[0, rows].log_softmax(-1).cpu()
    frame_s = 2 * loaded.processor.feature_extractor.hop_length / SAMPLE_RATE
    n_frames = max(min(round(length_s / frame_s), model.config.max_source_positions), 1)
    weights = torch.stack([seen[layer][0, head, rows, :n_frames] for layer, head in heads])
    deviation, mean = torch.std_mean(weights, dim=1, keepdim=True, unbiased=False)
    standard = ((weights - mean) / deviation.clamp_min(1e-12)).cpu().numpy()
    smooth = median_filter(
        standard, size=(1, 1, int(model.config.median_filter_width)), mode="mirror"
    )
    stop = int(model.generation_config.eos_token_id or model.config.eos_token_id)
    return _Window(
        attention=smooth.mean(axis=0),
        token_log_p=log_p[torch.arange(len(ids)), ids].numpy(),
        stop_log_p=log_p[:, stop].numpy(),
        frame_s=frame_s,
    )


def _alignment_heads(model: Any) -> list[tuple[int, int]]:
    """(layer, head) pairs as the checkpoint names them, else all heads of the upper half."""
    named = getattr(model.generation_config, "alignment_heads", None)
    if named:
        return [(int(layer), int(head)) for layer, head in named]
    n_layers, n_heads = model.config.decoder_layers, model.config.decoder_attention_heads
    return [(layer, head) for layer in range(n_layers // 2, n_layers) for head in range(n_heads)]


@contextmanager
def _cross_attention(model: Any, layers: Sequence[int]) -> Iterator[dict[int, torch.Tensor]]:
    """Cross-attention (1, n_heads, n_positions, n_frames) of these layers after a pass.

    By hooks, since `output_attentions` would keep all layers: 1.7 GB for large-v3.
    """
    seen: dict[int, torch.Tensor] = {}
    hooks = []
    try:
        for layer in layers:
            module = model.model.decoder.layers[layer].encoder_attn

            def keep(_module: Any, _inputs: Any, output: Any, layer: int = layer) -> None:
                seen[layer] = output[1]

            hooks.append(module.register_forward_hook(keep))
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _spoken_words(window: _Window, owners: IntArray) -> int:
    """How many words the window most probably holds: where Whisper would end the text.

    Each token is held against `UNHEARD_LOG_P`, or a long text would always lose against none.
    """
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(owners, append=owners[-1] + 1)) + 1])
    gained = np.concatenate([[0.0], np.cumsum(window.token_log_p - UNHEARD_LOG_P)])
    cut = int(cuts[np.argmax(gained[cuts] + window.stop_log_p[cuts])])
    return int(owners[cut - 1]) + 1 if cut else 0


def _word_times(
    window: _Window, owners: IntArray, n_words: int
) -> list[tuple[float, float, float]]:
    """Start, end (seconds of the window) and confidence of the first words.

    A word without a token or a frame of its own starts where it ends.
    """
    if n_words == 0:
        return []
    from librosa.sequence import dtw

    n_tokens = int(np.searchsorted(owners, n_words))
    _, path = dtw(C=-window.attention[: n_tokens + 1].astype(np.float64))
    rows, frames = path[::-1].T
    first_frames = frames[np.flatnonzero(np.diff(rows, prepend=-1))]
    firsts = np.searchsorted(owners[:n_tokens], np.arange(n_words + 1))
    times = first_frames[firsts] * window.frame_s
    p = np.exp(window.token_log_p)
    return [
        (float(times[k]), float(times[k + 1]), float(p[firsts[k] : firsts[k + 1]].mean()))
        if firsts[k] < firsts[k + 1]
        else (float(times[k]), float(times[k]), 0.0)
        for k in range(n_words)
    ]
