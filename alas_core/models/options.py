"""How a model is loaded, as options of the command line."""

from __future__ import annotations

import argparse

from alas_core.models.identity import Loading


def add_loading(parser: argparse.ArgumentParser) -> None:
    """Add the options that `loading_of` reads."""
    add = parser.add_argument_group("model", "how it is loaded").add_argument
    add("--revision", default="", metavar="REV", help="commit, branch or tag of a hub id (newest)")
    add("--device", default="auto", help="auto, cpu, mps, cuda, cuda:1 or spread (%(default)s)")
    add("--dtype", default="auto", help="auto, float32, bfloat16 or float16 (%(default)s)")
    add(
        "--quantization",
        default="none",
        help="none, 8bit or 4bit; needs CUDA and bitsandbytes (%(default)s)",
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
