"""The published parts of SALMONN in one folder, told apart by what they are.

Expected: a Whisper folder and a Llama (Vicuna) folder, each with config.json and safetensors, one
BEATs `.pt` and one SALMONN `.pth`, all directly below one folder. Neither torch nor transformers is
needed to find them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MODEL_TYPE = "salmonn"
CONFIG = {"model_type": MODEL_TYPE, "dtype": "bfloat16"}
"""What stands in for the config.json that the published files have not."""


@dataclass(frozen=True)
class SalmonnFiles:
    """Where the four parts lie."""

    whisper: Path
    llama: Path
    beats: Path
    salmonn: Path


def salmonn_files(folder: Path) -> SalmonnFiles | None:
    """The four parts below a folder; None unless there is exactly one of each."""
    beats = sorted(folder.glob("*.pt"))
    own = sorted(folder.glob("*.pth"))
    if len(beats) != 1 or len(own) != 1:
        return None
    kinds: dict[str, list[Path]] = {}
    for config in sorted(folder.glob("*/config.json")):
        kinds.setdefault(_model_type(config), []).append(config.parent)
    whisper, llama = kinds.get("whisper", []), kinds.get("llama", [])
    if len(whisper) != 1 or len(llama) != 1:
        return None
    return SalmonnFiles(whisper[0], llama[0], beats[0], own[0])


def _model_type(config: Path) -> str:
    try:
        return str(json.loads(config.read_text(encoding="utf-8")).get("model_type"))
    except (OSError, ValueError, AttributeError):
        return ""
