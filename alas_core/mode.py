"""What this server or program lets its users do."""

from __future__ import annotations

import os

from alas_core.errors import ModelError


def readonly() -> bool:
    """Whether this is a gallery (`ALAS_READONLY=1`): kept analyses only, no upload, no model."""
    return os.environ.get("ALAS_READONLY", "") not in ("", "0")


def allow_model(model_id: str) -> None:
    """Called before any model is loaded.

    Raises
    ------
    ModelError
        In a gallery.
    """
    if readonly():
        raise ModelError(
            "this server is a gallery of kept analyses (ALAS_READONLY), expected no request for a "
            f"model, got '{model_id}'; choose one of the analyses, or run ALAS Explorer yourself"
        )


def clusters() -> tuple[str, ...]:
    """The Ray clusters that a visitor may send a run to: `ALAS_RAY`, addresses or "auto".

    Only the server's owner can say: a Ray client runs what its cluster sends it.
    """
    named = os.environ.get("ALAS_RAY", "")
    return tuple(address for part in named.split(",") if (address := part.strip()))
