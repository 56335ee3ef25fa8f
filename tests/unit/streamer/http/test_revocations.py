"""Everybody revokes their own tokens, and with a scope those of their tenant."""

import time

import pytest

from headway_streamer.access.settings import AccessSettings
from tests.fixtures import tokens
from tests.fixtures.access import memory_access
from tests.unit.streamer.http.conftest import streamer
from tests.unit.streamer.http.test_authentication import SCOPES, SETTINGS, add_kind, add_task, headers

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
ROUTE = "/api/v1/revocations"
REVOKER = {"owner": "root", "scope": f"{SCOPES} tokens:revoke", "jti": "root"}


@pytest.fixture
async def made(log):
    access = memory_access(SETTINGS)
    async with streamer(log, access=access, max_watchers=0) as (parts, client):
        parts.access = access
        add_kind(parts, "k")
        await add_task(parts, log, "acme-ann", "ann", "acme")
        yield parts, client


async def revoke(client, who=None, **body):
    return await client.post(ROUTE, json=body, headers=who or headers())


async def valid(client, who):
    answer = await client.get("/api/v1/tasks/acme-ann", headers=who)
    assert answer.status_code in (200, 401, 404)
    return answer.status_code != 401


async def mint(client, path, who=None):
    return (await client.post(path, json={}, headers=who or headers())).json()


async def test_everybody_revokes_the_token_that_they_present(made):
    _, client = made
    other = headers(jti="t2")
    answer = await revoke(client)
    assert answer.status_code == 200
    assert answer.json()["until"] - time.time() == pytest.approx(600, abs=60)
    assert not await valid(client, headers())
    assert await valid(client, other)
    assert (await revoke(client)).status_code == 401


async def test_a_body_is_not_needed(made):
    _, client = made
    who = headers() | {"Content-Type": "application/json"}
    assert (await client.post(ROUTE, headers=who)).status_code == 200
    assert not await valid(client, headers())


async def test_what_was_minted_with_a_revoked_token_ends_with_it(made):
    _, client = made
    stream = (await mint(client, "/api/v1/tasks/acme-ann/token"))["stream_token"]
    start = (await mint(client, "/api/v1/kinds/k/token"))["start_token"]
    urls = (f"/api/v1/tasks/acme-ann/stream?token={stream}", f"/api/v1/process/k/stream?token={start}")
    events = {"Accept": "text/event-stream"}
    assert [(await client.get(url, headers=events)).status_code for url in urls] == [200, 200]
    await revoke(client)
    assert [(await client.get(url, headers=events)).status_code for url in urls] == [401, 401]


@pytest.mark.parametrize("who", [{}, {"jti": "t2"}, REVOKER])
async def test_a_token_in_hand_is_revoked_by_its_owner_and_by_who_may(made, who):
    _, client = made
    stream, other = [(await mint(client, "/api/v1/tasks/acme-ann/token"))["stream_token"] for _ in range(2)]
    start = (await mint(client, "/api/v1/kinds/k/token"))["start_token"]
    access = tokens.live_token(sub="ann", org="acme", jti="t3")
    for token in (stream, start, access):
        assert (await revoke(client, headers(**who), token=token)).status_code == 200
    assert (await client.get(f"/api/v1/tasks/acme-ann/stream?token={stream}")).status_code == 401
    assert (await client.get(f"/api/v1/tasks/acme-ann/stream?token={other}")).status_code == 200
    start_url = f"/api/v1/process/k/stream?token={start}"
    assert (await client.get(start_url, headers={"Accept": "text/event-stream"})).status_code == 401
    assert not await valid(client, headers(jti="t3"))
    assert await valid(client, headers())


