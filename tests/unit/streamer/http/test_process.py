"""The routes that start a task and stream it."""

import asyncio

import httpx
import pytest

from headway.testing import MemoryLog
from headway_streamer.http.head import HEAD
from tests.fixtures.sse import ACCEPT
from tests.unit.streamer.conftest import completed, parse
from tests.unit.streamer.http.conftest import app_of, streamer

PATH = "/api/v1/process/k/stream"


async def started(parts, client, **options):
    """The reply to a start-and-stream request, whose task completes as soon as it is accepted."""
    parts.offer()
    headers = ACCEPT | options.pop("headers", {})
    asking = asyncio.ensure_future(client.get(PATH, headers=headers, **options))
    while not parts.jobs.jobs and not asking.done():
        await asyncio.sleep(0.001)
    for task in parts.jobs.jobs:
        await parts.write(task, completed())
    return await asking


async def test_a_task_is_started_with_the_parameters_of_the_query_and_streamed(parts, client):
    reply = await started(parts, client, params={"a": "1", "token": "secret", "key": "one"})
    (job,) = parts.jobs.jobs.values()
    assert bytes(job.params) == b'{"a":1}'
    blocks = parse(reply.content)
    assert (blocks[-1].data["status"], blocks[-1].id.endswith(job.task)) == ("completed", True)


async def test_a_task_is_started_with_title_and_tags(parts, client):
    await started(parts, client, params={"title": "Mine", "tag": ["eu", "night"], "a": "1"})
    (job,) = parts.jobs.jobs.values()
    record = await parts.task_store.record(job.task)
    assert (record.title, record.tags, bytes(job.params)) == ("Mine", ["eu", "night"], b'{"a":1}')


async def test_labels_that_do_not_fit_start_nothing(parts, client):
    parts.offer()
    reply = await client.get(PATH, params={"tag": "a,b"}, headers=ACCEPT)
    assert (reply.status_code, parts.jobs.jobs) == (422, {})


async def test_a_reconnect_streams_the_task_of_its_cursor(parts, client):
    reply = await started(parts, client)
    again = await client.get(PATH, headers=ACCEPT | {"Last-Event-ID": parse(reply.content)[0].id})
    assert parse(again.content)[-1].data["status"] == "completed"
    assert len(parts.jobs.jobs) == 1


async def test_the_kind_comes_from_the_settings_if_the_url_has_none(client):
    reply = await client.get("/api/v1/process/stream", headers=ACCEPT)
    assert (reply.status_code, reply.json()["title"]) == (400, "Bad query")
    async with streamer(MemoryLog(), process_kind="k") as (_, other):
        reply = await other.get("/api/v1/process/stream", headers=ACCEPT)
        assert (reply.status_code, reply.json()["title"]) == (404, "Unknown kind")


async def test_a_word_that_is_no_answer_to_whether_to_cancel_starts_nothing(parts, client):
    parts.offer()
    reply = await client.get(PATH, params={"cancel_on_disconnect": "true"}, headers=ACCEPT)
    assert (reply.status_code, parts.jobs.jobs) == (400, {})


async def test_the_presence_of_the_starter_is_published_while_its_stream_is_open(parts, client):
    calls = []
    parts.presence.arrived = lambda task: calls.append("arrived")
    parts.presence.left = lambda task: calls.append("left")
    parts.presence.called = lambda task: calls.append("called")
    reply = await started(parts, client, params={"cancel_on_disconnect": "1"})
    assert calls == ["arrived", "left"]
    parts.drain.begin()
    cursor = parse(reply.content)[0].id
    reply = await client.get(PATH, params={"cancel_on_disconnect": "1", "cursor": cursor}, headers=ACCEPT)
    assert (parse(reply.content)[0].event, calls[2:]) == ("goodbye", ["called"])


@pytest.mark.parametrize("fault", ["drain", "unavailable"])
async def test_what_passes_by_itself_is_answered_with_a_stream_that_ends(parts, client, fault):
    parts.offer()
    if fault == "drain":
        parts.drain.begin()
    else:
        parts.jobs.away = True
    reply = await client.get(PATH, headers=ACCEPT)
    assert reply.status_code == 200
    assert [(b.event, b.data) for b in parse(reply.content)] == [("goodbye", {"reason": fault})]


async def test_a_full_store_is_a_problem(parts, client):
    parts.offer()
    parts.jobs.full = True
    assert (await client.get(PATH, headers=ACCEPT)).status_code == 507


@pytest.mark.security
@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 404)])
async def test_a_page_of_another_origin_may_not_start_a_task(client, site, status):
    reply = await client.get(PATH, headers=ACCEPT | {"Sec-Fetch-Site": site})
    assert reply.status_code == status


async def test_a_head_checks_and_starts_nothing(parts):
    parts.offer()
    app = app_of(parts)

    async def as_head(scope, receive, send):
        await app({**scope, HEAD: True}, receive, send)

    transport = httpx.ASGITransport(as_head)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        reply = await client.get(PATH, headers=ACCEPT)
    assert (reply.status_code, parts.jobs.jobs) == (200, {})
