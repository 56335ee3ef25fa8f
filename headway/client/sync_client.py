"""The client of the streamer without asyncio: for scripts, views of Django and Flask, threads. Needs `headway[cli]`.

>>> with SyncClient("http://127.0.0.1:8000") as client:                         # doctest: +SKIP
...     task = client.submit("crawl", {"url": "https://example.org/"})["task"]
...     for seen in client.watch(task):
...         print(seen.event, seen.data)
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar, Unpack

import httpx
import msgspec

from headway.client import calls, connecting
from headway.client.answer import Answer
from headway.client.bearer import BearerAuth, Token
from headway.client.event_stream import OnDrop, Stream, StreamLost, Watched, sync_events
from headway.client.task_pages import MAX_PAGE, DeadLetterPage, Pages, TaskFilters, TaskPage
from headway.client.tries import Tries
from headway.client.upload import FileSource, OnSent, Upload, UploadedFile
from headway.values import exact_json
from headway.values.redaction import redact_url

T = TypeVar("T")


class SyncClient:
    """Talks to the streamer at `base_url`. Use it as a context manager, or call `close`.

    `token` authenticates every request: a string, or a function that returns the current one.
    `headers` go with every request; `timeout_seconds` (default 10) bounds each step of a request, not a stream.
    With `exact_numbers` a number that a float would change is returned as a Decimal; integers are always exact.
    All methods raise ClientError when the streamer refuses, and when it cannot be reached after some tries; its
    `hint` says what to do next.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        token: Token = "",
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = 10.0,
        transport: httpx.BaseTransport | None = None,
        exact_numbers: bool = False,
    ) -> None:
        options = connecting.options(base_url, headers, timeout_seconds)
        self.base_url: str = options["base_url"]
        self._auth = BearerAuth(token)
        self._decode = exact_json.decode if exact_numbers else msgspec.json.decode
        self._http = httpx.Client(transport=transport, **options)

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(
        self, type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def with_token(self, token: Token) -> SyncClient:
        """The same client with another token, as for another user of a web application. It shares the connections:
        making it costs nothing, and closing either closes both.
        """
        made = copy.copy(self)
        made._auth = BearerAuth(token)
        return made

    def submit(
        self,
        kind: str,
        params: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        *,
        title: str = "",
        tags: Collection[str] = (),
        unique: str = "",
        join: bool = False,
        run_at: float | datetime | None = None,
    ) -> dict[str, Any]:
        """Submit a task. Return `{"task", "kind", "links"}` once it is stored, and where access control is on
        `stream_token`, for the query of a browser's stream.

        `title` is what people see of it (default: that of the kind), `tags` are words to find it by.
        Without a key a random one is used, so that a retry after a lost answer never runs the task twice.

        While a task of the kind with the same `unique` key has not ended, ClientError 409, or with `join` that task.

        It does not begin before `run_at`, seconds since 1970 or a datetime with a time zone.
        """
        call = calls.submit(kind, params, idempotency_key, title, tags, unique=unique, join=join, run_at=run_at)
        return self._send(call)

    def upload(
        self, source: FileSource, *, name: str = "", content_type: str = "", on_sent: OnSent | None = None
    ) -> UploadedFile:
        """Upload a file for tasks: a path, or an open binary file. Its id, `file`, goes into the parameters of a task.

        It is read and sent in pieces. `name` is what people see (default: that of the path), `content_type` is guessed
        from the name. `on_sent` is called with the bytes that were sent, and with all of them where that is known.
        """
        upload = Upload(source, name, content_type, on_sent)
        return self._send(calls.upload(upload), upload.pieces)

    def task(self, task: str) -> dict[str, Any]:
        """What is known of a task: `task`, `kind`, `params`, `created`, `state` (its latest progress), `cursor`."""
        return self._send(calls.task(task))

    def tasks(self, *, limit: int = 50, **filters: Unpack[TaskFilters]) -> list[dict[str, Any]]:
        """List the newest tasks that match, at most `limit`: as many pages as that takes."""
        pages, found = Pages(filters, limit=limit, most=limit), list[dict[str, Any]]()
        while not pages.ended:
            found += self._send(calls.task_page(pages)).tasks
        return found

    def all_tasks(self, **filters: Unpack[TaskFilters]) -> Generator[dict[str, Any], None, None]:
        """Yield all tasks that match, the newest first. Those that are submitted meanwhile are left out."""
        pages = Pages(filters, limit=MAX_PAGE)
        while not pages.ended:
            yield from self._send(calls.task_page(pages)).tasks

    def task_pages(
        self, *, limit: int = 50, cursor: str = "", **filters: Unpack[TaskFilters]
    ) -> Generator[TaskPage, None, None]:
        """Yield the tasks that match page by page, the newest first.

        `limit` is the most tasks of a page, 1 to 500. With the `cursor` of an earlier page it begins after that.
        """
        pages = Pages(filters, limit=limit, cursor=cursor)
        while not pages.ended:
            yield self._send(calls.task_page(pages))

    def processors(self) -> list[dict[str, Any]]:
        """List the processors that are alive, with their `kinds`, `running` tasks and `slots`: `processors:read`."""
        return self._send(calls.processors())

    def kinds(self) -> list[dict[str, Any]]:
        """List task kinds, with the JSON Schema of their parameters in `params`."""
        return self._send(calls.kinds())

    def cancel(self, task: str, reason: str = "") -> dict[str, Any]:
        """Request the cancellation of a task; its last event says when it has ended. ClientError 409 if it has."""
        return self._send(calls.cancel(task, reason))

    def retry(self, task: str, params: Mapping[str, Any] | None = None, *, resume: bool = False) -> dict[str, Any]:
        """Resubmit a task as a new one, with `params` in place of all earlier ones, if they are given.

        With `resume` it continues from the last checkpoint of the earlier task, if it has left one; not with `params`.
        Sent once: after a lost answer look at `tasks` before calling again.
        """
        return self._send(calls.retry(task, params, resume=resume))

    def dead_letters(self, *, kind: str = "", limit: int = 50, cursor: str = "") -> DeadLetterPage:
        """Jobs that were given up, the oldest first, up to `limit`, 1 to 500; after the `cursor` of an earlier page."""
        return self._send(calls.dead_letters(kind, limit, cursor))

    def dead_letter(self, id: str) -> dict[str, Any]:
        """A job that was given up, with its `params`, or with its `raw` message if it is not a job."""
        return self._send(calls.dead_letter(id))

    def resubmit(self, id: str, params: Mapping[str, Any] | None = None, key: str | None = None) -> dict[str, Any]:
        """Submit the job of a dead letter as a new task, with its own parameters or with `params`.

        Repeated with the same parameters it finds the same task, unless `key`, an idempotency key, is another one.
        """
        return self._send(calls.resubmit(id, params, key))

    def drop_dead_letter(self, id: str) -> dict[str, Any]:
        """Drop a dead letter; its task stays. ClientError 404 if there is none, as after a lost answer."""
        return self._send(calls.drop_dead_letter(id))

    def delete(self, task: str) -> dict[str, Any]:
        """Delete a task that has ended, with all that is stored of it. ClientError 409 before its end.

        ClientError 404 if there is none, also when the answer to an earlier call was lost.
        """
        return self._send(calls.delete(task))

    def result(self, task: str) -> Any:
        """The result of a completed task, also one that is too large for its event. ClientError 409 before its end."""
        return self._send(calls.result(task))

    def result_json(self, task: str) -> bytes:
        """The result as JSON bytes, every digit as the handler returned it."""
        return self._send(calls.result_json(task))

    def stream_token(self, task: str, *others: str) -> str:
        """Mint a token of five minutes for the query of a browser's stream of these tasks, `?token=`.

        Empty where access control is off: no token is needed.
        """
        return self._send(calls.stream_token(task, *others))

    def revoke(self, *, token: str = "", id: str = "", owner: str = "", before: float | None = None) -> dict[str, Any]:
        """Revoke a `token`, the access token with that `id`, or all of an `owner` issued `before` (default: now).

        Without any of them, this client's own token: sign out. `before` is seconds since 1970.
        """
        return self._send(calls.revoke(token, id, owner, before))

    def watch(
        self,
        *tasks: str,
        cursor: str | None = None,
        merge: bool = True,
        patience_seconds: float | None = None,
        timeout_seconds: float | None = None,
        on_drop: OnDrop | None = None,
    ) -> Generator[Watched, None, None]:
        """Yield the events of `tasks` in order until all of them have ended, across lost connections and restarts.

        Without a `cursor` it begins with their history. `merge=False` requests every progress event, also when this
        reader is slow. Reconnects indefinitely, or with `patience_seconds` raises ClientError after that time without
        a connection. With `timeout_seconds` it raises ClientError when they have not ended by then; they continue.
        Raises ClientError at once for a status that would not change, such as 404.
        """
        stream = Stream(
            tasks,
            cursor,
            merge=merge,
            patience_seconds=patience_seconds,
            timeout_seconds=timeout_seconds,
            on_drop=on_drop,
            clock=time.monotonic,
        )
        while not stream.settled:
            try:
                with closing(sync_events(self._http, stream, self._auth)) as events:
                    yield from events
            except StreamLost as lost:
                time.sleep(stream.pause(lost))

    def wait(self, task: str, *, timeout_seconds: float | None = None) -> dict[str, Any]:
        """Wait for the end of a task. Return its last progress: `status` is completed, error or cancelled.

        `message`, `error` and `data` (the result, if it is small) are there too. ClientError after `timeout_seconds`;
        the task continues.
        """
        last: dict[str, Any] = {}
        with closing(self.watch(task, timeout_seconds=timeout_seconds)) as events:
            for event in events:
                last = event.data if event.terminal else last
        return last

    def _send(self, call: calls.Call[T], content: Callable[[], Iterator[bytes]] | None = None) -> T:
        tries = Tries(call.tries, redact_url(self.base_url))
        while True:
            try:
                options = call.options if content is None else {**call.options, "content": content()}
                response = self._http.request(call.method, call.path, auth=self._auth, **options)
            except httpx.RequestError as error:
                pause = tries.failed(error)
            else:
                if response.is_success:
                    return call.read(Answer(response, self._decode))
                pause = tries.refused(response)
            time.sleep(pause)
