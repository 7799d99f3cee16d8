"""SALMONN: Whisper and BEATs, a Q-Former over windows of 17 frames, and Vicuna with a merged LoRA.

Built from transformers' parts, under the names of the published checkpoint, behind the same shape
of model and processor that the generic adapter takes. Layout and names follow the authors' code;
no published weights could be run where this was written.

References
----------
Tang et al. 2024, SALMONN, arXiv:2310.13289.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from torch.nn import functional

from alas_core.errors import ModelError
from alas_core.models.beats import Beats, log_mels
from alas_core.models.facts import FAMILIES
from alas_core.models.guard import Guard, first_line
from alas_core.models.identity import Loading, resolve_dtype
from alas_core.models.loading import Checkpoint, usable_device
from alas_core.models.pickled import read_tensors
from alas_core.models.salmonn_files import CONFIG, MODEL_TYPE, SalmonnFiles
from alas_core.models.watching import Report, Watched, weights_hook

WINDOW = 17
"""Encoder frames of 20 ms that one query sees: a third of a second, rounded."""

N_QUERIES = 1500 // WINDOW
_LORA_ALPHA = 32
"""Of the published configuration; the rank (8) is that of the tensors."""

_AUDIO = "<SpeechHere>"
_TEMPLATE = (
    "{% for message in messages %}USER: {% for block in message['content'] %}"
    "{% if block['type'] == 'audio' %}<Speech>" + _AUDIO + "</Speech>"
    "{% else %}{{ block['text'] }}{% endif %}{% if not loop.last %} {% endif %}{% endfor %}"
    "{{ '\\nASSISTANT:' }}{% endfor %}"  # as a string: a line's end behind a block is trimmed
)
_LORA = re.compile(
    r"llama_model\.(?:base_model\.model\.)?(?P<module>model\.layers\.\d+\.self_attn\.\w+)"
    r"\.lora_(?P<side>[AB])(?:\.default)?\.weight"
)


class Salmonn(nn.Module):
    """The network; `forward` gives the language model's output, as transformers' models do."""

    def __init__(self, encoder: Any, beats: Beats, llama: Any, qformer_config: Any) -> None:
        super().__init__()
        self.speech_encoder, self.beats, self.llama_model = encoder, beats, llama
        self.ln_speech = nn.LayerNorm(encoder.config.d_model)
        self.ln_audio = nn.LayerNorm(beats.width)
        self.speech_Qformer = transformers.Blip2QFormerModel(qformer_config)
        self.speech_query_tokens = nn.Parameter(torch.zeros(1, 1, qformer_config.hidden_size))
        self.speech_llama_proj = nn.Linear(qformer_config.hidden_size, llama.config.hidden_size)
        self.config, self.generation_config = llama.config, llama.generation_config

    @property
    def base_model(self) -> Salmonn:
        return self

    @property
    def language_model(self) -> Any:
        return self.llama_model.model

    def get_input_embeddings(self) -> Any:
        return self.llama_model.get_input_embeddings()

    def get_output_embeddings(self) -> Any:
        return self.llama_model.get_output_embeddings()

    def get_decoder(self) -> Any:
        return self.llama_model.get_decoder()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        input_features: torch.Tensor | None = None,
        log_mels: torch.Tensor | None = None,
        **options: Any,
    ) -> Any:
        embeds = self._embeds(input_ids, input_features, log_mels)
        return self.language_model(inputs_embeds=embeds, attention_mask=attention_mask, **options)

    def generate(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        input_features: torch.Tensor | None = None,
        log_mels: torch.Tensor | None = None,
        **options: Any,
    ) -> torch.Tensor:
        """Prompt and answer, as ids."""
        embeds = self._embeds(input_ids, input_features, log_mels)
        new = self.llama_model.generate(
            inputs_embeds=embeds, attention_mask=attention_mask, **options
        )
        return torch.cat([input_ids, new], dim=1)

    def speech(self, input_features: torch.Tensor, log_mels: torch.Tensor) -> torch.Tensor:
        """(1, 88, llama width): one state for each window of 17 encoder frames of 30 s."""
        heard = self.ln_speech(self.speech_encoder(input_features).last_hidden_state)
        sound = self.ln_audio(self.beats(log_mels))
        longest = max(heard.shape[1], sound.shape[1])
        both = torch.cat(
            [functional.pad(part, (0, 0, 0, longest - part.shape[1])) for part in (heard, sound)],
            dim=-1,
        )
        n_windows = longest // WINDOW
        windows = both[0, : n_windows * WINDOW].view(n_windows, WINDOW, -1)
        queries = self.speech_query_tokens.expand(n_windows, -1, -1)
        seen = self.speech_Qformer(query_embeds=queries, encoder_hidden_states=windows)
        states: torch.Tensor = self.speech_llama_proj(seen.last_hidden_state)
        return states.flatten(0, 1).unsqueeze(0)

    def _embeds(
        self,
        input_ids: torch.Tensor,
        input_features: torch.Tensor | None,
        log_mels: torch.Tensor | None,
    ) -> torch.Tensor:
        held = input_ids == self.config.audio_token_id
        embeds: torch.Tensor = self.get_input_embeddings()(input_ids.masked_fill(held, 0))
        if input_features is None or log_mels is None:
            return embeds
        speech = self.speech(input_features, log_mels)[0, : int(held.sum())]
        return embeds.masked_scatter(held[..., None], speech.to(embeds.dtype))


class SalmonnProcessor:
    """Text with one place for audio, and sound, into the tensors that `Salmonn` takes."""

    chat_template = _TEMPLATE
    audio_token = f"<Speech>{_AUDIO}</Speech>"
    """As the template writes it: the tokenizer knows no marks of audio, they are plain text."""

    def __init__(self, feature_extractor: Any, tokenizer: Any) -> None:
        self.feature_extractor, self.tokenizer = feature_extractor, tokenizer
        tokenizer.add_special_tokens({"additional_special_tokens": [_AUDIO]})
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.audio_token_id = int(tokenizer.convert_tokens_to_ids(_AUDIO))

    def apply_chat_template(self, conversation: Any, **options: Any) -> str:
        """The prompt as text."""
        text: str = self.tokenizer.apply_chat_template(conversation, **options)
        return text

    def __call__(
        self,
        text: list[str],
        audio: list[Any],
        sampling_rate: int,
        return_tensors: str,
        add_special_tokens: bool,
    ) -> Any:
        features = self.feature_extractor(
            audio, sampling_rate=sampling_rate, return_tensors=return_tensors
        )
        expanded = [one.replace(_AUDIO, _AUDIO * N_QUERIES) for one in text]
        ids = self.tokenizer(
            expanded, return_tensors=return_tensors, add_special_tokens=add_special_tokens
        )
        return transformers.BatchFeature(
            {
                "input_ids": ids["input_ids"],
                "attention_mask": ids["attention_mask"],
                "input_features": features["input_features"],
                "log_mels": torch.from_numpy(log_mels(audio[0])).unsqueeze(0),
            }
        )


def load_salmonn(files: SalmonnFiles, loading: Loading, report: Report) -> Checkpoint:
    """The four published parts as one frozen checkpoint.

    Raises
    ------
    ModelError
        If a part cannot be read or does not belong to the others.
    """
    device = usable_device(loading.device)
    dtype = getattr(torch, resolve_dtype(loading.dtype, device, CONFIG))
    name = files.salmonn.parent.name

    def explain(error: BaseException) -> str:
        return (
            f"the SALMONN in '{name}' cannot be loaded: {first_line(error)}; expected a Whisper "
            "and a Vicuna folder with safetensors, a BEATs .pt and the SALMONN .pth"
        )

    hook = transformers.utils.logging.set_tqdm_hook(weights_hook(report))
    try:
        with Guard(f"loading {name}", device, explain):
            model, processor = _built(files, dtype, report)
            model = model.to(device=device, dtype=dtype).eval().requires_grad_(False)
    finally:
        transformers.utils.logging.set_tqdm_hook(hook)
    model.config.tie_last_hidden_states = False
    return Checkpoint(model, processor, FAMILIES[MODEL_TYPE], device, dtype, {}, loading)


def _built(files: SalmonnFiles, dtype: torch.dtype, report: Report) -> tuple[Any, Any]:
    options: dict[str, Any] = {"dtype": dtype, "use_safetensors": True, "trust_remote_code": False}
    tokenizer = transformers.AutoTokenizer.from_pretrained(files.llama, trust_remote_code=False)
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(files.whisper)
    processor = SalmonnProcessor(extractor, tokenizer)
    encoder = transformers.WhisperModel.from_pretrained(files.whisper, **options).encoder
    llama = transformers.AutoModelForCausalLM.from_pretrained(files.llama, **options)
    llama.config.audio_token_id = processor.audio_token_id
    report(Watched("Loading BEATs and SALMONN"))
    beats = _beats(files.beats)
    state = _published(files.salmonn)
    model = Salmonn(encoder, beats, llama, _qformer_config(state, encoder, beats))
    _fill(model, state, files.salmonn.name)
    return model, processor


def _beats(path: Path) -> Beats:
    content = read_tensors(path)
    if not isinstance(content.get("cfg"), Mapping) or "model" not in content:
        raise ModelError(f"'{path.name}' is no BEATs checkpoint: expected cfg and model in it")
    beats = Beats(content["cfg"])
    own = {k: v for k, v in content["model"].items() if not k.startswith("predictor")}
    beats.load_state_dict(own)
    return beats


def _published(path: Path) -> dict[str, torch.Tensor]:
    state: Any = read_tensors(path).get("model")
    if not isinstance(state, Mapping) or "speech_query_tokens" not in state:
        raise ModelError(
            f"'{path.name}' is no SALMONN checkpoint: expected its trained parts under 'model'"
        )
    return dict(state)


def _qformer_config(state: Mapping[str, torch.Tensor], encoder: Any, beats: Beats) -> Any:
    """Sizes as the tensors have them; the published one is two layers of BERT base."""
    places = [re.match(r"speech_Qformer\.bert\.encoder\.layer\.(\d+)\.", key) for key in state]
    width = state["speech_query_tokens"].shape[-1]
    inner = state["speech_Qformer.bert.encoder.layer.0.intermediate_query.dense.weight"].shape[0]
    return transformers.Blip2QFormerConfig(
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=1 + max(int(place[1]) for place in places if place),
        num_attention_heads=max(width // 64, 1),
        cross_attention_frequency=1,
        encoder_hidden_size=encoder.config.d_model + beats.width,
    )


def _fill(model: Salmonn, state: Mapping[str, torch.Tensor], name: str) -> None:
    """Put the trained parts in place: all that SALMONN added, and the LoRA merged into Llama."""
    lora: dict[str, dict[str, torch.Tensor]] = {}
    rest: dict[str, torch.Tensor] = {}
    for key, tensor in state.items():
        match = _LORA.fullmatch(key)
        if match:
            lora.setdefault(match["module"], {})[match["side"]] = tensor
        else:
            rest[_renamed(key)] = tensor
    found = model.load_state_dict(rest, strict=False)
    added = ("ln_speech", "ln_audio", "speech_")
    missing = [
        key
        for key in found.missing_keys
        if key.startswith(added) and not key.startswith("speech_encoder")
    ]
    if missing or found.unexpected_keys or not lora:
        odd = (missing or found.unexpected_keys or ["no LoRA"])[0]
        raise ModelError(
            f"'{name}' has not the parts of the published SALMONN ({odd}), expected the Q-Former, "
            "its projection and the LoRA of q_proj and v_proj; use salmonn_v1.pth"
        )
    with torch.no_grad():
        for module, sides in lora.items():
            weight = model.llama_model.get_submodule(module).weight
            change = sides["B"].float() @ sides["A"].float()
            weight += (_LORA_ALPHA / len(sides["A"]) * change).to(weight.dtype)


def _renamed(key: str) -> str:
    """From the names of the authors' BERT to those of transformers' Q-Former."""
    key = key.replace("speech_Qformer.bert.embeddings.LayerNorm", "speech_Qformer.layernorm")
    key = key.replace("speech_Qformer.bert.", "speech_Qformer.")
    return re.sub(r"(attention)\.self\.", r"\1.attention.", key)
