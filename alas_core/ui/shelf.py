"""Recordings and reference files that users brought along, kept in memory, bounded, by content.

They live as long as the server, not the browser tab: a reload in the middle of an analysis finds
its recording again by the id in the URL. Nothing is kept on disk, nor are their analyses (see
`alas_core.ui.orders.Order.private`); a TextGrid is in a temporary file while praatio reads it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from alas_core.errors import InputError
from alas_core.types import content_sha
from alas_core.ui.text import cut, told_apart

MAX_UPLOAD_MB = 20
MAX_SHELF_BYTES = 5 * MAX_UPLOAD_MB * 2**20


@dataclass(frozen=True)
class Recording:
    """A file as it came, undecoded, and what the user says is spoken in it.

    Parameters
    ----------
    name, data
    transcript : empty for a file that is no sound.
    reference : the place on the shelf of its file of word times, if one came with it.
    """

    name: str
    data: bytes
    transcript: str = ""
    reference: str = ""

    @property
    def id(self) -> str:
        """Names the content; too long to guess."""
        return content_sha(self.name, self.data, self.transcript, self.reference)[:24]

    @property
    def n_bytes(self) -> int:
        """What it takes."""
        return len(self.data) + len(self.transcript.encode())


class Shelf:
    """The last recordings up to a number of bytes, transcripts and all; the oldest goes first.

    Thread-safe.
    """

    def __init__(self, max_bytes: int = MAX_SHELF_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, Recording] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, recording: Recording) -> str:
        """Keep it and return its id."""
        with self._lock:
            self._held[recording.id] = recording
            self._held.move_to_end(recording.id)
            while len(self._held) > 1 and self._bytes() > self._max_bytes:
                self._held.popitem(last=False)
        return recording.id

    def get(self, recording_id: str) -> Recording | None:
        """The recording, or None if it was never here or had to make room."""
        with self._lock:
            return self._held.get(recording_id)

    def drop(self, recording_id: str) -> None:
        """Forget a recording; nothing happens if it is not here."""
        with self._lock:
            self._held.pop(recording_id, None)

    def labels(self, ids: Sequence[str]) -> dict[str, str]:
        """Id to label of those that are still here, the last of the ids first.

        A second take has a number, as all that a microphone records has one name.
        """
        held = {key: recording for key in ids if (recording := self.get(key))}
        labels = {k: f"{cut(r.transcript, 60)} · {cut(r.name, 40)}" for k, r in held.items()}
        return dict(reversed(told_apart(labels).items()))

    def _bytes(self) -> int:
        return sum(recording.n_bytes for recording in self._held.values())


shelf = Shelf()


def on_shelf(recording_id: str, noun: str) -> Recording:
    """What lies on the shelf under that id; `noun` is what the message calls it.

    Raises
    ------
    InputError
        If it is not there any more.
    """
    found = shelf.get(recording_id)
    if found is None:
        raise InputError(
            f"the {noun} of this link is no longer on the server (uploads stay in memory and make "
            f"room for newer ones), expected an upload of this run; upload the {noun} again"
        )
    return found
