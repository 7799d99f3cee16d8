"""How it was done before this program: generate, keep every state, then loop. Only to compare.

After the published scripts for such analyses: `generate` of 150 tokens with
`output_hidden_states=True` on either prompt, every state of every step into one gzip HDF5 file, and
then, one layer at a time in Python, the cosine map and its monotonic alignment search.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from alas_core.models.protocol import Prompt
from tests.benchmarks.subjects import Subject

N_NEW_TOKENS = 150


def run(subject: Subject, path: Path) -> None:
    """Both prompts through `generate`, their states into the file, the paths out of it."""
    model = subject.model
    prompt = Prompt("Repeat the words.", True)
    audio = model._audio_inputs(subject.utterance.audio, prompt)
    text = model._text_input(subject.utterance.transcript, prompt)
    device = audio["input_ids"].device
    inputs = {"audio": audio, "text": {"input_ids": torch.tensor([list(text.ids)], device=device)}}
    places = {
        "audio": (audio["input_ids"][0] == model._audio_token_id).nonzero()[:, 0].tolist(),
        "text": list(text.positions),
    }
    with h5py.File(path, "w") as file:
        for name, given in inputs.items():
            _write(file.create_group(name), _generate(model, given))
    with h5py.File(path, "r") as file:
        n_layers = len(file["audio/step_0"])
        for layer in range(n_layers):
            frames, tokens = (
                np.asarray(file[f"{name}/step_0/layer_{layer}"])[0, places[name]]
                for name in ("audio", "text")
            )
            alignment_search(cosines(frames, tokens))


def _generate(model: Any, given: dict[str, torch.Tensor]) -> tuple[Any, ...]:
    with torch.no_grad():
        output = model._open.model.generate(
            **given,
            max_new_tokens=N_NEW_TOKENS,
            min_new_tokens=N_NEW_TOKENS,
            do_sample=False,
            output_hidden_states=True,
            return_dict_in_generate=True,
        )
    states: tuple[Any, ...] = output.hidden_states
    return states


def _write(group: h5py.Group, states: tuple[Any, ...]) -> None:
    for step, layers in enumerate(states):
        of_step = group.create_group(f"step_{step}")
        for layer, state in enumerate(layers):
            values = state.float().cpu().numpy()
            of_step.create_dataset(f"layer_{layer}", data=values, compression="gzip")


def cosines(frames: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """Cosine of each frame and token, (n_frames, n_tokens)."""
    frames = frames / np.linalg.norm(frames, axis=1, keepdims=True)
    tokens = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
    return frames @ tokens.T


def alignment_search(similarity: np.ndarray) -> np.ndarray:
    """Monotonic alignment search of one layer, cell by cell: the token of each frame."""
    n_frames, n_tokens = similarity.shape
    total = np.full((n_frames, n_tokens), -np.inf)
    total[0, 0] = similarity[0, 0]
    for frame in range(1, n_frames):
        for token in range(n_tokens):
            best = total[frame - 1, token]
            if token and total[frame - 1, token - 1] > best:
                best = total[frame - 1, token - 1]
            total[frame, token] = similarity[frame, token] + best
    path = np.zeros(n_frames, dtype=np.int64)
    token = n_tokens - 1
    for frame in range(n_frames - 1, -1, -1):
        path[frame] = token
        if frame and token and total[frame - 1, token - 1] > total[frame - 1, token]:
            token -= 1
    return path
