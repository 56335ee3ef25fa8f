"""Files as handlers read them: on the event loop, in a thread, and on a loop of their own; and whose they are."""

import asyncio
import csv
import io
import time

import pytest

from headway.errors import TaskError
from headway.opened_file import TaskFiles
from headway.ownership import Ownership
from headway.testing import MemoryFiles, MemoryLog, start_job

ANN = Ownership("ann", "acme")
TABLE = "".join(f"{n};{n * n}\n" for n in range(2_000)).encode()


@pytest.fixture
async def source():
    return MemoryFiles()


@pytest.fixture
async def files(source):
    return TaskFiles(source, ANN)


def add(source, content=TABLE, **fields):
    return source.add(content, **({"owner": "ann", "tenant": "acme", "name": "a.csv"} | fields)).file


async def test_a_handler_on_the_loop_reads_the_parts(source, files):
    async with files.open(add(source)) as file:
        assert (file.name, file.bytes, len(file.sha256)) == ("a.csv", len(TABLE), 64)
        parts = [part async for part in file]
    assert b"".join(parts) == TABLE
    assert len(parts) > 1


async def test_a_handler_in_a_thread_reads_a_stream(source, files):
    id = add(source)

    def read():
        with files.open(id) as stream:
            assert stream.file.name == "a.csv"
            rows = list(csv.reader(io.TextIOWrapper(stream), delimiter=";"))
        assert stream.closed
        return rows

    rows = await asyncio.to_thread(read)
    assert (len(rows), rows[-1]) == (2_000, ["1999", "3996001"])


async def test_a_handler_with_a_loop_of_its_own_reads_the_parts(source, files):
    id = add(source)

    async def read():
        async with files.open(id) as file:
            return b"".join([part async for part in file])

    assert await asyncio.to_thread(lambda: asyncio.run(read())) == TABLE


async def test_a_handler_on_the_loop_that_would_wait_for_itself_is_told_what_to_write(source, files):
    with pytest.raises(TaskError, match="async with"), files.open(add(source)):
        pass


@pytest.mark.security
async def test_a_file_of_another_owner_is_the_same_as_none(source, files):
    others = [
        add(source, owner="bob"),
        add(source, tenant="evil"),
        add(source, owner="", tenant=""),
        add(source, deleted=True),
        add(source, sha256=""),
        "absent",
    ]
    messages = set()
    for file in others:
        with pytest.raises(TaskError) as refused:
            await files.open(file).__aenter__()
        assert (refused.value.type, refused.value.retryable) == ("FileMissing", False)
        messages.add(str(refused.value).replace(file, "F"))
    assert len(messages) == 1


async def test_an_expired_file_is_called_that(source, files):
    with pytest.raises(TaskError, match=r"'a.csv' has expired: it was kept until .* UTC") as refused:
        await files.open(add(source, expires=time.time() - 1)).__aenter__()
    assert (refused.value.type, refused.value.retryable) == ("FileExpired", False)


async def test_another_attempt_may_read_what_cannot_be_read_now(source, files):
    id = add(source)
    source.away = True
    with pytest.raises(TaskError) as refused:
        await files.open(id).__aenter__()
    assert (refused.value.type, refused.value.retryable) == ("FileUnavailable", True)
    source.away = False
    async with files.open(id) as file:
        source.away = True
        with pytest.raises(TaskError, match="could not be read"):
            await anext(file)


async def test_a_job_opens_files_where_there_are_any(source):
    id = source.add(b"a;b").file
    job = start_job(MemoryLog(), files=source)
    async with job.open(id) as file:
        assert [part async for part in file] == [b"a;b"]
    await job.abort()
    without = start_job(MemoryLog())
    with pytest.raises(TaskError, match="has no files"):
        without.open(id)
    await without.abort()


async def test_the_handlers_of_the_how_to_read_a_file(source, printed):
    names = {"__name__": "how_to"}
    text = printed[0].text.replace('@task("size")', "").replace('@task("rows")', "").replace(", task", "")
    exec(compile(text, str(printed[0]), "exec"), names)
    table = source.add(TABLE, name="a.csv").file
    job = start_job(MemoryLog(), files=source)
    params = names["Table"](table=table)
    assert await names["size"](job, params) == len(TABLE)
    assert await asyncio.to_thread(names["rows"], job, params) == 2_000
    await job.abort()
