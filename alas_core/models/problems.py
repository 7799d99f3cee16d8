"""Why a model could not be had, in one paragraph with what to do: from the libraries' own errors.

The hub's and transformers' errors wrap one another, so the whole chain of causes is looked at.
Nothing here imports torch or transformers.
"""

from __future__ import annotations

import errno
import importlib.util
import traceback
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

_EXTRAS = (
    "torchaudio",
    "torchvision",
    "mistral-common",
    "mistral_common",
    "peft",
    "timm",
    "accelerate",
    "bitsandbytes",
    "librosa",
    "sentencepiece",
)

_COMPILED = ("torchaudio", "torchvision")
"""Built against one version of torch each; beside another their import fails."""


def explain(error: BaseException, name: str) -> str | None:
    """The paragraph for an error of the hub or of a missing package; None for any other error.

    Parameters
    ----------
    error : what was raised; its causes are looked at, too
    name : of the model, as the user gave it
    """
    # The misfit first: transformers raises an error of its own around it, as if nothing was there.
    for judge in (_misfit, _of_one):
        text = next(filter(None, (judge(one, name) for one in chain(error))), None)
        if text is not None:
            return text
    return None


def model_name(folder: Path) -> str:
    """What people call the model in a folder: its id if it lies in the hub's cache.

    The cache keeps models--OWNER--NAME/snapshots/COMMIT, whose last part names nothing.
    """
    place = folder.parent.parent.name
    if folder.parent.name == "snapshots" and place.startswith("models--"):
        return place.removeprefix("models--").replace("--", "/")
    return folder.name


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, its cause, the cause's cause and so on, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def hub_errors() -> tuple[type[Exception], ...]:
    """What a call of the hub library may raise, whichever HTTP library its version uses."""
    from huggingface_hub.errors import HfHubHTTPError

    return (*HfHubHTTPError.__bases__, OSError, ValueError, ImportError)


def missing_packages(label: str, packages: list[str]) -> str:
    """What to install for a family whose classes need more than this project does."""
    names = " ".join(packages).replace("_", "-")
    return (
        f"{label} needs {names}, which is not installed; run 'pip install {names}' in this "
        "environment and start again"
    )


def _misfit(error: BaseException, name: str) -> str | None:
    """For a package that is installed and whose compiled part does not load beside this torch."""
    frames = [Path(at.filename).parts for at in traceback.extract_tb(error.__traceback__)]
    named = "" if isinstance(error, ImportError) else str(error)
    for package in _COMPILED:
        raised = any(package in parts for parts in frames) or package in named
        known = isinstance(error, (OSError, RuntimeError, ImportError, AttributeError))
        known = known and not isinstance(error, ModuleNotFoundError)
        if known and raised and importlib.util.find_spec(package) is not None:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            return (
                f"'{name}' needs {package}, and the one installed does not load beside torch "
                f"{metadata.version('torch')} ({reason}); install the build of {package} that "
                "belongs to this torch, from where torch came from, and start again"
            )
    return None


def _of_one(error: BaseException, name: str) -> str | None:
    from huggingface_hub import errors as hub

    if isinstance(error, hub.GatedRepoError):
        return (
            f"'{name}' is gated: its owner wants you to accept the terms first; accept them on "
            f"its page (huggingface.co/{name}), then run 'hf auth login' or set HF_TOKEN where "
            "this program runs, and load it again"
        )
    if isinstance(error, hub.RevisionNotFoundError):
        return (
            f"'{name}' has no such revision, expected a commit, branch or tag of it; leave the "
            "revision empty for the cached one or else the newest"
        )
    if isinstance(error, hub.RepositoryNotFoundError):
        return (
            f"there is no model '{name}' on the hub, or it is private; check owner and name, or "
            "log in with 'hf auth login' if it is yours"
        )
    if isinstance(error, hub.OfflineModeIsEnabled):
        return _unreachable(name, "HF_HUB_OFFLINE is set")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full: '{name}' does not fit; free space, or set HF_HUB_CACHE to a folder "
            "on a larger disk, and load it again (what was fetched is kept)"
        )
    if isinstance(error, ImportError) or "Missing optional dependencies" in str(error):
        return _missing(error, name)
    if _is_network(error):
        return _unreachable(name, str(error).strip().splitlines()[0][:200] if str(error) else "")
    return None


def _missing(error: BaseException, name: str) -> str:
    text = str(error).lower()
    known = [package for package in _EXTRAS if package in text]
    if known:
        return missing_packages(f"'{name}'", known[:1])
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "no reason given"
    return f"'{name}' needs a package that is not installed: {reason}; install it and start again"


def _is_network(error: BaseException) -> bool:
    """Connection, name resolution and time-outs."""
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    transport = tuple(base for base in HfHubHTTPError.__bases__ if base is not OSError)
    return isinstance(error, (ConnectionError, TimeoutError, LocalEntryNotFoundError, *transport))


def _unreachable(name: str, reason: str) -> str:
    because = f" ({reason})" if reason else ""
    return (
        f"the model '{name}' is neither in the local cache nor reachable{because}; check the name "
        "and the connection, or give a local folder"
    )
