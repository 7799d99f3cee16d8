"""Finds Chromium, and runs the real server, for the browser tests and the benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MISSING_CHROMIUM = (
    "no Chromium found: run '.venv/bin/playwright install chromium' or "
    "'apt-get install chromium', or set ALAS_CHROMIUM to an executable"
)


def find_chromium() -> str | None:
    """ALAS_CHROMIUM, else a Chromium on PATH, else the one that Playwright has downloaded."""
    override = os.environ.get("ALAS_CHROMIUM")
    if override:
        return shutil.which(override)
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    home = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", str(Path.home() / ".cache/ms-playwright"))
    downloaded = sorted(Path(home).glob("chromium-*/chrome-linux*/chrome"))
    downloaded += sorted(Path(home).glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*"))
    return str(downloaded[-1]) if downloaded else None


def free_port() -> int:
    """A TCP port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running_server(
    log: Path,
    *,
    script: str | Path = "app.py",
    environment: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    base: str = "",
    timeout_s: float = 120,
) -> Iterator[str]:
    """The real server on a free port of 127.0.0.1; yields its URL, and ends it afterwards.

    Parameters
    ----------
    log : Path
        Takes the server's output.
    script : str or Path
        What Streamlit runs, from the checkout.
    environment : mapping, optional
        Added to this process's environment (for example ALAS_STORE).
    options : sequence of str
        More options of `streamlit run`.
    base : str
        The path below which the app is served, such as "/alas"; part of the URL.
    timeout_s : float
        How long the server may take until it answers its health check.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}{base}"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    command += ["--server.address=127.0.0.1", f"--server.port={port}"]
    command += [f"--server.baseUrlPath={base}"] if base else []
    command += options
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        _wait_until_healthy(process, url, time.monotonic() + timeout_s, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(
    process: subprocess.Popen[bytes], url: str, deadline: float, log: Path
) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{log.read_text()}")
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2).read()
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"the server did not answer in time:\n{log.read_text()}")
        time.sleep(0.05)
