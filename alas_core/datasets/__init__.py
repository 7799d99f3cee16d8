"""Where utterances come from: one data set a file, all of them `DataSet`s."""

from alas_core.datasets.base import DataSet, Row, path_inside
from alas_core.datasets.demo import UtteranceFolder, demo, plain_sentences

__all__ = ["DataSet", "Row", "UtteranceFolder", "demo", "path_inside", "plain_sentences"]
