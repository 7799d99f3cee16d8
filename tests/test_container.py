"""What a Hugging Face Space reads before it starts: README's front matter and the Dockerfile."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.browsers import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def words_of(instruction: str) -> list[str]:
    """The rests of all lines that begin with an instruction."""
    return re.findall(rf"^{instruction} +(.+)$", DOCKERFILE, flags=re.MULTILINE)


def front_matter() -> dict[str, Any]:
    """What README.md tells a Space."""
    _, front, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    space: dict[str, Any] = yaml.safe_load(front)
    return space


def test_front_matter_and_image_name_one_port() -> None:
    space = front_matter()
    assert space["sdk"] == "docker"
    (command,) = words_of("CMD")
    options = dict(re.findall(r"--([\w.]+)=(\S+)", " ".join(json.loads(command))))
    assert words_of("EXPOSE") == [str(space["app_port"])] == [options["server.port"]]
    assert options["server.address"] == "0.0.0.0", "a container is reached from outside"


def test_a_short_description_is_as_short_as_a_space_wants_it() -> None:
    assert len(front_matter()["short_description"]) <= 60


def test_the_image_holds_what_its_command_runs_and_is_a_gallery() -> None:
    copied = words_of("COPY")
    assert copied
    for rest in copied:
        sources = [word for word in rest.split()[:-1] if not word.startswith("--")]
        assert sources
        assert all((ROOT / source).exists() for source in sources)
    (command,) = words_of("CMD")
    assert (ROOT / json.loads(command)[4]).is_file()
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not {"assets", "alas_core", "pages", "app.py", ".streamlit"} & set(ignored)
    assert "ALAS_READONLY=1" in " ".join(words_of("ENV")).split()
    assert words_of("USER") == ["user"], "a Space runs as user 1000"


def test_the_image_has_a_python_that_the_program_runs_on() -> None:
    (base,) = words_of("FROM")
    version = re.fullmatch(r"python:(\d+)\.(\d+)-slim", base)
    assert version is not None
    assert (int(version[1]), int(version[2])) >= (3, 11)
