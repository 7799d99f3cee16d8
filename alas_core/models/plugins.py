"""Models of one's own: classes with the `SpeechLLM` protocol, found by entry point or by name.

An installed package offers its class in the entry-point group `alas_core.models`; the entry's name
is then a model id. The command line also takes ``--adapter package.module:Class``. Nothing that
comes from a link or a visitor's text is ever imported.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from alas_core.errors import AlasError, ModelError

if TYPE_CHECKING:
    from alas_core.models.protocol import SpeechLLM

GROUP = "alas_core.models"
_NEEDED = ("info", "audio_states", "text_states", "text_states_many", "answer", "head", "close")
_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@cache
def offered() -> dict[str, metadata.EntryPoint]:
    """The plug-ins of installed packages by their name; nothing is imported.

    Looked up once a process: that reads a file of every installed package.
    """
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP)}


def revision(entry: metadata.EntryPoint) -> str:
    """Package and version that a plug-in comes from."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.value


def from_entry(entry: metadata.EntryPoint) -> SpeechLLM:
    """The plug-in's model.

    Raises
    ------
    ModelError
        If it cannot be imported or made, or lacks a part of the protocol.
    """
    return _made(entry.load, f"{entry.name} ({entry.value})")


def from_name(name: str) -> SpeechLLM:
    """The model of ``package.module:Class``, made without arguments.

    Raises
    ------
    ModelError
        If there is no such class, it cannot be made, or it lacks a part of the protocol.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"the adapter is {name!r}, expected package.module:Class, such as "
            "my_models.speech:MyModel; the package must be importable from here"
        )
    module, _, attribute = name.partition(":")
    return _made(lambda: getattr(importlib.import_module(module), attribute), name)


def _made(load: Callable[[], Any], name: str) -> SpeechLLM:
    try:
        model = load()()
    except AlasError:
        raise
    except Exception as error:  # the plug-in's code may raise anything
        raise ModelError(
            f"the adapter {name} cannot be made: {type(error).__name__}: {error}; expected a class "
            "that is called without arguments (see 'Your own model' in the README)"
        ) from error
    lacking = [part for part in _NEEDED if not hasattr(model, part)]
    if lacking:
        raise ModelError(
            f"the adapter {name} lacks {', '.join(lacking)}; derive it from "
            "alas_core.models.protocol.SpeechLLM and fill in info, audio_states and text_states"
        )
    made: SpeechLLM = model
    return made
