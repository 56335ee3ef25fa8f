"""What a streamer allows each caller."""

import logging

import pytest

from headway_streamer.limits import limits as module
from headway_streamer.limits.caller import NOBODY, Caller
from headway_streamer.limits.limits import LimitedError, Limits
from headway_streamer.metrics import Metrics
from headway_streamer.settings import Settings

pytestmark = pytest.mark.security
ADA = Caller("ada-key", "address-key", name="ada", host="192.0.2.1")


class Made:
    def __init__(self, **settings):
        self.now = 0.0
        self.metrics = Metrics()
        self.limits = Limits(Settings(**settings), self.metrics, clock=lambda: self.now)

    def counted(self, limit):
        labels = {"limit": limit}
        return self.metrics.registry.get_sample_value("headway_limited_requests_total", labels) or 0


def test_nobody_is_limited_who_is_not_counted():
    made = Made(max_watchers_per_user=1, max_submit_burst=1, max_submit_rate_per_user=1)
    for _ in range(10):
        made.limits.submit(NOBODY)
        made.limits.enter(NOBODY)
    assert not made.limits.full(NOBODY)
    made.limits.leave(NOBODY)


@pytest.mark.parametrize("kind", ["owner", "address"])
def test_a_caller_submits_no_more_than_a_limit(kind):
    name = {"owner": "user", "address": "address"}[kind]
    made = Made(max_submit_burst=2, **{"max_submit_rate_per_user": 0.0, f"max_submit_rate_per_{name}": 0.25})
    for _ in range(2):
        made.limits.submit(ADA)
    with pytest.raises(LimitedError) as caught:
        made.limits.submit(ADA)
    assert (caught.value.limit, caught.value.seconds) == (f"submits_per_{kind}", 4)
    assert made.counted(f"submits_per_{kind}") == 1
    made.limits.submit(ADA._replace(**{kind: "other"}))
    made.now += 4
    made.limits.submit(ADA)


def test_a_limit_that_refuses_costs_nothing_of_another():
    made = Made(max_submit_burst=1, max_submit_rate_per_user=1, max_submit_rate_per_address=1)
    made.limits.submit(Caller("", "address-key"))
    with pytest.raises(LimitedError):
        made.limits.submit(ADA)
    made.limits.submit(ADA._replace(address=""))


@pytest.mark.parametrize("kind", ["owner", "address"])
def test_a_caller_has_no_more_streams_than_a_limit(kind):
    name = {"owner": "user", "address": "address"}[kind]
    made = Made(**{"max_watchers_per_user": 0, f"max_watchers_per_{name}": 2})
    for _ in range(2):
        assert not made.limits.full(ADA)
        made.limits.enter(ADA)
    assert made.limits.full(ADA)
    assert not made.limits.full(ADA._replace(**{kind: "other"}))
    made.limits.leave(ADA)
    assert not made.limits.full(ADA)
    assert made.counted(f"streams_per_{kind}") == 1


def test_the_log_names_a_caller_once_a_minute(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "MAX_LOGGED", 10)
    made = Made(max_watchers_per_user=1)
    made.limits.enter(ADA)
    for _ in range(5):
        made.limits.full(ADA)
    made.now += 61
    made.limits.full(ADA)
    lines = [record for record in caplog.records if record.action == "limited"]
    assert [(line.limit, line.owner, line.peer) for line in lines] == [("streams_per_owner", "ada", "192.0.2.1")] * 2
    for number in range(50):
        made.limits.enter(other := Caller(f"key-{number}"))
        made.limits.full(other)
    assert len(made.limits._logged) == 10


def test_without_access_control_there_are_no_tenants():
    limits = Limits(Settings(max_tenant_bytes=5), Metrics(), has_tenants=False)
    assert limits.stored.rejection("key", 10) is None
