"""The requests of the API, and how the answer to each is read. No I/O: both clients send them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from headway.client.answer import Answer
from headway.client.task_pages import DeadLetterPage, Pages, TaskPage
from headway.client.upload import FILES, Upload, UploadedFile, read_answer
from headway.values import exact_json

T = TypeVar("T")

TRIES = 4
"""Maximum tries of a request that may be repeated: about two seconds in all."""
TASKS = "/api/v1/tasks"
DEAD_LETTERS = "/api/v1/dead-letters"
REPORTS = "/api/v1/reports"


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request and what its answer becomes."""

    method: str
    path: str
    read: Callable[[Answer], T]
    tries: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of httpx's `request`."""


def task_path(task: str, rest: str = "") -> str:
    """The path of a task's routes."""
    return f"{TASKS}/{quote(task, safe='')}{rest}"


def dead_letter_path(id: str, rest: str = "") -> str:
    """The path of a route of a dead letter."""
    return f"{DEAD_LETTERS}/{quote(id, safe='')}{rest}"


def report_path(task: str, rest: str) -> str:
    """The path of a route of a task that the caller reports."""
    return f"{REPORTS}/{quote(task, safe='')}{rest}"


def submit(
    kind: str,
    params: Mapping[str, Any] | None,
    key: str | None,
    title: str = "",
    tags: Collection[str] = (),
    *,
    unique: str = "",
    join: bool = False,
    run_at: float | datetime | None = None,
) -> Call[dict[str, Any]]:
    """Submit a task, under a random key unless there is one: a retry after a lost answer never runs it twice.

    Raises ValueError for a `run_at` without a time zone.
    """
    if isinstance(run_at, datetime):
        if run_at.tzinfo is None:
            raise ValueError("run_at has no time zone: give it one, or pass run_at.astimezone() if it is local")
        run_at = run_at.timestamp()
    headers = {"Idempotency-Key": key or str(uuid.uuid4()), "Content-Type": "application/json"}
    given = _given(title=title, tags=list(tags), unique=unique, on_conflict="join" if join else "", run_at=run_at)
    body = {"kind": kind, "params": dict(params or {})} | given
    options = {"content": exact_json.encode(body), "headers": headers}
    return Call("POST", TASKS, Answer.object, TRIES, options)


def upload(file: Upload) -> Call[UploadedFile]:
    """Upload a file; its content is passed with each try."""
    return Call("POST", FILES, read_answer, file.tries, {"headers": file.headers})


def task(task: str) -> Call[dict[str, Any]]:
    """What is known of a task."""
    return Call("GET", task_path(task), Answer.object, TRIES)


def task_page(pages: Pages) -> Call[TaskPage]:
    """The next page of a list of tasks."""
    return Call("GET", TASKS, pages.read, TRIES, {"params": pages.query})


def processors() -> Call[list[dict[str, Any]]]:
    """The processors that are alive."""
    return Call("GET", "/api/v1/processors", lambda answer: answer.items("processors"), TRIES)


def kinds() -> Call[list[dict[str, Any]]]:
    """The kinds of tasks."""
    return Call("GET", "/api/v1/kinds", lambda answer: answer.items("kinds"), TRIES)


def cancel(task: str, reason: str) -> Call[dict[str, Any]]:
    """Request the cancellation of a task. Sent once: a repetition may be refused."""
    return Call("POST", task_path(task, "/cancel"), Answer.object, options={"json": _given(reason=reason)})


def retry(task: str, params: Mapping[str, Any] | None, *, resume: bool) -> Call[dict[str, Any]]:
    """Resubmit a task. Sent once: a repetition would start another one."""
    body = ({} if params is None else {"params": dict(params)}) | _given(resume=resume)
    headers = {"Content-Type": "application/json"}
    options = {"content": exact_json.encode(body), "headers": headers}
    return Call("POST", task_path(task, "/retry"), Answer.object, options=options)


def dead_letters(kind: str, limit: int, cursor: str) -> Call[DeadLetterPage]:
    """A page of dead letters."""
    query = {"limit": limit} | _given(kind=kind, cursor=cursor)
    return Call("GET", DEAD_LETTERS, _dead_letter_page, TRIES, {"params": query})


def dead_letter(id: str) -> Call[dict[str, Any]]:
    """A dead letter with its parameters."""
    return Call("GET", dead_letter_path(id), Answer.object, TRIES)


def resubmit(id: str, params: Mapping[str, Any] | None, key: str | None) -> Call[dict[str, Any]]:
    """Submit the job of a dead letter again. Without a key the server has one: a repetition finds the same task."""
    headers = {"Content-Type": "application/json"} | ({} if key is None else {"Idempotency-Key": key})
    body = {} if params is None else {"params": dict(params)}
    options = {"content": exact_json.encode(body), "headers": headers}
    return Call("POST", dead_letter_path(id, "/resubmit"), Answer.object, TRIES, options)


def drop_dead_letter(id: str) -> Call[dict[str, Any]]:
    """Drop a dead letter. Sent once: a repetition does not find it."""
    return Call("DELETE", dead_letter_path(id), Answer.object)


def _dead_letter_page(answer: Answer) -> DeadLetterPage:
    cursor = answer.object().get("cursor")
    return DeadLetterPage(answer.items("dead_letters"), cursor if isinstance(cursor, str) else None)


def delete(task: str) -> Call[dict[str, Any]]:
    """Delete a task."""
    return Call("DELETE", task_path(task), Answer.object, TRIES)


def result(task: str) -> Call[Any]:
    """The result of a task."""
    return Call("GET", task_path(task, "/result"), Answer.json, TRIES)


def result_json(task: str) -> Call[bytes]:
    """The result of a task as bytes."""
    return Call("GET", task_path(task, "/result"), Answer.checked_content, TRIES)


def stream_token(task: str, *others: str) -> Call[str]:
    """A token for streams of these tasks."""
    options = {"json": _given(tasks=list(others))}
    return Call("POST", task_path(task, "/token"), lambda answer: answer.text("stream_token"), TRIES, options)


def revoke(token: str, id: str, owner: str, before: float | None) -> Call[dict[str, Any]]:
    """Revoke tokens."""
    given = _given(token=token, id=id, owner=owner) | ({} if before is None else {"before": before})
    return Call("POST", "/api/v1/revocations", Answer.object, options={"json": given})


def open_report(opening: Mapping[str, Any], key: str) -> Call[dict[str, Any]]:
    """Open a task that the caller reports. Sent once, as all calls of reports: `Report` repeats them."""
    return Call("POST", REPORTS, Answer.object, options=_json(opening, {"Idempotency-Key": key}))


def append_to_report(task: str, epoch: int, sequence: int, events: Sequence[Any]) -> Call[dict[str, Any]]:
    """Append a batch of events, the first of which has number `sequence`."""
    body = {"epoch": epoch, "sequence": sequence, "events": events}
    return Call("POST", report_path(task, "/events"), Answer.object, options=_json(body))


def end_report(task: str, epoch: int, sequence: int, end: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """End a task that the caller reports."""
    body = {"epoch": epoch, "sequence": sequence, **end}
    return Call("POST", report_path(task, "/end"), Answer.object, options=_json(body))


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _json(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"content": msgspec.json.encode(body), "headers": {"Content-Type": "application/json", **(headers or {})}}
