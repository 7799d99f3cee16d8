"""Analyses kept under their key, on disk or at any fsspec URL.

A store that cannot be read or written never stops an analysis: it says so in `notes` and steps
aside.
"""

from __future__ import annotations

import logging
import os
import threading

from alas_core.bundle import SUFFIX, dumps, loads
from alas_core.errors import StoreError
from alas_core.place import Place
from alas_core.types import Analysis, RunKey

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
        self._place = None if url is None else Place(url)

    def get(self, key: RunKey) -> Analysis | None:
        """The stored analysis, or None. A damaged bundle is set aside and reported in `notes`."""
        if self._place is None:
            return None
        try:
            raw = self._place.read(_name(key))
        except StoreError as error:
            self._note(f"The store of analyses cannot be read: {error}.")
            return None
        if raw is None:
            return None
        try:
            analysis = loads(raw)
            if analysis.key != key:
                raise StoreError("the bundle holds another analysis than its name says")
        except StoreError as error:
            self._set_aside(self._place, _name(key), raw, error)
            return None
        return analysis

    def put(self, key: RunKey, analysis: Analysis) -> bool:
        """Keep an analysis; False, with a note, if the store cannot be written."""
        if self._place is None:
            return False
        try:
            self._place.write(_name(key), dumps(analysis))
        except StoreError as error:
            self._note(
                f"This analysis was not kept: {error}. It will be computed again next time; set "
                "ALAS_STORE to a folder that can be written."
            )
            return False
        return True

    def _set_aside(self, place: Place, name: str, raw: bytes, error: StoreError) -> None:
        _log.warning("%s in %s: %s", name, place.url, error)
        where = f"set aside as {name}.damaged"
        try:
            place.write(f"{name}.damaged", raw)
            place.remove(name)
        except StoreError:
            where = "left where it is"
        self._note(f"A stored analysis could not be read and was {where}; it is computed anew.")

    def _note(self, text: str) -> None:
        with self._lock:
            if text not in self.notes:
                self.notes.append(text)


def _name(key: RunKey) -> str:
    return f"{key.digest}{SUFFIX}"