async def test_a_token_that_one_may_not_revoke_and_one_that_is_none_get_one_answer(made):
    _, client = made
    foreign = tokens.live_token(sub="bob", org="bolt", jti="b")
    neighbour = tokens.live_token(sub="bob", org="acme", jti="b")
    answers = [
        await revoke(client, token=token) for token in (foreign, neighbour, "x", tokens.live_token(exp=1), "a.b.c")
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert len({answer.content for answer in answers}) == 1
    assert (await revoke(client, headers(**REVOKER), token=foreign)).content == answers[0].content
    assert await valid(client, {"Authorization": f"Bearer {foreign}"})


async def test_all_tokens_of_an_owner_until_a_moment(made):
    _, client = made
    now = int(time.time())
    old, new = headers(jti="old", iat=now - 100), headers(jti="new", iat=now - 10)
    assert (await revoke(client, owner="ann", before=now - 50)).status_code == 200
    assert [await valid(client, who) for who in (old, new, headers(owner="bob", iat=now - 100))] == [False, True, True]
    assert (await revoke(client, new, owner="ann")).status_code == 200
    assert not await valid(client, new)
    assert not await valid(client, headers(iat=None, jti=None))


async def test_a_stream_token_that_was_minted_meanwhile_is_as_old_as_its_own(made):
    """A streamer that does not know the revocation yet may mint one."""
    _, client = made
    now = int(time.time())
    old = headers(iat=now - 100)
    token = (await mint(client, "/api/v1/tasks/acme-ann/token", old))["stream_token"]
    await revoke(client, owner="ann", before=now - 50)
    assert (await client.get(f"/api/v1/tasks/acme-ann/stream?token={token}")).status_code == 401


@pytest.mark.parametrize("body", [{"owner": "bob"}, {"id": "t9"}])
async def test_tokens_of_others_need_a_scope_and_end_at_the_tenant(made, body):
    _, client = made
    refused = await revoke(client, **body)
    assert (refused.status_code, "tokens:revoke" in refused.json()["detail"]) == (403, True)
    assert (await revoke(client, headers(**REVOKER), **body)).status_code == 200
    assert not await valid(client, headers(owner="bob", jti="t9"))
    assert await valid(client, headers(owner="bob", jti="t9", org="bolt"))


@pytest.mark.parametrize(
    "body",
    [
        {"token": "x", "id": "y"},
        {"id": "a", "owner": "ann"},
        {"before": 5},
        {"id": "a", "before": 5},
        {"owner": "ann", "before": 1e11},
        {"owner": "ann", "before": -1},
        {"owner": "x" * 129},
        {"id": "x" * 129},
        {"id": tokens.live_token()},
        {"owner": 7},
        {"unknown": 1},
    ],
    ids=lambda body: ",".join(body),
)
async def test_a_body_that_does_not_fit_says_why(made, body):
    _, client = made
    answer = await revoke(client, headers(**REVOKER), **body)
    assert answer.status_code == 422
    assert "eyJ" not in answer.text
    assert await valid(client, headers())


async def test_without_nats_or_space_nothing_is_revoked(made):
    parts, client = made
    store = parts.access.revocations._store
    store.away = True
    assert (await revoke(client)).status_code == 503
    store.away, store.full = False, True
    assert (await revoke(client)).status_code == 507
    assert await valid(client, headers())


async def test_no_token_is_stored(made):
    parts, client = made
    token = tokens.live_token(org="acme", jti=None)
    for body in ({}, {"owner": "ann"}, {"token": token}):
        await revoke(client, {"Authorization": f"Bearer {token}"}, **body)
    entries = await parts.access.revocations._store.page(1)
    assert entries
    signature = token.rpartition(".")[2]
    assert not any(part.encode() in entry.value for entry in entries for part in (*token.split("."), signature))


async def test_where_there_are_no_tokens_it_says_so(client, log):
    assert (await client.post(ROUTE, json={})).status_code == 409
    settings = AccessSettings(access="forward", forward_peers=("127.0.0.1",), default_scopes=("tasks:read",))
    access = memory_access(settings)
    async with streamer(log, access=access) as (_, gateway):
        ann = {"X-Forwarded-User": "ann"}
        assert (await revoke(gateway, ann)).status_code == 409
        assert (await revoke(gateway, ann, owner="ann")).status_code == 200
        # The gateway vouches for each request; what it has not vouched for since then is over.
        assert (await gateway.get("/api/v1/session", headers=ann)).status_code == 200
