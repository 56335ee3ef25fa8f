"""Faults under load: watchers get each event once and in order, or are told by `reset` that they did not."""

import asyncio
import os
import random
from contextlib import AsyncExitStack, ExitStack

import httpx
import pytest

from tests.fixtures.crowd import Crowd, authors, ends_of, holds, log_uniform
from tests.fixtures.proxy import run_proxy
from tests.fixtures.suite import Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(60)]

PLAIN = {"HEADWAY_STREAMER_FAST_PATH": "false", "HEADWAY_NATS_DIRECT_DISPATCH": "false"}


@pytest.fixture
def streamers(suite):
    """Starts streamers with environments of their own, and waits until they are ready."""
    with ExitStack() as stack:

        def begin(name, nats_url="", **environment):
            options = {"HOST": "127.0.0.1", "PORT": "{port}", "NAME": name, "DRAIN_SECONDS": "1", "PROBE_SECONDS": "3"}
            settings = {f"SELF_{key}": value for key, value in options.items()}
            settings = {"HEADWAY_NATS_URL": nats_url or suite.nats.url, **settings, **environment}
            service = Service(name, "headway_streamer", settings, suite.directory)
            stack.callback(service.kill)
            service.start()
            return service

        async def start(name, nats_url="", **environment):
            service = begin(name, nats_url, **environment)
            await asyncio.to_thread(service.wait_ready)
            return service

        yield start


def port_of(url):
    return int(url.rpartition(":")[2])


async def test_nats_connections_cut_at_random_bytes_cost_no_event(suite, streamers, rng, figures):
    tasks = [f"cut-{number}" for number in range(6)]
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(run_proxy(port_of(suite.nats.url), rng)) for _ in range(2)]
        urls = [f"nats://127.0.0.1:{proxy.port}" for proxy in proxies]
        one, two = await asyncio.gather(streamers("s1", urls[0]), streamers("s2", urls[1], **PLAIN))
        writers = await stack.enter_async_context(authors(suite.nats.url, rng, *tasks))
        over = asyncio.Event()
        writing = [asyncio.ensure_future(writer.write_until(over, 0.02)) for writer in writers]
        await holds(lambda: all(writer.n for writer in writers), 10)
        crowd = Crowd([one.port, two.port], rng)
        stack.push_async_callback(crowd.close)
        for number in range(60):
            crowd.join(*rng.sample(tasks, 1 if number % 2 else 3))

        async def cut(proxy):
            for round in range(20):
                seen = crowd.tally.events
                # Half of the cuts fall into the connecting and the catching up, half into what is live.
                await holds(lambda: proxy.links if round % 2 else crowd.tally.events > seen + 200, 10)
                await proxy.cut_after(log_uniform(rng, 1, 200_000))
                import time

                print(time.monotonic(), proxy.port, proxy.cuts, crowd.tally.events)

        await asyncio.gather(*map(cut, proxies))
        over.set()
        await asyncio.gather(*writing)
        ends = ends_of(writers)
        await holds(lambda: not crowd.hung(ends), 25)
        tally = crowd.tally
        print(vars(tally))
        figures(
            "nats cut at random bytes",
            cuts=sum(proxy.cuts for proxy in proxies),
            watchers=len(crowd.watchers),
            events=tally.events,
            gaps=tally.gaps,
            duplicates=tally.duplicates,
            resets=tally.resets,
            hung=len(crowd.hung(ends)),
            wrong=tally.wrong,
            stored=sum(ends.values()),
        )
