"""Training of the demo model in three stages, by step count: seeded, resumable, with snapshots along the way.

1. `listen`: encoder, projector and token embeddings learn to place each frame next to the embedding of its word.
2. `read`: the language model learns sentences and tasks from text alone; embeddings stay.
3. `join`: everything learns to answer from audio and from text. The frame labels fade out in the first half, so what
   the layers look like at the end is what answering alone keeps and makes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

from alas_core.demo import objectives as goal
from alas_core.demo.bank import Batch, Item, draw_batches, frames_of, make_batch
from alas_core.demo.model import POSITIONS_PER_SECOND, build_model, demo_config, save_model
from alas_core.demo.processor import MAX_AUDIO_S

logger = logging.getLogger(__name__)

SEED = 20
SAVE_EVERY = 200


@dataclass(frozen=True)
class Stage:
    """One part of the training.

    Attributes
    ----------
    name : str
        "listen", "read" or "join".
    steps, batch : int
        Updates, and examples an update.
    rate : float
        Peak learning rate.
    snapshots : tuple[int, ...]
        Steps after which the weights are kept.
    """

    name: str
    steps: int
    batch: int
    rate: float
    snapshots: tuple[int, ...] = ()


STAGES = (
    Stage("listen", 1300, 32, 1.5e-3, (50, 200, 500, 1300)),
    Stage("read", 600, 64, 1.5e-3, (600,)),
    Stage("join", 1900, 24, 1.0e-3, (400, 1000, 1900)),
)
FROZEN_SHARE = 0.1
"""Share of `join` in which the encoder only listens."""
FADE = (0.25, 0.6)
"""Shares of `join` between which the weight of the frame labels falls from `FRAME_WEIGHT` to 0."""
FRAME_WEIGHT = 0.5
ENCODER_RATE = 0.5
"""Learning rate of the encoder in `join`, relative to the rest."""


@dataclass(frozen=True)
class Progress:
    """What the training reports every few steps."""

    stage: str
    step: int
    steps: int
    values: dict[str, float]
    elapsed_s: float
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
    """

    def __init__(
        self,
        processor: Qwen2AudioProcessor,
        items: list[Item],
        folder: Path,
        stages: tuple[Stage, ...] = STAGES,
    ) -> None:
        self.processor = processor
        self.items = items
        self.folder = folder
        self.stages = stages
        self.writer = goal.Writer(processor)
        self.model = build_model(demo_config(processor), SEED)
        _attend_eagerly(self.model)
        self.log_scale = nn.Parameter(torch.tensor(math.log(12.0)))
        self.stage_index = 0
        self.step = 0
        self.seconds = 0.0
        self._optimiser: torch.optim.Optimizer | None = None

    @property
    def embeddings(self) -> Tensor:
        """Token embeddings, which are the output head too while training."""
        weight: Tensor = self.model.model.language_model.embed_tokens.weight
        return weight

    @property
    def state_path(self) -> Path:
        """Where the resumable state lies."""
        return self.folder / "training_state.pt"

    def compile(self) -> None:
        """Compile the repeated layers (needs a C++ compiler; about twice as fast)."""
        for layer in (*self.model.model.audio_tower.layers, *self.model.model.language_model.layers):
            layer.compile(dynamic=True)

    def run(self, report: Callable[[Progress], None], check: Callable[[Trainer], None]) -> None:
        """Train from the current place to the end of the recipe.

        Parameters
        ----------
        report : Callable[[Progress], None]
            Called every 25 steps.
        check : Callable[[Trainer], None]
            Called every 300 steps and at the end of each stage, without gradients.
        """
        torch.set_num_threads(2)
        while self.stage_index < len(self.stages):
            self._run_stage(self.stages[self.stage_index], report, check)
            self.stage_index, self.step, self._optimiser = self.stage_index + 1, 0, None
            self.save_state()

    def _run_stage(
        self,
        stage: Stage,
        report: Callable[[Progress], None],
        check: Callable[[Trainer], None],
    ) -> None:
        self._set_trainable(stage.name)
        optimiser = self._optimiser = self._optimiser or self._new_optimiser(stage)
        batches = draw_batches(self.items, stage.batch, f"{SEED}/{stage.name}")
        for _ in range(self.step):
            next(batches)
        smooth: dict[str, float] = {}
        first, began = self.step, time.monotonic()
        while self.step < stage.steps:
            for key, value in self._update(stage, next(batches), optimiser).items():
                smooth[key] = value if key not in smooth else 0.95 * smooth[key] + 0.05 * value
            self.step += 1
            if self.step % 25 == 0 or self.step == stage.steps:
                spent = time.monotonic() - began
                left = spent / (self.step - first) * (stage.steps - self.step)
                report(Progress(stage.name, self.step, stage.steps, smooth, spent, left))
            if self.step in stage.snapshots:
                self.snapshot(stage, self.seconds + time.monotonic() - began)
            if self.step % 300 == 0 or self.step == stage.steps:
                with torch.no_grad():
                    check(self)
            if self.step % SAVE_EVERY == 0:
                self.seconds += time.monotonic() - began
                first, began = self.step, time.monotonic()
                self.save_state()
        self.seconds += time.monotonic() - began

    def _update(
        self, stage: Stage, examples: list[tuple[Item, ...]], optimiser: torch.optim.Optimizer
    ) -> dict[str, float]:
        rng = random.Random(f"{SEED}/{stage.name}/{self.step}")
        progress = self.step / stage.steps
        for group in optimiser.param_groups:
            group["lr"] = stage.rate * group["factor"] * goal.cosine_rate(progress)
        makers = {"listen": self._listen, "read": self._read, "join": self._join}
        loss, values = makers[stage.name](examples, rng, progress)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        trained = [p for group in optimiser.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        return values

    def _listen(
        self, examples: list[tuple[Item, ...]], rng: random.Random, _progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        batch = make_batch(examples, self.writer.silence_id, rng)
        frames = goal.encode(self.model, batch, _offset(batch, rng))
        loss, hits = goal.frame_loss(frames, batch.labels, self.embeddings, self.log_scale)
        return loss, {"frames": loss.item(), "hits": hits.item()}

    def _read(
        self, examples: list[tuple[Item, ...]], rng: random.Random, _progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        loss, answers = self._text_loss(len(examples), rng)
        return loss, {"text": answers.item()}

    def _text_loss(self, count: int, rng: random.Random) -> tuple[Tensor, Tensor]:
        rows = goal.text_rows(rng.sample(self.items, count), self.writer, rng)
        laid = goal.Sequences.of(rows, self.writer.silence_id)
        language_model = self.model.model.language_model
        embedded = language_model.embed_tokens(laid.ids)
        return goal.sequence_loss(language_model, embedded, laid, self.embeddings)

    def _join(
        self, examples: list[tuple[Item, ...]], rng: random.Random, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        batch = make_batch(examples, self.writer.silence_id, rng)
        with _frozen() if progress < FROZEN_SHARE else contextlib.nullcontext():
            frames = goal.encode(self.model, batch, _offset(batch, rng))
        laid = goal.Sequences.of(goal.audio_rows(batch, self.writer, rng), self.writer.silence_id)
        language_model = self.model.model.language_model
        counts = torch.tensor([frames_of(n) for n in batch.lengths.tolist()])
        inside = torch.arange(frames.shape[1])[None] < counts[:, None]
        embedded = language_model.embed_tokens(laid.ids)
        places = (laid.ids == self.writer.audio_id)[..., None]
        embedded = embedded.masked_scatter(places, frames[inside])
        heard, heard_answers = goal.sequence_loss(language_model, embedded, laid, self.embeddings)
        read, read_answers = self._text_loss(len(examples), rng)
        labelled, hits = goal.frame_loss(frames, batch.labels, self.embeddings, self.log_scale)
        loss = heard + 0.5 * read + frame_weight(progress) * labelled
        values = {"audio": heard_answers, "text": read_answers, "frames": labelled, "hits": hits}
        return loss, {key: value.item() for key, value in values.items()}

    def _set_trainable(self, name: str) -> None:
        language_model = self.model.model.language_model
        ears = (self.model.model.audio_tower, self.model.model.multi_modal_projector)
        for part in ears:
            part.requires_grad_(name != "read")
        language_model.requires_grad_(name != "listen")
        language_model.embed_tokens.requires_grad_(name != "read")
        self.model.model.audio_tower.embed_positions.requires_grad_(False)
        self.model.lm_head.requires_grad_(False)

    def _new_optimiser(self, stage: Stage) -> torch.optim.Optimizer:
        slow = {id(p) for p in self.model.model.audio_tower.parameters()}
        groups: dict[tuple[float, float], list[Tensor]] = {}
        trained = [p for p in self.model.parameters() if p.requires_grad]
        for parameter in [*trained, self.log_scale]:
            decay = 0.02 if parameter.ndim > 1 else 0.0
            factor = ENCODER_RATE if stage.name == "join" and id(parameter) in slow else 1.0
            groups.setdefault((decay, factor), []).append(parameter)
        return torch.optim.AdamW(
            [
                {"params": ps, "weight_decay": decay, "factor": factor}
                for (decay, factor), ps in groups.items()
            ],
            lr=stage.rate,
            betas=(0.9, 0.98),
        )

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
        optimiser = self._optimiser
        state = {
            "model": self.model.state_dict(),
            "log_scale": self.log_scale.detach(),
            "optimiser": optimiser.state_dict() if optimiser else None,
            "place": [self.stage_index, self.step],
            "seconds": self.seconds,
            "stages": json.dumps([asdict(stage) for stage in self.stages]),
        }
        part = self.state_path.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.state_path)

    def load_state(self) -> bool:
        """Go on where an earlier run stopped.

        Returns
        -------
        bool
            False if there is no state to go on from.
        """
        if not self.state_path.exists():
            return False
        state = torch.load(self.state_path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.log_scale.data.copy_(state["log_scale"])
        self.stage_index, self.step = state["place"]
        self.seconds = state["seconds"]
        if state["optimiser"] and self.stage_index < len(self.stages):
            stage = self.stages[self.stage_index]
            self._set_trainable(stage.name)
            self._optimiser = self._new_optimiser(stage)
            self._optimiser.load_state_dict(state["optimiser"])
        return True


def frame_weight(progress: float) -> float:
    """Weight of the frame labels in `join`.

    Parameters
    ----------
    progress : float
        Share of the stage that is done.

    Returns
    -------
    float
        `FRAME_WEIGHT`, falling linearly to 0 over `FADE`.
    """
    begin, end = FADE
    return FRAME_WEIGHT * min(1.0, max(0.0, (end - progress) / (end - begin)))


def _offset(batch: Batch, rng: random.Random) -> int:
    room = MAX_AUDIO_S * POSITIONS_PER_SECOND - batch.mel.shape[-1] // 2
    return rng.randrange(room) if room > 1 and rng.random() < 0.4 else 0


def _attend_eagerly(model: Qwen2AudioForConditionalGeneration) -> None:
    for part in (model.model.audio_tower, model.model.language_model):
        part.config._attn_implementation = "eager"


@contextlib.contextmanager
def _frozen() -> Iterator[None]:
    with torch.no_grad(), torch.compiler.set_stance("force_eager"):
        yield
