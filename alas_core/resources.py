"""Where the files shipped beside the code (demo model, data, sentences) are found."""

from __future__ import annotations

import os
from pathlib import Path

from alas_core.errors import InputError


def assets_root() -> Path:
    """The `assets` folder: `ALAS_ASSETS` if set, else the one beside the package.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    override = os.environ.get("ALAS_ASSETS", "")
    root = Path(override) if override else Path(__file__).resolve().parent.parent / "assets"
    if not root.is_dir():
        source = "the environment variable ALAS_ASSETS" if override else "the checkout"
        raise InputError(
            f"the assets folder '{root}' (from {source}) does not exist, expected the 'assets' "
            "folder of an ALAS Explorer checkout; run from the checkout or set ALAS_ASSETS to it"
        )
    return root


def asset_path(*parts: str) -> Path:
    """Path of a shipped file or folder below `assets`, known to exist.

    Parameters
    ----------
    parts : str
        Path components below `assets`, such as ``"demo", "model"``.

    Raises
    ------
    InputError
        If the folder, or the file in it, is missing.
    """
    path = assets_root().joinpath(*parts)
    if not path.exists():
        raise InputError(
            f"'{path}' is missing, expected a file shipped with ALAS Explorer; restore it with "
            "'git checkout -- assets', or set ALAS_ASSETS to a complete assets folder"
        )
    return path
