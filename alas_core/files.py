"""Files that are read and written whole, or with a message that says why not; and their names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from alas_core.errors import InputError

MAX_TEXT_BYTES = 1_000_000
_MAX_STEM = 80


def file_stem(text: str, otherwise: str) -> str:
    """A file name without its suffix, of at most 80 safe characters.

    Parameters
    ----------
    otherwise : the name where the text has no safe character

    >>> file_stem("my run/über 1", "run")
    'my-run-ber-1'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:_MAX_STEM] or otherwise


def read_file(path: Path) -> bytes:
    """The file's content; InputError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be read ({error.strerror or error}), expected a file; check the path"
        ) from error


def read_transcript(argument: str) -> str:
    """The transcript itself, or, after an @, the text of the file that it names."""
    if not argument.startswith("@"):
        return argument
    path = Path(argument[1:])
    raw = read_file(path)
    if len(raw) > MAX_TEXT_BYTES:
        raise InputError(
            f"the transcript '{path}' has {len(raw)} bytes, expected at most {MAX_TEXT_BYTES}; "
            "give the words of this recording only"
        )
    try:
        return raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InputError(
            f"the transcript '{path}' is not UTF-8 text ({error.reason} at byte {error.start}); "
            "save it as UTF-8"
        ) from error


def check_target(path: Path | None, option: str, suffix: str) -> None:
    """Refuse a file that could not be written, before hours are spent on what goes into it."""
    if path is None:
        return
    if path.suffix != suffix:
        raise InputError(f"{option} is '{path}', expected a name that ends in {suffix}; add it")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(
            f"{option} '{path}' cannot be written, expected a file in a folder that exists and "
            "can be written; choose another place"
        )


def make_folder(path: Path, option: str) -> None:
    """Make a folder for what is to come, or refuse before hours are spent on it.

    Raises
    ------
    InputError
        If it cannot be made, or nothing can be written into it.
    """
    reason = "no permission to write"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is a file" if path.is_file() else error.strerror or str(error)
    if not (path.is_dir() and os.access(path, os.W_OK | os.X_OK)):
        raise InputError(
            f"{option} '{path}' cannot take files ({reason}), expected a folder that can be made "
            "and written; choose another place"
        )


def write_file(path: Path, content: bytes) -> None:
    """Write the whole file or leave what was there."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"'{path}' cannot be written ({error.strerror or error}), expected room and "
            "permission; choose another place"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
