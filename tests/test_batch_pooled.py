"""The sample of words that a run keeps for its map."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from alas_core.batch.pooled import layer_column, read_points, write_pooled
from alas_core.bundle import WORD_POINTS
from alas_core.place import Place
from tests.factory import make_analysis
from tests.runs import make_run


@pytest.fixture
def place(tmp_path):
    return Place(str(make_run(tmp_path / "run", n=12, n_bundles=12)))


def test_only_the_points_of_a_bundle_are_read(place):
    path = pq.read_table(place.path("utterances.parquet")).column("bundle")[3].as_py()
    points = read_points(place, path)
    np.testing.assert_array_equal(points, make_analysis().word_points.astype(np.float32))
    assert read_points(place, "bundles/none.alas") is None
    place.write("bundles/bad.alas", b"not a bundle at all")
    assert read_points(place, "bundles/bad.alas") is None


def test_a_bundle_with_a_long_header_and_one_without_points_are_understood(place):
    array = np.arange(24, dtype=np.float16)
    entry = {"dtype": "F16", "shape": [3, 2, 1, 4], "data_offsets": [0, array.nbytes]}
    head = json.dumps(
        {"__metadata__": {"alas": json.dumps({"x": "x" * 200_000})}, WORD_POINTS: entry}
    ).encode()
    raw = len(head).to_bytes(8, "little") + head + array.tobytes()
    place.write("bundles/long.alas", raw)
    np.testing.assert_array_equal(read_points(place, "bundles/long.alas").ravel(), array)
    head = b'{"__metadata__": {"alas": "{}"}}'
    place.write("bundles/old.alas", len(head).to_bytes(8, "little") + head)
    assert read_points(place, "bundles/old.alas") is None


def test_whole_utterances_are_sampled_up_to_a_number_of_points(place):
    assert write_pooled(place) == 12 * 5 * 2
    assert write_pooled(place, max_points=37) == 30
    table = pq.read_table(place.path("pooled.parquet"), columns=["utterance", layer_column(4)])
    assert len(set(table.column("utterance").to_pylist())) == 3
    assert len(table.column(layer_column(4))[0]) == 64


def test_a_run_without_bundles_has_no_table(tmp_path):
    place = Place(str(make_run(tmp_path / "run", n=3)))
    assert write_pooled(place) == 0
    assert place.read("pooled.parquet") is None
