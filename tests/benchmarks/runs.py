"""Rows of the benchmark about runs: cost and memory over 1,000 utterances, and workers on Ray.

Each is measured in a process of its own: ``python -m tests.benchmarks.runs WAY N KIND``, with WAY
`here` or `ray` and KIND `bare` or `whole`, prints what it measured as JSON. The utterances are the
demo's, again and again under new ids. A bare run takes the word times that come with them, and has
neither null nor answers, so that what a run adds weighs most; a whole one is what `alas run` does
unless it is told otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MANY, SETTLED = 1000, 50


def cycled_demo(folder: Path, n: int) -> Path:
    """The demo's recordings `n` times over, as a data set of their own."""
    from alas_core.resources import asset_path

    demo = asset_path("demo", "data")
    shutil.copytree(demo / "audio", folder / "audio")
    shutil.copy(demo / "sentences.txt", folder)
    (folder / "references").mkdir()
    records = [json.loads(line) for line in (demo / "utterances.jsonl").read_text().splitlines()]
    with (folder / "utterances.jsonl").open("w", encoding="utf-8") as file:
        for number in range(n):
            record = records[number % len(records)]
            name = f"{record['id']}-{number:04d}"
            shutil.copy(
                demo / "references" / f"{record['id']}.json", folder / f"references/{name}.json"
            )
            file.write(json.dumps(record | {"id": name}) + "\n")
    return folder


def resident_mb() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(way: str, n: int, kind: str) -> dict[str, Any]:
    """Do one run; seconds after each utterance, counted from the first, and memory along it."""
    from alas_core.batch.plan import RunOrder
    from alas_core.batch.runner import Here, Run
    from alas_core.types import Settings

    pool: Any = Here
    if way == "ray":
        from alas_core.batch.cluster import OnRay
        from tests.ray_run import loopback_up

        loopback_up()
        pool = OnRay
    times, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        source = cycled_demo(Path(folder) / "data", n)
        order = RunOrder(str(source))
        if kind == "bare":
            settings = Settings(n_null=0)
            order = replace(order, reference="own", settings=settings, answers=False)
        for progress in Run(order, f"{folder}/out", pool=pool).steps():
            if progress.last is not None:
                times.append(time.perf_counter())
                memory.append(resident_mb())
            last = progress
        end = time.perf_counter()
    if last.done != n:
        raise RuntimeError(f"{last.done} of {n} utterances were analysed")
    return {"times": [t - times[0] for t in times], "memory": memory, "end": end - times[0]}


def in_its_own_process(way: str, n: int, threads: int, kind: str = "bare") -> dict[str, Any]:
    """`measure` in a fresh process; on Ray, where there is no network but the loopback."""
    alone = ["unshare", "--net", "--map-root-user"] if way == "ray" else []
    command = [*alone, sys.executable, "-m", "tests.benchmarks.runs", way, str(n), kind]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"{way}: {result.stderr.strip().splitlines()[-1:]}")
    measured: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return measured


def linear(n: int = MANY) -> tuple[float, float, float, float]:
    """Seconds of all and of a tenth, MB after the first ones and at most later, of one run."""
    told = in_its_own_process("here", n, threads=1)
    few = max(n // 10, 2)
    memory = told["memory"]
    settled = min(SETTLED, n // 2)
    return told["end"], told["times"][few], memory[settled], max(memory[settled:])


def two_workers(kind: str, n: int = 96) -> tuple[float, float]:
    """Utterances a second of one process with two threads and of two Ray workers with one."""
    rates = []
    for way, threads in (("here", 2), ("ray", 1)):
        times = in_its_own_process(way, n, threads, kind)["times"]
        rates.append((len(times) - 8) / (times[-1] - times[7]))  # both have warmed up by then
    return rates[0], rates[1]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])) + "\n")
