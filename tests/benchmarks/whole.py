"""Rows on whole analyses: against bare passes, against the old way, their null, lens and size."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alas_core.assembly import Plan, assemble
from alas_core.bundle import dumps
from alas_core.lens import read_layers, targets
from alas_core.models.protocol import AudioStates, Prompt, TextStates
from alas_core.pipeline import analyse, run_key
from alas_core.readout import TOP, Lens
from alas_core.types import Analysis, Token
from tests.benchmarks import old_way
from tests.benchmarks.counted import peak_bytes
from tests.benchmarks.measuring import NO_GPU, Row, fastest_s, in_turn_s, once_s, ratio
from tests.benchmarks.subjects import (
    CPU,
    GPU,
    GPU_ON_CPU,
    SMALL,
    Shape,
    Subject,
    demo,
    heard,
    large,
)
from tests.factory import make_analysis

GIB = 2**30
VOCABULARY = 150_000


def analysis_rows(repeats: int) -> list[Row]:
    """The first picture against the two bare passes, for the demo model and at both shapes."""
    return [
        _against_bare(demo(), "demo model", repeats),
        _against_bare(large(CPU), str(CPU), repeats, 1.15),
        *_gpu_analysis(repeats),
    ]


def _against_bare(subject: Subject, name: str, repeats: int, most: float | None = None) -> Row:
    whole, bare = in_turn_s(subject.first_picture, subject.bare_passes(), repeats)
    return ratio("analysis / two bare passes", whole, bare, name, most)


def _gpu_analysis(repeats: int) -> list[Row]:
    if not torch.cuda.is_available():
        return [
            Row("analysis / two bare passes", NO_GPU, str(GPU), "<= 1.1"),
            *_gpu_shape_on_cpu(),
            Row("device memory over the bare passes", NO_GPU, str(GPU), "<= 0.5 GiB"),
            Row("scores on CPU and GPU, farthest apart", NO_GPU, str(SMALL), "<= 0.001"),
        ]
    subject = large(GPU)
    bare = subject.bare_passes()
    peaks = [_peak_gib(work) for work in (bare, subject.first_picture)]
    over = peaks[1] - peaks[0]
    memory = f"{peaks[1]:.2f} GiB / {peaks[0]:.2f} GiB at most"
    return [
        _against_bare(subject, str(GPU), repeats, 1.1),
        Row("device memory over the bare passes", f"{over:.2f} GiB", memory, "<= 0.5 GiB",
            over <= 0.5),
        _both_devices(),
    ]  # fmt: skip


def _gpu_shape_on_cpu() -> list[Row]:
    """Once each: what the shape costs here, and the tensors that a GPU would have to hold."""
    subject = large(GPU_ON_CPU)
    bare = subject.bare_passes()
    below, above = once_s(bare), once_s(subject.first_picture)
    peaks = [peak_bytes(work) / GIB for work in (bare, subject.first_picture)]
    over = peaks[1] - peaks[0]
    counted = f"{peaks[1]:.2f} GiB / {peaks[0]:.2f} GiB counted; {GPU_ON_CPU}, weights apart"
    return [
        ratio("the same shape on the CPU", above, below, f"{GPU_ON_CPU}; one run"),
        Row("tensors over the bare passes", f"{over:.2f} GiB", counted, "<= 0.5 GiB", over <= 0.5),
    ]


def _peak_gib(work: Callable[[], object]) -> float:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() / GIB


def _both_devices() -> Row:
    """The same weights on both devices: every score of every layer."""
    subject = large(SMALL)
    ours = subject.first_picture().scores
    checkpoint = subject.model._open
    checkpoint.model.to("cuda")
    moved = Subject(
        type(subject.model)(
            type(checkpoint)(checkpoint.model, checkpoint.processor, checkpoint.family, "cuda",
                             checkpoint.dtype),
            "moved", "0",
        ),
        subject.utterance, subject.known,
    )  # fmt: skip
    theirs = moved.first_picture().scores
    names = [name for name in ours if name in ("alas", "lift", "on_path_cosine", "contrast")]
    apart = max(float(np.nanmax(np.abs(ours[n] - theirs[n]))) for n in names)
    large.cache_clear()
    detail = f"{', '.join(names)}; {SMALL}"
    return Row("scores on CPU and GPU, farthest apart", f"{apart:.1e}", detail, "<= 0.001",
               apart <= 1e-3)  # fmt: skip


def null_rows(repeats: int) -> list[Row]:
    """Forty-nine wrong transcripts in batches, against the analysis and against one by one."""
    rows = [_null(demo(), "demo model", repeats)]
    if torch.cuda.is_available():
        rows.append(_null(large(GPU), str(GPU), repeats, 1.5))
    else:
        rows.append(Row("null of 49 / analysis", NO_GPU, str(GPU), "<= 1.5"))
    subject = demo()
    prompt = Prompt("Repeat the words.", True)
    wrong = [subject.utterance.transcript] * 49
    batches, singly = in_turn_s(
        lambda: list(subject.model.text_states_many(wrong, prompt)),
        lambda: list(subject.model.text_states_many(wrong, prompt, batch_size=1)),
        repeats,
    )
    rows.append(ratio("49 texts in batches / one by one", batches, singly, "demo model"))
    return rows


def _null(subject: Subject, name: str, repeats: int, most: float | None = None) -> Row:
    null, whole = [], []
    for _ in range(repeats):
        seconds = analyse(subject.request(49)).provenance["seconds"]
        null.append(seconds["null"])
        whole.append(sum(seconds[stage] for stage in ("audio pass", "text pass", "scores")))
    detail = f"{name}; batches of 16"
    return ratio("null of 49 / analysis", min(null), min(whole), detail, most)


def lens_rows(repeats: int) -> list[Row]:
    """One layer of the logit lens with a real vocabulary, in chunks; memory where it is counted."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    shape = GPU if device == "cuda" else CPU
    head = _Head(shape.d_model, device, shape.dtype)
    n_frames, n_layers = int(shape.duration_s * 25), (shape.n_layers if device == "cuda" else 1)
    states = [
        torch.randn(n_layers + 1, n, shape.d_model, device=device, dtype=shape.dtype)
        for n in (n_frames, shape.n_words)
    ]
    wanted = targets(head, ["a"], np.zeros(n_frames, np.int64), np.zeros(shape.n_words, np.int64))

    def read() -> None:
        list(read_layers(head, *states, wanted))

    spent = fastest_s(read, min(repeats, 2))
    a_layer = f"{spent / (n_layers + 1) * 1e3:.0f} ms"
    detail = f"a layer, {n_frames + shape.n_words} positions x {VOCABULARY}, {device}"
    rows = [Row("lens", a_layer, detail)]
    if device == "cuda":
        held = torch.cuda.memory_allocated() / GIB
        over = _peak_gib(read) - held
        rows.append(Row("lens, device memory in passing", f"{over:.2f} GiB", detail, "<= 0.5 GiB",
                        over <= 0.5))  # fmt: skip
    else:
        rows.append(_lens_counted())
    return rows


