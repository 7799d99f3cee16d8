"""How this process comes to a Ray cluster: does it answer, is there a token, and Ray itself."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alas_core.errors import InputError

AUTO = "auto"
_ANSWER_S = 5.0
_MODE = "RAY_AUTH_MODE"
_TOKEN = "~/.ray/auth_token"
_EXPECTED = "expected 'auto' or an address such as FIRST:6379 or ray://FIRST:10001"
_set_here = False


def connected(address: str) -> Any:
    """Ray, connected to a cluster.

    Parameters
    ----------
    address : str
        `AUTO` for the cluster that RAY_ADDRESS names, else one of this machine's own; or the
        address of a cluster.

    Raises
    ------
    InputError
        If Ray is not installed, or the cluster cannot be reached.
    """
    global _set_here
    named = address if address != AUTO else os.environ.get("RAY_ADDRESS", "")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when it is imported, as the next
    if named and _MODE not in os.environ and _has_token():
        # Ray does so for clusters that it finds by itself, not for one that is named.
        os.environ[_MODE] = "token"
        _set_here = True
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "--ray needs the library Ray, which is not installed; install it with "
            "'pip install -r requirements-extras.txt'"
        ) from error
    _check_answers(named)
    try:
        ray.init(
            address=None if address == AUTO else address,
            include_dashboard=None if named else False,
            log_to_driver=False,
            ignore_reinit_error=True,
        )
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, _raised(ray)) as error:
        raise InputError(
            f"the Ray cluster '{named or address}' cannot be reached ({first_line(error)}), "
            f"{_EXPECTED}; check that it runs and {_token_remedy()}"
        ) from error
    return ray


def no_token_hint() -> str:
    """What else to try where workers fail and this module has switched Ray's tokens on."""
    if not _set_here:
        return ""
    return f"; if the cluster was started without a token, set {_MODE}=disabled"


def first_line(error: BaseException) -> str:
    """What an error of a library says first."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:240]


def _raised(ray: Any) -> type[Exception]:
    """Ray's own errors: one is a token that is missing."""
    kind: type[Exception] = ray.exceptions.RayError
    return kind


def _has_token() -> bool:
    """Whether Ray would find a token: in a variable, a file that one names, or its own file."""
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return True
    return Path(_TOKEN).expanduser().is_file()


def _token_remedy() -> str:
    where = f"{_TOKEN} or RAY_AUTH_TOKEN"
    if _has_token():
        return f"that the token here ({where}) is that of its first machine"
    return f"that its first machine's token, if it has one ('ray get-auth-token'), is in {where}"


def _check_answers(address: str) -> None:
    """Ray itself tries for many minutes where nothing answers."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        return  # Ray says what is wrong with it
    if parts.scheme not in ("", "ray") or host is None or port is None:
        return
    try:
        socket.create_connection((host, port), timeout=_ANSWER_S).close()
    except OSError as error:
        raise InputError(
            f"the Ray cluster '{address}' does not answer ({error.strerror or error}), "
            f"{_EXPECTED}; check that 'ray start --head' has run on that machine, and that its "
            "port can be reached from this one"
        ) from error
