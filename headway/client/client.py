"""A Python client of the streamer: submit tasks, and watch them across lost connections. Needs `headway[cli]`.

>>> async with Client("http://127.0.0.1:8000") as client:                       # doctest: +SKIP
...     task = (await client.submit("crawl", {"url": "https://example.org/"}))["task"]
...     async for seen in client.watch(task):
...         print(seen.event, seen.data)
"""

from __future__ import annotations

import asyncio
import ipaddress
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Any

import httpx
import msgspec

from headway.client.backoff import Backoff, is_fatal, retry_after
from headway.client.bearer import BearerAuth, Token
from headway.client.event_stream import Stream, StreamLost, Watched, reason, refusal, shown, task_path
from headway.errors import ClientError
from headway.values import exact_json
from headway.values.redaction import redact, redact_url

__all__ = ["Client", "ClientError", "Watched"]

TRIES = 4
"""Maximum tries of a request that may be repeated: about two seconds in all."""

OnDrop = Callable[[str, float], None]
"""Called when a stream is lost, with the reason and the seconds until the next try."""


class Client:
    """Talks to the streamer at `base_url`. Use it as an async context manager, or call `close`.

    `token` authenticates every request: a string, or a function that returns the current one.
    `headers` go with every request; `timeout_seconds` (default 10) bounds each step of a request, not a stream.
    With `exact_numbers` a number that a float would change is returned as a Decimal; integers are always exact.
    All methods raise ClientError when the streamer refuses, and when it cannot be reached after some tries.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        token: Token = "",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
        transport: httpx.AsyncBaseTransport | None = None,
        exact_numbers: bool = False,
    ) -> None:
        self._decode = exact_json.decode if exact_numbers else msgspec.json.decode
        self.base_url = _checked(base_url)
        self._shown_url = redact_url(self.base_url)
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers={"User-Agent": "headway", **(headers or {})},
            auth=BearerAuth(token),
            timeout=timeout_seconds,
            transport=transport,
            follow_redirects=True,
            trust_env=not _is_loopback(httpx.URL(self.base_url).host),
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def submit(
        self, kind: str, params: Mapping[str, Any] | None = None, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Submit a task. Return `{"task", "kind", "links"}` once it is stored.

        Without a key a random one is used, so that a retry after a lost answer never runs the task twice.
        """
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4()), "Content-Type": "application/json"}
        body = exact_json.encode({"kind": kind, "params": dict(params or {})})
        return self._object(await self._ask("POST", "/api/v1/tasks", tries=TRIES, content=body, headers=headers))

    async def task(self, task: str) -> dict[str, Any]:
        """What is known of a task: `task`, `kind`, `params`, `created`, `state` (its latest progress), `cursor`."""
        return self._object(await self._ask("GET", task_path(task), tries=TRIES))

    async def tasks(
        self, *, kind: str = "", status: str = "", since: float = 0.0, limit: int = 50, owner: str = ""
    ) -> list[dict[str, Any]]:
        """List tasks, the newest first; the streamer searches the last 2,000. `since` is seconds since 1970."""
        query = {"limit": limit, "kind": kind, "status": status, "since": since, "owner": owner}
        given = {name: value for name, value in query.items() if value}
        return self._list(await self._ask("GET", "/api/v1/tasks", tries=TRIES, params=given), "tasks")

    async def all_tasks(
        self, *, kind: str = "", status: str = "", owner: str = ""
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield all tasks that are kept, the newest first."""
        query: dict[str, Any] = {"limit": 500, "kind": kind, "status": status, "owner": owner}
        seen: set[str] = set()
        while True:
            given = {name: value for name, value in query.items() if value}
            response = await self._ask("GET", "/api/v1/tasks", tries=TRIES, params=given)
            for task in self._list(response, "tasks"):
                if (name := str(task.get("task"))) not in seen:  # those of the last moment of a page come again
                    seen.add(name)
                    yield task
            until = self._object(response).get("searched_until")
            if not isinstance(until, int | float) or until == query.get("before"):
                return
            query["before"] = until

    async def kinds(self) -> list[dict[str, Any]]:
        """List task kinds, with the JSON Schema of their parameters in `params`."""
        return self._list(await self._ask("GET", "/api/v1/kinds", tries=TRIES), "kinds")

    async def cancel(self, task: str, reason: str = "") -> dict[str, Any]:
        """Request the cancellation of a task; its last event says when it has ended. ClientError 409 if it has."""
        body = {"reason": reason} if reason else {}
        return self._object(await self._ask("POST", task_path(task, "/cancel"), json=body))

    async def retry(self, task: str) -> dict[str, Any]:
        """Resubmit a task as a new one. Sent once: after a lost answer look at `tasks` before calling again."""
        return self._object(await self._ask("POST", task_path(task, "/retry"), json={}))

    async def revoke(
        self, *, token: str = "", id: str = "", owner: str = "", before: float | None = None
    ) -> dict[str, Any]:
        """Revoke a `token`, the access token with that `id`, or all of an `owner` issued `before` (default: now).

        Without any of them, this client's own token: sign out. `before` is seconds since 1970.
        """
        given = {"token": token, "id": id, "owner": owner, "before": before}
        body = {name: value for name, value in given.items() if value not in ("", None)}
        return self._object(await self._ask("POST", "/api/v1/revocations", json=body))

    async def delete(self, task: str) -> dict[str, Any]:
        """Delete a task that has ended, with all that is stored of it. ClientError 409 before its end.

        ClientError 404 if there is none, also when the answer to an earlier call was lost.
        """
        return self._object(await self._ask("DELETE", task_path(task), tries=TRIES))

    async def result(self, task: str) -> Any:
        """The result of a completed task, also one that is too large for its event. ClientError 409 before its end."""
        return self._json(await self._ask("GET", task_path(task, "/result"), tries=TRIES))

    async def result_json(self, task: str) -> bytes:
        """The result as JSON bytes, every digit as the handler returned it."""
        response = await self._ask("GET", task_path(task, "/result"), tries=TRIES)
        self._json(response)
        return response.content

    async def watch(
        self,
        *tasks: str,
        cursor: str | None = None,
        merge: bool = True,
        patience_seconds: float | None = None,
        on_drop: OnDrop | None = None,
    ) -> AsyncGenerator[Watched, None]:
        """Yield the events of `tasks` in order until all of them have ended, across lost connections and restarts.

        Without a `cursor` it begins with their history. `merge=False` requests every progress event, also when this
        reader is slow. Reconnects indefinitely, or with `patience_seconds` raises ClientError after that time without
        a connection. Raises ClientError at once for a status that would not change, such as 404.
        """
        stream = Stream(self._http, tasks, cursor or "", merge)
        clock = asyncio.get_running_loop().time
        cut_at: float | None = None
        while not stream.settled:
            try:
                async with aclosing(stream.connection()) as events:
                    async for event in events:
                        cut_at = None
                        yield event
            except StreamLost as lost:
                pause = stream.backoff.next(lost.floor_seconds)
                cut_at = clock() if cut_at is None else cut_at
                if patience_seconds is not None and clock() + pause - cut_at > patience_seconds:
                    raise ClientError(f"cut off for {patience_seconds:g} s: {lost.reason}") from lost
                if on_drop is not None:
                    on_drop(lost.reason, pause)
                await asyncio.sleep(pause)

    async def _ask(self, method: str, path: str, *, tries: int = 1, **options: Any) -> httpx.Response:
        backoff = Backoff()
        while True:
            tries -= 1
            try:
                response = await self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if tries <= 0:
                    raise ClientError(f"cannot reach {self._shown_url}: {redact(reason(error))}") from error
                pause = backoff.next()
            except httpx.RequestError as error:
                raise ClientError(f"{self._shown_url}: {redact(reason(error))}") from error
            else:
                if response.is_success:
                    return response
                if tries <= 0 or is_fatal(response.status_code):
                    raise refusal(response)
                pause = backoff.next(retry_after(response.headers.get("retry-after", "")))
            await asyncio.sleep(pause)

    def _json(self, response: httpx.Response) -> Any:
        try:
            return self._decode(response.content)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ClientError(f"{shown(response)} did not answer JSON: {error}", status=response.status_code) from error

    def _object(self, response: httpx.Response) -> dict[str, Any]:
        value = self._json(response)
        if isinstance(value, dict):
            return value
        raise ClientError(
            f"{shown(response)} did not answer an object: is that a streamer?", status=response.status_code
        )

    def _list(self, response: httpx.Response, name: str) -> list[dict[str, Any]]:
        value = self._object(response).get(name)
        if isinstance(value, list):
            return [item for item in value if isinstance(item, dict)]
        raise ClientError(f"{shown(response)} did not answer {name}: is that a streamer?", status=response.status_code)


def _checked(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        # Its message quotes a part of the URL, which may be one of a password.
        why = "" if "@" in base_url else f": {error}"
        raise ClientError(f"{redact_url(base_url)!r} is not a URL of a server{why}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ClientError(
            f"{redact_url(base_url)!r} is not a URL of a server: it begins with http:// or https:// and a host"
        )
    return base_url.rstrip("/")


def _is_loopback(host: str) -> bool:
    # A proxy from the environment must not be used for connections of this machine to itself.
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
