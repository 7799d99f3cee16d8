"""A hub without a network: the hub library's own code and cache, its requests answered here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import huggingface_hub
import pytest
from huggingface_hub.utils import set_client_factory
from huggingface_hub.utils._http import default_client_factory


@dataclass
class Hub:
    """One model with its commits; `heads` says which of them a branch means at the moment.

    `asked` notes each file that was sent, with its commit.
    """

    model_id: str
    commits: dict[str, Path]
    heads: dict[str, str]
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """What the hub says to one request; 404 to what it does not know."""
        path = request.url.path
        api, files = f"/api/models/{self.model_id}", f"/{self.model_id}/resolve/"
        if path.startswith(files):
            return self._file(request, path.removeprefix(files))
        if path.startswith(f"{api}/tree/"):
            return httpx2.Response(200, json=self._tree(path.removeprefix(f"{api}/tree/")))
        revision = path.removeprefix(api).removeprefix("/revision/") or "main"
        commit = self._commit(revision)
        if not path.startswith(api) or commit is None:
            return httpx2.Response(404, headers={"X-Error-Code": "RevisionNotFound"})
        return httpx2.Response(200, json={"id": self.model_id, "sha": commit})

    def _commit(self, revision: str) -> str | None:
        return self.heads.get(revision, revision if revision in self.commits else None)

    def _tree(self, commit: str) -> list[dict[str, object]]:
        folder = self.commits[commit]
        return [
            {
                "type": "file",
                "path": path.relative_to(folder).as_posix(),
                "size": path.stat().st_size,
                "oid": _sha(path.read_bytes()),
            }
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]

    def _file(self, request: httpx2.Request, asked: str) -> httpx2.Response:
        known = (*self.heads, *self.commits)  # a branch's name may hold slashes
        revision = next(name for name in known if asked.startswith(f"{name}/"))
        commit, name = self._commit(revision), asked.removeprefix(f"{revision}/")
        path = self.commits[str(commit)] / name
        if not path.is_file():
            return httpx2.Response(404, headers={"X-Error-Code": "EntryNotFound"})
        data = path.read_bytes()
        headers = {"X-Repo-Commit": str(commit), "ETag": f'"{_sha(data)}"'}
        if request.method == "HEAD":
            return httpx2.Response(200, headers={**headers, "Content-Length": str(len(data))})
        self.asked.append((str(commit), name))
        return httpx2.Response(200, headers=headers, content=data)


def _sha(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


@contextmanager
def online(hub: Hub) -> Iterator[None]:
    """While it lasts, the hub library's requests reach this hub; afterwards none do."""

    def client() -> httpx2.Client:
        return httpx2.Client(transport=httpx2.MockTransport(hub.answer), follow_redirects=True)

    set_client_factory(client)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
            yield
    finally:
        set_client_factory(default_client_factory)
