"""A checkpoint into processor and frozen model: safetensors only, no remote code."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from alas_core.demo.model import build_model
from alas_core.errors import ModelError
from alas_core.models import lora, memory, problems
from alas_core.models.facts import FAMILIES, audio_token, family_of, measured_family
from alas_core.models.family import Family
from alas_core.models.guard import Guard, first_line
from alas_core.models.identity import MODEL_FILE, Loading, read_json, resolve_dtype
from alas_core.models.watching import Report, Watched, weights_hook

# cuDNN would round the float32 convolutions of an audio encoder to 10 bits of mantissa (TF32), and
# a GPU differ from a CPU in the third digit. Products of matrices are not rounded by default.
torch.backends.cudnn.allow_tf32 = False


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint and what is known of it.

    `untrained` says that its weights are random; `missing` names those that no file held: they are
    random, too.
    """

    model: Any
    processor: Any
    family: Family
    device: str
    dtype: torch.dtype
    about: dict[str, Any] = field(default_factory=dict)
    loading: Loading = field(default_factory=Loading)
    untrained: bool = False
    missing: tuple[str, ...] = ()

    @property
    def text_config(self) -> Any:
        return self.model.config.get_text_config(decoder=True)

    @property
    def has_lora(self) -> bool:
        """Whether a LoRA that can be switched was loaded with the weights."""
        return bool(getattr(self.model, "_hf_peft_config_loaded", False))


def load(
    folder: Path,
    loading: Loading | None = None,
    *,
    untrained_seed: int | None = None,
    report: Report = lambda _: None,
) -> Checkpoint:
    """Load a frozen speech LLM from a folder.

    Parameters
    ----------
    folder : config.json, processor files and safetensors weights
    loading : dtype, device, quantisation and LoRA
    untrained_seed : the same architecture with random weights of this seed instead of its own
    report : is told the weights as they are loaded

    Raises
    ------
    ModelError
        If the checkpoint is not of a usable family, lacks a package or does not fit.
    """
    loading = loading or Loading()
    device = usable_device(loading.device)
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    guard = _guard(folder, loading.device if loading.device == "spread" else device)
    config, family = usable_config(folder, loading)
    stored = read_json(folder / "config.json")  # as `registry.identify` reads it, for the key
    torch_dtype = getattr(torch, resolve_dtype(loading.dtype, device, stored))
    report(Watched("Loading the tokenizer and the processor"))
    with guard:
        processor = transformers.AutoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, trust_remote_code=False
        )
    hook = transformers.utils.logging.set_tqdm_hook(weights_hook(report))
    try:
        with guard:
            model_class = getattr(transformers, family.model_class)
            if untrained_seed is None:
                options = _placing(loading, device, torch_dtype)
                model, found = model_class.from_pretrained(
                    folder,
                    dtype=torch_dtype,
                    use_safetensors=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                    adapter_kwargs=lora.LATER,
                    **options,
                )
                lacking = {*found["missing_keys"], *lora.add(model, family, folder, torch_dtype)}
            else:
                options, lacking = {}, set()
                model = _untrained(model_class, config, torch_dtype, untrained_seed)
            model = model.eval().requires_grad_(False)
            model = model if "device_map" in options else model.to(device)
    finally:
        transformers.utils.logging.set_tqdm_hook(hook)
    # The last of the captured states is then the last block's output, before the final norm.
    model.config.get_text_config(decoder=True).tie_last_hidden_states = False
    if loading.device == "spread":
        device = str(model.get_input_embeddings().weight.device)
    about, untrained, missing = _about(folder), untrained_seed is not None, tuple(sorted(lacking))
    return Checkpoint(
        model, processor, family, device, torch_dtype, about, loading, untrained, missing
    )


def usable_config(folder: Path, loading: Loading) -> tuple[Any, Family]:
    """The config of a folder and its family, checked as far as that goes without weights.

    Raises
    ------
    ModelError
        If the family is not usable, or a package or the device is missing.
    """
    with _guard(folder, usable_device(loading.device)):
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    family = known_family(config, folder)
    _check_packages(family, loading, folder)
    return config, family


