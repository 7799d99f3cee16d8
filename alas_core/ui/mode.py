"""What this server lets its visitors do."""

from __future__ import annotations

import os


def readonly() -> bool:
    """Whether this is a gallery (`ALAS_READONLY=1`): kept analyses only, no upload, no model."""
    return os.environ.get("ALAS_READONLY", "") not in ("", "0")
