"""What determines a result: the settings, and the key under which it is stored."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

from alas_core.errors import InputError

SCHEMA = 1
"""Version of `Analysis` as stored. Raise it when a stored field changes its meaning."""

RESULTS = 3
"""Raise it when the same request gives other numbers, prompts or answers than before: what the
store holds is then computed anew, while bundles stay readable."""

SINK_RATIO = 10.0
"""A position whose norm is above this many medians counts as a massive activation or sink."""

CENTERINGS = ("none", "mean", "standardise")
"""What may be done to the states before cosines, each modality by itself."""


def content_sha(*parts: bytes | str) -> str:
    """Hex SHA-256 of the parts, each prefixed by its length so that joins cannot collide."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.hexdigest()


@dataclass(frozen=True)
class Settings:
    """Everything that changes a score. The defaults are the definitions of the Method page."""

    temperature: float = 0.1
    centering: str = "none"
    mask_sinks: bool = False
    instruction_first: bool = True
    n_null: int = 49
    n_permutations: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.001 <= self.temperature <= 10:
            raise InputError(
                f"temperature is {self.temperature}, expected 0.001 to 10; the default is 0.1"
            )
        if self.centering not in CENTERINGS:
            raise InputError(
                f"centering is {self.centering!r}, expected 'none', 'mean' or 'standardise'"
            )
        if self.n_null < 0 or self.n_permutations < 1:
            raise InputError(
                f"n_null is {self.n_null} and n_permutations {self.n_permutations}, expected "
                "at least 0 and 1; the defaults are 49 and 200"
            )


@dataclass(frozen=True)
class RunKey:
    """All that determines an `Analysis`: strings and numbers only, nothing left out."""

    model_id: str
    revision: str
    dtype: str
    audio_sha: str
    transcript_sha: str
    prompt_sha: str
    reference: str
    settings: Settings
    null_sha: str = ""
    schema: int = RESULTS
    variant: str = ""

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the canonical JSON: the name of the bundle in the store.

        An empty variant is left out, so that analyses kept before there were variants are found.
        """
        parts = dataclasses.asdict(self)
        if not self.variant:
            del parts["variant"]
        return content_sha(json.dumps(parts, sort_keys=True))
