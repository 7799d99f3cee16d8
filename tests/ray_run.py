"""A run on a Ray cluster of two workers, one of which is killed, in a network of its own.

Ray puts the machine's address in place of localhost, so this runs where there is no other address
than the loopback's. The run's folder is in a bucket. Arguments: corpus, and where to copy it to.
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
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.corpora import fake_model, fake_order


def model() -> Any:
    """The model of the plug-in "fake-run": writes down what it begins, and is killed once.

    FAKE_KILLED names the sound at which the first worker that listens to it dies.
    """
    fake = fake_model()
    listen = fake.audio_states
    log = Path(os.environ["FAKE_LOG"])

    def audio_states(audio: Any, prompt: Any) -> Any:
        with log.open("a") as file:
            file.write(f"{audio.sha}\n")
        first = log.read_text().count(audio.sha) == 1
        if first and audio.sha == os.environ["FAKE_KILLED"]:
            time.sleep(1)  # what it did before has then been told: only this item is in flight
            os.kill(os.getpid(), signal.SIGKILL)
        return listen(audio, prompt)

    fake.audio_states = audio_states
    return fake


def loopback_up() -> None:
    """Raise the loopback interface of a fresh network namespace, as `ip link set lo up` does."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        request = struct.pack("16sh14x", b"lo", 0x1 | 0x8 | 0x40)  # UP, LOOPBACK, RUNNING
        fcntl.ioctl(probe, 0x8914, request)  # SIOCSIFFLAGS


@contextlib.contextmanager
def a_bucket() -> Iterator[str]:
    """Start an S3-compatible server here and tell fsspec, in this process and its children."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }
    boto3.client("s3").create_bucket(Bucket="runs")
    yield "s3://runs"
    server.stop()


def main(corpus: str, copy: str) -> None:
    """Run into a bucket, and copy what is there into a folder."""
    loopback_up()
    from alas_core.batch.cluster import OnRay
    from alas_core.batch.folder import open_run
    from alas_core.batch.runner import Run

    pool = functools.partial(OnRay, cpus=max(1, (os.cpu_count() or 2) // 2))
    with a_bucket() as url:
        *_, last = Run(fake_order(Path(corpus)), f"{url}/on-ray", pool=pool).steps()
        run = open_run(f"{url}/on-ray")
        run.place.filesystem.get(run.place.path(""), copy, recursive=True)
    sys.stdout.write(f"{len(run.info['devices'])} workers, {last.done} done, {last.state}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