def usable_device(device: str) -> str:
    """The torch device of a `Loading.device`; "auto" and "spread" mean the best there is.

    Raises
    ------
    ModelError
        If this machine has no such device.
    """
    if device in ("auto", "spread"):
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    wanted = int(device.partition(":")[2] or 0)
    if device.startswith("cuda") and wanted >= there:
        raise ModelError(
            f"device is {device}, and torch sees {there} CUDA devices here; choose auto or cpu"
        )
    if device == "mps" and not torch.backends.mps.is_available():
        raise ModelError("device is mps, and torch sees no Apple GPU here; choose auto or cpu")
    return device


def known_family(config: Any, folder: Path) -> Family:
    """The family's row of facts; for another family with an audio token one to be measured."""
    family = family_of(config.model_type)
    if family is not None:
        return family
    if audio_token(config.to_dict()) is None:
        name = problems.model_name(folder)
        raise ModelError(
            f"'{name}' is of type '{config.model_type}', which is no speech LLM known here "
            "and names no audio token; expected one of "
            f"{', '.join(sorted(FAMILIES))}, or another class with an audio_token_id"
        )
    return measured_family(config.model_type)


def _guard(folder: Path, device: str) -> Guard:
    what = f"loading {problems.model_name(folder)}"
    shown = "all GPUs" if device == "spread" else device
    return Guard(what, shown, _explanation(folder), lambda: _advice(folder, device))


def _explanation(folder: Path) -> Callable[[BaseException], str]:
    """Plain words for why a checkpoint could not be loaded."""
    name = problems.model_name(folder)

    def explain(error: BaseException) -> str:
        known = problems.explain(error, name)
        if known is not None:
            return known
        reason = first_line(error)
        if isinstance(error, OSError):
            return f"the model '{name}' cannot be read: {reason}; check its files"
        return (
            f"'{name}' is not a checkpoint that transformers can load: {reason}; expected "
            "config.json, processor files and safetensors weights of a speech LLM"
        )

    return explain


def _advice(folder: Path, device: str) -> str:
    """Which way of loading these weights would fit."""
    held, found = memory.weights(folder), memory.device_memory(device)
    if not held.count or found is None:
        return ""
    name = problems.model_name(folder)
    return (
        f"'{name}' has {held.count / 1e9:.2g} billion weights and {memory.gib(found.free)} are "
        f"free: {memory.what_fits(held, found.free)}"
    )


def _check_packages(family: Family, loading: Loading, folder: Path) -> None:
    needs = list(family.needs)
    for place in {folder, folder / (family.lora or ".")}:
        if (place / "adapter_config.json").is_file():
            if not (place / "adapter_model.safetensors").is_file():
                name = problems.model_name(folder)
                raise ModelError(
                    f"the LoRA of '{name}' has no safetensors weights, and pickled ones are "
                    "never loaded; convert it with peft's save_pretrained"
                )
            needs += ["peft"] if loading.lora else []
    if loading.quantization != "none":
        needs += ["bitsandbytes", "accelerate"]
    if loading.device == "spread":
        needs.append("accelerate")
    missing = [name for name in dict.fromkeys(needs) if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelError(problems.missing_packages(family.label, missing))


def _placing(loading: Loading, device: str, dtype: torch.dtype) -> dict[str, Any]:
    """Arguments of `from_pretrained` for several GPUs and for quantised weights."""
    options: dict[str, Any] = {}
    if loading.device == "spread":
        options["device_map"] = "auto"
    if loading.quantization != "none":
        if device.partition(":")[0] not in ("cuda", "cpu"):
            raise ModelError(
                f"{loading.quantization} weights need a CUDA device or the CPU, and this is "
                f"{device}; choose device cpu, or quantization none"
            )
        options.setdefault("device_map", {"": device})
        four = loading.quantization == "4bit"
        options["quantization_config"] = transformers.BitsAndBytesConfig(  # type: ignore[no-untyped-call]
            load_in_4bit=four,
            load_in_8bit=not four,
            bnb_4bit_compute_dtype=dtype,
            bnb_4bit_quant_type="nf4",
        )
    return options


def _untrained(model_class: Any, config: Any, dtype: torch.dtype, seed: int) -> Any:
    if config.model_type == "qwen2_audio":
        # The class leaves its frozen position table random; the demo's maker fills in sinusoids.
        model: Any = build_model(config, seed)
    else:
        make = getattr(model_class, "from_config", model_class)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = make(getattr(config, "thinker_config", config))
    return model.to(dtype)


def _about(folder: Path) -> dict[str, Any]:
    path = folder / MODEL_FILE
    return read_json(path) if path.is_file() else {}
