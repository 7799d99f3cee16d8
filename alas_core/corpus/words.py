"""Words over a corpus: which are bound well and which badly, and whether length matters."""

from __future__ import annotations

import numpy as np
import polars as pl

from alas_core.corpus.choosing import classes
from alas_core.corpus.resampling import interval, weights
from alas_core.corpus.run import Run
from alas_core.types import FloatArray, IntArray

MIN_UTTERANCES = 3
"""A word heard in fewer utterances has no interval worth showing."""

N_CLASSES = 6
"""Of length, where there are more than twice as many different ones."""

LENGTHS = {"tokens": "n_tokens", "letters": "letters", "frames": "n_frames"}


def placed_words(run: Run, rows: IntArray) -> pl.DataFrame:
    """The words of these utterances that have a place in the audio and a score.

    Returns
    -------
    polars.DataFrame
        The columns of the run's words and `key` (the word in lower case, without punctuation
        around it), `letters`, and `row` of the utterance in the run.
    """
    chosen = run.utterances.select("utterance").with_row_index("row")[rows]
    return (
        run.words.join(chosen, on="utterance", how="inner")
        .filter(pl.col("alas").is_not_null() & pl.col("alas").is_not_nan())
        .with_columns(
            pl.col("word")
            .str.to_lowercase()
            .str.replace_all(r"^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$", "")
            .alias("key")
        )
        .with_columns(pl.col("key").str.len_chars().alias("letters"))
    )


def ranked_words(
    words: pl.DataFrame,
    *,
    worst: bool = True,
    min_utterances: int = MIN_UTTERANCES,
    limit: int = 50,
    seed: int = 0,
) -> pl.DataFrame:
    """The worst (or best) words by their mean ALAS.

    Parameters
    ----------
    words : from `placed_words`
    min_utterances : words heard in fewer are left out
    limit : so many words

    Returns
    -------
    polars.DataFrame
        `word`, `alas`, `low`, `high` (95 % bootstrap over utterances), `hit` (share of its frames
        whose nearest token is in the word), `n` (times heard), `n_utterances`, `n_tokens`.
    """
    means = (
        words.group_by("key")
        .agg(
            pl.col("alas").mean(),
            pl.col("hit").mean(),
            pl.len().alias("n"),
            pl.col("row").n_unique().alias("n_utterances"),
            pl.col("n_tokens").median(),
        )
        .filter(pl.col("n_utterances") >= min_utterances)
        .sort(["alas", "key"], descending=[not worst, False])
        .head(limit)
    )
    low, high = _intervals(words, means["key"], "key", seed)
    return means.with_columns(pl.Series("low", low), pl.Series("high", high)).select(
        pl.col("key").alias("word"), "alas", "low", "high", "hit", "n", "n_utterances", "n_tokens"
    )


def by_length(words: pl.DataFrame, length: str = "tokens", seed: int = 0) -> pl.DataFrame:
    """Mean ALAS of words by their length.

    Parameters
    ----------
    length : "tokens", "letters" or "frames"; what is long is cut into classes of equal counts

    Returns
    -------
    polars.DataFrame
        `length` (text, ascending), `alas`, `low`, `high`, `n`, `n_utterances`
    """
    values = words[LENGTHS[length]]
    labels = classes(values, N_CLASSES) if values.n_unique() > 2 * N_CLASSES else values
    named = words.with_columns(
        labels.cast(pl.String).alias("length"), values.cast(pl.Float64).alias("middle")
    )
    means = (
        named.drop_nulls("length")
        .group_by("length")
        .agg(
            pl.col("alas").mean(),
            pl.len().alias("n"),
            pl.col("row").n_unique().alias("n_utterances"),
            pl.col("middle").mean(),
        )
        .sort("middle")
    )
    low, high = _intervals(named, means["length"], "length", seed)
    return means.drop("middle").with_columns(pl.Series("low", low), pl.Series("high", high))


def heard(words: pl.DataFrame, word: str, limit: int = 50) -> pl.DataFrame:
    """Each time a word is heard, the worst first.

    Returns
    -------
    polars.DataFrame
        `utterance`, `word`, `start_s`, `end_s`, `alas`, `layer`, `row`
    """
    return (
        words.filter(pl.col("key") == word)
        .sort(["alas", "utterance", "index"])
        .head(limit)
        .select("utterance", "index", "word", "start_s", "end_s", "alas", "layer", "row")
    )


def _intervals(
    words: pl.DataFrame, keys: pl.Series, column: str, seed: int
) -> tuple[FloatArray, FloatArray]:
    """95 % intervals of the mean of each key's words, whole utterances being resampled."""
    shown = pl.DataFrame({column: keys}).with_row_index("place")
    found = words.select("row", column, "alas").join(shown, on=column, how="inner")
    if not len(found):
        nothing = np.full(len(keys), np.nan, np.float32)
        return nothing, nothing
    cells = found.group_by("row", "place").agg(pl.col("alas").sum(), pl.len().alias("n"))
    _, row = np.unique(cells["row"].to_numpy(), return_inverse=True)
    shape = int(row.max()) + 1, len(keys)
    total, count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    where = row, cells["place"].to_numpy()
    total[where], count[where] = cells["alas"].to_numpy(), cells["n"].to_numpy()
    drawn = weights(shape[0], seed=seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        return interval((drawn @ total) / (drawn @ count))
