"""Tables of a run as files: Parquet as it is, CSV that no spreadsheet will run."""

from __future__ import annotations

import io

import numpy as np
import polars as pl

from alas_core.corpus.profiles import Profile, profile
from alas_core.corpus.run import Run
from alas_core.types import IntArray

_FORMULA = r"^ *[=+\-@\t\r\n]"
"""What a spreadsheet takes for a formula; the same cells as in `alas_core.ui.tables`."""

TABLES = {
    "utterances": "Utterances: labels, answers, best layer",
    "scores": "Scores: one row an utterance and layer",
    "words": "Words: one row a word",
    "skipped": "Skipped: what could not be analysed, and why",
}


def table(run: Run, name: str, rows: IntArray) -> pl.DataFrame:
    """A table of the run, only with the rows of these utterances (skipped ones: all)."""
    if name == "utterances":
        return run.utterances[rows]
    if name == "skipped":
        return run.skipped
    whole = run.words if name == "words" else run.score_table
    return whole.join(run.utterances.select("utterance")[rows], on="utterance", how="semi")


def chosen_table(run: Run, name: str, rows: IntArray, score: str) -> pl.DataFrame:
    """A table of the run, or what its profile figure shows."""
    if name in TABLES:
        return table(run, name, rows)
    return profile_table((profile(run, rows, score),))


def to_csv(frame: pl.DataFrame) -> bytes:
    """CSV with all digits; text that a spreadsheet would run gets an apostrophe in front.

    Parameters
    ----------
    frame : its column names are text of the data set, too, and treated like its cells
    """
    cells = pl.col(pl.String)
    safe = frame.with_columns(
        pl.when(cells.str.contains(_FORMULA)).then("'" + cells).otherwise(cells).name.keep()
    )
    names = pl.Series(frame.columns)
    risky = names.str.contains(_FORMULA).to_list()
    return (
        safe.rename({n: f"'{n}" for n, r in zip(frame.columns, risky, strict=True) if r})
        .write_csv()
        .encode()
    )


def to_parquet(frame: pl.DataFrame) -> bytes:
    """Parquet, compressed."""
    stream = io.BytesIO()
    frame.write_parquet(stream, compression="zstd")
    return stream.getvalue()


def profile_table(profiles: tuple[Profile, ...]) -> pl.DataFrame:
    """What the profile figure shows, one row a group and layer."""
    parts = []
    for found in profiles:
        columns = {
            "group": [found.name] * (found.n_layers + 1),
            "score": [found.score] * (found.n_layers + 1),
            "layer": np.arange(found.n_layers + 1),
            "depth": found.depth,
            "mean": found.band.mean,
            "low": found.band.low,
            "high": found.band.high,
            "n": found.band.n,
            "baseline": found.baseline,
        }
        for name in ("null_low", "null_high", "null_mean"):
            values = getattr(found, name)
            nothing = np.full(found.n_layers + 1, np.nan, np.float32)
            columns[name] = nothing if values is None else values
        parts.append(pl.DataFrame(columns))
    return pl.concat(parts) if parts else pl.DataFrame()