def _lens_counted() -> Row:
    """The tensors of a layer's read-out at the GPU's shape, without the head itself."""
    head = _Head(GPU.d_model, "cpu", GPU.dtype)
    n_frames = int(GPU.duration_s * 25)
    states = [torch.randn(2, n, GPU.d_model, dtype=GPU.dtype) for n in (n_frames, GPU.n_words)]
    wanted = targets(head, ["a"], np.zeros(n_frames, np.int64), np.zeros(GPU.n_words, np.int64))
    over = peak_bytes(lambda: list(read_layers(head, *states, wanted))) / GIB
    detail = f"counted on the CPU; {n_frames + GPU.n_words} positions x {VOCABULARY}"
    return Row("lens, tensors in passing", f"{over:.2f} GiB", detail, "<= 0.5 GiB", over <= 0.5)


class _Head:
    """An output head of a real vocabulary's size, random."""

    def __init__(self, d_model: int, device: str, dtype: torch.dtype) -> None:
        self.embedding = torch.randn(VOCABULARY, d_model, device=device, dtype=dtype)

    def norm(self, states: torch.Tensor) -> torch.Tensor:
        return states

    def project(self, normed: torch.Tensor) -> torch.Tensor:
        return (normed @ self.embedding.T).float()

    def texts(self, ids: Sequence[int]) -> list[str]:
        return [str(number) for number in ids]

    def spellings(self, word: str) -> tuple[int, ...]:
        return (1, 2)


