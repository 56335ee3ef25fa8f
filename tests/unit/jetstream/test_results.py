"""Results in the object store: written in parts, read by task; what is absent differs from what cannot be read."""

import base64
import hashlib

import msgspec
import nats.errors
import nats.js.errors
import pytest

from headway.errors import StoreFullError, TooLargeError, UnavailableError
from headway.jetstream.object_store import CHUNK_BYTES
from headway.jetstream.results import MAX_BYTES, ResultStore
from headway.subjects import Names
from tests.unit.jetstream.fakes import stored_in

NAMES = Names("hw")
META = f"$O.hw_results.M.{base64.urlsafe_b64encode(b't1').decode()}"
LONG = bytes(range(256)) * (3 * CHUNK_BYTES // 256) + b"end"


@pytest.fixture
def results(client):
    stored_in(client)
    return ResultStore(client, NAMES)


def info(result, **changes):
    """The entry of a result whose parts are on the subject `x`."""
    digest = "SHA-256=" + base64.urlsafe_b64encode(hashlib.sha256(result).digest()).decode()
    entry = {"name": "t1", "bucket": "hw_results", "nuid": "x", "size": len(result), "chunks": 1, "digest": digest}
    return msgspec.json.encode(entry | changes)


def put(client, *parts, **changes):
    """Store parts and their entry as another client does it."""
    for part in parts:
        client.js.published.append(("$O.hw_results.C.x", part, None, None))
    client.js.published.append((META, info(b"".join(parts), **{"chunks": len(parts)} | changes), None, None))


@pytest.mark.parametrize("result", [b'{"pages":7}', b"", LONG])
async def test_result_that_was_stored_is_read(client, results, result):
    await results.put("t1", result)
    assert await results.get("t1") == result
    assert await results.get("t2") is None
    assert all(len(payload) <= CHUNK_BYTES for _, payload, _, _ in client.js.published)


async def test_result_replaces_an_earlier_one(results):
    await results.put("t1", b"1")
    await results.put("t1", b"2")
    assert await results.get("t1") == b"2"


async def test_parts_have_the_same_ids_in_each_try_and_are_read_once(client, results):
    await results.put("t1", LONG)
    _, *parts, _ = client.js.published
    client.js.published[:] = [*parts[:2], *client.js.published]  # an earlier try, which the server no longer knows
    assert await results.get("t1") == LONG
    assert len({headers["Nats-Msg-Id"] for _, _, headers, _ in parts}) == len(parts)


async def test_what_another_client_stored_is_read(client, results):
    put(client, b"ab", b"ab", b"c")
    assert await results.get("t1") == b"ababc"


async def test_deleted_result_is_absent(client, results):
    put(client, deleted=True)
    assert await results.get("t1") is None


@pytest.mark.security
@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "SHA-256=x"},
        {"chunks": 1},
        {"chunks": 7, "digest": ""},
        {"size": MAX_BYTES + 1},
        {"size": "many"},
        {"nuid": "y"},
    ],
    ids=str,
)
async def test_entry_that_does_not_fit_its_parts_is_unavailable(client, results, changes):
    put(client, b"ab", b"c", **changes)
    with pytest.raises(UnavailableError, match="result of t1"):
        await results.get("t1")


async def test_too_large_result_is_refused(client, results, monkeypatch):
    monkeypatch.setattr("headway.jetstream.results.MAX_BYTES", 10)
    with pytest.raises(TooLargeError):
        await results.put("t1", b"x" * 11)
    assert client.js.published == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), UnavailableError),
        (nats.errors.ConnectionClosedError(), UnavailableError),
        (nats.js.errors.ServiceUnavailableError(code=503, err_code=10008), UnavailableError),
        (nats.js.errors.APIError(code=500, err_code=10047, description="insufficient storage"), StoreFullError),
    ],
    ids=repr,
)
async def test_result_that_cannot_be_stored_raises(client, results, error, expected):
    client.js.failing = [error]
    with pytest.raises(expected, match="result of t1"):
        await results.put("t1", b"1")


@pytest.mark.parametrize("read", ["entry", "parts"])
async def test_result_that_cannot_be_read_is_unavailable(client, results, read):
    await results.put("t1", b"1")
    answer, asked = client.on_publish, []

    def refuse(request, reply):
        asked.append(request)
        if len(asked) == (1 if read == "entry" else 2):
            raise nats.errors.ConnectionClosedError
        answer(request, reply)

    client.on_publish = refuse
    with pytest.raises(UnavailableError, match="result of t1"):
        await results.get("t1")


async def test_all_parts_of_all_results_of_a_task_are_removed_before_their_entries(client, results):
    await results.put("t1", b"1")
    await results.put("t1", LONG)
    made = [subject for subject, *_ in client.js.published]
    await results.put("t2", b"2")
    purged = []

    async def purge(stream, subject):
        assert stream == "OBJ_hw_results"
        purged.append(subject)

    await results.remove("t1", purge)
    assert set(purged) == set(made)
    assert all(".M." in subject for subject in purged[-2:])


async def test_parts_of_a_writer_that_ended_before_the_entry_are_removed_too(client, results):
    client.js.published.clear()
    await results.put("t1", LONG)
    begun, *parts, _ = client.js.published
    client.js.published[:] = [begun, *parts[:2]]
    purged = []

    async def purge(stream, subject):
        purged.append(subject)

    assert await results.get("t1") is None
    await results.remove("t1", purge)
    assert {subject for subject, *_ in parts} <= set(purged)


@pytest.mark.security
async def test_the_entry_of_a_third_party_does_not_widen_a_removal(client, results):
    client.js.published.append((META, info(b"", nuid="*"), None, None))
    client.js.published.append((META, b"?", None, None))
    purged = []

    async def purge(stream, subject):
        purged.append(subject)

    await results.remove("t1", purge)
    assert not any("*" in subject for subject in purged)
    assert len(purged) == 2
