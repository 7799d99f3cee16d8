"""Checkpoints of neural aligners: named without loading, loaded once, held one at a time.

A checkpoint is a hub id (from the local cache, else downloaded) or a folder; which of them a
server may load is decided where models are found (`ALAS_MODELS`, `ALAS_MODEL_ROOTS`). Weights are
float32 on every device, so that a GPU places words where a CPU does.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alas_core.audio import SAMPLE_RATE, resample
from alas_core.errors import AlasError, AlignmentError
from alas_core.models import fetching, identity, registry
from alas_core.models.watching import Report, Watched, weights_hook
from alas_core.reference.base import words_to_place
from alas_core.types import Audio, Reference, WordTiming

if TYPE_CHECKING:
    from collections.abc import Callable

    from alas_core.models.guard import Guard

Words = tuple[WordTiming, ...]

_CLASSES: dict[str, tuple[str, dict[str, Any]]] = {
    "whisper": ("WhisperForConditionalGeneration", {"attn_implementation": "eager"}),
    "ctc": ("AutoModelForCTC", {}),
    "qwen3": ("Qwen3ASRForTokenClassification", {}),
}
"""The class of transformers for each kind, and further arguments of its `from_pretrained`."""

_WHAT_FITS = {
    "whisper": "a Whisper checkpoint (openai/whisper-large-v3 or the like)",
    "ctc": "a CTC checkpoint with its tokenizer (facebook/wav2vec2-base-960h or the like)",
    "qwen3": "a Qwen3 forced aligner (class Qwen3ASRForTokenClassification)",
}


_SMALLER = (
    "choose a smaller checkpoint for the reference, or a smaller model beside it, or give your own "
    "alignment (TextGrid, CTM, JSON)"
)
"""What helps when the memory is full."""


@dataclass(frozen=True)
class Loaded:
    """A frozen model in float32 and its processor."""

    model: Any
    processor: Any
    device: str


class Checkpoint:
    """A checkpoint of one kind of aligner ("whisper", "ctc", "qwen3"), not loaded yet.

    Raises
    ------
    ModelError
        If there is no such folder or hub id, or this server may not load it.
    """

    def __init__(self, kind: str, checkpoint_id: str, rules: int) -> None:
        self.kind, self.id = kind, checkpoint_id
        self._folder = identity.find_folder(checkpoint_id)
        found = registry.identify(checkpoint_id)
        self._revision = found.revision
        shown = checkpoint_id if self._folder is None else self._folder.name
        version = metadata.version("transformers")
        self.name = f"{kind} {shown}@{found.revision[:12]} transformers {version} r{rules}"

    def load(self, report: Report = lambda _: None) -> Loaded:
        """The loaded model; the one that another aligner held before is let go.

        Parameters
        ----------
        report : is told the bytes of a download, then the weights as they are loaded

        Raises
        ------
        AlignmentError
            If the weights cannot be read, are of another kind, or do not fit into memory.
        """
        global _held
        with _lock:
            key = (self.name, self.id)
            if _held is None or _held[0] != key:
                _held = None
                _held = (key, self._load(report))
            return _held[1]

    def _load(self, report: Report) -> Loaded:
        import torch
        import transformers

        where: dict[str, Any] = {"trust_remote_code": False}
        device = _device()
        source = self._folder or fetching.fetch(self.id, self._revision, report)
        transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        model_class, options = _CLASSES[self.kind]
        with self.guard(f"loading {self.kind}:{self.id}", device, self._unusable):
            config = transformers.AutoConfig.from_pretrained(source, **where)
            self._check_kind(config)
            report(Watched("Loading the tokenizer and the processor"))
            processor = transformers.AutoProcessor.from_pretrained(source, **where)  # type: ignore[no-untyped-call]
            hook = transformers.utils.logging.set_tqdm_hook(weights_hook(report))
            try:
                aligner = getattr(transformers, model_class).from_pretrained(
                    source, dtype=torch.float32, use_safetensors=True, **where, **options
                )
            finally:
                transformers.utils.logging.set_tqdm_hook(hook)
            aligner = aligner.to(device).eval().requires_grad_(False)
        return Loaded(aligner, processor, device)

    def guard(
        self, what: str, device: str, explain: Callable[[BaseException], str] | None = None
    ) -> Guard:
        """Turns whatever the libraries raise inside it into one `ModelError`."""
        from alas_core.models.guard import Guard, first_line

        def failed(error: BaseException) -> str:
            return (
                f"the aligner '{self.kind}:{self.id}' failed on this recording: "
                f"{first_line(error)}; choose another reference, or give your own alignment "
                "(TextGrid, CTM, JSON)"
            )

        return Guard(what, device, explain or failed, lambda: _SMALLER)

    def _unusable(self, error: BaseException) -> str:
        from alas_core.models.guard import first_line

        return (
            f"the aligner '{self.kind}:{self.id}' cannot be loaded: {first_line(error)}; expected "
            f"{_WHAT_FITS[self.kind]}, as a hub id that is in the cache or can be downloaded, or "
            "as a local folder with config.json, processor files and safetensors weights"
        )

    def _check_kind(self, config: Any) -> None:
        fits = fits_kind(self.kind, config.to_dict())
        if not fits:
            raise AlignmentError(
                f"'{self.id}' is of type '{config.model_type}' "
                f"({', '.join(config.architectures or ['no class named'])}), expected "
                f"{_WHAT_FITS[self.kind]}; choose another checkpoint or another aligner"
            )


class CheckpointAligner:
    """An aligner around a checkpoint; implements `Aligner` and `Loads`.

    A child names its kind and the version of its rules, and places the words.
    """

    kind: str
    rules: int

    def __init__(self, checkpoint_id: str) -> None:
        self._checkpoint = Checkpoint(self.kind, checkpoint_id, self.rules)
        self.name = self._checkpoint.name

    def prepare(self, report: Report) -> None:
        """Load the checkpoint; see `Loads.prepare`."""
        self._checkpoint.load(report)

    def align(self, audio: Audio, transcript: str) -> Reference:
        """Place the words; see `Aligner.align`."""
        words = words_to_place(transcript)
        audio = resample(audio, SAMPLE_RATE)
        loaded = self._checkpoint.load()
        with self._checkpoint.guard(f"aligning with {self.name}", loaded.device):
            placed = self._place(loaded, audio, words, transcript)
        return Reference(self.name, placed)

    def _place(self, loaded: Loaded, audio: Audio, words: Words, transcript: str) -> Words:
        """The words with their times; the sound is at `SAMPLE_RATE`."""
        raise NotImplementedError


def _device() -> str:
    """That of the loaded model, for who chose it chose it for all of this; else the best."""
    from alas_core.models.loading import usable_device

    model = registry.held()
    device = "" if model is None else model.info.device
    return device if device.partition(":")[0] in ("cpu", "cuda", "mps") else usable_device("auto")


def fits_kind(kind: str, config: dict[str, Any]) -> bool:
    """Whether a checkpoint with this config.json can serve an aligner of that kind."""
    classes = [str(name) for name in config.get("architectures") or ()]
    if kind == "whisper":
        return config.get("model_type") == "whisper" and classes != [
            "WhisperForAudioClassification"
        ]
    if kind == "ctc":
        return any(name.endswith("ForCTC") for name in classes)
    return "Qwen3ASRForTokenClassification" in classes


def local_checkpoints(kind: str) -> tuple[str, ...]:
    """Checkpoints of a kind that need no download: hub ids in the cache, folders of the roots."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    found = []
    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        repos = frozenset()
    for repo in sorted(repos, key=lambda repo: repo.repo_id):
        files = [file for commit in repo.revisions for file in commit.files]
        configs = [file.file_path for file in files if file.file_name == "config.json"]
        weights = any(file.file_name.endswith(".safetensors") for file in files)
        if weights and any(_fits(kind, path) for path in configs):
            found.append(repo.repo_id)
    for root in identity.model_roots():
        folders = sorted(root.iterdir()) if root.is_dir() else ()
        found += [str(folder) for folder in folders if _fits(kind, folder / "config.json")]
    return tuple(name for name in found if identity.is_allowed(name))


def _fits(kind: str, config: Path) -> bool:
    try:
        return config.is_file() and fits_kind(kind, identity.read_json(config))
    except AlasError:
        return False


_lock = threading.RLock()
_held: tuple[tuple[str, str], Loaded] | None = None


def close() -> None:
    """Free the aligner that is held, if there is one; also called when the model is let go."""
    global _held
    with _lock:
        if _held is None:
            return
        _held = None
    from alas_core.models.guard import release_memory

    release_memory()


registry.companions.append(close)
