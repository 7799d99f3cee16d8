"""Speed, size and exactness, each beside what is promised: ``make bench``.

Absolute times depend on the machine and on what else runs on it; a ratio of two things measured
in turn, in one process, much less. Rows that need a GPU say so where there is none.
``make bench ARGS="--only paths bundle"`` chooses rows.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks import corpus, layer_change, many, parts, whole
from tests.benchmarks.measuring import NO_GPU, Row

ROWS: dict[str, Callable[[int], list[Row]]] = {
    "analysis": whole.analysis_rows,
    "null": whole.null_rows,
    "lens": whole.lens_rows,
    "old-way": whole.old_way_rows,
    "bundle": whole.bundle_rows,
    "paths": parts.paths_rows,
    "cosine": parts.cosine_rows,
    "reference": parts.reference_rows,
    "picture": parts.picture_rows,
    "layer": layer_change.layer_change_rows,
    "layer-server": layer_change.server_rows,
    "runs": many.runs_rows,
    "corpus": corpus.corpus_rows,
    "ray": many.ray_rows,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Speed and size beside what is promised.")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else NO_GPU
    print(
        f"{os.cpu_count()} cores ({platform.machine()}), {device}, Python "
        f"{platform.python_version()}, torch {torch.__version__} ({torch.get_num_threads()} "
        f"threads); the fastest of {options.repeats} runs in turn\n"
    )
    print(f"{'what':<46}{'target':>12}{'reached':>13}  detail")
    failed = 0
    for name in options.only:
        try:
            rows = ROWS[name](options.repeats)
        except Exception as error:  # noqa: BLE001 - one broken row does not hide the others
            failed = 1
            rows = [Row(name, "failed", f"{type(error).__name__}: {error}".splitlines()[0])]
        for row in rows:
            mark = {True: "  ", False: " !", None: "  "}[row.kept]
            print(
                f"{row.what:<46}{row.target:>12}{mark}{row.reached:>11}  {row.detail}", flush=True
            )
    print("\nA ! stands beside what was not reached here.")
    return failed


if __name__ == "__main__":
    sys.exit(main())
