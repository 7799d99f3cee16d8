"""A run on a Ray cluster of two workers, one of which is killed, in a network of its own.

Ray puts the machine's address in place of localhost, so this runs where there is no other address
than the loopback's. Arguments: corpus and out.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from tests.corpora import fake_model, fake_order


def model() -> Any:
    """The model of the plug-in "fake-run": writes down what it begins, and may be killed at it.

    FAKE_DEADLY names the sound at which every worker dies, FAKE_KILLED that at which one does.
    """
    fake = fake_model()
    listen = fake.audio_states
    log = Path(os.environ["FAKE_LOG"])

    def audio_states(audio: Any, prompt: Any) -> Any:
        with log.open("a") as file:
            file.write(f"{audio.sha}\n")
        first = log.read_text().count(audio.sha) == 1
        deadly = {os.environ.get("FAKE_DEADLY"), os.environ.get("FAKE_KILLED") if first else None}
        if audio.sha in deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return listen(audio, prompt)

    fake.audio_states = audio_states
    return fake


def loopback_up() -> None:
    """Raise the loopback interface of a fresh network namespace, as `ip link set lo up` does."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        request = struct.pack("16sh14x", b"lo", 0x1 | 0x8 | 0x40)  # UP, LOOPBACK, RUNNING
        fcntl.ioctl(probe, 0x8914, request)  # SIOCSIFFLAGS


def main(corpus: str, out: str) -> None:
    loopback_up()
    from alas_core.batch.cluster import OnRay
    from alas_core.batch.folder import open_run
    from alas_core.batch.runner import Run

    pool = functools.partial(OnRay, cpus=max(1, (os.cpu_count() or 2) // 2))
    *_, last = Run(fake_order(Path(corpus)), out, pool=pool).steps()
    devices = open_run(out).info["devices"]
    sys.stdout.write(f"{len(devices)} workers, {last.done} done, {last.state}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
