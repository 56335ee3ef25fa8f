"""The kind `bulk` as a whole: from a file to the profile of its columns."""

import asyncio
import gzip
from pathlib import Path

import airportsdata
import msgspec
import pytest

from headway import TaskCancelledError, TaskError
from headway.errors import CancelRequestedError
from headway.events import LogLine, Progress
from headway.task import REGISTRY
from headway.testing import MemoryLog, start_job
from headway_processor.kinds import bulk as bulk_module
from headway_processor.kinds.bulk import BulkParams, bulk
from headway_processor.settings import Settings


class Run:
    """A run of `bulk` in a thread, on a log in memory."""

    def __init__(self, root, monkeypatch):
        self.root = root
        self.log = MemoryLog()
        monkeypatch.setattr(bulk_module, "current", lambda: Settings(data_dir=str(root)))

    async def __call__(self, content=None, **params):
        if content is not None:
            (self.root / "table.csv").write_bytes(content)
        job = start_job(self.log, interval_seconds=0)
        try:
            report = await asyncio.to_thread(bulk, job, BulkParams(**({"source": "table.csv"} | params)))
            await job.finish("completed", data=report)
        finally:
            await job.abort()
        return report

    @property
    def progress(self):
        return [event for event in self.log.events("t1") if isinstance(event, Progress)]

    @property
    def lines(self):
        return [event for event in self.log.events("t1") if isinstance(event, LogLine)]


@pytest.fixture
def run(tmp_path, monkeypatch):
    return Run(tmp_path, monkeypatch)


async def test_every_column_is_profiled(run):
    report = await run(b"id,price,when\n1,2.5,2024-01-01\n2,,2024-01-02\n")
    assert (report.rows, report.bad_rows, report.encoding, report.delimiter) == (2, 0, "utf-8", ",")
    assert [(column.name, column.type, column.nulls) for column in report.columns] == [
        ("id", "integer", 0),
        ("price", "number", 1),
        ("when", "date", 0),
    ]


async def test_the_airports_of_the_world_are_profiled(run, monkeypatch):
    root = Path(airportsdata.__file__).parent
    monkeypatch.setattr(bulk_module, "current", lambda: Settings(data_dir=str(root)))
    report = await run(source="airports.csv")
    columns = {column.name: column for column in report.columns}
    assert (report.rows > 28_000, report.bad_rows, len(columns)) == (True, 0, 11)
    assert (columns["icao"].type, columns["icao"].distinct, columns["icao"].distinct_exact) == (
        "text",
        report.rows,
        True,
    )
    assert (columns["lat"].type, columns["elevation"].type, columns["tz"].type) == ("number", "number", "text")
    assert columns["lat"].min >= -90
    assert columns["lat"].max <= 90
    assert columns["country"].top[0].value == "US"


async def test_rows_are_counted_and_the_bar_ends_full(run):
    await run(b"a\n" + b"1\n" * 5000)
    steps = list(dict.fromkeys(event.step for event in run.progress if event.step))
    assert steps == ["Counting", "Profiling"]
    last = run.progress[-1]
    assert (last.status, last.done, last.total, last.unit, last.progress) == ("completed", 5000, 5000, "rows", 100)
    counting = [event.progress for event in run.progress if event.step == "Counting"]
    assert max(counting) <= 5


async def test_the_total_is_corrected_when_lines_were_no_rows(run):
    await run(b'a,b\n"x\ny\nz",1\n\n\n2,3\n')
    assert (run.progress[-1].done, run.progress[-1].total) == (2, 2)


async def test_a_packed_file_is_unpacked(run):
    report = await run(gzip.compress(b"a\n1\n2\n"))
    assert (report.rows, report.columns[0].max) == (2, 2)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: packed[:40] + b"\0" * 40 + packed[80:]])
async def test_a_damaged_packed_file_is_told(run, damage):
    packed = gzip.compress("\n".join(str(number**3) for number in range(5000)).encode())
    with pytest.raises(TaskError) as raised:
        await run(damage(packed))
    assert (raised.value.type, raised.value.retryable) == ("BadGzip", False)


async def test_bad_rows_do_not_end_it(run):
    report = await run(b"a,b\n1,2\n1\n3,4\x00\n5,6\n")
    assert (report.rows, report.bad_rows) == (2, 2)
    assert [(entry.line, entry.reason) for entry in report.bad] == [(3, "1 fields instead of 2"), (4, "contains NUL")]


async def test_an_undecodable_line_far_into_the_file_is_bad(run):
    report = await run(b"a\n" + b"x\n" * 40_000 + b"\xff\n" + b"y\n")
    assert (report.rows, report.encoding) == (40_001, "utf-8")
    assert [(entry.line, entry.reason) for entry in report.bad] == [(40_002, "not utf-8")]


async def test_latin_1_is_read_with_a_warning(run):
    report = await run("stadt\nMünchen\n".encode("latin-1"))
    assert (report.encoding, report.columns[0].min) == ("latin-1", "München")
    assert [line.level for line in run.lines] == ["warning"]


@pytest.mark.parametrize(("given", "used"), [("tab", "\t"), (";", ";"), ("", ",")])
async def test_the_delimiter_may_be_given(run, given, used):
    report = await run(b"a,b\tc;d\n1,2\t3;4\n", delimiter=given)
    assert (report.delimiter, len(report.columns)) == (used, 2)


async def test_a_table_without_a_header_is_read(run):
    report = await run(b"1,2\n3,4\n", header=False)
    assert (report.rows, report.columns[0].name, report.columns[0].min) == (2, "column 1", 1)


async def test_a_table_of_a_header_alone_has_empty_columns(run):
    report = await run(b"a,b\n")
    assert (report.rows, [column.type for column in report.columns]) == (0, ["empty", "empty"])


@pytest.mark.parametrize("content", [b"", b"\n"])
async def test_an_empty_table_is_told(run, content):
    with pytest.raises(TaskError, match="empty"):
        await run(content)


async def test_a_missing_file_is_told(run):
    with pytest.raises(TaskError, match="There is no file"):
        await run()


async def test_a_cancelled_profile_stops_within_a_batch(run):
    (run.root / "table.csv").write_bytes(b"a\n" + b"1\n" * 50_000)
    job = start_job(run.log, interval_seconds=0)
    batches, update = [], job.update

    def stop_in_the_middle(**given):
        update(**given)
        batches.append(given)
        if given.get("done") == 3000:
            job.stop(CancelRequestedError("t1", ""))

    job.update = stop_in_the_middle
    with pytest.raises(TaskCancelledError):
        await asyncio.to_thread(bulk, job, BulkParams(source="table.csv"))
    await job.abort()
    assert batches[-1]["done"] == 3000


async def test_the_report_can_be_stored(run):
    report = await run(b"a,b\n1,x\n")
    assert msgspec.json.decode(msgspec.json.encode(report))["columns"][0]["name"] == "a"


def test_the_kind_runs_in_a_thread_and_describes_its_parameters():
    kind = REGISTRY.get("bulk")
    assert kind.executor == "thread"
    record = kind.record()
    assert record.params["required"] == ["source"]
    assert record.description.startswith("Profile a CSV table")


@pytest.mark.parametrize("delimiter", ["\n", '"', "\0", ",,", "tabs"])
def test_a_delimiter_that_cannot_be_one_is_refused(delimiter):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"source": "x", "delimiter": delimiter}, BulkParams)
