"""The kind `bulk`: profiles the columns of a table of any size."""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from headway import File, Job, TaskError, task
from headway.executor import ContextThreadPoolExecutor
from headway_kinds.bulk.charset import Encoding
from headway_kinds.bulk.profile import Column, ColumnProfile, ColumnState, columns
from headway_kinds.bulk.source import SourceFile, open_source, open_stream
from headway_kinds.bulk.table import (
    MAX_NAMED,
    SAMPLE_BYTES,
    BadRow,
    Table,
    TableError,
    TableFormat,
    TableState,
    detect_format,
)
from headway_kinds.bulk.uploaded import open_uploaded
from headway_kinds.settings import Settings, read

CELLS_PER_BATCH = 10_000
"""About 10 ms of work; after each batch progress is reported and a cancellation noticed."""
MAX_BATCH_ROWS = 1000
CONCURRENCY = 16
_PROFILERS = ContextThreadPoolExecutor(4, thread_name_prefix="bulk")
"""Profiling is bound by the CPU."""
T = TypeVar("T")
OTHER_DELIMITERS = ",;\t|:^~ "
DECIMAL_COMMA = re.compile(r"[+-]?(\d{1,3}([. ]\d{3})+|\d+),\d+|[+-]?\d+")


class BulkParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parameters of `bulk`."""

    source: Annotated[
        str,
        msgspec.Meta(
            title="Source",
            description="A path in the processor's data directory, or an http(s) URL, of a CSV file, plain or gzipped.",
            max_length=2048,
            examples=["airports.csv", "https://example.org/table.csv.gz"],
        ),
    ] = ""
    file: Annotated[
        File,
        msgspec.Meta(title="File", description="In place of a source: a CSV file to upload, plain or gzipped."),
    ] = ""
    delimiter: Annotated[
        str,
        msgspec.Meta(
            title="Delimiter",
            description="Character between fields, or the word tab. Detected if empty; "
            "a first line such as sep=; is respected.",
            pattern=r'^([^"\r\n\u0000]|tab|)(?![\r\n])$',  # $ alone allows a line end behind it
            examples=[",", ";", "tab"],
        ),
    ] = ""
    encoding: Annotated[
        Encoding,
        msgspec.Meta(
            title="Encoding",
            description="Character encoding. Detected if empty, with a warning if uncertain: "
            "exports of Excel are often windows-1252 or utf-8.",
        ),
    ] = ""
    header: Annotated[
        bool, msgspec.Meta(title="Header row", description="Whether the first row names the columns.")
    ] = True
    max_bad: Annotated[
        float,
        msgspec.Meta(
            title="Bad rows allowed",
            description="Percentage of all rows. With more bad rows the task ends in an error that names the first.",
            ge=0,
            le=100,
        ),
    ] = 50

    def __post_init__(self) -> None:
        if bool(self.source) == bool(self.file):
            raise ValueError("give either a source, or a file that was uploaded")


class BulkReport(msgspec.Struct, frozen=True, kw_only=True):
    """The profile of a table."""

    source: str
    warnings: list[str]
    """Reasons to doubt the profile; empty for none."""
    bytes: int
    """Size of the stored file."""
    encoding: str
    delimiter: str
    rows: int
    """Number of good rows, which are all profiled."""
    bad_rows: int
    bad: list[BadRow]
    """The first 100 rows and lines that were skipped."""
    seconds: float
    rows_per_second: float
    columns: list[ColumnProfile]


class BulkState(msgspec.Struct, frozen=True, array_like=True):
    """A profile between two batches, from which another attempt continues."""

    version: str
    """Of the source: if it has changed, the profile begins from the start."""
    seconds: float
    read: int
    """Stored bytes that were read."""
    format: TableFormat
    table: TableState
    columns: list[ColumnState]


def register(environ: Mapping[str, str]) -> None:
    """Register the kind with the settings in `environ`. Raises SettingsError."""
    settings = read(environ)

    # More than are profiled at a time: sources that send slowly must not keep others waiting.
    @task("bulk", retries=1, concurrency=CONCURRENCY, log_level="WARNING")
    async def handler(job: Job, params: BulkParams) -> BulkReport:
        """Profile a CSV table: type, range, mean, frequent values and gaps of each column."""
        return await bulk(job, params, settings)


async def bulk(job: Job, params: BulkParams, settings: Settings) -> BulkReport:
    """Profile a table and return the report. Raises TaskError when it cannot be read or has too many bad rows."""
    began = time.monotonic()
    if params.file:
        async with open_uploaded(job, params.file) as uploaded:
            named = msgspec.structs.replace(params, source=uploaded.name, file="")
            return await _profiled(job, named, uploaded.source, began)
    async with open_source(job, params.source, settings) as source:
        return await _profiled(job, params, source, began)


async def _profiled(job: Job, params: BulkParams, source: SourceFile, began: float) -> BulkReport:
    state = job.restore(BulkState)
    if state is not None and not (state.version and state.version == source.version):
        job.log("The source has changed, or may have: it is profiled from the start.", "warning")
        state = None
    return await _in_profiler(partial(_report, job, params, source, began, state))


async def _in_profiler(call: Callable[[], T]) -> T:
    """Run `call` in a thread of the profilers. When it is cancelled it ends only with the thread, which reads files."""
    future = _PROFILERS.submit(call)
    waiting = asyncio.wrap_future(future)
    try:
        return await asyncio.shield(waiting)
    except asyncio.CancelledError:
        if not future.cancel():
            await asyncio.gather(waiting, return_exceptions=True)
        raise


def _report(job: Job, params: BulkParams, source: SourceFile, began: float, state: BulkState | None) -> BulkReport:
    path, delimiter = source.path, "\t" if params.delimiter == "tab" else params.delimiter
    if state is not None:
        began -= state.seconds
    try:
        format = state.format if state else detect_format(read_sample(path), delimiter, params.encoding)

        def keep(table: Table, profiled: list[Column], read: int) -> BulkState:
            states = [column.state for column in profiled]
            return BulkState(source.version, time.monotonic() - began, read, format, table.state, states)

        table, profiles = profile(job, path, format, header=params.header, state=state, keep=keep)
    except (EOFError, zlib.error) as error:
        raise TaskError(
            f"The gzip file {params.source!r} is damaged or truncated: {error}.", type="BadGzip", retryable=False
        ) from error
    size_bytes = path.stat().st_size
    check_bad_rows(table, params.max_bad)
    warnings = [*table.warnings, *column_warnings(profiles, format)]
    for warning in warnings:
        job.log(warning, "warning")
    job.update(message=_summary(table))
    seconds = time.monotonic() - began
    return BulkReport(
        source=params.source,
        warnings=warnings,
        bytes=size_bytes,
        encoding=format.encoding,
        delimiter=format.delimiter,
        rows=table.rows,
        bad_rows=table.bad_count,
        bad=table.bad,
        seconds=round(seconds, 3),
        rows_per_second=round(table.rows / seconds, 1) if seconds > 0 else 0.0,
        columns=profiles,
    )


def profile(
    job: Job,
    path: Path,
    format: TableFormat,
    *,
    header: bool = True,
    state: BulkState | None = None,
    keep: Callable[[Table, list[Column], int], BulkState] | None = None,
) -> tuple[Table, list[ColumnProfile]]:
    """Read the file and profile its columns, from `state` on. Progress is the number of stored bytes read.

    `keep` makes the state that is stored of a table, its columns, and the number of bytes read.
    """
    size_bytes, before = path.stat().st_size, state.read if state else 0
    job.step("Profiling", total=size_bytes, unit="bytes")
    with path.open("rb") as raw:

        def check() -> None:
            job.raise_if_cancelled()
            job.update(done=max(raw.tell(), before))

        with open_stream(raw, check) as stream:
            table = Table(stream, format, header=header, check=check, state=state.table if state else None)
            profiled = columns(table.names, state.columns if state else None)
            for batch in table.batches(min(max(CELLS_PER_BATCH // len(profiled), 10), MAX_BATCH_ROWS)):
                job.raise_if_cancelled()
                _add(profiled, batch)
                job.update(done=max(raw.tell(), before), message=f"{table.rows:,} rows")
                if keep is not None:
                    job.checkpoint(partial(keep, table, profiled, raw.tell()))
    job.update(done=size_bytes)
    return table, [column.profile() for column in profiled]


def check_bad_rows(table: Table, max_bad: float) -> None:
    """Raise TaskError when no row is good, or when more than `max_bad` per cent are bad."""
    total = table.rows + table.bad_count
    if table.bad_count and not table.rows:
        what = "The row is" if total == 1 else f"All {total:,} rows are"
        raise TableError(f"{what} bad: {table.bad_row_summary()}")
    if table.bad_count * 100 > max_bad * total:
        raise TableError(
            f"{table.bad_count:,} of {total:,} rows are bad, more than the allowed {max_bad:g} %: "
            f"{table.bad_row_summary()}"
        )


def column_warnings(profiles: list[ColumnProfile], format: TableFormat) -> list[str]:
    """Return the warnings about the content of the columns."""
    found = []
    if len(profiles) == 1 and any(mark in profiles[0].name for mark in OTHER_DELIMITERS if mark != format.delimiter):
        found.append("Only one column was found. If the table has more, set the delimiter.")
    if commas := [column.name for column in profiles if column.type == "text" and _decimal_commas(column)]:
        found.append(f"Numbers with a decimal comma are profiled as text: {', '.join(commas[:MAX_NAMED])}.")
    return found


def _decimal_commas(column: ColumnProfile) -> bool:
    shown = [str(column.min), str(column.max), column.longest, *(top.value for top in column.top)]
    return any("," in value for value in shown) and all(DECIMAL_COMMA.fullmatch(value) for value in shown)


def _summary(table: Table) -> str:
    rows = f"{table.rows:,} {'row' if table.rows == 1 else 'rows'}"
    return f"{rows}, and {table.bad_count:,} bad ones skipped" if table.bad_count else rows


def read_sample(path: Path) -> bytes:
    with path.open("rb") as raw, open_stream(raw) as stream:
        return stream.read(SAMPLE_BYTES)


def _add(profiled: list[Column], batch: list[list[str]]) -> None:
    for column, cells in zip(profiled, zip(*batch, strict=True), strict=False):  # an empty batch has no columns
        column.add(cells)
