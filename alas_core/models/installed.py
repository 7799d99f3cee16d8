"""Models that are on this machine: folders below `ALAS_MODEL_ROOTS` and the hub library's cache.

Only directories and config.json are looked at; torch and transformers are not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alas_core.errors import ModelError
from alas_core.models import identity as ids
from alas_core.models.facts import audio_token, family_of, measured_family
from alas_core.models.family import Family
from alas_core.models.fetching import cached_folder


@dataclass(frozen=True)
class Installed:
    """A model whose weights are on this machine: of a known family, or with an audio token.

    Parameters
    ----------
    model_id : as `alas_core.models.registry` takes it: a folder's path or a hub id.
    name : to be shown.
    folder : where config.json and the weights lie.
    family : its row of facts; of an unknown one with a frame rate that is yet to be measured.
    """

    model_id: str
    name: str
    folder: Path
    family: Family


def installed() -> list[Installed]:
    """Every model found, folders first, each in alphabetical order."""
    return [*_below_roots(), *_in_hub_cache()]


def _below_roots() -> list[Installed]:
    found = []
    for root in ids.model_roots():
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            try:
                if ids.find_folder(str(folder)) is None:
                    continue
                family = _family(ids.check_model_folder(folder))
            except (ModelError, OSError):
                continue
            if family is not None:
                found.append(Installed(str(folder), folder.name, folder, family))
    return found


def _family(config: Mapping[str, Any]) -> Family | None:
    model_type = str(config.get("model_type"))
    heard = audio_token(config) is not None
    return family_of(model_type) or (measured_family(model_type) if heard else None)


def _in_hub_cache() -> list[Installed]:
    from huggingface_hub.constants import HF_HUB_CACHE

    found = []
    cache = Path(HF_HUB_CACHE)
    for place in sorted(cache.glob("models--*--*")) if cache.is_dir() else ():
        model_id = place.name.removeprefix("models--").replace("--", "/", 1)
        try:
            folder = cached_folder(model_id, "")
            config = {} if folder is None else ids.read_json(folder / "config.json")
        except (ModelError, OSError, ValueError):
            continue
        family = _family(config)
        if folder is not None and family is not None and ids.is_allowed(model_id):
            found.append(Installed(model_id, model_id, folder, family))
    return found
