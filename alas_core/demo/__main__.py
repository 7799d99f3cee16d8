"""The demo's recipe: `python -m alas_core.demo all`, or one part of it.

Work files go to build/demo, what is shipped to assets/demo. Every part can be stopped and started
again.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alas_core.errors import AlasError

if TYPE_CHECKING:
    from alas_core.types import Analysis

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "demo"
ASSETS = ROOT / "assets" / "demo"
SPEECH = BUILD / "speech"
N_TRAINING = 10_000

logger = logging.getLogger("alas_core.demo")


def synthesise(_: argparse.Namespace) -> None:
    """Speak, align and roughen the training sentences (about 7 minutes on two cores)."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from alas_core.demo import synthesis

    began = time.monotonic()

    def progress(done: int, total: int) -> None:
        spent = time.monotonic() - began
        left = spent / done * (total - done)
        logger.info("synthesise: shard %d of %d, %.0f s left", done, total, left)

    synthesis.synthesise(SPEECH, N_TRAINING, os.cpu_count() or 1, progress)


def train(arguments: argparse.Namespace) -> None:
    """Train all stages (about 45 minutes on two cores, by default)."""
    import torch

    from alas_core.demo import evaluation, training
    from alas_core.demo.bank import load_items
    from alas_core.demo.processor import build_processor
    from alas_core.models.identity import Loading
    from alas_core.models.loading import usable_device

    device = usable_device(Loading(device=arguments.device).device)
    processor = build_processor()
    torch.set_num_threads(2)
    items = load_items(SPEECH, "train", processor.tokenizer)
    trainer = training.Trainer(processor, items, BUILD, device=device)
    if arguments.fresh:
        trainer.state_path.unlink(missing_ok=True)
        shutil.rmtree(BUILD / "checkpoints", ignore_errors=True)
    if trainer.load_state():
        logger.info("train: going on at stage %d, step %d", trainer.stage_index, trainer.step)
    if trainer.device.type == "cpu" and shutil.which("g++"):
        trainer.compile()
    check = evaluation.frame_check(processor, SPEECH)
    trainer.run(_report, lambda one: logger.info("held out: %s", check(one)))
    trainer.export(BUILD / "model")


def _report(progress: object) -> None:
    from alas_core.demo.training import Progress

    if isinstance(progress, Progress):
        values = " ".join(f"{key} {value:.3f}" for key, value in progress.values.items())
        minutes = progress.left_s / 60
        logger.info(
            "%s %d/%d  %s  %.1f min left",
            progress.stage,
            progress.step,
            progress.steps,
            values,
            minutes,
        )


def dataset(_: argparse.Namespace) -> None:
    """Write the 48 held-out utterances, their references and the wrong sentences."""
    from alas_core.demo.dataset import write_dataset

    records = write_dataset(ASSETS / "data")
    logger.info("dataset: %d utterances", len(records))


def _analyse(folder: Path, model_id: str, ids: Sequence[str] | None, n_null: int) -> list[Analysis]:
    """Run the explorer's pipeline over shipped utterances (all, or some) and their references."""
    from alas_core import pipeline
    from alas_core.datasets import UtteranceFolder
    from alas_core.models.adapter import TransformersSpeechLLM
    from alas_core.models.identity import Loading
    from alas_core.models.loading import load
    from alas_core.types import Settings

    data = UtteranceFolder(ASSETS / "data", "demo")
    model = TransformersSpeechLLM(load(folder, Loading("", "float32", "cpu")), model_id, "build")
    return [
        pipeline.analyse(
            pipeline.Request(
                model_id=model_id,
                utterance=data.load(one),
                reference=str(data.reference_path(one)),
                settings=Settings(n_null=n_null),
                instruction="repeat the words",
                pool=data.pool(),
                model=model,
            )
        )
        for one in ids or [row.id for row in data.ids()]
    ]


def evaluate(_: argparse.Namespace) -> None:
    """Measure the trained model through the real processor and ship it."""
    from alas_core.demo import shipping

    shipping.ship(
        BUILD / "model",
        SPEECH,
        ASSETS,
        lambda folder: _analyse(folder, "demo", None, 9),
        workers=os.cpu_count() or 1,
    )


def checkpoints(_: argparse.Namespace) -> None:
    """Turn the snapshots of the training into small analyses."""
    from alas_core import bundle
    from alas_core.demo.checkpoints import Tools, write_checkpoints

    tools = Tools(lambda folder, name, ids: _analyse(folder, name, ids, 199), bundle.dumps)
    write_checkpoints(BUILD / "checkpoints", ASSETS, tools)


def everything(arguments: argparse.Namespace) -> None:
    """Run the whole recipe."""
    for part in (synthesise, train, dataset, evaluate, checkpoints):
        part(arguments)


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "synthesise": synthesise,
    "train": train,
    "dataset": dataset,
    "evaluate": evaluate,
    "checkpoints": checkpoints,
    "all": everything,
}


def main(argv: list[str] | None = None) -> int:
    """Run one part of the recipe, or all of it.

    Parameters
    ----------
    argv : list[str] or None
        Arguments without the program's name; None for those of the process.

    Returns
    -------
    int
        Exit status: 0, or 1 after an error written for the user.
    """
    parser = argparse.ArgumentParser(prog="python -m alas_core.demo", description=__doc__)
    parser.add_argument("part", nargs="?", default="all", choices=PARTS)
    parser.add_argument(
        "--fresh", action="store_true", help="train from the start (default: resume)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on where training stopped (default)"
    )
    parser.add_argument("--device", default="cpu", help="train on this device, such as cuda")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        PARTS[arguments.part](arguments)
    except AlasError as error:
        logger.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
