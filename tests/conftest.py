"""What every test file shares: opt-in markers, thread limits, and Chromium or a stated reason."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.browsers import MISSING_CHROMIUM, find_chromium

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores: one thread each
    for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(_name, "1")
# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-gpu", action="store_true", help="run the tests marked gpu")
    parser.addoption("--run-external", action="store_true", help="run the tests marked external")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is opt-in, and the browser tests where there is no browser.

    With CI set, a missing browser is not a reason to skip: the fixture `chromium` then fails.
    """
    reasons = {}
    if not config.getoption("--run-gpu"):
        reasons["gpu"] = "needs a CUDA device: pass --run-gpu"
    if not config.getoption("--run-external"):
        reasons["external"] = "needs the network or files that are not shipped: pass --run-external"
    if not os.environ.get("CI") and find_chromium() is None:
        reasons["browser"] = MISSING_CHROMIUM
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def nobody_draws() -> Iterator[None]:
    """Pages that run in this process have no browser that would say that the sheet is drawn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("alas_core.ui.opening.PATIENCE_S", 0.0)
        yield


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The ids that the hub is asked for, with their revisions; it has none of them."""
    from alas_core.errors import ModelError  # once the thread limits above are set

    ids: dict[str, str] = {}

    def hub(model_id: str, revision: str = "") -> None:
        ids[model_id] = revision
        raise ModelError("the hub was asked")

    monkeypatch.setattr("alas_core.models.fetching.hub_config", hub)
    return ids


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium that Playwright can drive (`executable_path=`)."""
    path = find_chromium()
    if path is None:
        pytest.fail(MISSING_CHROMIUM)
    return path


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Tiny models: threads cost more than they bring, most of all on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
