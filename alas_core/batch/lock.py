"""One writer a run: a lock that says who holds it, and that outlives nobody.

The lock is a file with the owner's machine, process and last sign of life. A process that was
killed leaves it behind: on the same machine that is seen at once, from another one when the signs
of life have stopped for two minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alas_core.batch.schema import LOCK_FILE
from alas_core.errors import StoreError
from alas_core.place import Place

BEAT_S = 15.0
SILENT_S = 120.0
"""An owner that has given no sign for so long is taken for dead."""

_SETTLE_S = 0.2
"""Two that take over one dead lock write it at about the same moment; the later one has it."""


def machine() -> str:
    """The name of this machine and of its process numbers (a container has its own)."""
    try:
        numbers = f"/{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        numbers = ""
    return socket.gethostname() + numbers


def owner_of(place: Place) -> Mapping[str, Any] | None:
    """Who works on the run in this place: `host`, `pid`, `since`; None if nobody does."""
    raw = place.read(LOCK_FILE)
    if raw is None:
        return None
    try:
        owner: dict[str, Any] = json.loads(raw)
        alive = _alive(owner)
    except (ValueError, KeyError, TypeError):  # not written by this program: nobody's
        return None
    return owner if alive else None


def _alive(owner: Mapping[str, Any]) -> bool:
    if time.time() - float(owner["beat"]) > SILENT_S:
        return False
    return bool(owner["machine"] != machine() or _born(int(owner["pid"])) == owner["born"])


def _born(pid: int) -> str | None:
    """When a living process of this machine was started, in a form of its own; None for no such.

    A number may be given to another process later, and a dead one keeps its own until it is buried.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else _answers(pid)
    except ProcessLookupError:
        return None
    return None if state in "ZX" else fields[18]


def _answers(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # another user's, and alive
        return ""
    return ""


class RunLock:
    """Held while a run is written; a context manager.

    Raises
    ------
    StoreError
        On entering, if somebody else holds it: the message says who.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._token = uuid.uuid4().hex
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._left = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._beat, name="run lock", daemon=True)

    def __enter__(self) -> RunLock:
        while not self._place.create(LOCK_FILE, self._content()):
            owner = owner_of(self._place)
            if owner is not None:
                raise StoreError(
                    f"the run in '{self._place.url}' is being written by process {owner['pid']} on "
                    f"{owner['host']} since {owner['since']}, expected one writer at a time; wait "
                    "for it, cancel it on the Runs page, or choose another folder"
                )
            if self._take_over():
                break
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()
        with contextlib.suppress(StoreError):  # out of reach: it will be seen to be silent
            if not self._lost and self._mine():
                self._place.remove(LOCK_FILE)

    def check(self) -> None:
        """Raise `StoreError` if another process has taken the run over in the meantime."""
        if self._lost:
            raise StoreError(
                f"the run in '{self._place.url}' was taken over by another process while this one "
                "gave no sign of life, expected one writer at a time; this one has stopped, and "
                "what it had finished is kept"
            )

    def _content(self) -> bytes:
        owner = {
            "host": socket.gethostname(),
            "machine": machine(),
            "pid": os.getpid(),
            "born": _born(os.getpid()),
            "since": self._since,
            "beat": time.time(),
            "token": self._token,
        }
        return json.dumps(owner).encode()

    def _take_over(self) -> bool:
        self._place.write(LOCK_FILE, self._content())
        time.sleep(_SETTLE_S)
        return self._mine()

    def _mine(self) -> bool:
        raw = self._place.read(LOCK_FILE)
        return raw is not None and self._token.encode() in raw

    def _beat(self) -> None:
        while not self._left.wait(BEAT_S):
            try:
                if not self._mine():
                    self._lost = True
                    return
                self._place.write(LOCK_FILE, self._content())
            except StoreError:  # a full disk or a lost network: the run itself will meet it
                continue
