"""Backups: all streams of a namespace in a directory, by the snapshots of JetStream, and their way back.

A stream is copied while it is used, with its consumers. The server sends the pieces to whatever subject it is asked to
send them to, with its own rights; so this needs the administrator of the account that holds the streams.
https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-42.md
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg

from headway.errors import LogError
from headway.jetstream.errors import mapped
from headway.jetstream.grants import created_streams
from headway.subjects import Names

TIMEOUT_SECONDS = 60.0
"""Longest time without an answer or a piece."""
CHUNK_BYTES = 128 * 1024
_NOT_FOUND, _EXISTS = 10059, 10130


class Copied(NamedTuple):
    """A stream of a copy."""

    stream: str
    messages: int
    size: int
    """Bytes of the copy."""


def in_order(names: Names) -> tuple[str, ...]:
    """The streams in the order in which they are copied, which fits tasks that are submitted and end meanwhile.

    A job in the copy has its record and its events, and an end its result. Only a task that is submitted meanwhile may
    have events without a job. What begins later is copied before the queue that it moves to.
    """
    scheduled, records, results = (
        f"KV_{names.scheduled_bucket}",
        f"KV_{names.tasks_bucket}",
        f"OBJ_{names.results_bucket}",
    )
    first = (scheduled, names.jobs_stream, records, names.events_stream, results)
    return (*first, *(stream for stream in created_streams(names) if stream not in first))


async def back_up(client: Client, names: Names, directory: Path) -> AsyncIterator[Copied]:
    """Copy each stream into `directory`, which must be empty or absent. Raises LogError and UnavailableError."""
    _prepare(directory)
    for stream in in_order(names):
        data, about = _files(directory, stream)
        with data.open("xb") as file:
            found = await _snapshot(client, stream, file)
        # Last, because it says that the data is complete.
        about.write_text(json.dumps(found))
        yield Copied(stream, found["state"]["messages"], data.stat().st_size)


async def restore(
    client: Client, names: Names, directory: Path, *, replicas: int = 0, replace: bool = False
) -> AsyncIterator[Copied]:
    """Create each stream as `directory` holds it. Raises LogError and UnavailableError.

    Args:
        replicas: copies of each stream; 0 for as many as there were.
        replace: whether streams that exist are deleted before.
    """
    described = {stream: _description(directory, stream) for stream in in_order(names)}
    for stream, about in described.items():
        if replace:
            await _ask(client, f"$JS.API.STREAM.DELETE.{stream}", {}, accepted=(_NOT_FOUND,))
        if replicas:
            about["config"]["num_replicas"] = replicas
        data, _ = _files(directory, stream)
        with data.open("rb") as file:
            await _send(client, stream, about, file)
        yield Copied(stream, about["state"]["messages"], data.stat().st_size)


def _prepare(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise LogError(f"{directory} is not empty")


def _files(directory: Path, stream: str) -> tuple[Path, Path]:
    """The data of a stream, as the server sends it, and its configuration and state."""
    return directory / f"{stream}.tar.s2", directory / f"{stream}.json"


def _description(directory: Path, stream: str) -> dict[str, Any]:
    data, about = _files(directory, stream)
    if not (data.is_file() and about.is_file()):
        raise LogError(f"{directory} does not hold a whole copy of {stream}")
    found: dict[str, Any] = json.loads(about.read_text())
    return found


async def _snapshot(client: Client, stream: str, file: IO[bytes]) -> dict[str, Any]:
    """Write the data of a stream to `file`. Returns its configuration and state."""
    inbox = client.new_inbox()
    pieces: asyncio.Queue[Msg] = asyncio.Queue()
    subscription = await client.subscribe(inbox, cb=pieces.put)
    try:
        wanted = {"deliver_subject": inbox, "chunk_size": CHUNK_BYTES}
        answer = await _ask(client, f"$JS.API.STREAM.SNAPSHOT.{stream}", wanted)
        while True:
            with mapped(f"copy {stream}"):
                piece = await asyncio.wait_for(pieces.get(), TIMEOUT_SECONDS)
            if not piece.data:
                _check_end(stream, piece)
                return {"config": answer["config"], "state": answer["state"]}
            await asyncio.to_thread(file.write, piece.data)
            if piece.reply:  # the server sends a few pieces ahead
                await client.publish(piece.reply)
    finally:
        await subscription.unsubscribe()


def _check_end(stream: str, piece: Msg) -> None:
    status = (piece.headers or {}).get("Status", "204")
    if status != "204":
        raise LogError(f"{stream} was not copied: {status} {(piece.headers or {}).get('Description', '')}")


async def _send(client: Client, stream: str, about: dict[str, Any], file: IO[bytes]) -> None:
    answer = await _ask(client, f"$JS.API.STREAM.RESTORE.{stream}", about)
    for piece in chain(_pieces(file), [b""]):  # an empty one ends it
        with mapped(f"restore {stream}"):
            done = await client.request(answer["deliver_subject"], piece, timeout=TIMEOUT_SECONDS)
        if done.data:
            _checked(stream, json.loads(done.data))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(CHUNK_BYTES):
        yield piece


async def _ask(client: Client, subject: str, body: dict[str, Any], *, accepted: tuple[int, ...] = ()) -> dict[str, Any]:
    stream = subject.rpartition(".")[2]
    with mapped(f"ask NATS about {stream}"):
        answer = await client.request(subject, json.dumps(body).encode(), timeout=TIMEOUT_SECONDS)
    return _checked(stream, json.loads(answer.data), accepted)


def _checked(stream: str, answer: dict[str, Any], accepted: tuple[int, ...] = ()) -> dict[str, Any]:
    """The answer. Raises LogError for an error in it that is not accepted."""
    error = answer.get("error") or {}
    if error and error.get("err_code") not in accepted:
        hint = "; stop the services and use --replace" if error.get("err_code") == _EXISTS else ""
        raise LogError(f"{stream}: {error.get('description', 'refused')}{hint}")
    return answer
