"""An uploaded file as a source of a table."""

import pytest

from headway import TaskError
from headway.testing import MemoryFiles, MemoryLog, start_job
from headway_kinds.bulk import uploaded as module
from headway_kinds.bulk.kind import BulkParams, bulk
from headway_kinds.bulk.uploaded import open_uploaded
from headway_kinds.settings import Settings

TABLE = b"a;b\n" + b"1;2\n" * 1000


@pytest.fixture
async def files():
    return MemoryFiles()


@pytest.fixture
async def job(files):
    job = start_job(MemoryLog(), interval_seconds=0, files=files)
    yield job
    await job.abort()


async def test_it_is_copied_for_as_long_as_it_is_needed(files, job, monkeypatch):
    monkeypatch.setattr(module, "WRITE_BYTES", 1500)
    record = files.add(TABLE, name="a.csv")
    async with open_uploaded(job, record.file) as copy:
        assert (copy.source.path.read_bytes(), copy.name) == (TABLE, "a.csv")
        assert copy.source.version == record.sha256  # a checkpoint is of this content
    assert not copy.source.path.exists()


async def test_bulk_profiles_it_under_its_name(files, job):
    params = BulkParams(file=files.add(TABLE, name="a.csv").file)
    report = await bulk(job, params, Settings())
    assert (report.source, report.rows, [column.name for column in report.columns]) == ("a.csv", 1000, ["a", "b"])


async def test_what_is_no_table_is_refused_as_of_any_source(files, job):
    with pytest.raises(TaskError, match="PDF"):
        await bulk(job, BulkParams(file=files.add(b"%PDF-1.7\n" * 100).file), Settings())


@pytest.mark.parametrize("given", [{}, {"source": "a", "file": "f"}])
def test_there_is_one_source(given):
    with pytest.raises(ValueError, match="either"):
        BulkParams(**given)
