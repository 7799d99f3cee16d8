"""The runs that can be opened on this server: its own, and the shipped example."""

from __future__ import annotations

import logging

from alas_core.batch.folder import open_run
from alas_core.batch.roots import Found, found_runs, runs_root
from alas_core.errors import InputError, StoreError
from alas_core.resources import asset_path

_log = logging.getLogger(__name__)

EXAMPLE = "example"
"""Name of the shipped run over the demo recordings, in lists and links, unless a run has it."""


def listed_runs() -> dict[str, Found]:
    """Every run by its name: the server's own, the newest first, then the example.

    Those that cannot be read are in it, with their problem.
    """
    try:
        runs = found_runs()
    except StoreError as error:
        _log.warning("the runs in %s cannot be listed: %s", runs_root(), error)
        runs = [Found(runs_root(), runs_root(), {}, problem=str(error))]
    own = {run.name: run for run in runs}
    return own | {run.name: run for run in _example() if run.name not in own}


def is_example(run: Found) -> bool:
    """Whether it is the shipped one, and not a run that is called so."""
    return run.url == _shipped()


def _shipped() -> str:
    try:
        return str(asset_path("demo", "run"))
    except InputError:
        return ""


def _example() -> list[Found]:
    url = _shipped()
    if not url:
        return []
    try:
        folder = open_run(url)
    except StoreError as error:
        return [Found(EXAMPLE, url, {}, problem=str(error))]
    return [Found(EXAMPLE, url, folder.info, folder.state)]
