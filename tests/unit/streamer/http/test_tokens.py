"""Tokens for the query of an EventSource are minted, and work once."""

import pytest

from tests.fixtures.access import memory_access
from tests.unit.streamer.http.conftest import streamer
from tests.unit.streamer.http.test_authentication import SCOPES, SETTINGS, add_kind, headers, made

pytestmark = [pytest.mark.security, pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")]
__all__ = ["made"]


async def mint(client, path, *, who=None, **body):
    answer = await client.post(path, json=body, headers=who or headers())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_minted_stream_token_opens_the_stream(made):
    _, client = made
    token = (await mint(client, "/api/v1/tasks/acme-ann/token"))["stream_token"]
    assert "acme-ann" in (await client.get(f"/api/v1/tasks/acme-ann/stream?token={token}")).text


async def test_a_token_for_several_tasks_needs_the_right_to_each(made):
    _, client = made
    both = headers(scope=f"{SCOPES} tasks:all")
    body = {"tasks": ["acme-bob"]}
    token = (await mint(client, "/api/v1/tasks/acme-ann/token", who=both, **body))["stream_token"]
    stream = await client.get(f"/api/v1/stream?task=acme-ann&task=acme-bob&token={token}")
    assert "acme-bob" in stream.text
    for tasks, status in ((["acme-bob"], 404), (["none"], 404), ([f"t{n}" for n in range(40)], 400)):
        answer = await client.post("/api/v1/tasks/acme-ann/token", json={"tasks": tasks}, headers=headers())
        assert answer.status_code == status


async def test_a_submission_is_answered_with_a_stream_token(made):
    _, client = made
    accepted = (await client.post("/api/v1/tasks", json={"kind": "k"}, headers=headers())).json()
    url = f"/api/v1/tasks/{accepted['task']}/stream"
    await client.post(f"/api/v1/tasks/{accepted['task']}/cancel", json={}, headers=headers())  # so that it ends
    assert '"cancelled"' in (await client.get(f"{url}?token={accepted['stream_token']}")).text
    assert (await client.get(f"/api/v1/tasks/acme-ann/stream?token={accepted['stream_token']}")).status_code == 404


async def test_a_start_token_starts_one_task(log):
    events = {"Accept": "text/event-stream"}
    async with streamer(log, access=memory_access(SETTINGS), max_watchers=0) as (parts, client):  # streams end at once
        add_kind(parts, "k")
        add_kind(parts, "other")
        token = (await mint(client, "/api/v1/kinds/k/token"))["start_token"]
        for _ in range(3):
            assert (await client.get(f"/api/v1/process/k/stream?token={token}", headers=events)).status_code == 200
        assert len(parts.jobs.jobs) == 1
        other = await client.get(f"/api/v1/process/other/stream?token={token}", headers=events)
        assert other.status_code == 403
        for path in ("/api/v1/tasks/x/stream", "/api/v1/kinds"):
            assert (await client.get(f"{path}?token={token}")).status_code == 401


async def test_a_start_token_needs_the_scope_of_its_kind(made):
    _, client = made
    for scope, status in (("tasks:read", 403), ("tasks:submit kinds:other", 403), ("tasks:submit kinds:k", 200)):
        answer = await client.post("/api/v1/kinds/k/token", json={}, headers=headers(scope=scope))
        assert answer.status_code == status


async def test_without_access_control_tokens_are_empty(client):
    assert (await client.post("/api/v1/kinds/k/token", json={})).json() == {"start_token": ""}
    assert (await client.post("/api/v1/kinds/a%20b/token", json={})).status_code == 404
