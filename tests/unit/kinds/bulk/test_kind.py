"""The kind `bulk` as a whole: from a file to the profile of its columns."""

import asyncio
import gzip
import threading
from itertools import pairwise
from pathlib import Path

import airportsdata
import msgspec
import pytest

from headway import TaskCancelledError, TaskError
from headway.checkpoint import unpack
from headway.errors import CancelRequestedError
from headway.events import LogLine, Progress
from headway.kind import REGISTRY
from headway.testing import MemoryCheckpoints, MemoryLog, start_job
from headway_kinds.bulk.kind import BulkParams, bulk, register
from headway_kinds.settings import Settings
from tests.fixtures.condition import until


class Run:
    """A run of `bulk`, on a log in memory."""

    def __init__(self, root):
        self.root = root
        self.log = MemoryLog()

    @property
    def settings(self):
        return Settings(data_dir=str(self.root))

    async def __call__(self, content=None, **params):
        if content is not None:
            (self.root / "table.csv").write_bytes(content)
        job = start_job(self.log, interval_seconds=0)
        try:
            report = await bulk(job, BulkParams(**({"source": "table.csv"} | params)), self.settings)
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
def run(tmp_path):
    return Run(tmp_path)


async def test_every_column_is_profiled(run):
    report = await run(b"id,price,when\n1,2.5,2024-01-01\n2,,2024-01-02\n")
    assert (report.rows, report.bad_rows, report.encoding, report.delimiter) == (2, 0, "utf-8", ",")
    assert [(column.name, column.type, column.nulls) for column in report.columns] == [
        ("id", "integer", 0),
        ("price", "number", 1),
        ("when", "date", 0),
    ]


async def test_the_airports_of_the_world_are_profiled():
    run = Run(Path(airportsdata.__file__).parent)
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


async def test_the_bar_goes_with_the_bytes_and_ends_full(run):
    content = b"a\n" + b"1\n" * 200_000
    await run(content)
    assert list(dict.fromkeys(event.step for event in run.progress if event.step)) == ["Profiling"]
    last = run.progress[-1]
    assert (last.status, last.done, last.total, last.unit, last.progress) == (
        "completed",
        len(content),
        len(content),
        "bytes",
        100,
    )
    assert last.message == "200,000 rows"


async def test_progress_is_noted_in_small_steps_also_of_a_packed_file(run, monkeypatch):
    content = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n**5) for n in range(60_000)))
    (run.root / "table.csv").write_bytes(content)
    job, noted = start_job(run.log, interval_seconds=0), []
    update = job.update
    monkeypatch.setattr(job, "update", lambda **given: (noted.append(given.get("done")), update(**given)))
    await bulk(job, BulkParams(source="table.csv"), run.settings)
    await job.abort()
    done = [count for count in noted if count is not None]
    assert done == sorted(done)
    assert max(after - before for before, after in pairwise([0, *done])) < len(content) / 5


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
    assert [(entry.line, entry.reason) for entry in report.bad] == [(3, "1 field instead of 2"), (4, "contains NUL")]
    assert report.warnings == ["2 of 4 rows skipped as bad: 1 field instead of 2 (line 3); contains NUL (line 4)."]
    assert [line.message for line in run.lines] == report.warnings
    assert run.progress[-1].message == "2 rows, and 2 bad ones skipped"


@pytest.mark.parametrize(("max_bad", "error"), [(60, False), (59, True), (100, False), (0, True)])
async def test_more_bad_rows_than_allowed_are_an_error_that_names_the_first(run, max_bad, error):
    content = b"a,b\n" + b"1,2\n" * 4 + b"1\n" * 6
    if not error:
        assert (await run(content, max_bad=max_bad)).bad_rows == 6
        return
    with pytest.raises(TaskError, match=r"6 of 10 rows are bad.*1 field instead of 2 \(line 6 and 5 more\)") as raised:
        await run(content, max_bad=max_bad)
    assert not raised.value.retryable


async def test_a_table_without_a_good_row_is_an_error_whatever_is_allowed(run):
    with pytest.raises(TaskError, match=r"The row is bad: 1 field instead of 2 \(line 2\)"):
        await run(b"a,b\n1\n", max_bad=100)


async def test_the_encoding_may_be_given(run):
    report = await run("stadt\nKöln\n".encode("cp850"), encoding="ibm850")
    assert (report.encoding, report.columns[0].min, report.warnings) == ("ibm850", "Köln", [])


@pytest.mark.parametrize("codes", [b"00501\n00502\n", b"1 2\nx\n", b"a,\n1,2\n"])
async def test_a_text_column_without_decimal_commas_gives_no_warning_of_them(run, codes):
    assert (await run(b"code\n" + codes, delimiter=";")).warnings == []


async def test_an_undecodable_line_far_into_the_file_is_bad(run):
    report = await run(b"a\n" + b"x\n" * 40_000 + b"\xff\n" + b"y\n")
    assert (report.rows, report.encoding) == (40_001, "utf-8")
    assert [(entry.line, entry.reason) for entry in report.bad] == [(40_002, "not utf-8")]