def old_way_rows(repeats: int) -> list[Row]:
    """Time and disk against generating, storing every state and looping, once each."""
    del repeats
    shape = GPU if torch.cuda.is_available() else CPU
    now, before, ours, theirs = _old_and_new(large(shape))
    demo_now, demo_before, _, _ = _old_and_new(demo())
    times, demo_times, sizes = before / now, demo_before / demo_now, theirs / ours
    megabytes = f"{theirs / 1e6:.0f} MB / {ours / 1e6:.2f} MB"
    return [
        Row("faster than the old way", f"{times:.0f} x", f"{before:.0f} s / {now:.1f} s; {shape}",
            ">= 20 x", times >= 20),
        Row("the same on the demo model", f"{demo_times:.0f} x",
            f"{demo_before:.1f} s / {demo_now:.2f} s; where the passes cost little"),
        Row("smaller than the old way", f"{sizes:.0f} x", f"{megabytes}; gzip HDF5 of all states",
            ">= 50 x", sizes >= 50),
    ]  # fmt: skip


def _old_and_new(subject: Subject) -> tuple[float, float, int, int]:
    """Seconds of an analysis and of the old way, bytes of its bundle and of the old way's file."""
    subject.first_picture()
    with tempfile.TemporaryDirectory() as folder:
        stored, kept = Path(folder, "states.h5"), Path(folder, "kept.alas")
        now = fastest_s(lambda: kept.write_bytes(dumps(subject.first_picture())), 1)
        before = once_s(lambda: old_way.run(subject, stored))
        return now, before, kept.stat().st_size, stored.stat().st_size


def bundle_rows(repeats: int) -> list[Row]:
    """The demo's bundle against its states, and what 30 s of a 7B model would take."""
    del repeats
    analysis = demo().first_picture()
    size = len(dumps(analysis))
    positions = analysis.n_frames + analysis.n_tokens
    states = (analysis.n_layers + 1) * positions * analysis.model.d_model * 4
    detail = f"{size / 1e3:.0f} kB / {states / 1e3:.0f} kB; demo model, the bundle has the sound"
    seven = len(dumps(_seven_b_analysis())) / 1e6
    return [
        Row("bundle / the states it stands for", f"{size / states:.2f}", detail),
        Row("bundle of 30 s at 7B", f"{seven:.1f} MB",
            "random states of 33 x 750 + 120 x 4096; lens and noise for sound included",
            "<= 10 MB", seven <= 10),
    ]  # fmt: skip


def _seven_b_analysis() -> Analysis:
    """Random states of the 7B shape, through the pipeline's own reduction."""
    shape = Shape(32, 4096, 32, 11008, 30.0, 120)
    utterance, known = heard(shape)
    rng = torch.Generator().manual_seed(0)
    frames, tokens = (
        torch.randn(33, n, shape.d_model, generator=rng) for n in (750, shape.n_words)
    )
    starts = np.arange(750, dtype=np.float32) * 0.04
    reference = known.align(utterance.audio, utterance.transcript)
    spelt = tuple(Token(w.word, w.start_char, w.end_char) for w in reference.words)
    info = make_analysis().model
    request = Subject(_Named(info), utterance, known).request(0)
    plan = Plan(_Named(info), Prompt("", True), (), run_key(info, request, known.name, "", ()))
    analysis, _ = assemble(
        utterance, request.settings, plan, reference,
        AudioStates(frames, np.stack([starts, starts + 0.04], axis=1)), TextStates(tokens, spelt),
    )  # fmt: skip
    return _with_lens(analysis)


class _Named:
    """All that `assemble` asks of a model."""

    def __init__(self, info: Any) -> None:
        self.info = info

    def unknown_words(self, words: object) -> tuple[str, ...]:
        return ()


def _with_lens(analysis: Analysis) -> Analysis:
    """A read-out of random tokens, of which 20,000 occur: more than any text has."""
    rng = np.random.default_rng(0)
    n, grid = 20_000, (analysis.n_layers + 1, analysis.n_frames + analysis.n_tokens)
    lens = Lens(
        vocabulary=tuple(f"token{k}" for k in range(n)),
        vocabulary_ids=rng.choice(VOCABULARY, n, replace=False).astype(np.uint32),
        tops=rng.integers(0, n, (*grid, TOP)).astype(np.uint32),
        values=rng.uniform(0, 1, (*grid, TOP)).astype(np.float16),
        own_value=rng.uniform(0, 1, grid).astype(np.float16),
        own_rank=rng.integers(1, VOCABULARY, grid).astype(np.uint32),
        next_rank=rng.integers(1, VOCABULARY, grid).astype(np.uint32),
    )
    return dataclasses.replace(analysis, lens=lens)
