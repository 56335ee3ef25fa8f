"""Limits of callers over two real streamers that hear each other through NATS."""

import asyncio
import json
import time
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

import msgspec
import pytest
from httpx_sse import aconnect_sse

from headway import codec
from headway.client import Client, ClientError
from headway.eventlog.chain import Chain, read_head
from headway.jetstream.kv import Bucket
from headway.records import KindRecord
from headway.testing import progress
from headway_streamer.access.settings import AccessSettings
from headway_streamer.limits.caller import owner_key, tenant_key
from tests.fixtures import tokens
from tests.fixtures.condition import holds, until
from tests.fixtures.http import run_streamer

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
SETTINGS = AccessSettings(
    access="jwt",
    jwt_secret=tokens.SECRET,
    jwt_issuer=tokens.ISSUER,
)
EVENTS = {"Accept": "text/event-stream"}
RATE, BURST, STREAMS = 10.0, 40, 16


def bearer(owner):
    return {"Authorization": f"Bearer {tokens.live_token(sub=owner)}"}


@pytest.fixture
async def kind(connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    await buckets.put("k", codec.encode_json(KindRecord(kind="k", params={"type": "object"})))


@asynccontextmanager
async def two_streamers(url, names, access=SETTINGS, **limits):
    """Two streamers of one namespace, with access control."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(run_streamer(url, names.namespace, access=access, name=name, **limits))
            for name in ("s1", "s2")
        ]


@pytest.fixture
async def both(nats_server, names, kind):
    """Two streamers with low limits."""
    limits = {
        "max_submit_rate_per_user": RATE,
        "max_submit_burst": BURST,
        "max_watchers_per_user": STREAMS,
        "max_watchers_per_address": 2 * STREAMS,
        "trusted_proxies": ("127.0.0.1",),
    }
    async with two_streamers(nats_server.url, names, **limits) as streamers:
        yield streamers


async def submit(streamer, owner):
    answer = await streamer.http.post("/api/v1/tasks", json={"kind": "k", "params": {}}, headers=bearer(owner))
    if answer.status_code == 429:
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code


async def submitted(streamer, owner):
    answer = await streamer.http.post("/api/v1/tasks", json={"kind": "k", "params": {}}, headers=bearer(owner))
    return answer.json()["task"]


class Open:
    """Streams that are held open."""

    def __init__(self, stack):
        self._stack = stack

    async def stream(self, streamer, task, **headers):
        """Whether a stream was opened; a refused one ends cleanly and says when to return."""
        source = await self._stack.enter_async_context(
            aconnect_sse(streamer.http, "GET", f"/api/v1/tasks/{task}/stream", headers=headers)
        )
        assert source.response.status_code == 200
        events = source.aiter_sse()
        self._stack.push_async_callback(events.aclose)
        first = await anext(events)
        if first.event == "hello":
            return True
        assert (first.event, json.loads(first.data)) == ("goodbye", {"reason": "limit"})
        assert first.retry >= 1500
        assert [event async for event in events] == []
        return False


async def test_submits_of_an_owner_over_two_streamers_keep_to_one_limit(both, security_figures):
    began, statuses, others = time.monotonic(), [], []
    while len(statuses) < 4 * BURST:
        statuses += await asyncio.gather(*(submit(both[number % 2], "ada") for number in range(8)))
        asked = time.monotonic()
        if len(others) < 20:
            assert await submit(both[len(others) % 2], "grace") == 202
            others.append(time.monotonic() - asked)
    seconds = time.monotonic() - began
    accepted, allowed = statuses.count(202), BURST + RATE * seconds
    assert set(statuses) == {202, 429}
    # A streamer reports each sixteenth of the burst at once, and no more often than every 50 ms.
    assert allowed * 0.8 <= accepted <= allowed + BURST
    counted = [one.components.metrics._limited["submits_per_owner"] for one in both]
    assert sum(counted) == statuses.count(429)
    security_figures(
        16,
        "one owner's submits over two streamers",
        tried=len(statuses),
        accepted=accepted,
        allowed=round(allowed),
        another_owner_ms=round(1000 * sorted(others)[len(others) // 2], 1),
    )


async def test_streams_of_an_owner_and_of_an_address_over_two_streamers_keep_to_one_limit(both, security_figures):
    task, other = await submitted(both[0], "ada"), await submitted(both[0], "grace")
    async with AsyncExitStack() as stack:
        held, opened = Open(stack), 0
        for number in range(3 * STREAMS):
            opened += await held.stream(both[number % 2], task, **bearer("ada"))
        assert STREAMS <= opened < 2 * STREAMS  # that much would be opened if each counted for itself
        assert await held.stream(both[1], other, **bearer("grace"))

        seen = {}
        for number in range(3 * STREAMS):
            owner = f"owner-{number}"
            forwarded = {"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"}
            mine = await submitted(both[0], owner)
            opened_here = await held.stream(both[number % 2], mine, **bearer(owner), **forwarded)
            seen[owner] = opened_here
        by_address = sum(seen.values())
        assert 2 * STREAMS <= by_address < 3 * STREAMS
        elsewhere = {"X-Forwarded-For": "198.51.100.8"}
        assert await held.stream(both[0], mine, **bearer(owner), **elsewhere)
    security_figures(
        16,
        "streams over two streamers",
        owner=opened,
        of=STREAMS,
        address=by_address,
        of_address=2 * STREAMS,
        tried=3 * STREAMS,
    )


async def test_places_are_given_back_to_the_client_of_the_library(both, monkeypatch):
    monkeypatch.setattr("headway_streamer.watch.admission.retry_ms", lambda: 100)
    task = await submitted(both[0], "ada")
    async with AsyncExitStack() as stack:
        held = Open(stack)
        for _ in range(STREAMS):
            assert await held.stream(both[0], task, **bearer("ada"))
        await until(lambda: sum(both[1].components.limits.places["owner"]._elsewhere.values()) >= STREAMS, 20)
        dropped = asyncio.Event()
        async with Client(both[1].url, token=tokens.live_token(sub="ada")) as client:

            async def watch():
                async with aclosing(client.watch(task, on_drop=lambda *_: dropped.set())) as events:
                    return [event.event async for event in events]

            watching = asyncio.ensure_future(watch())
            await dropped.wait()
            await stack.aclose()
            log = both[0].components.log
            chain = Chain(log, task, await read_head(log, task), attempt=1)
            await chain.append(progress("completed", 100.0, task=task))
            seen = await watching
    assert seen[0] == "goodbye"
    assert seen[-1] == "progress"


async def test_a_client_of_the_library_waits_and_submits(both):
    async with Client(both[0].url, token=tokens.live_token(sub="ada")) as client:
        results = await asyncio.gather(*(client.submit("k") for _ in range(BURST + 10)), return_exceptions=True)
    assert not [result for result in results if isinstance(result, ClientError)]


async def test_a_start_and_stream_request_over_the_limit_returns_later(both):
    minted = await both[0].http.post("/api/v1/kinds/k/token", json={}, headers=bearer("ada"))
    both[0].components.limits.rates["owner"].hear({owner_key("", "ada"): round(BURST + 2 * RATE)})
    assert await submit(both[0], "ada") == 429
    url = f"/api/v1/process/k/stream?token={minted.json()['start_token']}"
    async with aconnect_sse(both[0].http, "GET", url, headers=EVENTS) as source:
        (goodbye,) = [event async for event in source.aiter_sse()]
    assert (goodbye.event, json.loads(goodbye.data)) == ("goodbye", {"reason": "limit"})
    assert goodbye.retry >= 2500

    async def starts():
        async with aconnect_sse(both[0].http, "GET", url, headers=EVENTS) as source:
            return (await anext(source.aiter_sse())).event == "hello"

    assert await holds(starts, 10)


QUOTA = 400_000


def of_tenant(owner, tenant):
    token = tokens.live_token(sub=owner, org=tenant, scope="tasks:submit tasks:read tasks:delete")
    return {"Authorization": f"Bearer {token}"}


async def test_a_tenant_stores_no_more_than_its_quota_over_two_streamers(
    own_nats_server, names, monkeypatch, security_figures
):
    monkeypatch.setattr("headway_streamer.tasks.tenant_sums.PAUSE_SECONDS", 0.2)
    access = msgspec.structs.replace(SETTINGS, claim_tenant="org")
    async with two_streamers(own_nats_server.url, names, access, max_tenant_bytes=QUOTA) as streamers:
        bucket = Bucket(streamers[0].components.connection.client, names.kinds_bucket)
        await bucket.create("k", codec.encode_json(KindRecord(kind="k", params={"type": "object"})))
        body = {"kind": "k", "params": {"text": "x" * 10_000}}

        async def ask(number, tenant):
            headers = of_tenant(f"owner-{number}", tenant)
            return await streamers[number % 2].http.post("/api/v1/tasks", json=body, headers=headers)

        accepted, answer = [], None
        for number in range(60):
            answer = await ask(number, "acme")
            if answer.status_code == 202:
                accepted.append((number, answer.json()["task"]))
        assert answer.status_code == 507
        assert "the tasks of your tenant use" in answer.json()["detail"]
        assert "evil" not in answer.text
        assert (await ask(1, "evil")).status_code == 202

        # What the tasks report counts too, and what they really take is near to it.
        log = streamers[0].components.log
        for _, task in accepted[:3]:
            chain = Chain(log, task, await read_head(log, task), attempt=1)
            await chain.append(progress("completed", 100.0, task=task, data={"text": "y" * 20_000}))
        key, sums = tenant_key("acme"), [one.components.tenant_sums for one in streamers]
        stored = [one.components.limits.stored for one in streamers]
        await until(lambda: all(one._summed.get(key, 0) > 10_000 * len(accepted) + 60_000 for one in stored), 20)
        assert sorted(bool(one.count) for one in sums) in ([False, True], [True, True])
        js = streamers[0].components.connection.client.jetstream()
        streams = [await js.stream_info(name) for name in (names.events_stream, f"KV_{names.tasks_bucket}")]
        real = sum(info.state.bytes for info in streams)
        counted = stored[0]._summed[key] + stored[0]._summed[tenant_key("evil")]
        assert 0.9 <= counted / real <= 1.1
        security_figures(
            16,
            "a tenant's bytes over two streamers",
            tried=60,
            accepted=len(accepted),
            quota=QUOTA,
            counted=counted,
            really=real,
        )

        # Deleted tasks give their bytes back; the removal of the rest is a processor's.
        number, task = accepted[0]
        before = stored[1]._summed[key]
        headers = of_tenant(f"owner-{number}", "acme")
        assert (await streamers[1].http.delete(f"/api/v1/tasks/{task}", headers=headers)).status_code == 202
        await until(lambda: stored[1]._summed[key] < before - 19_000, 20)
