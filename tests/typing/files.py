"""Files as parameters of a task: how handlers read them."""

from __future__ import annotations

from typing import assert_type

import msgspec

from headway import File, Job, task
from headway.kind import Registry
from headway.opened_file import FileParts, FileReader, OpenedFile
from headway.records import FileRecord
from headway.testing import MemoryFiles, MemoryLog, start_job


class Params(msgspec.Struct):
    table: File
    other: File | None = None


@task(registry=Registry())
async def on_the_loop(job: Job, params: Params) -> int:
    assert_type(params.table, str)
    assert_type(job.open(params.table), OpenedFile)
    size = 0
    async with job.open(params.table) as file:
        assert_type(file, FileParts)
        assert_type(file.name, str)
        async for part in file:
            assert_type(part, bytes)
            size += len(part)
    return size


@task(registry=Registry())
def in_a_thread(job: Job, params: Params) -> bytes:
    with job.open(params.table) as stream:
        assert_type(stream, FileReader)
        assert_type(stream.file.bytes, int)
        return stream.read()


async def test_it_reads() -> None:
    files = MemoryFiles()
    assert_type(files.add(b"a;b", name="a.csv"), FileRecord)
    start_job(MemoryLog(), files=files)


async def errors(job: Job, params: Params) -> None:
    job.open()  # type: ignore[call-arg]
    job.open(3)  # type: ignore[arg-type]
    job.open(params.other)  # type: ignore[arg-type]
    with job.open("f") as stream:
        stream.name()  # type: ignore[operator]
        stream.file.size()  # type: ignore[attr-defined]
    Params(table=b"f")  # type: ignore[arg-type]
    start_job(MemoryLog(), files=[b"x"])  # type: ignore[arg-type]
