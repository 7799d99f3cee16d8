"""Analyses kept under their key, on disk or at any fsspec URL.

A store that cannot be read or written never stops an analysis: it says so in `notes` and steps
aside.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import uuid
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from alas_core.bundle import SUFFIX, dumps, loads
from alas_core.errors import StoreError
from alas_core.types import Analysis, RunKey

__all__ = ["Store", "dumps", "loads"]

_log = logging.getLogger(__name__)


class Store:
    """Content-addressed bundles: one file an analysis, named by the digest of its key.

    Parameters
    ----------
    url : a folder or any fsspec URL ("s3://bucket/alas"); None keeps nothing

    Attributes
    ----------
    notes : sentences for the user about what could not be read or written, newest last
    """

    def __init__(self, url: str | os.PathLike[str] | None) -> None:
        self.notes: list[str] = []
        self._lock = threading.Lock()
        self._fs: Any = None
        self._root = ""
        if url is not None:
            self._fs, self._root = fsspec.core.url_to_fs(os.fspath(url))
            self._root = self._root.rstrip("/")

    def path(self, key: RunKey) -> str:
        """Where the bundle of this key is or would be."""
        return f"{self._root}/{key.digest}{SUFFIX}"

    def get(self, key: RunKey) -> Analysis | None:
        """The stored analysis, or None. A damaged bundle is set aside and reported in `notes`."""
        if self._fs is None:
            return None
        try:
            with self._fs.open(self.path(key), "rb") as file:
                raw = file.read()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._note(f"The store at {self._root} cannot be read ({error}).")
            return None
        try:
            analysis = loads(raw)
            if analysis.key != key:
                raise StoreError("the bundle holds another analysis than its name says")
        except StoreError as error:
            self._set_aside(self.path(key), error)
            return None
        return analysis

    def put(self, key: RunKey, analysis: Analysis) -> bool:
        """Keep an analysis; False, with a note, if the store cannot be written."""
        if self._fs is None:
            return False
        raw = dumps(analysis)
        try:
            self._write(self.path(key), raw)
        except (OSError, ValueError) as error:
            self._note(
                f"This analysis was not kept: the store at {self._root} cannot be written "
                f"({error}). It will be computed again next time; set ALAS_STORE to a folder "
                "that can be written."
            )
            return False
        return True

    def _write(self, path: str, raw: bytes) -> None:
        if not isinstance(self._fs, LocalFileSystem):
            self._fs.pipe_file(path, raw)  # an object store shows an object only when it is whole
            return
        Path(self._root).mkdir(parents=True, exist_ok=True)
        temporary = Path(f"{path}.{uuid.uuid4().hex}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _set_aside(self, path: str, error: StoreError) -> None:
        _log.warning("%s: %s", path, error)
        aside = f"{path}.damaged"
        where = f"set aside as {aside}"
        try:
            self._fs.mv(path, aside)
        except (OSError, ValueError):
            where = "left where it is"
        self._note(f"A stored analysis could not be read and was {where}; it is computed anew.")

    def _note(self, text: str) -> None:
        with self._lock:
            if text not in self.notes:
                self.notes.append(text)
