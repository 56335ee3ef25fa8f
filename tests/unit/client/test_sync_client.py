"""The client without asyncio: the same methods, on a scripted transport, in virtual time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from headway.client import Client, ClientError, SyncClient, sync_client
from tests.unit.client.scripted import HELLO, URL, answer, progress

TYPES = {
    "AsyncGenerator[TaskPage, None]": "Generator[TaskPage, None, None]",
    "AsyncGenerator[Watched, None]": "Generator[Watched, None, None]",
    "AsyncGenerator[dict[str, Any], None]": "Generator[dict[str, Any], None, None]",
    "httpx.AsyncBaseTransport | None": "httpx.BaseTransport | None",
    "Client": "SyncClient",
    "calls.Call[T]": "calls.Call[T]",
}


class Clock:
    """Time that passes with sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(sync_client, "time", made)
    return made


Step = httpx.Response | Exception


class Script(httpx.BaseTransport):
    """Answers the requests in turn, and keeps them."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def stream(*parts: bytes) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b"".join(parts))


def methods(cls: type) -> dict[str, Callable[..., Any]]:
    return {name: method for name, method in vars(cls).items() if inspect.isfunction(method) and name[0] != "_"}


@pytest.mark.parametrize("name", sorted({*methods(Client), *methods(SyncClient), "__init__"}))
def test_both_clients_have_the_same_methods(name: str) -> None:
    """With the same arguments, results and docstrings."""
    one, other = getattr(Client, name), getattr(SyncClient, name)
    assert inspect.getdoc(one) == inspect.getdoc(other)
    expected = inspect.signature(one)
    parameters = [
        parameter.replace(annotation=TYPES.get(parameter.annotation, parameter.annotation))
        for parameter in expected.parameters.values()
    ]
    result = TYPES.get(expected.return_annotation, expected.return_annotation)
    assert inspect.signature(other) == expected.replace(parameters=parameters, return_annotation=result)


def test_a_watch_resumes_after_its_last_event() -> None:
    """Over a stream that ended, one that was refused and one that was cut."""
    script = Script(
        stream(HELLO, progress(1)),
        httpx.ConnectError("refused"),
        answer(503),
        stream(HELLO.replace(b"c0", b"c1"), progress(2), progress(3, "completed")),
    )
    drops: list[str] = []
    with SyncClient(URL, transport=script) as client:
        seen = list(client.watch("t", on_drop=lambda reason, _: drops.append(reason)))
    assert [event.data["n"] for event in seen if event.event == "progress"] == [1, 2, 3]
    assert [request.headers.get("last-event-id") for request in script.requests] == [None, "c1", "c1", "c1"]
    assert drops == ["the stream ended", "refused", "the server answered 503"]


def test_a_watch_without_a_connection_ends_when_patience_does(clock: Clock) -> None:
    script = Script(*(httpx.ConnectError("refused") for _ in range(500)))
    with SyncClient(URL, transport=script) as client:
        with pytest.raises(ClientError, match="cut off for 60 s: refused"):
            list(client.watch("t", patience_seconds=60))
    assert clock.now <= 60.0


def test_waiting_returns_the_last_progress() -> None:
    with SyncClient(URL, transport=Script(stream(HELLO, progress(1), progress(2, "error")))) as client:
        assert client.wait("t")["status"] == "error"


def test_waiting_for_too_long_is_an_error(clock: Clock) -> None:
    script = Script(*(httpx.ConnectError("refused") for _ in range(500)))
    with SyncClient(URL, transport=script) as client:
        with pytest.raises(ClientError, match="not ended after 30 s"):
            client.wait("t", timeout_seconds=30)
    assert clock.now == pytest.approx(30.0)


def test_a_lost_answer_to_a_submit_is_asked_for_again_under_one_key(clock: Clock) -> None:
    accepted = {"task": "t", "kind": "crawl", "links": {}}
    script = Script(httpx.ReadTimeout("lost"), answer(503, **{"retry-after": "2"}), answer(202, accepted))
    with SyncClient(URL, token=lambda: "abc", transport=script) as client:
        assert client.submit("crawl", {"url": "u"}) == accepted
    assert len({request.headers["idempotency-key"] for request in script.requests}) == 1
    assert {request.headers["authorization"] for request in script.requests} == {"Bearer abc"}
    assert clock.now >= 2.0


def test_each_user_has_a_token_of_their_own_on_the_same_connections() -> None:
    """Also for a stream."""
    script = Script(answer(200, {}), answer(200, {}), stream(progress(1, "completed")), answer(200, {}))
    with SyncClient(URL, transport=script) as client:
        ann, bob = client.with_token("a"), client.with_token(lambda: "b")
        ann.task("t")
        bob.task("t")
        list(ann.watch("t"))
        client.task("t")
    assert [request.headers.get("authorization") for request in script.requests] == [
        "Bearer a",
        "Bearer b",
        "Bearer a",
        None,
    ]


def test_reads_and_changes_give_what_the_server_says() -> None:
    script = Script(
        answer(200, {"task": "t"}),
        answer(200, {"tasks": [{"task": "t"}]}),
        answer(200, {"kinds": [{"kind": "crawl"}]}),
        answer(202, {"status": "cancelling"}),
        answer(202, {"task": "u"}),
        answer(202, {"status": "deleted"}),
        answer(200, [1]),
        answer(200, [1]),
        answer(200, {"stream_token": "s"}),
        answer(200, {"until": 1.0}),
        answer(200, {"tasks": [{"task": "t"}], "searched_until": 2.0, "cursor": "C"}),
        answer(200, {"tasks": [{"task": "s"}], "cursor": None}),
    )
    with SyncClient(URL, transport=script) as client:
        assert client.task("t") == {"task": "t"}
        assert client.tasks(limit=1) == [{"task": "t"}]
        assert client.kinds() == [{"kind": "crawl"}]
        assert client.cancel("t", "enough") == {"status": "cancelling"}
        assert client.retry("t") == {"task": "u"}
        assert client.delete("t") == {"status": "deleted"}
        assert (client.result("t"), client.result_json("t")) == ([1], b"[1]")
        assert client.stream_token("t") == "s"
        assert client.revoke() == {"until": 1.0}
        assert [task["task"] for task in client.all_tasks()] == ["t", "s"]


def test_dead_letters_are_read_resubmitted_and_dropped() -> None:
    script = Script(
        answer(200, {"dead_letters": [{"id": "4"}], "cursor": "4"}),
        answer(200, {"id": "4", "params": {"a": 1}}),
        answer(202, {"task": "u"}),
        answer(200, {"id": "4", "status": "dropped"}),
    )
    with SyncClient(URL, transport=script) as client:
        assert client.dead_letters(kind="crawl", limit=1) == ([{"id": "4"}], "4")
        assert client.dead_letter("4")["params"] == {"a": 1}
        assert client.resubmit("4", {"a": 2}) == {"task": "u"}
        assert client.drop_dead_letter("4")["status"] == "dropped"
