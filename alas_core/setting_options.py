"""The settings of a score as options of the command line."""

from __future__ import annotations

import argparse

from alas_core.keys import CENTERINGS, Settings


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options that `settings_of` reads."""
    default = Settings()
    group = parser.add_argument_group("settings", "see the Method page; defaults in parentheses")
    add = group.add_argument
    add(
        "--temperature",
        type=float,
        default=default.temperature,
        help="of the softmax (%(default)s)",
    )
    add(
        "--centering",
        choices=CENTERINGS,
        default=default.centering,
        help="of the states, each modality by itself (%(default)s)",
    )
    add("--mask-sinks", action="store_true", help="leave out states with a norm 10 x the median")
    add("--instruction-last", action="store_true", help="put the instruction after the audio")
    add(
        "--null",
        type=int,
        default=default.n_null,
        metavar="N",
        help="wrong transcripts in the null; 0 permutes the words only (%(default)s)",
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """What the options say.

    Raises
    ------
    InputError
        If a value cannot be used.
    """
    return Settings(
        temperature=options.temperature,
        centering=options.centering,
        mask_sinks=options.mask_sinks,
        instruction_first=not options.instruction_last,
        n_null=options.null,
    )
