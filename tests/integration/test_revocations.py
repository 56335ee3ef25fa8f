"""Revocation over real streamers: what is open ends, what is new is refused, and NATS may be unreachable meanwhile."""

import asyncio
import json
import time
from base64 import urlsafe_b64decode

import httpx
import pytest

from headway import codec
from headway.eventlog.chain import Chain, read_head
from headway.records import KindRecord
from headway.testing import progress
from headway_streamer.access import signing_keys
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
SETTINGS = AccessSettings(access="jwt", jwt_secret=tokens.SECRET, jwt_issuer=tokens.ISSUER)
EVENTS = {"Accept": "text/event-stream"}
ROUTE = "/api/v1/revocations"


def bearer(**claims):
    return {"Authorization": f"Bearer {tokens.live_token(**claims)}"}


@pytest.fixture
async def kind(connection, names):
    bucket = await connection.client.jetstream().key_value(names.kinds_bucket)
    await bucket.put("k", codec.encode_json(KindRecord(kind="k", params={"type": "object"})))


class Stream:
    """A stream as a client reads it."""

    def __init__(self, http, url, who=None):
        self.events, self.last_id, self.ended_at, self.failure = [], "", 0.0, None
        self._task = asyncio.ensure_future(self._read(http, url, {**EVENTS, **(who or {})}))

    async def _read(self, http, url, headers):
        name = "message"
        try:
            async with http.stream("GET", url, headers=headers, timeout=60) as answer:
                assert answer.status_code == 200
                async for line in answer.aiter_lines():
                    field, _, value = line.partition(": ")
                    if field == "event":
                        name = value
                    elif field == "id":
                        self.last_id = value
                    elif field == "data":
                        self.events.append((name, json.loads(value)))
                        name = "message"
        except httpx.HTTPError as error:
            self.failure = error
        self.ended_at = time.monotonic()

    async def close(self):
        self._task.cancel()
        await asyncio.wait({self._task})


async def keep_writing(log, task):
    chain = Chain(log, task, await read_head(log, task), attempt=1)
    for number in range(1, 10_000):
        await chain.append(progress(task=task, status="processing", progress=number / 200))
        await asyncio.sleep(0.02)


async def open_streams(streamers, who, task):
    """A stream of every route, on each streamer."""
    found = []
    for one in streamers:
        minted = (await one.http.post(f"/api/v1/tasks/{task}/token", json={}, headers=who)).json()["stream_token"]
        start = (await one.http.post("/api/v1/kinds/k/token", json={}, headers=who)).json()["start_token"]
        found += [
            Stream(one.http, f"{path}", who) for path in (f"/api/v1/tasks/{task}/stream", f"/tasks/{task}/stream")
        ]
        found += [Stream(one.http, f"/api/v1/stream?task={task}&token={minted}")]
        found += [Stream(one.http, f"/api/v1/process/k/stream?token={start}")]
    await until(lambda: all(len(stream.events) > 1 for stream in found), 20)
    return found


async def test_a_revocation_ends_every_stream_and_no_event_follows(nats_server, names, kind, security_figures):
    options = {"access": SETTINGS, "heartbeat_seconds": 1.0}
    async with (
        run_streamer(nats_server.url, names.namespace, **options) as one,
        run_streamer(nats_server.url, names.namespace, fast_path=False, **options) as two,
    ):
        stolen, kept = bearer(jti="stolen"), bearer(jti="kept")
        task = (await one.http.post("/api/v1/tasks", json={"kind": "k"}, headers=kept)).json()["task"]
        writing = asyncio.ensure_future(keep_writing(one.components.log, task))
        streams = await open_streams((one, two), stolen, task)
        others = await open_streams((one, two), kept, task)
        began = time.monotonic()
        assert (await one.http.post(ROUTE, json={}, headers=stolen)).status_code == 200
        await until(lambda: all(stream.ended_at for stream in streams), 20)
        seconds = max(stream.ended_at for stream in streams) - began
        assert [stream.failure for stream in streams] == [None] * len(streams)
        assert {json.dumps(stream.events[-1]) for stream in streams} == {'["reauth", {"reason": "revoked"}]'}
        replayed = 0
        for streamer in (one, two):
            for path in (f"/api/v1/tasks/{task}", f"/api/v1/tasks/{task}/stream?cursor={streams[0].last_id}"):
                answer = await streamer.http.get(path, headers=stolen)
                assert answer.status_code == 401
                replayed += answer.text.count("data:")
        await asyncio.sleep(0.1)
        assert not any(stream.ended_at for stream in others)
        writing.cancel()
        for stream in others:
            await stream.close()
    security_figures(14, "revoked: open streams, 2 streamers", streams=len(streams), seconds=f"{seconds:.1f}")
    security_figures(14, "revoked: replays with a cursor", requests=4, events=replayed)
    assert replayed == 0
    assert seconds < 5


async def test_what_was_revoked_stays_so_while_nats_is_unreachable(own_nats_server, names, security_figures):
    revoked, good = bearer(jti="revoked"), bearer(jti="good")
    async with run_streamer(own_nats_server.url, names.namespace, access=SETTINGS) as one:
        assert (await one.http.post(ROUTE, json={}, headers=revoked)).status_code == 200
        own_nats_server.kill()
        await until(lambda: not one.components.connection.connected)
        assert (await one.http.get("/api/v1/session", headers=revoked)).status_code == 401
        assert (await one.http.get("/api/v1/session", headers=good)).status_code == 200
        assert (await one.http.post(ROUTE, json={}, headers=bearer(jti="later"))).status_code == 503
        async with run_streamer(own_nats_server.url, names.namespace, access=SETTINGS, wait=False) as late:
            accepted = 0
            for who in (revoked, good, {}):
                answer = await late.http.get("/api/v1/session", headers=who)
                accepted += answer.status_code != 503
                stream = await late.http.get("/api/v1/tasks/t/stream", headers=who)
                assert "event: goodbye" in stream.text
            assert not late.components.access.ready
            own_nats_server.start()
            await until(lambda: late.components.access.ready, 30)
            assert (await late.http.get("/api/v1/session", headers=revoked)).status_code == 401
            assert (await late.http.get("/api/v1/session", headers=good)).status_code == 200
    security_figures(14, "started without NATS", requests=3, accepted=accepted)
    assert accepted == 0


def kid(token):
    head = token.partition(".")[0]
    return json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


async def test_keys_change_while_stream_tokens_are_used_on_two_streamers(
    nats_server, names, kind, monkeypatch, security_figures
):
    for name, seconds in (("PERIOD_SECONDS", 0.8), ("CHECK_SECONDS", 0.1), ("SETTLING_SECONDS", 0.4)):
        monkeypatch.setattr(signing_keys, name, seconds)
    async with (
        run_streamer(nats_server.url, names.namespace, access=SETTINGS) as one,
        run_streamer(nats_server.url, names.namespace, access=SETTINGS) as two,
    ):
        who = bearer()
        task = (await one.http.post("/api/v1/tasks", json={"kind": "k"}, headers=who)).json()["task"]
        kids, minted, refused = set(), 0, 0
        while len(kids) < 4:
            for maker, reader in ((one, two), (two, one)):
                answer = await maker.http.post(f"/api/v1/tasks/{task}/token", json={}, headers=who)
                token = answer.json()["stream_token"]
                kids.add(kid(token))
                minted += 1
                url = f"/api/v1/tasks/{task}/stream?token={token}"
                refused += (await reader.http.head(url)).status_code != 200
    security_figures(14, "keys change, two streamers", keys=len(kids), tokens=minted, refused=refused)
    assert refused == 0
