"""The files that are shipped, and what is said when they are not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alas_core.errors import InputError
from alas_core.resources import asset_path, assets_root


def test_assets_are_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repo_root: Path
) -> None:
    monkeypatch.delenv("ALAS_ASSETS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert asset_path("sentences.txt") == repo_root / "assets" / "sentences.txt"


def test_assets_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALAS_ASSETS", str(tmp_path))
    assert assets_root() == tmp_path
    with pytest.raises(InputError, match=r"demo.*git checkout"):
        asset_path("demo", "model")
    monkeypatch.setenv("ALAS_ASSETS", str(tmp_path / "none"))
    with pytest.raises(InputError, match="ALAS_ASSETS"):
        assets_root()


def test_plain_sentences_are_many_distinct_and_plain() -> None:
    sentences = asset_path("sentences.txt").read_text(encoding="utf-8").splitlines()
    assert len(sentences) >= 300
    assert len(set(sentences)) == len(sentences)
    odd = [
        sentence
        for sentence in sentences
        if not re.fullmatch(r"[a-z']+( [a-z']+)*", sentence) or not 5 <= len(sentence.split()) <= 15
    ]
    assert not odd
