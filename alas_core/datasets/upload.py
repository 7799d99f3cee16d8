"""Files that a user brought along, several at once: recordings with their words beside them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from alas_core.datasets.folder import NO_COLUMNS, entries
from alas_core.datasets.listing import Listed


def uploaded(files: Mapping[str, bytes]) -> Listed:
    """The data set of some files in memory, paired by name as in `folder.audio_folder`.

    Parameters
    ----------
    files : name to content; sound, and words or word times (.txt, .lab, .TextGrid, .ctm, .json,
        .wdseg) of the same stem.
    """
    readers = {name: partial(bytes, content) for name, content in files.items()}
    return Listed("upload", Path("no folder"), lambda: entries(readers), NO_COLUMNS)
