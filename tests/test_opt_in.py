"""What this project's own machines cannot run: a CUDA device, and checkpoints that are published.

`make test ARGS="tests/test_opt_in.py --run-gpu"` where there is a GPU. `ALAS_TEST_MODELS` names
checkpoints, separated by commas, for `--run-external`: each is loaded, checked and analysed; with
`HF_HUB_OFFLINE=0` those that are not in the local cache are downloaded first.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from alas_core.datasets import demo
from alas_core.models import registry
from alas_core.models.identity import Loading
from alas_core.models.memory import device_memory
from alas_core.models.selfcheck import self_check
from alas_core.pipeline import Request, analyse
from alas_core.types import Analysis, Settings, Utterance

CUDA = os.environ.get("ALAS_TEST_DEVICE", "cuda")
NAMED = [name.strip() for name in os.environ.get("ALAS_TEST_MODELS", "").split(",") if name.strip()]
MIB = 2**20


def first() -> tuple[Utterance, str]:
    row = demo().ids()[0]
    return demo().load(row.id), str(demo().reference_path(row.id))


def analysed(model_id: str, loading: Loading) -> Analysis:
    utterance, reference = first()
    return analyse(
        Request(model_id, utterance, reference, Settings(n_null=9), pool=demo().pool(),
                loading=loading)
    )  # fmt: skip


@pytest.mark.gpu
def test_cuda_gives_what_the_cpu_gives() -> None:
    cpu, gpu = (analysed("demo", Loading(dtype="float32", device=one)) for one in ("cpu", CUDA))
    # Sums go in another order there; the cosines are kept as float16, in steps of 5e-4 near 1.
    np.testing.assert_allclose(gpu.similarity, cpu.similarity, atol=1e-3)
    for name, values in cpu.scores.items():
        scale = max(1.0, float(np.nanmax(np.abs(values))))
        np.testing.assert_allclose(gpu.scores[name], values, atol=1e-3 * scale, err_msg=name)
    np.testing.assert_allclose(gpu.null.samples, cpu.null.samples, atol=1e-3)
    assert gpu.answers == cpu.answers


@pytest.mark.gpu
def test_half_precision_on_cuda_finds_the_same_words() -> None:
    cpu = analysed("demo", Loading(dtype="float32", device="cpu"))
    half = analysed("demo", Loading(dtype="bfloat16", device=CUDA))
    assert half.key.dtype == "bfloat16"
    np.testing.assert_allclose(half.scores["alas"], cpu.scores["alas"], atol=0.05)


@pytest.mark.gpu
def test_a_model_that_is_let_go_leaves_the_device_as_it_was() -> None:
    registry.close()
    torch.zeros(1, device=CUDA)  # the context itself stays
    before = device_memory(CUDA)
    analysed("demo", Loading(device=CUDA))
    registry.close()
    after = device_memory(CUDA)
    assert before is not None
    assert after is not None
    assert after.used - before.used < 64 * MIB


@pytest.mark.external
@pytest.mark.parametrize("model_id", NAMED or ["none named in ALAS_TEST_MODELS"])
def test_a_published_checkpoint_is_what_the_table_says(model_id: str) -> None:
    if not NAMED:
        pytest.skip("no checkpoint is named in ALAS_TEST_MODELS")
    utterance, _ = first()
    checking = self_check(model_id, Loading(), utterance, None)
    try:
        while True:
            next(checking)
    except StopIteration as end:
        found = end.value
    assert found.frames is not None
    assert found.frames.holds, found.frames
    assert {kind for _, kind in found.heard} == {"prompt", "audio"}
    assert {kind for _, kind in found.read} == {"prompt", "transcript"}
    said = "".join(text for text, kind in found.read if kind == "transcript")
    assert said.split() == utterance.transcript.split()
    analysis = analysed(model_id, Loading())
    assert np.isfinite(analysis.scores["alas"]).all()
    assert analysis.null.p.min() == pytest.approx(0.1), "right words bind no better than wrong ones"
