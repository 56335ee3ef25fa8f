"""Access control of real streamers: tokens that expire, keys that rotate, and tasks that start once."""

import asyncio
import json
import time

import msgspec
import pytest

from headway import codec
from headway.client import Client, ClientError
from headway.eventlog.chain import Chain, read_head
from headway.records import KindRecord
from headway.testing import progress
from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.condition import until
from tests.fixtures.http import run_streamer
from tests.fixtures.oidc_issuer import run_issuer

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
SETTINGS = AccessSettings(
    access="jwt",
    jwt_secret=tokens.SECRET,
    jwt_issuer=tokens.ISSUER,
)
EVENTS = {"Accept": "text/event-stream"}


def bearer(key="hmac", **claims):
    return {"Authorization": f"Bearer {tokens.live_token(key, **claims)}"}


@pytest.fixture
async def kind(connection, names):
    buckets = await connection.client.jetstream().key_value(names.kinds_bucket)
    await buckets.put("k", codec.encode_json(KindRecord(kind="k", params={"type": "object"})))


@pytest.fixture
async def streamer(nats_server, names, kind):
    async with run_streamer(nats_server.url, names.namespace, access=SETTINGS) as running:
        yield running


async def append(streamer, task, **fields):
    head = await read_head(streamer.components.log, task)
    event = progress(task=task, **({"status": "processing", "progress": 1.0} | fields))
    await Chain(streamer.components.log, task, head, attempt=1).append(event)


async def test_a_stream_ends_when_its_token_expires_and_continues_with_the_next(streamer):
    asked = []

    def token():
        asked.append(tokens.live_token(exp=int(time.time()) + 2))
        return asked[-1]

    async with Client(streamer.url, token=token) as client:
        task = (await client.submit("k"))["task"]
        seen = []
        async for event in client.watch(task):
            seen.append(event)
            if event.event == "reauth":
                assert event.data == {"reason": "expired"}
                await append(streamer, task, status="completed", progress=100.0)
    names = [event.event for event in seen]
    assert names == ["hello", "progress", "reauth", "hello", "progress"]
    assert [event.data["n"] for event in seen if event.event == "progress"] == [1, 2]
    assert len(asked) == 3


async def test_a_token_that_is_not_renewed_ends_in_an_error(streamer):
    once = tokens.live_token(exp=int(time.time()) + 2)
    async with Client(streamer.url, token=once) as client:
        task = (await client.submit("k"))["task"]
        with pytest.raises(ClientError) as caught:
            async for _ in client.watch(task):
                pass
    assert caught.value.status == 401


async def test_one_hundred_uses_of_a_start_token_over_two_streamers_start_one_task(
    nats_server, names, streamer, security_figures
):
    minted = await streamer.http.post("/api/v1/kinds/k/token", json={}, headers=bearer())
    token = minted.json()["start_token"]
    found = []
    async with run_streamer(nats_server.url, names.namespace, access=SETTINGS) as other:

        async def use(one):
            url = f"/api/v1/process/k/stream?token={token}"
            async with one.http.stream("GET", url, headers=EVENTS) as stream:
                assert stream.status_code == 200
                async for line in stream.aiter_lines():
                    if line.startswith("data:") and "tasks" in line:
                        found.append(json.loads(line[5:])["tasks"][0])
                        return

        await asyncio.gather(*(use((streamer, other)[number % 2]) for number in range(100)))
        listed = (await other.http.get("/api/v1/tasks", headers=bearer())).json()["tasks"]
    assert len(found) == 100
    assert set(found) == {item["task"] for item in listed}
    security_figures(14, "uses of one start token, two streamers", uses=100, tasks=len(set(found)))


