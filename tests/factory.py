"""Analyses with a planted alignment, made without any model, for tests of everything downstream."""

from __future__ import annotations

import numpy as np
import torch

from alas_core import geometry, projection, similarity
from alas_core.alignment import Alignment
from alas_core.models.grid import FrameGrid
from alas_core.null import make_null, permuted_words
from alas_core.paths import monotonic_paths
from alas_core.scores import score_alignment
from alas_core.types import (
    NO_WORD,
    Analysis,
    Audio,
    Lens,
    ModelInfo,
    Reference,
    RunKey,
    Settings,
    Token,
    Utterance,
    WordTiming,
)
from alas_core.words import frame_words


def make_audio(duration_s: float = 1.6, sample_rate: int = 16_000, seed: int = 0) -> Audio:
    """Noise bursts: sound that has an envelope and a spectrum."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(duration_s * sample_rate)) / sample_rate
    carrier = np.sin(2 * np.pi * 220 * time) + 0.3 * rng.normal(size=time.size)
    return Audio(
        (0.3 * carrier * np.sin(2 * np.pi * 2 * time) ** 2).astype(np.float32), sample_rate
    )


def make_words(
    words: str, n_frames: int, frame_s: float = 0.04
) -> tuple[tuple[WordTiming, ...], np.ndarray]:
    """Words spoken one after another, with two silent frames at either end."""
    names = words.split()
    # Uneven on purpose: with words of equal length the straight diagonal would be a perfect path.
    weights = 1.0 + 1.5 * (np.arange(len(names)) % 3)
    edges = 2 + np.concatenate([[0.0], np.cumsum(weights) / weights.sum()]) * (n_frames - 4)
    edges = edges.round().astype(int)
    frame_word = np.full(n_frames, NO_WORD)
    timings, start_char = [], 0
    for index, name in enumerate(names):
        frame_word[edges[index] : edges[index + 1]] = index
        span = edges[index] * frame_s, edges[index + 1] * frame_s
        timings.append(WordTiming(name, start_char, start_char + len(name), *span))
        start_char += len(name) + 1
    return tuple(timings), frame_word


def planted_states(
    frame_word: np.ndarray,
    n_words: int,
    n_layers: int,
    d_model: int,
    binding: np.ndarray,
    seed: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """States whose frames point to their word's token as strongly as `binding` says, per layer."""
    rng = np.random.default_rng(seed)
    tokens = rng.normal(size=(n_layers + 1, n_words, d_model)).astype(np.float32)
    frames = rng.normal(size=(n_layers + 1, len(frame_word), d_model)).astype(np.float32)
    spoken = frame_word != NO_WORD
    frames[:, spoken] += binding[:, None, None] * tokens[:, frame_word[spoken]]
    return torch.from_numpy(frames), torch.from_numpy(tokens)


