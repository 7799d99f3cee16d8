"""From a state to the vocabulary: a checkpoint's final norm, output head and input embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from alas_core.models.loading import Checkpoint

_NORMS = ("norm", "final_layernorm", "ln_f", "final_norm", "norm_f")


class TransformersHead:
    """The `Head` of a checkpoint of transformers; see `alas_core.models.protocol.Head`.

    Parameters
    ----------
    norm, output : the modules that the class applies to the last block's state
    embedding : torch.Tensor [shape=(n_vocabulary, d_model)], the input embeddings
    tokenizer : of the checkpoint
    cap : the class bends its logits softly into [-cap, cap]; None where it does not
    divisor : the class divides its logits by this
    """

    def __init__(
        self,
        norm: torch.nn.Module,
        output: torch.nn.Module,
        embedding: torch.Tensor,
        tokenizer: Any,
        *,
        cap: float | None = None,
        divisor: float = 1.0,
    ) -> None:
        self._norm, self._output, self._embedding = norm, output, embedding
        self._tokenizer = tokenizer
        self._cap, self._divisor = cap, divisor

    @property
    def embedding(self) -> torch.Tensor:
        return self._embedding

    def norm(self, states: torch.Tensor) -> torch.Tensor:
        """The states after the final norm, in the model's dtype."""
        with torch.no_grad():
            normed: torch.Tensor = self._norm(states.to(self._embedding.dtype))
        return normed

    def project(self, normed: torch.Tensor) -> torch.Tensor:
        """Float32 logits (positions, n_vocabulary) of normed states."""
        with torch.no_grad():
            # A head that is padded has rows beyond the vocabulary: they are no tokens.
            logits: torch.Tensor = self._output(normed)[..., : len(self._embedding)].float()
        if self._divisor != 1.0:
            logits = logits.div_(self._divisor)
        if self._cap is not None:
            logits = logits.div_(self._cap).tanh_().mul_(self._cap)
        return logits

    def texts(self, ids: Sequence[int]) -> list[str]:
        """What each token of the vocabulary says, white space included."""
        rows = [[token] for token in ids]
        texts: list[str] = self._tokenizer.batch_decode(
            rows, clean_up_tokenization_spaces=False, skip_special_tokens=False
        )
        return texts

    def spellings(self, word: str) -> tuple[int, ...]:
        """Tokens that name a word: its pieces, and its other spellings that are one token."""
        forms = dict.fromkeys((word, word.lower(), word.capitalize(), word.upper()))
        found: dict[int, None] = {}
        for form in forms:
            for text in (f" {form}", form):
                pieces = self._tokenizer.encode(text, add_special_tokens=False)
                # Some tokenizers write the space as a token of its own: it names nothing.
                pieces = [p for p, t in zip(pieces, self.texts(pieces), strict=True) if t.strip()]
                if len(pieces) == 1 or (form == word and text != form):
                    found |= dict.fromkeys(pieces)
        return tuple(found)


def head_of(checkpoint: Checkpoint) -> TransformersHead | None:
    """The checkpoint's head, or None where its class does not show its parts."""
    if checkpoint.family.active_state:
        return None  # the class mixes several streams before its head: one of them says nothing
    model, config = checkpoint.model, checkpoint.text_config
    decoder = model.get_decoder()
    if hasattr(decoder, "model"):  # Nemotron-H nests a class with a head of its own
        model, decoder = decoder, decoder.model
    output, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    named = getattr(config, "unpadded_vocab_size", None)
    norm = next((getattr(decoder, name) for name in _NORMS if hasattr(decoder, name)), None)
    if output is None or embeddings is None or norm is None:
        return None
    head = TransformersHead(
        norm,
        output,
        _entering(embeddings)[:named],
        checkpoint.processor.tokenizer,
        cap=getattr(config, "final_logit_softcapping", None),
        divisor=_divisor(config),
    )
    # The contract tests hold every row's head against its class; here nobody has.
    return head if not checkpoint.family.measured or _speaks_as(checkpoint, head) else None


def _speaks_as(checkpoint: Checkpoint, head: TransformersHead) -> bool:
    """Whether the head gives a few tokens the logits that the class itself gives them."""
    encoded = checkpoint.processor.tokenizer("the sound", return_tensors="pt")
    ids = encoded["input_ids"].to(checkpoint.device)
    with torch.no_grad():
        found = checkpoint.model(input_ids=ids, output_hidden_states=True, use_cache=False)
        own, last = found.logits[0].float().cpu(), found.hidden_states[-1][0]
        # Some classes give their last state after the norm only.
        read = [head.project(normed).cpu() for normed in (head.norm(last), last)]
    return any(
        one.shape == own.shape and bool((one - own).norm() <= 0.02 * own.norm()) for one in read
    )


def _entering(embeddings: Any) -> torch.Tensor:
    """The rows in the direction that the first block gets: Inkling norms them, and scales that."""
    norm = getattr(embeddings, "embed_norm", None)
    rows: torch.Tensor = embeddings.weight
    # Muse Spark's norm has no weight, and turns no row.
    if norm is not None and getattr(norm, "weight", None) is not None:
        with torch.no_grad():
            rows = norm(rows)
    return rows


def _divisor(config: Any) -> float:
    """Granite and Inkling divide the logits by a number, Muse Spark multiplies them with one."""
    names = ("logits_scaling", "logits_mup_width_multiplier")
    scaling = next((float(n) for name in names if (n := getattr(config, name, None))), 1.0)
    return scaling / float(getattr(config, "output_multiplier", None) or 1.0)