async def test_a_guessed_encoding_is_a_warning(run):
    report = await run("stadt\nMünchen\n".encode("latin-1"))
    assert (report.encoding, report.columns[0].min) == ("windows-1252", "München")
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
        if len(batches) == 3:
            job.stop(CancelRequestedError("t1", ""))

    job.update = stop_in_the_middle
    with pytest.raises(TaskCancelledError):
        await bulk(job, BulkParams(source="table.csv"), run.settings)
    await job.abort()
    assert batches[-1]["message"] == "3,000 rows"


async def test_the_report_can_be_stored(run):
    report = await run(b"a,b\n1,x\n")
    assert msgspec.json.decode(msgspec.json.encode(report))["columns"][0]["name"] == "a"


def test_the_kind_waits_on_the_event_loop_and_describes_its_parameters():
    register({})
    kind = REGISTRY.get("bulk")
    assert (kind.executor, kind.concurrency) == ("async", 16)
    record = kind.record()
    assert record.params["properties"]["file"]["format"] == "headway-file"
    assert record.description.startswith("Profile a CSV table")


@pytest.mark.parametrize("delimiter", ["\n", '"', "\0", ",,", "tabs"])
def test_a_delimiter_that_cannot_be_one_is_refused(delimiter):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"source": "x", "delimiter": delimiter}, BulkParams)


# Checkpoints


def large_table(rows=12_000):
    """About 1 MB, with gaps, quotes that are never closed, and lines within quotes."""
    lines = ["id,name,price,when,note"]
    for number in range(rows):
        note = '"two\nlines"' if number % 11 == 0 else '"open' if number % 997 == 0 else "x" * (number % 90)
        price = "" if number % 5 == 0 else f"{number * 0.5}"
        lines.append(f"{number % 7919},name {number % 613},{price},2024-01-{number % 28 + 1:02},{note}")
    return "\n".join(lines).encode()


class Continued(Run):
    """A run that is stopped in the middle, and one that continues it."""

    def __init__(self, root):
        super().__init__(root)
        self.checkpoints = MemoryCheckpoints()

    async def stop_at(self, done):
        """Stop the attempt behind the first state that it leaves after so many bytes, when that is stored."""
        job = start_job(self.log, checkpoints=self.checkpoints, checkpoint_seconds=0.0, interval_seconds=0.0)
        stopped, update, checkpoint = threading.Event(), job.update, job.checkpoint
        counted = 0

        def noting_update(*words, **values):
            nonlocal counted
            counted = values.get("done", counted)
            update(*words, **values)

        def waiting_checkpoint(state):
            checkpoint(state)
            while counted > done and not stopped.wait(0.01):
                checkpoint(state)  # it may not have been due

        job.update, job.checkpoint = noting_update, waiting_checkpoint
        running = asyncio.create_task(bulk(job, BulkParams(source="table.csv"), self.settings))
        await until(lambda: self.stored() >= counted > done, 30)
        job.stop(CancelRequestedError("t1", "killed"))
        stopped.set()
        with pytest.raises(TaskCancelledError):
            await running
        await job.abort()

    def stored(self):
        """The bytes that were read when the last state was made that is stored."""
        return max((unpack(packed).done or 0 for packed in self.checkpoints.kept.values()), default=0)

    async def resume(self):
        """The report of the next attempt."""
        seq = max(number for _, number in self.checkpoints.kept)
        self.resumed = await self.checkpoints.get("t1", seq)
        self.log = MemoryLog()
        job = start_job(self.log, resumed=self.resumed, attempt=2, interval_seconds=0.0)
        report = await bulk(job, BulkParams(source="table.csv"), self.settings)
        await job.finish("completed", data=report)
        return report


def without_times(report):
    return msgspec.structs.replace(report, seconds=0.0, rows_per_second=0.0)


@pytest.fixture
def continued(tmp_path, monkeypatch):
    monkeypatch.setattr("headway.saver.SHARE", 1.0)
    return Continued(tmp_path)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
async def test_profile_that_is_stopped_and_continued_is_that_of_the_whole_table(continued, tmp_path, pack):
    content = pack(large_table())
    whole = await Run(tmp_path)(content)
    await continued.stop_at(len(content) / 2)
    report = await continued.resume()
    assert without_times(report) == without_times(whole)
    assert report.bad_rows > 10
    assert min(event.progress for event in continued.progress) == continued.resumed.checkpoint.progress > 40
    assert min(event.done for event in continued.progress if event.done is not None) > 0.4 * len(content)


async def test_table_that_has_changed_is_profiled_from_the_start(continued, tmp_path):
    content = large_table()
    (tmp_path / "table.csv").write_bytes(content)
    await continued.stop_at(len(content) / 2)
    (tmp_path / "table.csv").write_bytes(b"a,b\n1,2\n")
    report = await continued.resume()
    assert (report.rows, [column.name for column in report.columns]) == (1, ["a", "b"])
    assert "has changed" in continued.lines[0].message
