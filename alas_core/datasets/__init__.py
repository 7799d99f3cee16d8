"""Where utterances come from: one layout a file, all of them `DataSet`s."""

from alas_core.datasets.base import DataSet, Problem, Row, path_inside
from alas_core.datasets.demo import UtteranceFolder, demo
from alas_core.datasets.discovery import Found, discover
from alas_core.datasets.listing import plain_sentences
from alas_core.datasets.opening import data_roots, open_source
from alas_core.datasets.upload import uploaded

__all__ = [
    "DataSet",
    "Found",
    "Problem",
    "Row",
    "UtteranceFolder",
    "data_roots",
    "demo",
    "discover",
    "open_source",
    "path_inside",
    "plain_sentences",
    "uploaded",
]