async def test_stored_events_name_their_owner_in_headers_and_streams_do_not(nats_server, names, kind):
    named = msgspec.structs.replace(SETTINGS, claim_tenant="tenant")
    ann = {"sub": "ann\u00e9 planted", "tenant": "acme planted"}
    headers = bearer(**ann)
    async with run_streamer(nats_server.url, names.namespace, access=named) as running:
        log, http = running.components.log, running.http
        task = (await http.post("/api/v1/tasks", json={"kind": "k", "params": {}}, headers=headers)).json()["task"]
        await append(running, task)
        await http.post(f"/api/v1/tasks/{task}/cancel", json={}, headers=headers)
        await append(running, task, status="cancelled")
        stored = await log.read(task)
        assert [one.ownership for one in stored] == [(ann["sub"], ann["tenant"])] * 4
        assert (await log.last(task)).ownership == stored[0].ownership
        stream = await http.get(f"/api/v1/tasks/{task}/stream", headers=EVENTS | headers)
    assert stream.text.count("data:") >= 4
    assert "planted" not in stream.text
    assert not any(b"planted" in one.payload for one in stored)


async def test_keys_of_an_issuer_are_found_and_survive_its_outage(
    nats_server, names, kind, monkeypatch, security_figures
):
    monkeypatch.setattr("headway_streamer.access.jwks.UNKNOWN_KID_SECONDS", 0.2)
    with run_issuer() as issuer:
        settings = AccessSettings(access="jwt", jwt_discovery=True, jwt_issuer=issuer.url)
        async with run_streamer(nats_server.url, names.namespace, access=settings) as running:

            async def status(token):
                answer = await running.http.get("/api/v1/tasks", headers={"Authorization": f"Bearer {token}"})
                return answer.status_code

            async def accepted(token):
                return await status(token) == 200

            old = issuer.access_token()
            await until(lambda: accepted(old))
            issuer.rotate()
            new = issuer.access_token()
            await until(lambda: accepted(new))
            issuer.reachable = False
            claims = tokens.claims(int(time.time()), iss=issuer.url)
            unknown = [
                tokens.jwt.encode({"alg": "RS256", "kid": f"unknown{number}"}, claims, issuer.keys[0])
                for number in range(100)
            ]
            statuses = [await status(token) for token in unknown]
            assert set(statuses) == {401}
            assert await accepted(old)
            assert await accepted(new)
            security_figures(
                14, "rotated key, then the issuer is gone", readings=issuer.asked.count("/keys"), valid_refused=0
            )


async def test_no_answer_to_a_bad_token_differs_on_a_real_server(streamer):
    bad = {text for text in tokens.bad_tokens().values() if text.isascii() and text.strip() and "\n" not in text}
    answers = set()
    for text in bad:
        if len(text) < 8000:
            answer = await streamer.http.get("/api/v1/tasks", headers={"Authorization": f"Bearer {text}"})
            answers.add((answer.status_code, answer.content))
    assert {status for status, _ in answers} == {401}
    assert len(answers) == 1
    huge = tokens.live_token(padding="x" * 100_000)
    answer = await streamer.http.get("/api/v1/tasks", headers={"Authorization": f"Bearer {huge}"})
    assert answer.status_code == 431


async def test_no_header_makes_a_client_pass_for_the_gateway(nats_server, names, kind, security_figures):
    settings = AccessSettings(access="forward", forward_peers=("203.0.113.9",), default_scopes=("tasks:read",))
    async with run_streamer(nats_server.url, names.namespace, access=settings) as running:
        claims = {"X-Forwarded-User": "root"}
        tried = [
            {name: value}
            for name in ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "Forwarded")
            for value in ("203.0.113.9", "203.0.113.9, 127.0.0.1", "127.0.0.1, 203.0.113.9", "for=203.0.113.9")
        ]
        answers = [await running.http.get("/api/v1/tasks", headers=claims | headers) for headers in tried]
    accepted = sum(answer.status_code != 401 for answer in answers)
    security_figures(13, "clients that pass for the gateway", tried=len(tried), accepted=accepted)
    assert not accepted
