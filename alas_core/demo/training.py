"""Training of the demo model in stages, by step count: seeded, resumable, with snapshots.

* `listen`: encoder, projector and token embeddings learn to place each frame next to the embedding
  of its word.
* `read`: the language model learns sentences and tasks from text alone, questions above all:
  comparing two animals takes it long to learn. Embeddings stay.
* `join`: everything learns to answer from audio and from text.
* `practise`: the same for longer, with more tasks than transcripts. The frame labels fade out, so
  what the layers look like at the end is what answering alone keeps and makes.
* `polish`: the same with clearer sound and a lower rate.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import Qwen2AudioConfig, Qwen2AudioProcessor

from alas_core.demo import objectives as goal
from alas_core.demo import optimising
from alas_core.demo.bank import Batch, Item, draw_batches, make_batch
from alas_core.demo.model import build_model, demo_config, save_model
from alas_core.demo.prompts import Prompt, Sequences, Writer, audio_rows, text_rows
from alas_core.demo.repertoire import with_questions, written_items
from alas_core.demo.resuming import load_state, save_state
from alas_core.demo.roughening import draw_offset
from alas_core.demo.stages import (
    EASY_SHARE,
    FROZEN_SHARE,
    SEED,
    STAGES,
    Stage,
    cosine_rate,
    frame_weight,
)

SAVE_EVERY = 200
CHECK_EVERY = 500


@dataclass(frozen=True)
class Progress:
    """What the training reports every few steps."""

    stage: str
    step: int
    steps: int
    values: dict[str, float]
    left_s: float


class Trainer:
    """Holds model, optimiser and place in the recipe.

    Parameters
    ----------
    processor : Qwen2AudioProcessor
        Of the demo.
    items : list[Item]
        Training sentences.
    folder : Path
        Work folder for the state and the snapshots.
    stages : tuple[Stage, ...]
        The recipe; shortened in tests.
    config : Qwen2AudioConfig or None
        Sizes of the model; None for `demo_config`.
    device : str
        Where to train: "cpu", "cuda", ...
    """

    def __init__(
        self,
        processor: Qwen2AudioProcessor,
        items: list[Item],
        folder: Path,
        stages: tuple[Stage, ...] = STAGES,
        config: Qwen2AudioConfig | None = None,
        device: str = "cpu",
    ) -> None:
        self.processor = processor
        self.items = self._pool = self._texts = items
        self.folder = folder
        self.state_path = folder / "training_state.safetensors"
        self.stages = stages
        self.writer = Writer(processor)
        self.device = torch.device(device)
        model = build_model(config or demo_config(processor), SEED, for_training=True)
        self.model = model.to(self.device)  # type: ignore[arg-type]
        optimising.attend_eagerly(self.model)
        self.log_scale = nn.Parameter(torch.tensor(math.log(12.0), device=self.device))
        self.stage_index = 0
        self.step = 0
        self.seconds = 0.0
        self._text_share = 0.5
        self._optimisers: optimising.Optimisers | None = None

    @property
    def embeddings(self) -> Tensor:
        """Token embeddings, which are the output head too while training."""
        weight: Tensor = self.model.model.language_model.embed_tokens.weight
        return weight

    def compile(self) -> None:
        """Compile the repeated layers (needs a C++ compiler; about twice as fast)."""
        for layer in (
            *self.model.model.audio_tower.layers,
            *self.model.model.language_model.layers,
        ):
            layer.compile(dynamic=True)

    def run(self, report: Callable[[Progress], None], check: Callable[[Trainer], None]) -> None:
        """Train from the current place to the end of the recipe.

        Parameters
        ----------
        report : Callable[[Progress], None]
            Called every 25 steps.
        check : Callable[[Trainer], None]
            Called every `CHECK_EVERY` steps and at the end of each stage, without gradients.
        """
        while self.stage_index < len(self.stages):
            self._run_stage(self.stages[self.stage_index], report, check)
            self.stage_index, self.step, self._optimisers = self.stage_index + 1, 0, None
            self.save_state()

    def _run_stage(
        self,
        stage: Stage,
        report: Callable[[Progress], None],
        check: Callable[[Trainer], None],
    ) -> None:
        optimisers = self._optimisers = self._optimisers or self._new_optimisers(stage)
        self.writer.transcribe_share, self._text_share = stage.transcribe_share, stage.text_share
        self._pool = with_questions(self.items, stage.question_copies)
        written = written_items(self.processor.tokenizer, stage.n_written)
        self._texts = self._pool + with_questions(written, stage.question_copies)
        batches = draw_batches(self._pool, stage.batch, f"{SEED}/{stage.name}")
        for _ in range(self.step):
            next(batches)
        smooth: dict[str, float] = {}
        first, began = self.step, time.monotonic()
        while self.step < stage.steps:
            for key, value in self._update(stage, next(batches), optimisers).items():
                smooth[key] = value if key not in smooth else 0.95 * smooth[key] + 0.05 * value
            self.step += 1
            if self.step % 25 == 0 or self.step == stage.steps:
                spent = time.monotonic() - began
                left = spent / (self.step - first) * (stage.steps - self.step)
                report(Progress(stage.name, self.step, stage.steps, smooth, left))
            if self.step in stage.snapshots:
                self.snapshot(stage, self.seconds + time.monotonic() - began)
            if self.step % CHECK_EVERY == 0 or self.step == stage.steps:
                with torch.no_grad():
                    check(self)
            if self.step % SAVE_EVERY == 0:
                self.seconds += time.monotonic() - began
                first, began = self.step, time.monotonic()
                self.save_state()
        self.seconds += time.monotonic() - began

    def _new_optimisers(self, stage: Stage) -> optimising.Optimisers:
        optimising.set_trainable(self.model, stage.name)
        return optimising.new_optimisers(self.model, stage, self.log_scale)

    def _update(
        self, stage: Stage, examples: list[tuple[Item, ...]], optimisers: optimising.Optimisers
    ) -> dict[str, float]:
        rng = random.Random(f"{SEED}/{stage.name}/{self.step}")
        progress = self.step / stage.steps
        make = {"listen": self._listen, "read": self._read}.get(stage.name, self._answer)
        loss, values = make(examples, rng, progress)
        optimisers.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(optimisers.parameters, 1.0)
        optimisers.step(stage.rate * cosine_rate(progress, stage.warm, stage.final))
        return values

    def _listen(
        self, examples: list[tuple[Item, ...]], rng: random.Random, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        batch, frames = self._heard(examples, rng, min(1.0, progress / EASY_SHARE))
        loss, hits = goal.frame_loss(frames, batch.labels, self.embeddings, self.log_scale)
        return loss, {"frames": loss.item(), "hits": hits.item()}

    def _read(
        self, examples: list[tuple[Item, ...]], rng: random.Random, _progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        loss, answers = self._text_loss(len(examples), rng)
        return loss, {"text": answers.item()}

    def _laid(self, rows: list[tuple[list[int], Prompt, float]]) -> Sequences:
        return goal.moved(Sequences.of(rows, self.writer.silence_id), self.device)

    def _text_loss(self, count: int, rng: random.Random) -> tuple[Tensor, Tensor]:
        laid = self._laid(text_rows(rng.sample(self._texts, count), self.writer, rng))
        language_model = self.model.model.language_model
        embedded = language_model.embed_tokens(laid.ids)
        return goal.sequence_loss(language_model, embedded, laid, self.embeddings)

    def _heard(
        self, examples: list[tuple[Item, ...]], rng: random.Random, strength: float
    ) -> tuple[Batch, Tensor]:
        batch = goal.moved(make_batch(examples, self.writer.silence_id, rng, strength), self.device)
        offset = draw_offset(batch.mel.shape[-1], rng, strength)
        return batch, goal.encode(self.model, batch, offset)

    def _answer(
        self, examples: list[tuple[Item, ...]], rng: random.Random, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        stage = self.stages[self.stage_index]
        fixed = stage.name == "join" and progress < FROZEN_SHARE
        with optimising.frozen() if fixed else contextlib.nullcontext():
            batch, frames = self._heard(examples, rng, stage.strength)
        weight = frame_weight(stage.name, progress)
        laid = self._laid(audio_rows(batch, self.writer, rng))
        language_model = self.model.model.language_model
        embedded = language_model.embed_tokens(laid.ids)
        embedded = goal.laid_in(frames, batch, embedded, laid.ids == self.writer.audio_id)
        heard, heard_answers = goal.sequence_loss(language_model, embedded, laid, self.embeddings)
        read, read_answers = self._text_loss(int(len(batch.examples) * self._text_share), rng)
        # Where the labels no longer teach, they are only watched.
        with torch.set_grad_enabled(weight > 0):
            labelled, hits = goal.frame_loss(frames, batch.labels, self.embeddings, self.log_scale)
        loss = heard + 0.5 * read + weight * labelled
        named = {"audio": heard_answers, "text": read_answers, "frames": labelled, "hits": hits}
        return loss, {key: value.item() for key, value in named.items()}

    def export(self, folder: Path) -> None:
        """Write what `from_pretrained` loads.

        Parameters
        ----------
        folder : Path
            Made if missing.
        """
        with torch.no_grad():
            self.model.lm_head.weight.copy_(self.embeddings)
        save_model(self.model, self.processor, folder)

    def snapshot(self, stage: Stage, seconds: float) -> None:
        """Keep the weights of this moment under checkpoints/step_XXXXX.

        Parameters
        ----------
        stage : Stage
            Which is running.
        seconds : float
            Of training so far.
        """
        done = sum(earlier.steps for earlier in self.stages[: self.stage_index]) + self.step
        target = self.folder / "checkpoints" / f"step_{done:05d}"
        self.export(target)
        facts = {"step": done, "stage": stage.name, "minutes": round(seconds / 60, 2)}
        (target / "training.json").write_text(json.dumps(facts), encoding="utf-8")

    def save_state(self) -> None:
        """Write everything that `load_state` needs, atomically."""
        place = {"stage": self.stage_index, "step": self.step, "seconds": self.seconds}
        moments = self._optimisers.moments() if self._optimisers else {}
        save_state(self.state_path, self.model, self.log_scale, moments, place)

    def load_state(self) -> bool:
        """Go on where an earlier run stopped.

        Returns
        -------
        bool
            False if there is no state to go on from.
        """
        if not self.state_path.exists():
            return False
        moments, place = load_state(self.state_path, self.model, self.log_scale)
        self.stage_index, self.step = int(place["stage"]), int(place["step"])
        self.seconds = float(place["seconds"])
        if moments and self.stage_index < len(self.stages):
            self._optimisers = self._new_optimisers(self.stages[self.stage_index])
            self._optimisers.restore(moments)
        return True