def make_analysis(
    n_layers: int = 8,
    n_frames: int = 40,
    words: str = "the red fox sleeps here",
    seed: int = 0,
    binding: np.ndarray | None = None,
    with_null: bool = True,
    per_window: int = 1,
) -> Analysis:
    """An analysis whose ALAS rises to the middle layers (or as `binding` says) and falls again.

    With `per_window` so many frames look at one window together, as a Q-Former's do.
    """
    settings = Settings(seed=seed)
    timings, frame_word = make_words(words, n_frames)
    spans = np.stack([np.arange(n_frames), np.arange(1, n_frames + 1)], 1).astype(np.float32) * 0.04
    if per_window > 1:
        spans = FrameGrid(0.04, per_window=per_window).spans(n_frames, n_frames * 0.04)
        frame_word = frame_words(spans, timings)
    token_word = np.arange(len(timings))
    if binding is None:
        binding = 0.7 * np.sin(np.linspace(0.05, np.pi - 0.5, n_layers + 1))
    frames, tokens = planted_states(frame_word, len(timings), n_layers, 64, binding, seed)
    maps = similarity.cosine_maps(frames, tokens).numpy()
    alignment = Alignment(
        maps,
        frame_word,
        token_word,
        np.array([word.start_s for word in timings]),
        spans[:, 0],
        np.ones(maps.shape[:2], bool),
        np.ones((n_layers + 1, len(timings)), bool),
    )
    paths = monotonic_paths(maps)
    result = score_alignment(alignment, paths, settings.temperature)
    gap, gap_base = geometry.modality_gap(frames, tokens)
    pooled = geometry.pool_words(frames, torch.from_numpy(frame_word), len(timings))
    rate, chance = geometry.word_retrieval(pooled, tokens, words.split())
    samples = permuted_words(alignment, temperature=0.1, n_permutations=200, seed=seed)
    quick = make_null("permuted words", samples, result.scores["alas"])
    audio = make_audio(n_frames * 0.04)
    return Analysis(
        key=RunKey("planted", "0", "float32", audio.sha, words, "p", "planted", settings),
        model=ModelInfo(
            "planted", "0", "planted", "float32", "cpu", n_layers, 64, 25.0, len(timings)
        ),
        utterance=Utterance("planted", audio, words, meta={"voice": "none"}),
        reference=Reference("planted", timings),
        tokens=tuple(Token(word.word, word.start_char, word.end_char) for word in timings),
        similarity=maps.astype(np.float16),
        frame_spans=spans,
        frame_word=frame_word.astype(np.int16),
        token_word=token_word.astype(np.int16),
        paths=paths,
        scores=result.scores | gap | {"word_retrieval": rate},
        baselines=result.baselines
        | gap_base
        | {"word_retrieval": np.full(n_layers + 1, chance, np.float32)},
        word_scores=result.words,
        frame_scores=result.frames,
        token_scores=result.tokens,
        coords=projection.pca(frames, tokens).astype(np.float16),
        norms=geometry.state_norms(frames, tokens).numpy(),
        quick_null=quick,
        null=make_null("wrong transcripts", samples[:49], result.scores["alas"])
        if with_null
        else None,
        word_points=geometry.shared_points(pooled, tokens).numpy().astype(np.float16),
        cross_layer={
            "cka": geometry.cka(pooled, tokens),
            "layer_correlation": geometry.layer_correlation(frames, tokens),
        },
        answers={"audio": words, "text": words},
        provenance={"alas_core": "test", "seconds": {"audio pass": 0.1}},
    )


def make_lens_of(analysis: Analysis, seed: int = 0) -> Lens:
    """A read-out that names each word in its frames where the analysis binds it, else others."""
    rng = np.random.default_rng(seed)
    words = [word.word for word in analysis.words]
    vocabulary = tuple(f" {word}" for word in dict.fromkeys([*words, *OTHER_WORDS]))
    position_word = np.concatenate([analysis.frame_word, analysis.token_word]).astype(int)
    shape = (analysis.n_layers + 1, len(position_word))
    order = rng.permuted(np.tile(np.arange(len(vocabulary)), (*shape, 1)), axis=2)
    own = np.array([vocabulary.index(f" {word}") for word in words])[position_word]
    bound = rng.uniform(size=shape) < np.clip(2 * analysis.scores["alas"][:, None], 0, 1)
    spoken = position_word != NO_WORD
    place = (order == own[None, :, None]).argmax(axis=2)
    layer, position = np.nonzero(bound & spoken)
    order[layer, position, place[layer, position]] = order[layer, position, 0]
    order[layer, position, 0] = own[position]
    following = np.where(spoken & (position_word + 1 < len(words)), position_word + 1, NO_WORD)
    after = np.array([vocabulary.index(f" {word}") for word in words])[following]
    values = np.sort(rng.dirichlet(np.ones(12), shape), axis=2)[:, :, ::-1][:, :, :10]
    ranks = [
        np.where(there, (order == wanted[None, :, None]).argmax(axis=2) + 1, 0).astype(np.uint32)
        for wanted, there in ((own, spoken), (after, following != NO_WORD))
    ]
    return Lens(
        vocabulary=vocabulary,
        vocabulary_ids=np.arange(len(vocabulary), dtype=np.uint32) + 100,
        tops=order[:, :, :10].astype(np.uint32),
        values=values.astype(np.float16),
        own_value=np.where(spoken, values[:, :, 0], np.nan).astype(np.float16),
        own_rank=ranks[0],
        next_rank=ranks[1],
    )


OTHER_WORDS = ("and", "of", "to", "in", "that", "it", "was", "for", "on", "with", "his", "they")
