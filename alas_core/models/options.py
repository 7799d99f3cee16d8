"""How a model is loaded, as options of the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alas_core.models.identity import Loading

if TYPE_CHECKING:
    from alas_core.models.protocol import SpeechLLM


def add_loading(parser: argparse.ArgumentParser, *, of_folders: bool = False) -> None:
    """Add the options that `loading_of` and `adapter_of` read.

    Parameters
    ----------
    of_folders : bool
        Whether all models are folders: without the options for others.
    """
    add = parser.add_argument_group("model", "how it is loaded").add_argument
    parser.set_defaults(adapter=None, revision="")
    if not of_folders:
        add(
            "--adapter",
            metavar="MODULE:CLASS",
            help="a model class of your own instead of --model (see README, Your own model)",
        )
        add(
            "--revision",
            default="",
            metavar="REV",
            help="commit, branch or tag of a hub id (the cached one, else the newest)",
        )
    add("--device", default="auto", help="auto, cpu, mps, cuda, cuda:1 or spread (%(default)s)")
    add("--dtype", default="auto", help="auto, float32, bfloat16 or float16 (%(default)s)")
    add(
        "--quantization",
        default="none",
        help="none, 8bit or 4bit weights by bitsandbytes (%(default)s)",
    )
    add(
        "--no-lora", action="store_true", help="switch off the speech LoRA of a family that has one"
    )


def loading_of(options: argparse.Namespace) -> Loading:
    """What the options say.

    Raises
    ------
    ModelError
        If a value is none of those that are known.
    """
    return Loading(
        revision=options.revision,
        dtype=options.dtype,
        device=options.device,
        quantization=options.quantization,
        lora=not options.no_lora,
    )


def adapter_of(options: argparse.Namespace) -> SpeechLLM | None:
    """The model of the class that was named; None if none was.

    Raises
    ------
    ModelError
        If there is no such class, or it is no model.
    """
    if options.adapter is None:
        return None
    from alas_core.models.plugins import from_name

    sys.path.insert(0, str(Path.cwd()))  # as with `python -m`: one's own file need not be installed
    return from_name(options.adapter)
