"""Uploads: every refusal leaves nothing, and an upload that is cut leaves nothing either."""

import asyncio
import hashlib

import pytest

from headway.errors import StoreFullError, UnavailableError
from headway.jetstream.store_meter import Usage
from headway_streamer.access.principal import Principal
from headway_streamer.files import uploads as module
from headway_streamer.files.uploads import Announced
from headway_streamer.limits.caller import NOBODY
from headway_streamer.limits.limits import LimitedError
from headway_streamer.limits.stored import QuotaError
from headway_streamer.problems import Problem
from tests.fixtures.condition import until
from tests.unit.streamer.conftest import parts_on

ANN, BOB = (Principal(owner, "acme", frozenset()) for owner in ("ann", "bob"))


async def body(*parts, error=None):
    for part in parts:
        yield part
    if error is not None:
        raise error


def take(parts, *content, who=ANN, length=None, error=None, sha256=None, content_type="text/csv", caller=NOBODY):
    announced = Announced("a.csv", content_type, length, sha256)
    return parts.uploads.take(who, caller, announced, body(*content, error=error))


def left(parts):
    """The files that count, whole or not."""
    return list(parts.files.records)


async def test_a_file_is_stored_with_what_was_said_of_it(parts):
    record = await take(parts, b"a;b\n", b"1;2\n", length=8)
    assert parts.files.content[record.file] == b"a;b\n1;2\n"
    assert (record.name, record.content_type, record.bytes) == ("a.csv", "text/csv", 8)
    assert (record.owner, record.tenant, record.whole) == ("ann", "acme", True)
    assert record.expires - record.created == pytest.approx(24 * 3600, abs=60)
    assert [one.file for one in await parts.user_files.of(record.ownership)] == [record.file]


@pytest.mark.security
@pytest.mark.parametrize(
    ("content", "options", "status"),
    [
        ((), {}, 422),
        ((b"a;b",), {"sha256": bytes(32)}, 422),
        ((b"PK\0\0",), {}, 422),
        ((b"x" * 60, b"x" * 60), {}, 413),
        ((), {"length": 101}, 413),
        ((b"x" * 60,), {"error": Problem(400, "Bad Request")}, 400),
    ],
    ids=["empty", "digest", "binary", "too large", "announced too large", "cut"],
)
async def test_what_is_refused_leaves_nothing(log, content, options, status):
    async with parts_on(log, max_file_bytes=100) as parts:
        with pytest.raises(Problem) as refused:
            await take(parts, *content, **options)
        assert (refused.value.status, left(parts)) == (status, [])
        record = await take(parts, b"a;b", sha256=hashlib.sha256(b"a;b").digest())
        assert left(parts) == [record.file]


@pytest.mark.security
@pytest.mark.parametrize("announced", [True, False])
async def test_an_owner_stores_no_more_than_it_may(log, announced):
    async with parts_on(log, max_owner_file_bytes=10_000) as parts:
        length = 5_000 if announced else None
        first = await take(parts, b"x" * 5_000, length=length)
        with pytest.raises(Problem, match=r"507.*your files use 7,048 of 10,000 bytes"):
            await take(parts, b"x" * 5_000, length=length)
        await take(parts, b"x" * 5_000, length=length, who=BOB)
        await parts.user_files.delete(first.file, first.ownership)
        await take(parts, b"x" * 5_000, length=length)


@pytest.mark.security
async def test_an_upload_that_is_not_whole_counts_with_what_it_has_announced(log):
    async with parts_on(log, max_owner_file_bytes=10_000) as parts:
        going = asyncio.Event()

        async def slow():
            await going.wait()
            yield b"x" * 5_000

        announced = Announced("a.csv", "text/csv", 5_000)
        first = asyncio.ensure_future(parts.uploads.take(ANN, NOBODY, announced, slow()))
        await until(lambda: len(left(parts)) == 1)
        with pytest.raises(Problem, match="507"):
            await take(parts, b"x" * 5_000, length=5_000)
        going.set()
        await first


@pytest.mark.security
async def test_an_owner_has_no_more_files_than_it_may(parts, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 2)
    for _ in range(2):
        await take(parts, b"x")
    with pytest.raises(Problem, match=r"507.*2 files"):
        await take(parts, b"x")
    await take(parts, b"x", who=BOB)


@pytest.mark.security
async def test_more_uploads_than_may_be_at_a_time_are_to_be_tried_again(parts, monkeypatch):
    monkeypatch.setattr(module, "MAX_UPLOADS", 1)
    going = asyncio.Event()

    async def slow():
        await going.wait()
        yield b"x"

    first = asyncio.ensure_future(parts.uploads.take(ANN, NOBODY, Announced("a", "text/csv", 1), slow()))
    await until(lambda: len(left(parts)) == 1)
    with pytest.raises(Problem) as refused:
        await take(parts, b"x")
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
    going.set()
    await first
    await take(parts, b"x")


async def test_uploads_count_against_the_rate_of_submissions(log):
    async with parts_on(log, max_submit_rate_per_user=1.0, max_submit_burst=1) as parts:
        caller = NOBODY._replace(owner="key")
        await take(parts, b"x", caller=caller)
        with pytest.raises(LimitedError):
            await take(parts, b"x", caller=caller)


async def test_files_count_for_the_quota_of_their_tenant(log):
    async with parts_on(log, max_tenant_bytes=10_000) as parts:
        await take(parts, b"x" * 5_000, length=5_000)
        with pytest.raises(QuotaError):
            await take(parts, b"x" * 5_000)
        assert len(left(parts)) == 1


async def test_files_leave_space_to_tasks(parts):
    parts.capacity.parts = [Usage("store", 0.0, 10_000.0), Usage("jobs", 99.0, 100.0)]
    await take(parts, b"x" * 3_000, length=3_000)
    with pytest.raises(StoreFullError, match="files may use 60%"):
        await take(parts, b"x" * 3_000)
    assert len(left(parts)) == 1


async def test_what_the_store_refuses_is_raised(parts):
    parts.files.full = True
    with pytest.raises(StoreFullError):
        await take(parts, b"x")
    parts.files.full, parts.files.away = False, True
    with pytest.raises(UnavailableError):
        await take(parts, b"x")


@pytest.mark.looptime
async def test_an_upload_ends_in_time(parts):
    async def silent():
        yield b"x"
        await asyncio.sleep(1e6)

    with pytest.raises(Problem, match="408"):
        await parts.uploads.take(ANN, NOBODY, Announced("a", "text/csv", None), silent())
    assert left(parts) == []


async def test_an_upload_that_was_removed_meanwhile_is_given_up(parts):
    async def removing():
        yield b"x"
        parts.files.records.clear()

    with pytest.raises(Problem, match="408"):
        await parts.uploads.take(ANN, NOBODY, Announced("a", "text/csv", None), removing())


async def test_an_upload_whose_end_cannot_be_stored_expires(parts, caplog):
    caplog.set_level("INFO")

    async def lost():
        yield b"x"
        parts.files.away = True

    with pytest.raises(UnavailableError):
        await parts.uploads.take(ANN, NOBODY, Announced("a", "text/csv", None), lost())
    assert "upload_left" in [getattr(record, "action", "") for record in caplog.records]
    (record,) = parts.files.records.values()
    assert record.expires - record.created == pytest.approx(module.UPLOAD_SECONDS, abs=1)
