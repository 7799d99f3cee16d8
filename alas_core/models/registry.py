"""Models by id: which revision it is, and the one that is loaded. What there is: `choices`.

One process holds one loaded model. Importing this module and `identify` need neither
torch nor transformers, so the app starts before they do.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from alas_core import mode
from alas_core.errors import ModelError
from alas_core.models import fetching, plugins
from alas_core.models import identity as ids
from alas_core.models.identity import Loading, ModelIdentity
from alas_core.models.salmonn_files import MODEL_TYPE as SALMONN
from alas_core.models.salmonn_files import salmonn_files
from alas_core.models.watching import Load, Report, Watched
from alas_core.resources import asset_path

if TYPE_CHECKING:
    from alas_core.models.protocol import SpeechLLM

__all__ = [
    "DEMO",
    "DEMO_UNTRAINED",
    "Loading",
    "ModelIdentity",
    "close",
    "device_lock",
    "get",
    "held",
    "identify",
    "is_local",
    "opening",
    "register",
    "registered",
    "unregister",
]

DEMO = "demo"
DEMO_UNTRAINED = "demo-untrained"

device_lock = threading.RLock()
"""Held around every use of a model, and from `get` to the last pass, so that no other thread
evicts the model in between."""


companions: list[Callable[[], None]] = []
"""Let go what others keep on the device (an aligner's checkpoint); called when the model goes."""

_held: tuple[tuple[ModelIdentity, str], SpeechLLM] | None = None
_loading: tuple[tuple[ModelIdentity, str], Load[SpeechLLM]] | None = None
_registered: dict[str, SpeechLLM] = {}


def is_local(model_id: str, loading: Loading | None = None) -> bool:
    """Whether the model can be had without a download; True, too, for what names no model."""
    if model_id in _registered or model_id in plugins.offered():
        return True
    try:
        return folder_of(model_id, loading) is not None
    except ModelError:
        return True  # said when it is loaded


def folder_of(model_id: str, loading: Loading | None = None) -> Path | None:
    """Where a model's files lie on this machine; None if they would have to be downloaded.

    Raises
    ------
    ModelError
        If there can be no such model, or this server may not load it.
    """
    if model_id in _registered or model_id in plugins.offered():
        return None
    folder = _folder(model_id)
    if folder is not None:
        return folder
    return fetching.cached_folder(model_id, (loading or Loading()).revision)


def identify(model_id: str, loading: Loading | None = None) -> ModelIdentity:
    """Revision, dtype and variant of a model, without loading its weights.

    Parameters
    ----------
    model_id : str
        "demo", "demo-untrained", a model folder, or a hub id (owner/name).
    loading : Loading
        How it would be loaded.

    Raises
    ------
    ModelError
        If there is no such model, this server may not load it, or it cannot be loaded so.
    """
    loading = loading or Loading()
    if model_id in _registered or model_id in plugins.offered():
        _check_own_weights(model_id, loading)
    if model_id in _registered:
        info = _registered[model_id].info
        return ModelIdentity(model_id, info.revision, info.dtype, info.variant)
    entry = plugins.offered().get(model_id)
    if entry is not None:
        ids.check_listed(model_id)
        # Only the loaded object knows its dtype: before that, no stored result is found.
        if _held is not None and _held[0][0].model_id == model_id:
            return _held[0][0]
        return ModelIdentity(model_id, plugins.revision(entry), "unknown")
    folder = _folder(model_id)
    if folder is None:
        revision, config = fetching.hub_config(model_id, loading.revision)
    else:
        config = ids.check_model_folder(folder)
        revision = ids.folder_revision(folder)
    model_type = str(config.get("model_type"))
    _check_honoured(model_id, model_type, loading)
    if model_id == DEMO_UNTRAINED:
        revision = f"{revision}-untrained-{_untrained_seed()}"
    dtype = ids.resolve_dtype(loading.dtype, loading.device, config)
    return ModelIdentity(model_id, revision, dtype, loading.variant(model_type))


def _check_own_weights(model_id: str, loading: Loading) -> None:
    if loading.untrained_seed is not None:
        raise ModelError(
            f"'{model_id}' cannot be had with random weights, expected its own: only a folder or a "
            "hub id of a family that transformers builds can; leave this control out"
        )


def _check_honoured(model_id: str, model_type: str, loading: Loading) -> None:
    """Refuse what would be left out in silence: a result's key would name another network."""
    random = loading.untrained_seed is not None or model_id == DEMO_UNTRAINED
    if random and loading.quantization != "none":
        raise ModelError(
            f"random weights cannot be had in {loading.quantization}, expected quantization none: "
            "only weights that are read from files are quantised; load the model with "
            "quantization none, or leave this control out"
        )
    if model_type != SALMONN:
        return
    _check_own_weights(model_id, loading)
    if loading.quantization != "none" or loading.device == "spread":
        got = "device spread" if loading.quantization == "none" else loading.quantization
        raise ModelError(
            f"SALMONN cannot be had with {got}, expected full weights on one device: it is put "
            "together here of four published parts; choose quantization none and device auto"
        )


def get(model_id: str, loading: Loading | None = None) -> SpeechLLM:
    """The loaded model; the one that was loaded before is closed first.

    Call it, and use what it returns, inside ``with device_lock``.

    Raises
    ------
    ModelError
        If the model cannot be found, loaded or held in memory.
    """
    steps = opening(model_id, loading)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            model: SpeechLLM = end.value
            return model


def opening(model_id: str, loading: Loading | None = None) -> Generator[Watched, None, SpeechLLM]:
    """`get`, saying on the way how far download and loading are; its result is the model.

    Closing the generator stops the loading. Draw from it in one thread: it holds `device_lock`.
    """
    global _held, _loading
    mode.allow_model(model_id)
    loading = loading or Loading()
    with device_lock:
        identity = identify(model_id, loading)
        if model_id in _registered:
            return _registered[model_id]
        key = (identity, loading.device)
        if _held is not None and _held[0] == key:
            return _held[1]
        entry = plugins.offered().get(model_id)
        if entry is not None:
            close()
            model = plugins.from_entry(entry)
            info = model.info
            key = (ModelIdentity(model_id, info.revision, info.dtype, info.variant), loading.device)
        else:
            load = _load_of(key, loading)
            try:
                model = yield from load.watch()
            except BaseException:
                _forget(load)
                raise
        _held, _loading = (key, model), None
        return model


def _load_of(key: tuple[ModelIdentity, str], loading: Loading) -> Load[SpeechLLM]:
    """The load that is under way for this key (jobs of one thread take turns), or a new one."""
    global _loading
    if _loading is None or _loading[0] != key or _loading[1].failed:
        close()
        _loading = (key, Load(lambda report: _load(key[0], loading, report)))
    return _loading[1]


def _forget(load: Load[SpeechLLM]) -> None:
    """Let a load go that nobody waits for: it may have ended just before it was left."""
    global _loading
    if load.failed and _loading is not None and _loading[1] is load:
        _loading = None
        model = load.result
        if model is not None:
            model.close()


def held() -> SpeechLLM | None:
    """The loaded model, if there is one; use it only inside ``with device_lock``."""
    return None if _held is None else _held[1]


def close() -> None:
    """Close the loaded model, if there is one, and whatever else is held beside it."""
    global _held
    with device_lock:
        if _held is not None:
            _held[1].close()
            _held = None
        for let_go in companions:
            let_go()


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


def registered() -> Mapping[str, SpeechLLM]:
    """The registered models by id."""
    return dict(_registered)


def unregister(model_id: str) -> None:
    """Forget a registered model; nothing happens if it is not registered."""
    with device_lock:
        _registered.pop(model_id, None)


def _folder(model_id: str) -> Path | None:
    if model_id in (DEMO, DEMO_UNTRAINED):
        return asset_path("demo", "model")
    ids.check_listed(model_id)
    return ids.find_folder(model_id)


def _untrained_seed() -> int:
    """The seed that the demo's card names for its control."""
    return int(ids.read_json(asset_path("demo", "untrained.json"))["seed"])


def _load(identity: ModelIdentity, loading: Loading, report: Report) -> SpeechLLM:
    from alas_core.models.adapter import TransformersSpeechLLM
    from alas_core.models.loading import load, usable_config

    folder = _folder(identity.model_id)
    if folder is None:
        check = partial(usable_config, loading=loading)
        folder = fetching.fetch(identity.model_id, identity.revision, report, check)
    loading = dataclasses.replace(loading, dtype=identity.dtype)
    parts = salmonn_files(folder)
    if parts is not None:
        from alas_core.models.salmonn import load_salmonn

        checkpoint = load_salmonn(parts, loading, report)
    else:
        seed = loading.untrained_seed
        if seed is None and identity.model_id == DEMO_UNTRAINED:
            seed = _untrained_seed()
        checkpoint = load(folder, loading, untrained_seed=seed, report=report)
    return TransformersSpeechLLM(checkpoint, identity.model_id, identity.revision)
