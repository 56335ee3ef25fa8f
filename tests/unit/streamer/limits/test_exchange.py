"""Streamers that tell each other of the use of limits, in virtual time."""

import asyncio
import json
import logging

import pytest

from headway.errors import UnavailableError
from headway_streamer.limits import exchange as module
from headway_streamer.limits.caller import Caller
from headway_streamer.limits.exchange import Exchange
from headway_streamer.limits.limits import LimitedError, Limits
from headway_streamer.metrics import Metrics
from headway_streamer.settings import Settings

pytestmark = [pytest.mark.looptime, pytest.mark.security]
ADA, GRACE = Caller("ada"), Caller("grace")


class Network:
    """A subject in memory. Messages arrive after a turn of the loop."""

    def __init__(self):
        self.calls = []
        self.sent = []
        self.connected = True
        self.refusing = 0

    async def publish(self, payload):
        if not self.connected:
            raise UnavailableError("away")
        self.sent.append(payload)
        for call in self.calls:
            asyncio.get_running_loop().call_soon(call, payload)

    async def subscribe(self, call):
        if self.refusing:
            self.refusing -= 1
            raise UnavailableError("away")
        self.calls.append(call)


class Streamers:
    """Streamers on one network."""

    def __init__(self, count=2, **settings):
        clock = lambda: asyncio.get_running_loop().time()  # noqa: E731
        self.network = Network()
        self.limits = [Limits(Settings(**settings), Metrics(), clock=clock) for _ in range(count)]
        self.exchanges = [Exchange(limits, self.network) for limits in self.limits]

    async def __aenter__(self):
        self.roots = [asyncio.create_task(exchange.keep_shared()) for exchange in self.exchanges]
        await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_):
        for root in self.roots:
            root.cancel()

    def submit(self, number, caller=ADA):
        try:
            self.limits[number].submit(caller)
        except LimitedError:
            return False
        return True

    def open(self, number, caller=ADA):
        if self.limits[number].full(caller):
            return False
        self.limits[number].enter(caller)
        return True


async def test_submits_over_several_streamers_keep_to_the_sum():
    async with Streamers(3, max_submit_rate_per_user=10, max_submit_burst=20) as streamers:
        accepted = 0
        for turn in range(600):
            accepted += streamers.submit(turn % 3)
            await asyncio.sleep(0.02)
        # 12 s: the burst, ten a second, and what was not yet reported.
        assert 20 + 100 <= accepted <= 20 + 120 + 20
        assert streamers.submit(0, GRACE)


async def test_streams_over_several_streamers_keep_to_the_sum_and_others_are_not_affected():
    async with Streamers(3, max_watchers_per_user=30) as streamers:
        opened = 0
        for turn in range(90):
            opened += streamers.open(turn % 3)
            await asyncio.sleep(0.01)
        assert 30 <= opened <= 34
        assert streamers.open(1, GRACE)


async def test_streams_of_a_streamer_that_is_gone_are_forgotten():
    async with Streamers(max_watchers_per_user=2) as streamers:
        assert [streamers.open(0) for _ in range(2)] == [True, True]
        await asyncio.sleep(1.5)
        assert not streamers.open(1)
        streamers.roots[0].cancel()
        await asyncio.sleep(module.SILENT_SECONDS + 1.5)
        assert streamers.open(1)


async def test_streams_that_end_are_reported_once_more_and_then_nothing():
    async with Streamers(max_watchers_per_user=2) as streamers:
        for _ in range(2):
            streamers.open(0)
        await asyncio.sleep(1.5)
        for _ in range(2):
            streamers.limits[0].leave(ADA)
        await asyncio.sleep(1.5)
        assert streamers.open(1)
        streamers.limits[1].leave(ADA)
        await asyncio.sleep(3)
        sent = len(streamers.network.sent)
        await asyncio.sleep(60)
        assert len(streamers.network.sent) == sent


