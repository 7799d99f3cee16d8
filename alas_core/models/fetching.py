"""Models of the hub: which commit a name means, and its files in the local cache."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from alas_core.errors import ModelError
from alas_core.models.facts import FAMILIES
from alas_core.models.identity import read_json
from alas_core.models.problems import explain, hub_errors
from alas_core.models.watching import Report, Watched, bar_class

_HUB_TIMEOUT_S = 5.0
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
_LORAS = [
    str(PurePosixPath(row.lora, name))
    for row in FAMILIES.values()
    for name in ("adapter_config.json", "adapter_model.safetensors")
    if row.lora
]
_UNWANTED = ["consolidated*.safetensors", "*.fp32*", "original/*", "onnx/*"]


def hub_config(model_id: str, revision: str = "") -> tuple[str, dict[str, Any]]:
    """Commit and config of a hub id: from the local cache if it is there, else asked for.

    Raises
    ------
    ModelError
        If there is no such model or revision, or it cannot be reached.
    """
    from huggingface_hub import HfApi, hf_hub_download

    folder = _config_folder(model_id, revision)
    if folder is None:
        wanted = revision or _usual_revision(model_id)
        with _explained(model_id):
            # Asked once: hf_hub_download alone would retry for half a minute when offline.
            HfApi().model_info(model_id, revision=wanted, timeout=_HUB_TIMEOUT_S)
            # By its name, so that the cache keeps which commit the name means. All else is asked
            # for by that commit: a branch that moves meanwhile mixes no files.
            folder = Path(hf_hub_download(model_id, "config.json", revision=wanted)).parent
    return folder.name, read_json(folder / "config.json")


def cached_folder(model_id: str, revision: str) -> Path | None:
    """The revision's folder in the local cache if its weights and its LoRA are all there.

    Raises
    ------
    ModelError
        If the hub can have no such id.
    """
    folder = _config_folder(model_id, revision)
    if folder is None or not has_weights(folder) or not _has_lora(model_id, folder.name):
        return None
    return folder


def _usual_revision(model_id: str) -> str | None:
    rows = (row for row in FAMILIES.values() if model_id in row.hub_ids)
    return next((row.hub_revision for row in rows), "") or None


def _config_folder(model_id: str, revision: str) -> Path | None:
    """Where the cache keeps the revision's config: snapshots/<commit>."""
    from huggingface_hub import try_to_load_from_cache

    wanted = revision or _usual_revision(model_id)
    with _explained(model_id):
        path = try_to_load_from_cache(model_id, "config.json", revision=wanted)
    return Path(path).parent if isinstance(path, str) else None


def _has_lora(model_id: str, commit: str) -> bool:
    """False if a speech LoRA is missing that the hub lists; its list is kept with a download."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        snapshot_download(model_id, revision=commit, allow_patterns=_LORAS, local_files_only=True)
    except LocalEntryNotFoundError:
        return False
    return True


def has_weights(folder: Path) -> bool:
    """Whether a model folder holds every safetensors file that its index names."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(json.loads(index.read_text(encoding="utf-8")).get("weight_map", {}).values())
        return bool(names) and all((folder / name).is_file() for name in names)
    return any(not path.name.startswith("adapter") for path in folder.glob("*.safetensors"))


def fetch(
    model_id: str, commit: str, report: Report, check: Callable[[Path], object] = lambda _: None
) -> Path:
    """The model's folder in the local cache; what is missing is downloaded.

    Only JSON, text and safetensors are fetched: no code, no pickled weights.

    Parameters
    ----------
    model_id, commit : of the hub
    report : is told the bytes
    check : is given the folder while it holds config.json alone; what it refuses is not downloaded

    Raises
    ------
    ModelError
        If the files cannot be had or do not fit on the disk.
    """
    found = cached_folder(model_id, commit)
    if found is not None:
        return found
    place = _config_folder(model_id, commit)
    if place is not None:
        check(place)
    from huggingface_hub import snapshot_download

    wanted: dict[str, Any] = {"allow_patterns": _WANTED, "ignore_patterns": _UNWANTED}
    report(Watched("Asking the hub for the model's files"))
    with _explained(model_id):
        plan = snapshot_download(model_id, revision=commit, dry_run=True, **wanted)
        _check_disk(model_id, sum(item.file_size or 0 for item in plan if item.will_download))
        bar = bar_class("Downloading the model", report)
        folder = Path(snapshot_download(model_id, revision=commit, tqdm_class=bar, **wanted))
    if not has_weights(folder):
        raise ModelError(
            f"'{model_id}' has no complete safetensors weights; pickled weights are never loaded, "
            "so choose a revision that has them, or convert it with save_pretrained"
        )
    return folder


def _check_disk(model_id: str, needed: int) -> None:
    from huggingface_hub.constants import HF_HUB_CACHE

    place = Path(HF_HUB_CACHE)
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise ModelError(
            f"'{model_id}' needs {needed / 1e9:.1f} GB more on the disk of {HF_HUB_CACHE}, and "
            f"{free / 1e9:.1f} GB are free; free space, or set HF_HUB_CACHE to a folder on a "
            "larger disk"
        )


@contextlib.contextmanager
def _explained(model_id: str) -> Any:
    """The hub's errors as `ModelError`."""
    try:
        yield
    except hub_errors() as error:
        text = explain(error, model_id)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ModelError(
            text
            or f"the files of '{model_id}' cannot be had ({reason}); check its name, or give "
            "a local folder"
        ) from error
