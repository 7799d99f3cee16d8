"""What `make` says and does before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("app", "test", "bench", "demo-model", "example-run", "format", "lint", "type", "hooks")
Run = subprocess.CompletedProcess[str]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str) -> Run:
    # This test may itself run under make, whose variables would reach the inner one.
    outer = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS", "VENV", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False, env=environment
    )


def fake_python(folder: Path, version: str, has_venv: bool) -> Path:
    """A program that answers like a Python of this version, as far as the Makefile asks."""
    path = folder / "python-fake"
    old = version.startswith(("2.", "3.9", "3.10"))
    path.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        f"  *version_info*) exit {int(old)} ;;\n"
        f"  *ensurepip*) exit {int(not has_venv)} ;;\n"
        f"  --version) echo 'Python {version}' ;;\n"
        "esac\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def test_help_is_the_default_and_lists_every_target() -> None:
    listed = re.findall(r"^  make (\S+)", make().stdout, flags=re.MULTILINE)
    assert set(TARGETS) <= set(listed)
    assert make("help").stdout == make().stdout


@pytest.mark.parametrize("target", ["app", "test"])
def test_an_old_python_is_refused_in_words(tmp_path: Path, target: str) -> None:
    python = fake_python(tmp_path, "3.9.2", has_venv=True)
    run = make(target, f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr
    assert "Python 3.9.2" in run.stderr


def test_no_python_at_all_says_how_to_name_one(tmp_path: Path) -> None:
    run = make("app", "PYTHON=", f"VENV={tmp_path / 'venv'}")
    assert run.returncode != 0
    assert "needs Python 3.11 or newer" in run.stderr
    assert "make PYTHON=/path/to/python3.11 app" in run.stderr


def test_a_python_without_venv_gets_the_remedy(tmp_path: Path) -> None:
    python = fake_python(tmp_path, "3.12.1", has_venv=False)
    run = make("app", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    assert run.returncode != 0
    assert "python3-venv" in run.stderr


def test_a_ready_environment_is_not_installed_again(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    for name in ("bin/pip", ".app", ".dev"):
        (venv / name).touch()
    ready = make("-n", "test", f"VENV={venv}").stdout
    assert "pip install" not in ready
    assert "pytest" in ready
    for stamp in (venv / ".app", venv / ".dev"):
        os.utime(stamp, (0, 0))  # older than requirements.txt
    assert "-r requirements.txt" in make("-n", "app", f"VENV={venv}").stdout


def test_the_example_is_made_with_the_sentence_encoder(tmp_path: Path) -> None:
    planned = make("--dry-run", "example-run", f"VENV={tmp_path / 'venv'}").stdout
    extras, run = planned.index("-r requirements-extras.txt"), planned.index("alas_core run demo")
    assert extras < run
