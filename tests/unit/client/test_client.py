"""The client lives through what servers and networks do, on a scripted transport and in virtual time."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import httpx
import pytest

from headway.client import Client, ClientError, TaskPage, Watched
from tests.unit.client.scripted import HELLO, URL, Pause, Script, answer, progress, stream


async def watched(script: Script, *tasks: str, **options: Any) -> list[Watched]:
    async with Client(URL, transport=script) as client, aclosing(client.watch(*(tasks or ("t",)), **options)) as events:
        return [event async for event in events]


def numbers(events: list[Watched]) -> list[int]:
    return [event.data["n"] for event in events if event.event == "progress"]


@pytest.mark.looptime
@pytest.mark.parametrize(
    "trouble",
    [
        stream(HELLO, progress(1)),
        stream(HELLO, progress(1), b'event: goodbye\ndata: {"reason":"drain"}\n\n'),
        stream(HELLO, progress(1), httpx.RemoteProtocolError("cut")),
        stream(HELLO, progress(1), b"id: c2\ndata: {unfinis", httpx.ReadError("")),
        stream(HELLO, progress(1), Pause(3600)),
    ],
    ids=["clean end", "goodbye", "cut", "cut in an event", "silence"],
)
async def test_watch_resumes_after_its_last_event(trouble: httpx.Response) -> None:
    """Whatever ends a stream, the next one resumes there; also after refused connections and 5xx."""
    script = Script(
        trouble,
        httpx.ConnectError("refused"),
        answer(502),
        answer(503, {"detail": "NATS is unreachable"}),
        answer(429),
        stream(HELLO.replace(b"c0", b"c1"), progress(2), progress(3, "completed")),
    )
    assert numbers(await watched(script)) == [1, 2, 3]
    assert script.last_ids == [None, "c1", "c1", "c1", "c1", "c1"]


@pytest.mark.looptime
async def test_delays_grow_and_restart_after_an_event() -> None:
    """Never above 15 s, and a stream that works clears the record."""
    refused = [httpx.ConnectError("refused")] * 12
    script = Script(*refused, stream(HELLO), *refused, stream(progress(1, "completed")))
    pauses: list[float] = []
    await watched(script, on_drop=lambda _, seconds: pauses.append(seconds))
    assert len(pauses) == 25
    assert max(pauses) <= 15.0
    assert pauses[12] <= 0.5
    gaps = [later - earlier for earlier, later in pairwise(script.times)]
    assert gaps == pytest.approx(pauses, abs=0.01)


@pytest.mark.looptime
async def test_goodbye_alone_does_not_reset_the_back_off() -> None:
    """An overloaded streamer sends nothing else; all rejected clients would return at once, indefinitely."""
    goodbye = b'event: goodbye\ndata: {"reason":"overload"}\n\n'
    script = Script(*(stream(goodbye) for _ in range(40)), stream(progress(1, "completed")))
    pauses: list[float] = []
    await watched(script, on_drop=lambda _, seconds: pauses.append(seconds))
    assert max(pauses) > 2.0


@pytest.mark.looptime
async def test_retry_field_and_retry_after_are_floors() -> None:
    """The server knows how long its drain takes."""
    script = Script(
        stream(b"retry: 4000\n\n"),
        answer(503, **{"retry-after": "20"}),
        stream(b"retry: 30000\n", HELLO.replace(b"retry: 0\n", b"")),
        stream(progress(1, "completed")),
    )
    await watched(script)
    gaps = [later - earlier for earlier, later in pairwise(script.times)]
    for gap, floor in zip(gaps, [4.0, 20.0, 30.0], strict=True):
        assert floor <= gap <= floor * 1.11


async def test_refusal_ends_the_watch_at_once() -> None:
    """Nothing is tried again, and `on_drop` is not called."""
    script = Script(answer(404, {"detail": "There is no such task."}))
    drops: list[str] = []
    with pytest.raises(ClientError, match="There is no such task"):
        await watched(script, on_drop=lambda reason, _: drops.append(reason))
    assert (len(script.requests), drops) == (1, [])


async def test_settled_answer_ends_the_watch_without_an_event() -> None:
    """204: all was sent before."""
    assert await watched(Script(httpx.Response(204)), cursor="c9") == []


@pytest.mark.looptime
async def test_impatient_watch_ends_when_cut_off_for_too_long() -> None:
    """The time counts from the cut, not from the last event of a quiet task."""
    quiet = [HELLO, *([Pause(5), b":\n"] * 100)]
    script = Script(stream(*quiet), *([httpx.ConnectError("refused")] * 500))
    with pytest.raises(ClientError, match="cut off for 60 s: refused") as caught:
        await watched(script, patience_seconds=60)
    assert caught.value.status is None
    assert 540 < asyncio.get_running_loop().time() <= 561


@pytest.mark.looptime
async def test_patience_restarts_after_each_recovery() -> None:
    """Many short cuts in a long life are not one long cut."""
    cuts = [step for _ in range(40) for step in (httpx.ConnectError("refused"), stream(HELLO, Pause(1)))]
    await watched(Script(*cuts, stream(progress(1, "completed"))), patience_seconds=10)
    assert asyncio.get_running_loop().time() > 40


@pytest.mark.looptime
async def test_waiting_returns_the_last_progress() -> None:
    """Whatever the end is."""
    script = Script(stream(HELLO, progress(1)), stream(progress(2, "error")))
    async with Client(URL, transport=script) as client:
        assert (await client.wait("t"))["n"] == 2


@pytest.mark.looptime
async def test_waiting_for_too_long_is_an_error() -> None:
    """Also without a connection; the task continues."""
    for steps in ([stream(HELLO, *([Pause(5), b":\n"] * 100))], [httpx.ConnectError("refused")] * 99):
        began = asyncio.get_running_loop().time()
        async with Client(URL, transport=Script(*steps)) as client:
            with pytest.raises(ClientError, match="not ended after 30 s"):
                await client.wait("t", timeout_seconds=30)
        assert asyncio.get_running_loop().time() - began == pytest.approx(30.0, abs=0.1)


@pytest.mark.looptime
async def test_lost_answer_to_a_submit_is_asked_for_again_under_one_key() -> None:
    """The server finds the same task by the key: it runs once."""
    accepted = {"task": "t", "kind": "crawl", "links": {}}
    script = Script(httpx.ReadTimeout("lost"), answer(503, **{"retry-after": "2"}), answer(202, accepted))
    async with Client(URL, transport=script) as client:
        assert await client.submit("crawl", {"url": "u"}) == accepted
    keys = {request.headers["idempotency-key"] for request in script.requests}
    assert len(keys) == 1
    assert len(keys.pop()) >= 16
    assert json.loads(script.requests[-1].content) == {"kind": "crawl", "params": {"url": "u"}}
    assert script.times[2] - script.times[1] >= 2.0


async def test_own_key_is_sent() -> None:
    """And two submits without one get two keys."""
    script = Script(*(answer(202, {"task": "t"}) for _ in range(3)))
    async with Client(URL, transport=script) as client:
        for key in ("mine", None, None):
            await client.submit("crawl", idempotency_key=key)
    first, second, third = (request.headers["idempotency-key"] for request in script.requests)
    assert first == "mine"
    assert second != third


async def test_wrong_parameters_are_told_one_by_one() -> None:
    """And not sent again."""
    errors = [{"pointer": "/params/url", "detail": "is required"}]
    script = Script(answer(422, {"title": "Unprocessable", "status": 422, "errors": errors}))
    async with Client(URL, transport=script) as client:
        with pytest.raises(ClientError) as caught:
            await client.submit("crawl")
    assert caught.value.errors == errors


@pytest.mark.parametrize("call", ["cancel", "retry"])
async def test_post_without_a_key_is_never_repeated(call: str) -> None:
    """Nobody knows whether the first one arrived."""
    script = Script(httpx.ReadTimeout("lost"))
    async with Client(URL, transport=script) as client:
        with pytest.raises(ClientError, match="cannot reach http://streamer: lost"):
            await getattr(client, call)("t")
    assert len(script.requests) == 1


@pytest.mark.looptime
async def test_unreachable_server_is_given_up_soon() -> None:
    """A person waits for it."""
    script = Script(*([httpx.ConnectError("All connection attempts failed")] * 9))
    async with Client(URL, transport=script) as client:
        with pytest.raises(ClientError, match="cannot reach http://streamer"):
            await client.kinds()
    assert len(script.requests) == 4
    assert script.times[-1] < 4.0


async def test_reads_give_what_the_server_says() -> None:
    """The plain routes."""
    script = Script(
        answer(200, {"task": "t/1", "state": None}),
        answer(200, {"tasks": [{"task": "t"}]}),
        answer(200, {"kinds": [{"kind": "crawl"}]}),
        answer(200, [1, 2]),
        answer(202, {"task": "t", "status": "cancelling"}),
        *(answer(200, {"until": 1.0}) for _ in range(4)),
    )
    async with Client(URL + "/", transport=script) as client:
        assert (await client.task("t/1"))["state"] is None
        assert await client.tasks(kind="crawl", limit=5) == [{"task": "t"}]
        assert await client.kinds() == [{"kind": "crawl"}]
        assert await client.result("t") == [1, 2]
        assert (await client.cancel("t", "enough"))["status"] == "cancelling"
        for given in ({}, {"owner": "ann", "before": 0.0}, {"token": "a.b.c"}, {"id": "j"}):
            assert await client.revoke(**given) == {"until": 1.0}
    assert [json.loads(request.content) for request in script.requests[5:]] == [
        {},
        {"owner": "ann", "before": 0.0},
        {"token": "a.b.c"},
        {"id": "j"},
    ]
    paths = [request.url.raw_path.decode() for request in script.requests]
    assert paths[:2] == ["/api/v1/tasks/t%2F1", "/api/v1/tasks?limit=5&kind=crawl"]
    assert paths[4] == "/api/v1/tasks/t/cancel"
    assert json.loads(script.requests[4].content) == {"reason": "enough"}


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"kinds":1}'])
async def test_answer_of_another_program_is_reported(body: bytes) -> None:
    """Port 8000 is popular."""
    async with Client(URL, transport=Script(httpx.Response(200, content=body))) as client:
        with pytest.raises(ClientError, match="did not answer"):
            await client.kinds()


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "http://x:port", ""])
def test_wrong_base_url_is_refused_at_once(url: str) -> None:
    """Not after tries that cannot succeed."""
    with pytest.raises(ClientError, match="not a URL of a server"):
        Client(url)


async def test_delete_asks_once_more_after_a_lost_answer() -> None:
    script = Script(httpx.ReadError("cut"), answer(202, {"task": "t", "status": "deleted"}))
    async with Client(URL, transport=script) as client:
        assert await client.delete("t") == {"task": "t", "status": "deleted"}
    assert [request.method for request in script.requests] == ["DELETE", "DELETE"]


PAGES = [
    {"tasks": [{"task": "c"}, {"task": "b"}], "searched_until": 2.0, "cursor": "C1"},
    {"tasks": [], "searched_until": 1.0, "cursor": "C2"},
    {"tasks": [{"task": "a"}], "searched_until": None, "cursor": None},
]


async def test_all_tasks_are_listed_page_by_page() -> None:
    script = Script(*(answer(200, page) for page in PAGES))
    async with Client(URL, transport=script) as client, aclosing(client.all_tasks(owner="ann")) as found:
        assert [task["task"] async for task in found] == ["c", "b", "a"]
    assert [request.url.params.get("cursor") for request in script.requests] == [None, "C1", "C2"]
    assert {request.url.params["owner"] for request in script.requests} == {"ann"}


async def test_pages_say_where_they_end() -> None:
    script = Script(*(answer(200, page) for page in PAGES[1:]))
    filters: dict[str, Any] = {
        "status": ["error", "cancelled"],
        "tag": "eu",
        "text": "x",
        "before": 9.0,
        "cursor": "C1",
    }
    async with Client(URL, transport=script) as client, aclosing(client.task_pages(**filters)) as pages:
        assert [page async for page in pages] == [TaskPage([], "C2", 1.0), TaskPage([{"task": "a"}], None, None)]
    query = script.requests[0].url.params
    assert (query.get_list("status"), query["tag"], query["cursor"]) == (["error", "cancelled"], "eu", "C1")


async def test_as_many_tasks_are_listed_as_asked_for() -> None:
    script = Script(*(answer(200, page) for page in PAGES))
    async with Client(URL, transport=script) as client:
        assert await client.tasks(limit=1) == [{"task": "c"}]
        assert await client.tasks(limit=9) == [{"task": "a"}]


@pytest.mark.parametrize("last", [{"tasks": []}, {"tasks": [], "searched_until": 2.0, "cursor": "C"}])
async def test_a_search_that_gets_no_further_ends(last: dict[str, Any]) -> None:
    script = Script(answer(200, {"tasks": [], "searched_until": 2.0, "cursor": "C"}), answer(200, last))
    async with Client(URL, transport=script) as client, aclosing(client.all_tasks()) as found:
        assert [task async for task in found] == []
