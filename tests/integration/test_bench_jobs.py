"""A drain of a small backlog, as the question `jobs` of the bench measures it."""

import pytest

from bench.queues import QUEUES


@pytest.mark.slow
@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_backlog_is_drained_and_its_cost_is_known(queue, tmp_path):
    if reason := queue.missing():
        pytest.skip(reason)
    drain = queue.drain(tmp_path / "drain", jobs=20)
    assert drain.seconds > 0
    assert 0 < drain.cpu_seconds < 30
    assert drain.broker_cpu_seconds > 0
