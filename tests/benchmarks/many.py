"""Rows on whole data sets: how a run scales, and what a second worker brings."""

from __future__ import annotations

import os

from tests.benchmarks import runs
from tests.benchmarks.measuring import Row


def runs_rows(_: int) -> list[Row]:
    n = int(os.environ.get("ALAS_BENCH_UTTERANCES", runs.MANY))
    whole, tenth, settled, most = runs.linear(n)
    share, grown = whole / (10 * tenth), most - settled
    return [
        Row(
            f"run of {n} utterances / 10 x its first {n // 10}",
            f"{share:.2f}",
            f"{whole:.0f} s / 10 x {tenth:.1f} s; demo model, one thread, tables included",
            "<= 1.1",
            share <= 1.1,
        ),
        Row(
            "memory that a run takes on the way",
            f"{grown:.0f} MB",
            f"from {settled:.0f} MB after {runs.SETTLED} utterances",
            "<= 100 MB",
            grown <= 100,
        ),
    ]


def ray_rows(_: int) -> list[Row]:
    rows = []
    for kind, said in (("whole", "a run as it is by default"), ("bare", "no null, no answers")):
        one, two = runs.two_workers(kind)
        detail = f"{said}: {two:.1f} / {one:.1f} utterances a second, a thread a worker"
        name, value = f"two Ray workers / one process, {kind}", two / one
        rows.append(Row(name, f"{value:.2f}", detail, ">= 1.5", value >= 1.5))
    return rows
