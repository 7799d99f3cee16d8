"""What others wish of a run: pause, go on, cancel. A file in its folder, so any process may ask."""

from __future__ import annotations

import json
import time

from alas_core.batch.schema import WISH_FILE
from alas_core.errors import InputError, StoreError
from alas_core.place import Place

GO, PAUSE, CANCEL = "go", "pause", "cancel"

_LOOK_LOCAL_S = 0.2
_LOOK_FAR_S = 5.0


def wish(place: Place, wanted: str) -> None:
    """Ask the run in this place to pause, to go on, or to stop after the items in flight."""
    if wanted not in (GO, PAUSE, CANCEL):
        raise InputError(f"the wish is {wanted!r}, expected 'go', 'pause' or 'cancel'")
    place.write(WISH_FILE, json.dumps({"wish": wanted}).encode())


class Listener:
    """Reads the wish now and then; the latest one counts."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._every_s = _LOOK_LOCAL_S if place.local else _LOOK_FAR_S
        self._looked = -1e9
        self._wish = GO
        place.remove(WISH_FILE)  # what was asked of an earlier start is no concern of this one

    @property
    def wish(self) -> str:
        """The latest wish; what cannot be read changes nothing."""
        now = time.monotonic()
        if now - self._looked >= self._every_s:
            self._looked = now
            try:
                raw = self._place.read(WISH_FILE)
                self._wish = GO if raw is None else str(json.loads(raw)["wish"])
            except (StoreError, ValueError, KeyError, TypeError):
                return self._wish
        return self._wish
