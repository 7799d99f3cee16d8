"""Models by id: what can be chosen, which revision it is, and the one that is loaded.

One process holds one loaded model. Importing this module, `choices` and `identify` need neither
torch nor transformers, so the app starts before they do.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alas_core.errors import ModelError
from alas_core.models import identity as ids
from alas_core.models.facts import family_of
from alas_core.models.identity import ModelIdentity
from alas_core.resources import asset_path

if TYPE_CHECKING:
    from alas_core.models.protocol import SpeechLLM

__all__ = [
    "DEMO",
    "DEMO_UNTRAINED",
    "ModelChoice",
    "ModelIdentity",
    "choices",
    "close",
    "device_lock",
    "get",
    "identify",
    "register",
    "unregister",
]

DEMO = "demo"
DEMO_UNTRAINED = "demo-untrained"
_HUB_TIMEOUT_S = 5.0

device_lock = threading.RLock()
"""Held around every use of a model, and from `get` to the last pass, so that no other thread
evicts the model in between."""


@dataclass(frozen=True)
class ModelChoice:
    """One row of the model selector."""

    id: str
    label: str
    description: str


_held: tuple[tuple[ModelIdentity, str], SpeechLLM] | None = None
_registered: dict[str, SpeechLLM] = {}


def choices() -> tuple[ModelChoice, ...]:
    """The built-in models, then the model folders directly below `ALAS_MODEL_ROOTS`."""
    built_in = (
        ModelChoice(
            DEMO, "Demo", "A small Qwen2-Audio trained on synthetic speech; ships with ALAS"
        ),
        ModelChoice(DEMO_UNTRAINED, "Demo, untrained", "The same architecture, random weights"),
    )
    given = tuple(
        ModelChoice(name, model.info.name or name, model.info.family)
        for name, model in _registered.items()
    )
    return built_in + given + tuple(_local_choices())


def identify(model_id: str, dtype: str = "auto", device: str = "auto") -> ModelIdentity:
    """Revision and dtype of a model, without loading its weights.

    Parameters
    ----------
    model_id : str
        "demo", "demo-untrained", a model folder, or a hub id (owner/name).
    dtype : str
        "auto", "float32", "bfloat16" or "float16".
    device : str
        Only decides what dtype "auto" is.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    if model_id in _registered:
        info = _registered[model_id].info
        return ModelIdentity(model_id, info.revision, info.dtype)
    folder = _folder(model_id)
    if folder is None:
        revision, config = _hub_revision(model_id)
    else:
        config = ids.check_model_folder(folder)
        revision = ids.folder_revision(folder)
    if model_id == DEMO_UNTRAINED:
        revision = f"{revision}-untrained-{_untrained_seed()}"
    return ModelIdentity(model_id, revision, ids.resolve_dtype(dtype, device, config))


def get(model_id: str, device: str = "auto", dtype: str = "auto") -> SpeechLLM:
    """The loaded model; the one that was loaded before is closed first.

    Call it, and use what it returns, inside ``with device_lock``.

    Raises
    ------
    ModelError
        If the model cannot be found, loaded or held in memory.
    """
    global _held
    with device_lock:
        if model_id in _registered:
            return _registered[model_id]
        identity = identify(model_id, dtype, device)
        if _held is not None and _held[0] == (identity, device):
            return _held[1]
        close()
        model = _load(identity, device)
        _held = ((identity, device), model)
        return model


def close() -> None:
    """Close the loaded model, if there is one."""
    global _held
    with device_lock:
        if _held is not None:
            _held[1].close()
            _held = None


def register(model: SpeechLLM) -> None:
    """Make a model object of your own available under its `info.model_id`.

    For notebooks, tests and classes that transformers does not know. It stays until `unregister`.
    """
    with device_lock:
        if model.info.model_id in (DEMO, DEMO_UNTRAINED):
            raise ModelError(
                f"'{model.info.model_id}' is built in, expected another model_id; rename yours"
            )
        _registered[model.info.model_id] = model


def unregister(model_id: str) -> None:
    """Forget a registered model; nothing happens if it is not registered."""
    with device_lock:
        _registered.pop(model_id, None)


def _folder(model_id: str) -> Path | None:
    if model_id in (DEMO, DEMO_UNTRAINED):
        return asset_path("demo", "model")
    return ids.find_folder(model_id)


def _untrained_seed() -> int:
    """The seed that the demo's card names for its control."""
    path = asset_path("demo") / "untrained.json"
    return int(ids.read_json(path).get("seed", 0)) if path.is_file() else 0


def _local_choices() -> list[ModelChoice]:
    found = []
    for root in ids.model_roots():
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            try:
                if ids.find_folder(str(folder)) is None:
                    continue
                config = ids.check_model_folder(folder)
            except (ModelError, OSError):
                continue
            family = family_of(str(config.get("model_type")))
            if family is not None:
                found.append(ModelChoice(str(folder), folder.name, family.label))
    return found


def _hub_revision(model_id: str) -> tuple[str, dict[str, object]]:
    """Commit and config of a hub id: from the local cache if it is there, else asked for."""
    from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    # The hub's HTTP library differs between its versions: take the error class from its own.
    network_errors: Any = HfHubHTTPError.__bases__
    try:
        path = try_to_load_from_cache(model_id, "config.json")
        if not isinstance(path, str):
            # Asked once: hf_hub_download alone would retry for half a minute when offline.
            commit = HfApi().model_info(model_id, timeout=_HUB_TIMEOUT_S).sha
            path = hf_hub_download(model_id, "config.json", revision=commit)
    except (*network_errors, OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ModelError(
            f"the model '{model_id}' is neither in the local cache nor reachable ({reason}); check "
            "the name and the connection, or give a local folder"
        ) from error
    # Cached files lie under snapshots/<commit>/.
    return Path(path).parent.name, ids.read_json(Path(path))


def _load(identity: ModelIdentity, device: str) -> SpeechLLM:
    from alas_core.models.adapter import TransformersSpeechLLM
    from alas_core.models.loading import load

    folder = _folder(identity.model_id)
    checkpoint = load(
        identity.model_id if folder is None else folder,
        revision=identity.revision if folder is None else None,
        device=device,
        dtype=identity.dtype,
        untrained_seed=_untrained_seed() if identity.model_id == DEMO_UNTRAINED else None,
    )
    return TransformersSpeechLLM(checkpoint, identity.model_id, identity.revision)
