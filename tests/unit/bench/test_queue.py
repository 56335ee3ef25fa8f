"""Task queues that are missing are named, and a row says what a drain has cost."""

import pytest

from bench.harness.redis_server import RedisServer
from bench.queues import QUEUES, queue
from bench.queues.queue import Drain
from bench.scenarios.jobs import row_of

NAMES = {each.name: each for each in QUEUES}


def test_headway_is_the_first_and_needs_nothing_more():
    assert QUEUES[0].name == "headway"
    assert QUEUES[0].missing() == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"needs": ("no_such_module",)}, "no_such_module not installed (pip install -r requirements/dev.lock)"),
        ({"path": queue.ROOT / "absent"}, "absent is missing: `make bench` installs it"),
    ],
)
def test_what_is_missing_is_named_with_how_to_install_it(change, reason):
    assert QUEUES[0]._replace(**change).missing().endswith(reason)


def test_without_a_server_of_redis_its_queues_are_skipped(monkeypatch):
    monkeypatch.setattr(queue, "program", lambda: "")
    reasons = {name: each.missing() for name, each in NAMES.items() if each.broker is RedisServer}
    assert len(reasons) == 4
    assert set(reasons.values()) == {"redis-server is not installed (Debian: redis-server)"}


def test_a_row_has_the_medians_of_its_drains():
    drains = [Drain(seconds, cpu, 0.1) for seconds, cpu in ((1.0, 0.5), (2.0, 0.4), (4.0, 1.0))]
    row = row_of(QUEUES[0], drains, 1000)
    assert (row["jobs_per_second"], row["jobs_per_cpu_second"], row["broker_us"]) == (500, 2000, 100)
    assert row["windows"] == [1000.0, 500.0, 250.0]
    assert row["stores"].startswith("job, record")