async def test_a_new_streamer_hears_of_the_others_at_once():
    async with Streamers(max_watchers_per_user=2) as streamers:
        for _ in range(2):
            streamers.open(0)
        await asyncio.sleep(30)
        late = Limits(Settings(max_watchers_per_user=2), Metrics())
        root = asyncio.create_task(Exchange(late, streamers.network).keep_shared())
        await asyncio.sleep(0.1)
        assert late.full(ADA)
        root.cancel()


async def test_without_nats_each_streamer_counts_for_itself():
    async with Streamers(max_watchers_per_user=2, max_submit_rate_per_user=1, max_submit_burst=3) as streamers:
        streamers.network.connected = False
        for number in range(2):
            assert [streamers.open(number) for _ in range(3)] == [True, True, False]
            assert [streamers.submit(number) for _ in range(4)] == [True] * 3 + [False]
        await asyncio.sleep(10)
        streamers.network.connected = True
        await asyncio.sleep(1.5)
        # What was submitted during the outage is not counted at a later time.
        assert [streamers.submit(number) for number in (0, 1)] == [True, True]
        assert streamers.limits[0].full(ADA)


async def test_subscribing_is_repeated():
    streamers = Streamers(max_watchers_per_user=2)
    streamers.network.refusing = 2
    async with streamers:
        await asyncio.sleep(5)
        assert len(streamers.network.calls) == 2


async def test_reports_that_do_not_come_back_are_counted():
    async with Streamers(1, max_watchers_per_user=2) as streamers:
        streamers.open(0)
        await asyncio.sleep(3)
        assert streamers.exchanges[0].unheard <= 1
        streamers.network.calls.clear()
        await asyncio.sleep(10)
        assert streamers.exchanges[0].unheard > 5


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"streamer":"' + b"x" * 65 + b'"}',
        b'{"streamer":"x","places":{"owner":{"ada":-5}}}',
        b'{"streamer":"x","taken":{"owner":{"ada":1e9}}}',
        b'{"streamer":"x","taken":{"owner":{"ada":2000000}}}',
        b'{"streamer":"x","places":{"owner":{"' + b"k" * 33 + b'":5}}}',
        json.dumps({"streamer": "x", "places": {"owner": {str(n): 1 for n in range(2001)}}}).encode(),
        b"[" * 100_000,
    ],
)
async def test_a_report_that_is_none_changes_nothing(report, caplog):
    caplog.set_level(logging.WARNING)
    async with Streamers(1, max_watchers_per_user=1, max_submit_burst=1) as streamers:
        streamers.exchanges[0].hear(report)
        assert streamers.open(0)
        assert streamers.submit(0)
        assert not streamers.exchanges[0]._heard_at
    assert [record.action for record in caplog.records] == ["report_malformed"]


async def test_no_more_streamers_are_listened_to_than_there_can_be():
    async with Streamers(1, max_watchers_per_user=1) as streamers:
        for number in range(1000):
            streamers.exchanges[0].hear(
                b'{"streamer":"s%d","places":{"owner":{"k%d":1},"other":{"k":1}}}' % (number, number)
            )
        assert len(streamers.exchanges[0]._heard_at) == module.MAX_STREAMERS
        await asyncio.sleep(5)
        assert not streamers.limits[0].places["owner"]._elsewhere


async def test_tenants_are_summed_up_by_one_streamer_for_all():
    async with Streamers(3, max_tenant_bytes=1000) as streamers:
        await asyncio.sleep(1.5)
        first = [exchange.first for exchange in streamers.exchanges]
        assert first.count(True) == 1
        assert streamers.limits[0].stored.rejection("acme", 600) is None
        await asyncio.sleep(1.5)
        assert streamers.limits[1].stored.rejection("acme", 600) is not None
        streamers.limits[first.index(True)].stored.sum_up({"evil": 900}, 0.1)
        await asyncio.sleep(1.5)
        assert [limits.stored.used("evil") for limits in streamers.limits] == [900] * 3
        streamers.roots[first.index(True)].cancel()
        await asyncio.sleep(module.SILENT_SECONDS + 1.5)
        others = [one.first for n, one in enumerate(streamers.exchanges) if n != first.index(True)]
        assert others.count(True) == 1
