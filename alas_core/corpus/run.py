"""One run, opened for questions: its utterances as a table, each score as utterances x layers."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from alas_core.batch import schema
from alas_core.batch.folder import RunFolder
from alas_core.batch.folder import open_run as open_folder
from alas_core.batch.standing import as_it_stands
from alas_core.definitions import SCORES
from alas_core.errors import InputError, StoreError
from alas_core.types import FloatArray, IntArray

SCORE = "alas"
"""The score that is sorted and grouped by unless another is chosen."""


class Run:
    """The tables of one run. Whatever is asked for stays in memory; nothing is written.

    Attributes
    ----------
    folder : RunFolder
        Where the tables come from.
    name : str
        For people: the last part of its address.
    utterances : polars.DataFrame
        One row an utterance, in the order of all arrays of this class.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.name = folder.url.rstrip("/").rpartition("/")[2] or folder.url
        utterances, scores = _frame(folder, "utterances"), _frame(folder, "scores")
        known = utterances.join(scores.select("utterance").unique(), on="utterance", how="semi")
        self.utterances = known.unique("utterance", keep="first", maintain_order=True)
        self.score_table = scores
        self.n_layers = int(scores["layer"].max() or 0) if len(scores) else 0  # type: ignore[arg-type]

    @property
    def info(self) -> Any:
        """The content of `run.json`."""
        return self.folder.info

    @property
    def null_name(self) -> str:
        """What each utterance's ALAS is read against, "wrong transcripts" or "permuted words"."""
        return "wrong transcripts" if self.info["settings"]["n_null"] else "permuted words"

    @property
    def n_null(self) -> int:
        """How many of these an utterance has, unless its pool held fewer."""
        settings = self.info["settings"]
        return int(settings["n_null"] or settings["n_permutations"])

    def __len__(self) -> int:
        return len(self.utterances)

    @functools.cached_property
    def words(self) -> pl.DataFrame:
        """One row a word, at the best layer of its utterance."""
        return _frame(self.folder, "words")

    @functools.cached_property
    def skipped(self) -> pl.DataFrame:
        """One row an utterance that could not be analysed."""
        return _frame(self.folder, "skipped")

    @functools.cached_property
    def cross_layer(self) -> pl.DataFrame:
        """Mean matrices over the utterances: one row a pair of layers."""
        return _frame(self.folder, "cross_layer")

    @functools.cached_property
    def scores(self) -> tuple[str, ...]:
        """The scores that have a number somewhere, in the order of their definitions."""
        table = self.score_table
        return tuple(name for name in SCORES if table[name].null_count() < len(table))

    def matrix(self, column: str) -> FloatArray:
        """A column of the scores as a matrix.

        Parameters
        ----------
        column : str
            A score, a baseline (``baseline_`` and the score), or a column of the null.

        Returns
        -------
        np.ndarray [shape=(n_utterances, n_layers + 1), float32]
            nan where there is no number. Shared: do not write into it.

        Raises
        ------
        InputError
            If there is no such column.
        """
        found: FloatArray = self._matrices(column)
        return found

    @functools.cached_property
    def _matrices(self) -> Any:
        return functools.lru_cache(maxsize=64)(self._matrix)

    def _matrix(self, column: str) -> FloatArray:
        if column not in self.score_table.columns or column in ("utterance", "layer"):
            raise InputError(
                f"the run '{self.name}' has no score '{column}', expected one of "
                f"{', '.join(self.scores)}; choose one of these"
            )
        cells, kept = self._cells
        values = self.score_table[column].cast(pl.Float32).to_numpy()
        filled = np.full(len(self) * (self.n_layers + 1), np.nan, dtype=np.float32)
        filled[cells] = values[kept]
        filled.flags.writeable = False
        result: FloatArray = filled.reshape(len(self), self.n_layers + 1)
        return result

    @functools.cached_property
    def _cells(self) -> tuple[IntArray, Any]:
        """Place of each row of the scores in a matrix, and which rows have one."""
        rows = self.utterances.select("utterance").with_row_index("row")
        found = self.score_table.select("utterance", "layer").join(
            rows, on="utterance", how="left", maintain_order="left"
        )
        row, layer = found["row"], found["layer"].to_numpy().astype(np.int64)
        kept = row.is_not_null().to_numpy() & (layer >= 0)
        place = row.fill_null(0).to_numpy().astype(np.int64) * (self.n_layers + 1) + layer
        return place[kept], kept

    def rows(self, ids: Sequence[str]) -> IntArray:
        """Rows of these utterances, in the order of the run; ids that it does not have are left."""
        found: IntArray = np.flatnonzero(self.utterances["utterance"].is_in(list(ids)).to_numpy())
        return found

    def everyone(self) -> IntArray:
        """All rows."""
        return np.arange(len(self))

    def column(self, name: str) -> pl.Series:
        """A column of the utterances.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if name not in self.utterances.columns:
            raise InputError(
                f"the utterances of '{self.name}' have no column '{name}', expected one of "
                f"{', '.join(self.utterances.columns)}; choose one of these"
            )
        return self.utterances[name]


def open_run(url: str) -> Run:
    """Open a run with its tables, or with what its parts say before it has ended.

    Raises
    ------
    StoreError
        If there is no run, a newer version made it, or its tables cannot be read.
    """
    return Run(as_it_stands(open_folder(url)))


def _frame(folder: RunFolder, table: str) -> pl.DataFrame:
    read = pl.from_arrow(folder.table(table))
    if not isinstance(read, pl.DataFrame):  # pyarrow made a table, so polars makes a frame
        raise StoreError(f"{schema.file_name(table)} of '{folder.url}' is no table; run it again")
    return read
