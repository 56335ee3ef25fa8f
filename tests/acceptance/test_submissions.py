"""Submissions that are costly to judge, at a streamer process."""

import asyncio
import json
from time import perf_counter

import pytest
import pytest_asyncio

from headway import codec
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway.records import KindRecord

pytestmark = pytest.mark.security

SCHEMA = {
    "type": "object",
    "properties": {
        "numbers": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "either": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "object", "required": ["a"]}]}},
        "maybe": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
        "unique": {"type": "array", "uniqueItems": True},
    },
    "additionalProperties": False,
}
BODIES = {
    "wrong items": {"numbers": ["x"] * 60_000},
    "right items": {"numbers": [1] * 100_000},
    "wrong items with alternatives": {"either": ["x"] * 60_000},
    "unknown names": {f"name{n}": n for n in range(15_000)},
    "items that cannot be sorted": {"unique": [str(n) if n % 2 else n for n in range(30_000)] + [0]},
    "a list that may be missing": {"maybe": ["x"] * 60_000},
}
TRIES = 5
MOST_SECONDS = 0.3
"""Far above the stalls of 5 to 25 ms that are seen here, and below those of 0.8 to 4 s without the bounds."""


@pytest_asyncio.fixture(loop_scope="session")
async def kind(services):
    """A kind with lists, as a processor would have registered it."""
    connection = Connection(NatsSettings(url=services.nats.url), "test")
    await connection.open()
    await provision.ensure(connection.client.jetstream(), connection.names)
    record = codec.encode_json(KindRecord(kind="lists", params=SCHEMA))
    buckets = await connection.client.jetstream().key_value(connection.names.kinds_bucket)
    await buckets.put("lists", record)
    yield "lists"
    await connection.close()


async def longest_stall(http, streamer, work):
    """The longest time in seconds that another client waited for a short answer while `work` was done."""
    longest, task = 0.0, asyncio.ensure_future(work)
    while not task.done():
        began = perf_counter()
        await http.get(f"http://127.0.0.1:{streamer.ops_port}/livez")
        longest = max(longest, perf_counter() - began)
    await task
    return longest


@pytest.mark.parametrize("shape", BODIES)
async def test_a_costly_submission_does_not_keep_other_clients_waiting(
    services, streamers, http, kind, shape, security_figures
):
    one = await streamers("s1", {})
    body = json.dumps({"kind": kind, "params": BODIES[shape]}, separators=(",", ":")).encode()
    assert len(body) <= 256 * 1024

    async def submit():
        answer = await http.post(
            f"http://127.0.0.1:{one.port}/api/v1/tasks", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == (202 if shape == "right items" else 422)
        assert len(answer.json().get("errors", ())) <= 50

    stall = min([await longest_stall(http, one, submit()) for _ in range(TRIES)])  # what all tries have in common
    security_figures(7, f"submission with {shape}", KiB=len(body) // 1024, stall_ms=round(stall * 1000))
    assert stall < MOST_SECONDS
