"""What this server lets its visitors do."""

from __future__ import annotations

from alas_core.mode import readonly

__all__ = ["readonly"]
