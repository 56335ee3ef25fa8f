"""The state of a watched task and its formatting."""

from __future__ import annotations

from headway.cli.render.bars import Bar
from tests.fixtures.watched_events import progress


def test_remaining_time_is_dropped_last() -> None:
    """The rate is dropped first, then the count."""
    bar = Bar("t1", "crawl")
    bar.apply(progress(done=3, total=10, unit="files", rate=2.0, eta=30.0), 0.0)
    assert bar.stats(0.0) == ["3/10 files", "2.0/s", "30 s left"]
    assert bar.stats(0.0, 24) == ["3/10 files", "30 s left"]
    assert bar.stats(0.0, 12) == ["30 s left"]
    assert bar.stats(0.0, 3) == []
