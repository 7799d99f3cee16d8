"""What can be run here: every family with what it can do, what it lacks, and what is installed."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from dataclasses import dataclass
from typing import Any

from alas_core.errors import ModelError
from alas_core.models import registry
from alas_core.models.facts import FAMILIES
from alas_core.models.family import Family
from alas_core.models.identity import Loading, accelerator, check_model_folder, resolve_dtype
from alas_core.models.installed import Installed, installed
from alas_core.models.memory import Estimate, device_memory, weights


@dataclass(frozen=True)
class Entry:
    """One family as this machine sees it.

    Parameters
    ----------
    family : its row of facts.
    missing : packages that must be installed before it runs, its speech LoRA included.
    installed : its models on this machine.
    """

    family: Family
    missing: tuple[str, ...]
    installed: tuple[Installed, ...]

    @property
    def runnable(self) -> bool:
        return not self.missing

    @property
    def window(self) -> str:
        """How much audio it takes, in words."""
        row = self.family
        if row.max_audio_s is not None:
            return f"at most {row.max_audio_s:g} s"
        if row.limit_from_extractor:
            return "the checkpoint's own window"
        if row.padded_to_s:
            return f"no limit, padded to {row.padded_to_s:g} s"
        return "no limit"

    @property
    def lens(self) -> bool:
        """Whether its states can be read out in the vocabulary."""
        return not self.family.active_state


def entries() -> list[Entry]:
    """Every family of the table, in its order."""
    here = installed()
    return [
        Entry(
            row,
            tuple(name.replace("_", "-") for name in _needs(row) if not _is_there(name)),
            tuple(one for one in here if one.family.model_type == row.model_type),
        )
        for row in FAMILIES.values()
    ]


def model_type_of(model_id: str) -> str:
    """The family of a model by its config or, if it is not here, by the table; "" if unknown."""
    try:
        folder = registry.folder_of(model_id)
        if folder is not None:
            return str(check_model_folder(folder).get("model_type", ""))
    except ModelError:
        return ""
    return next((row.model_type for row in FAMILIES.values() if model_id in row.hub_ids), "")


def estimate(model_id: str, loading: Loading) -> Estimate | None:
    """What a model would take; None if its weights are not on this machine (or have no headers).

    The memory of a GPU is known only once something has loaded torch: this never does.
    """
    folder = registry.folder_of(model_id, loading)
    held = None if folder is None else weights(folder)
    if folder is None or held is None or not held.count:
        return None
    where = accelerator() if loading.device in ("auto", "spread") else loading.device
    dtype = resolve_dtype(loading.dtype, where, check_model_folder(folder))
    place = "spread" if where == "cuda" and loading.device == "spread" else where
    asked = where == "cpu" or "torch" in sys.modules
    return Estimate(
        held, dtype, loading.quantization, place, device_memory(place) if asked else None
    )


def as_objects() -> list[dict[str, Any]]:
    """The same as plain objects for JSON, one a family."""
    return [
        {
            "model_type": entry.family.model_type,
            "label": entry.family.label,
            "class": entry.family.model_class,
            "frames_per_second": entry.family.grid.rate_hz,
            "frames_per_window": entry.family.grid.per_window,
            "min_audio_s": entry.family.min_audio_s,
            "max_audio_s": entry.family.max_audio_s,
            "window": entry.window,
            "lens": entry.lens,
            "lora_switch": bool(entry.family.lora),
            "runnable": entry.runnable,
            "missing": list(entry.missing),
            "hub_ids": list(entry.family.hub_ids),
            "note": entry.family.note,
            "installed": [
                {
                    "model_id": one.model_id,
                    "folder": str(one.folder),
                    "parameters": weights(one.folder).count,
                }
                for one in entry.installed
            ],
        }
        for entry in entries()
    ]


def as_text() -> str:
    """The same as a table for a terminal."""
    here = entries()
    lines = [f"{'family':24}{'frames/s':>8}  {'audio':25}{'lens':5}{'LoRA':7}runs here"]
    for entry in here:
        row = entry.family
        runs = "yes" if entry.runnable else "no: needs " + ", ".join(entry.missing)
        window = "the checkpoint's own" if row.limit_from_extractor else entry.window
        switch = "on/off" if row.lora else "-"
        lines.append(
            f"{row.label:24}{row.grid.rate_hz:>8.3g}  {window:25}"
            f"{'yes' if entry.lens else 'no':5}{switch:7}{runs}"
        )
        lines += [f"    installed: {one.model_id}" for one in entry.installed]
    missing = sorted({name for entry in here for name in entry.missing})
    if missing:
        pip = f"{shlex.quote(sys.executable)} -m pip install"
        lines.append(f"What is needed, with this Python:\n    {pip} {' '.join(missing)}")
    return "\n".join(lines) + "\n"


def _needs(family: Family) -> tuple[str, ...]:
    """What a published checkpoint of the family needs, as it is loaded by default."""
    return (*family.needs, "peft") if family.lora else family.needs


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
