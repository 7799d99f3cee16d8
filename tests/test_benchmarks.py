"""The benchmark's table: its rows run, and what is missed does not hide among them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.benchmarks import bench
from tests.benchmarks.measuring import Row


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The benchmark silences warnings of its whole process."""
    yield
    logging.disable(logging.NOTSET)


def test_a_row_is_measured_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--only", "paths", "--repeats", "1"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "33 x 750 x 120  " in line]
    assert "<= 50 ms" in line


def test_a_missed_target_is_marked_and_a_broken_row_hides_no_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_repeats: int) -> list[Row]:
        raise ValueError("no such thing")

    slow = Row("a thing", "3 s", target="< 2 s", kept=False)
    monkeypatch.setattr(bench, "ROWS", {"broken": broken, "slow": lambda _: [slow]})
    assert bench.main(["--only", "broken", "slow"]) == 1
    printed = capsys.readouterr().out
    assert "failed  ValueError: no such thing" in printed
    assert "< 2 s !        3 s" in printed
