"""The Models page in a browser, with tiny random models: check one, switch, check, analyse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import tiny
from tests.browser.conftest import SLOW_MS, Visitor
from tests.browsers import running_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def models_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that may load two tiny models from a folder, and nothing else."""
    folder = tmp_path_factory.mktemp("models")
    names = ("qwen2_audio", "glmasr")
    paths = [tiny.FAMILIES[name](folder / "roots" / f"tiny-{name}") for name in names]
    environment = {
        "ALAS_STORE": str(folder / "store"),
        "ALAS_MODEL_ROOTS": str(folder / "roots"),
        "ALAS_MODELS": ",".join(str(path) for path in paths),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    with running_server(folder / "log.txt", environment=environment) as url:
        yield url


@pytest.fixture
def visitor(browser, models_server: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, models_server)
    yield visitor
    visitor.leave()


def test_check_switch_and_check_again(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open("/models")
    page.get_by_role("combobox", name="Model", exact=True).click()
    expect(page.get_by_role("option")).to_have_count(4)  # two of the demo, two of the folder
    page.get_by_role("option", name="tiny-qwen2_audio").click()
    main = page.locator("[data-testid=stMain]")
    expect(main).to_contain_text("thousand weights")
    expect(main).to_contain_text("fits into this machine's memory")

    page.get_by_role("button", name="Load and check").click()
    check = page.locator(".st-key-model_check")
    # The first one waits for the libraries, too, which a cold server imports in the meantime.
    told = "250 in 10 s and 500 in 20 s of silence, 250 more"
    expect(check).to_contain_text(told, timeout=SLOW_MS)
    expect(check).to_contain_text("the table says 250")
    expect(check).to_contain_text("before loading:")
    prompts = check.locator(".alas-prompt")
    expect(prompts).to_have_count(2)
    audio, text = prompts.nth(0), prompts.nth(1)
    expect(audio.locator(".held")).to_contain_text("<|AUDIO|> × ")
    assert "<|audio_bos|>" in audio.locator(".only").all_inner_texts()
    assert text.locator(".held").count() > 5
    assert audio.locator(".held").evaluate("e => getComputedStyle(e).backgroundColor") == (
        "rgb(0, 114, 178)"
    )
    visitor.keep("models-check")

    visitor.choose("Model", "tiny-glmasr")
    expect(check).to_contain_text("This is the check of an earlier choice")
    page.get_by_role("button", name="Load and check").click()
    told = "125 in 10 s and 250 in 20 s of silence, 125 more"
    expect(check).to_contain_text(told, timeout=SLOW_MS)
    page.get_by_role("combobox", name="Number format").click()
    page.get_by_role("option", name="bfloat16").click()
    expect(page).to_have_url(re.compile("dtype=bfloat16"))
    page.get_by_role("button", name="Load and check").click()
    expect(check).to_contain_text("bfloat16", timeout=SLOW_MS)

    page.get_by_role("link", name="Explore").click()
    visitor.see_picture()
    expect(page.locator(".st-key-status")).to_contain_text("tiny-glmasr on cpu")
    page.get_by_role("link", name="Models").click()
    page.get_by_role("button", name="Unload").click()
    expect(page.locator("[data-testid=stToast]")).to_contain_text("let go")
