"""Two runs' hidden states in, small arrays out: the states do not leave this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from alas_core import geometry, projection
from alas_core.errors import ModelError
from alas_core.similarity import cosine_maps
from alas_core.sinks import valid_positions
from alas_core.types import BoolArray, FloatArray, IntArray, ModelInfo, Settings


@dataclass(frozen=True)
class Reduction:
    """What is kept of two runs; shapes as in `alas_core.types.Analysis`."""

    similarity: FloatArray
    frame_valid: BoolArray
    token_valid: BoolArray
    norms: FloatArray
    coords: FloatArray
    scores: dict[str, FloatArray]
    baselines: dict[str, FloatArray]
    cross_layer: dict[str, FloatArray]
    word_points: FloatArray


def check_finite(states: torch.Tensor, content: str, info: ModelInfo) -> None:
    """Refuse the states of a pass that overflowed, as float16 does in some models.

    Parameters
    ----------
    states : torch.Tensor [shape=(n_layers + 1, positions, d_model)], on any device
    content : what the pass was over: "audio", "transcript" or "wrong transcript"
    info : of the model, for the message

    Raises
    ------
    ModelError
        If a state holds an infinity or a nan.
    """
    # The extremes show either, without a mask as large as the states.
    extremes = torch.stack([states.amin(dim=(1, 2)), states.amax(dim=(1, 2))])
    finite = extremes.isfinite().all(dim=0).tolist()
    if not all(finite):
        raise ModelError(
            f"'{info.model_id}' in {info.dtype} gave states of the {content} that are not finite, "
            f"from layer {finite.index(False)} on, expected finite numbers at each of "
            f"{len(finite)} layers; load it with dtype bfloat16 or float32, or check its weights"
        )


def reduce_states(
    frames: torch.Tensor,
    tokens: torch.Tensor,
    frame_word: IntArray,
    token_word: IntArray,
    names: Sequence[str],
    settings: Settings,
) -> Reduction:
    """Cosine maps, norms, principal components and the geometry of two runs.

    Parameters
    ----------
    frames, tokens : torch.Tensor [shape=(n_layers + 1, positions, d_model)], on any device
    frame_word, token_word : np.ndarray [shape=(positions,)], index into `names` or -1
    names : the words of the transcript
    settings : `centering` and `mask_sinks` are used
    """
    scores, baselines = geometry.modality_gap(frames, tokens)
    cross = {"layer_correlation": geometry.layer_correlation(frames, tokens)}
    audio, text = (
        geometry.pool_words(
            states, torch.from_numpy(index.astype(np.int64)).to(frames.device), len(names)
        )
        for states, index in ((frames, frame_word), (tokens, token_word))
    )
    kept = np.intersect1d(frame_word[frame_word >= 0], token_word[token_word >= 0])
    points = geometry.shared_points(audio, text).cpu().numpy()
    if len(kept) < len(names):
        rows = torch.from_numpy(kept.astype(np.int64)).to(audio.device)
        audio, text = audio[:, rows], text[:, rows]
    _add_words(scores, baselines, cross, audio, text, kept, names)
    norms, n_frames = geometry.state_norms(frames, tokens).cpu().numpy(), frames.shape[1]
    return Reduction(
        similarity=cosine_maps(frames, tokens, centering=settings.centering).cpu().numpy(),
        frame_valid=valid_positions(norms[:, :n_frames], settings.mask_sinks),
        token_valid=valid_positions(norms[:, n_frames:], settings.mask_sinks),
        norms=norms,
        coords=projection.pca(frames, tokens),
        scores=scores,
        baselines=baselines,
        cross_layer=cross,
        word_points=points,
    )


def _add_words(
    scores: dict[str, FloatArray],
    baselines: dict[str, FloatArray],
    cross: dict[str, FloatArray],
    audio: torch.Tensor,
    text: torch.Tensor,
    kept: IntArray,
    names: Sequence[str],
) -> None:
    """Retrieval and CKA over the words that have both frames and tokens."""
    n_layers = audio.shape[0]
    if len(kept):
        rate, chance = geometry.word_retrieval(audio, text, [names[word] for word in kept])
    else:
        rate, chance = np.full(n_layers, np.nan, np.float32), np.nan
    scores["word_retrieval"] = rate
    baselines["word_retrieval"] = np.full(n_layers, chance, np.float32)
    cross["cka"] = geometry.cka(audio, text)
