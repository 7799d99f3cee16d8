"""Memory: what weights need, what a device has, and what would fit.

Weights are counted from the headers of safetensors files, so nothing is loaded. Only
`device_memory` of a CUDA device imports torch.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

from alas_core.models.salmonn_files import salmonn_files
from alas_core.types import ModelInfo

GIB = 2**30
_DTYPE_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
_QUANTIZED_BYTES = {"8bit": 1.05, "4bit": 0.6}
"""A weight in bitsandbytes: its bits, the block's scales, and the layers that are left alone."""

_ROOM = 1.15
"""Weights and what a pass over a short recording adds."""

_WORTH_A_WORD = 0.1
"""Of a smaller share that is not quantised nothing is said: every encoder has convolutions."""

_MAX_HEADER = 2**27


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes of one device: of the machine for a CPU, of the card for a GPU."""

    device: str
    free: int
    total: int

    @property
    def used(self) -> int:
        return self.total - self.free


@dataclass(frozen=True)
class Weights:
    """How many weights a model has, and how many of them bitsandbytes leaves as they are.

    It replaces linear layers alone. The experts of a mixture are one tensor of three dimensions
    once they are loaded, however the files hold them, and they are most of such a model.
    """

    count: int
    unquantized: int = 0

    def needed(self, dtype: str, quantization: str = "none") -> int:
        """Bytes they take on a device, with room for a short pass."""
        full = _DTYPE_BYTES[dtype]
        each = _QUANTIZED_BYTES.get(quantization, full)
        return round(((self.count - self.unquantized) * each + self.unquantized * full) * _ROOM)


def weights(folder: Path) -> Weights:
    """The weights of a model folder, none if no safetensors header can be read.

    Of SALMONN all four parts count, the pickled ones by their size as float32.
    """
    parts = salmonn_files(folder)
    if parts is not None:
        whole = [weights(part).count for part in (parts.whisper, parts.llama)]
        pickled = sum(path.stat().st_size for path in (parts.beats, parts.salmonn))
        return Weights(sum(whole) + pickled // 4 if all(whole) else 0)
    count = unquantized = 0
    for path in sorted(folder.glob("*.safetensors")):
        if path.name.startswith(("adapter", "consolidated")):
            continue
        try:
            with path.open("rb") as file:
                size = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(size)) if size < _MAX_HEADER else {}
            shapes = {name: one["shape"] for name, one in header.items() if name[:2] != "__"}
            count += sum(map(math.prod, shapes.values()))
            unquantized += sum(
                math.prod(shape)
                for name, shape in shapes.items()
                if ".experts." in name or len(shape) > 2
            )
        except (OSError, ValueError, TypeError, KeyError):
            return Weights(0)
    return Weights(count, unquantized)


@dataclass(frozen=True)
class Estimate:
    """What a model that is on this machine would take, counted without loading it.

    Parameters
    ----------
    weights : how many there are.
    dtype, quantization : as it would be loaded.
    device : where.
    memory : of that device; None where it cannot be asked yet.
    """

    weights: Weights
    dtype: str
    quantization: str
    device: str
    memory: DeviceMemory | None

    @property
    def needed(self) -> int:
        return self.weights.needed(self.dtype, self.quantization)

    @property
    def way(self) -> str:
        """How it would be loaded, in words."""
        return _way(self.weights, self.dtype, self.quantization)

    @property
    def fits(self) -> bool | None:
        return None if self.memory is None else self.needed <= self.memory.total


def device_memory(device: str) -> DeviceMemory | None:
    """Free and all memory of a device; None where that cannot be found out.

    "spread" is every CUDA device together and, where there is none, the machine.
    """
    if device == "spread" or device.startswith("cuda"):
        import torch

        there = torch.cuda.is_available()
        if there:
            cards = range(torch.cuda.device_count()) if device == "spread" else [device]
            free, total = map(sum, zip(*map(torch.cuda.mem_get_info, cards), strict=True))
            return DeviceMemory(device, free, total)
        if device != "spread":
            return None
    return _of_the_machine(device)


def _of_the_machine(device: str) -> DeviceMemory | None:
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total, free = page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None
    info = Path("/proc/meminfo")
    if info.is_file():  # what can be freed at once counts as free
        rows = dict(line.split(":", 1) for line in info.read_text().splitlines() if ":" in line)
        free = int(rows.get("MemAvailable", f"{free // 1024} kB").split()[0]) * 1024
    return DeviceMemory(device, free, total)


def what_fits(held: Weights, free: int) -> str:
    """Which way of loading the weights fits into so many bytes, in words."""
    ways = [
        *((dtype, "none") for dtype in ("float32", "bfloat16")),
        *(("bfloat16", quantization) for quantization in ("8bit", "4bit")),
    ]
    for dtype, quantization in ways:
        needed = held.needed(dtype, quantization)
        name = f"{_way(held, dtype, quantization)}, about {gib(needed)},"
        if needed <= free:
            return f"{name} would fit"
    return f"not even {name} would fit: choose a smaller model or spread it over several GPUs"


def _way(held: Weights, dtype: str, quantization: str) -> str:
    if quantization == "none":
        return dtype
    share = held.unquantized / max(held.count, 1)
    if share < _WORTH_A_WORD:
        return quantization
    return (
        f"{quantization} (but {100 * share:.0f} % of it, experts and convolutions, stays {dtype})"
    )


def seconds_that_fit(free: int, info: ModelInfo) -> float:
    """Seconds of audio whose states alone fill so many bytes: an upper bound for one pass."""
    each = (info.n_layers + 1) * info.d_model * _DTYPE_BYTES.get(info.dtype, 4.0)
    return free / (each * info.frame_rate_hz)


def pass_advice(info: ModelInfo) -> str:
    """What would fit after a pass that did not; asked for when its memory was freed."""
    way = "dtype bfloat16" if info.dtype == "float32" else "4bit weights"
    advice = f"use shorter audio, a smaller model, or {way}"
    found = device_memory(info.device)
    if found is None:
        return advice
    return (
        f"{gib(found.free)} are free now, which holds the states of at most "
        f"{seconds_that_fit(found.free, info):.3g} s of audio; {advice}"
    )


def gib(count: float) -> str:
    """Bytes for people: "15 GiB", "0.52 GiB"."""
    size = count / GIB
    digits = 0 if size >= 9.95 else 1 if size >= 0.995 else 2
    return f"{size:.{digits}f} GiB"
