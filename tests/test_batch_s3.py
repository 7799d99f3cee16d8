"""A run whose folder is in an S3-compatible store on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alas_core.batch import schema
from alas_core.batch.folder import open_run
from alas_core.batch.lock import RunLock, owner_of
from alas_core.batch.runner import Run
from alas_core.bundle import loads
from alas_core.errors import StoreError
from alas_core.models import registry
from alas_core.place import Place
from tests.corpora import fake_model, fake_order, make_corpus

TABLES = ("scores", "utterances", "words", "skipped", "cross_layer")


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Address of an empty bucket; fsspec is told where it is by the usual variables."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        boto3.client("s3").create_bucket(Bucket="runs")
        yield "s3://runs"
    server.stop()


@pytest.fixture(autouse=True)
def model() -> Iterator[None]:
    registry.register(fake_model())
    yield
    registry.unregister("fake-run")


def test_a_run_in_a_bucket_is_stopped_resumed_and_equal_to_one_on_disk(
    bucket: str, tmp_path
) -> None:
    corpus = make_corpus(tmp_path / "corpus", 6, {4: "cut"})
    out = f"{bucket}/first"
    steps = Run(fake_order(corpus), out).steps()
    for progress in steps:
        if progress.done == 2:
            break
    place = Place(out)
    assert owner_of(place)
    with pytest.raises(StoreError, match="one writer"), RunLock(place):
        pass
    steps.close()
    assert owner_of(place) is None
    assert len(place.names(schema.PARTS)) == 2
    told = [progress.done for progress in Run(fake_order(corpus), out).steps()]
    assert told[0] == 2, "what was done is not done again"
    far = open_run(out)
    assert far.info["counts"] == {"total": 6, "done": 5, "skipped": 1}
    for _ in Run(fake_order(corpus), str(tmp_path / "near")).steps():
        pass
    near = open_run(str(tmp_path / "near"))
    for table in TABLES:
        assert far.table(table).equals(near.table(table)), table
    path = far.table("utterances")["bundle"][0].as_py()
    assert loads(far.bundle(path)).utterance.id == "u000"


def test_a_bucket_that_is_not_there_is_one_sentence(bucket: str, tmp_path) -> None:
    corpus = make_corpus(tmp_path / "corpus", 1)
    with pytest.raises(StoreError, match="cannot be written"):
        list(Run(fake_order(corpus), "s3://no-such-bucket/run").steps())
