"""The kind `bulk`: profile the columns of a table of any size."""

from __future__ import annotations

import gzip
import time
import zlib
from pathlib import Path
from typing import Annotated

import msgspec

from headway import Job, TaskError, task
from headway_processor.kinds.profile import Column, ColumnProfile, columns
from headway_processor.kinds.source import open_source, open_stream
from headway_processor.kinds.table import SAMPLE_BYTES, BadRow, Form, Table, form_of
from headway_processor.settings import current

BLOCK_BYTES = 1024 * 1024
CELLS_PER_BATCH = 10_000
"""About 10 ms of work: so often a cancel is looked for and progress noted."""
MAX_BATCH_ROWS = 1000


class BulkParams(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which table to profile, and how to read it."""

    source: Annotated[
        str,
        msgspec.Meta(
            title="Source",
            description="A path in the processor's data directory, or an http(s) URL. CSV, also packed with gzip.",
            min_length=1,
            max_length=2048,
            examples=["airports.csv", "https://example.org/table.csv.gz"],
        ),
    ]
    delimiter: Annotated[
        str,
        msgspec.Meta(
            title="Delimiter",
            description="What separates fields: one character, or the word tab. Found out if left empty.",
            pattern=r'^([^"\r\n\u0000]|tab|)(?![\r\n])$',  # $ alone allows a line end behind it
            examples=[",", ";", "tab"],
        ),
    ] = ""
    header: Annotated[
        bool, msgspec.Meta(title="Header row", description="Whether the first row names the columns.")
    ] = True


class BulkReport(msgspec.Struct, frozen=True, kw_only=True):
    """The profile of a table."""

    source: str
    bytes: int
    """Size of the file as it is stored."""
    encoding: str
    delimiter: str
    rows: int
    """Good rows, all of them profiled."""
    bad_rows: int
    bad: list[BadRow]
    """The first 100 rows and lines that were left out."""
    seconds: float
    rows_per_second: float
    columns: list[ColumnProfile]


@task("bulk", executor="thread", retries=1, concurrency=4)
def bulk(job: Job, params: BulkParams) -> BulkReport:
    """Profile a CSV table: type, range, mean, frequent values and gaps of each column."""
    began = time.monotonic()
    with open_source(job, params.source, current()) as path:
        try:
            lines, form = survey(job, path, "\t" if params.delimiter == "tab" else params.delimiter)
            table, profiles = profile(job, path, form, lines, header=params.header)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise TaskError(
                f"The gzip file {params.source!r} is damaged or cut off: {error}.", type="BadGzip", retryable=False
            ) from error
        size_bytes = path.stat().st_size
    seconds = time.monotonic() - began
    return BulkReport(
        source=params.source,
        bytes=size_bytes,
        encoding=form.encoding,
        delimiter=form.delimiter,
        rows=table.rows,
        bad_rows=table.bad_count,
        bad=table.bad,
        seconds=round(seconds, 3),
        rows_per_second=round(table.rows / seconds, 1) if seconds > 0 else 0.0,
        columns=profiles,
    )


def survey(job: Job, path: Path, delimiter: str = "") -> tuple[int, Form]:
    """Read the file once, fast: how many lines it has, and how it is to be read."""
    job.step("Counting", total=path.stat().st_size, unit="bytes", upto=5)
    lines, last, sample = 0, b"", b""
    with path.open("rb") as raw, open_stream(raw) as stream:
        while block := stream.read(BLOCK_BYTES):
            job.raise_if_cancelled()
            sample = sample or block[:SAMPLE_BYTES]
            lines += block.count(b"\n")
            last = block[-1:]
            job.update(done=raw.tell())
    form = form_of(sample, delimiter)
    if form.encoding != "utf-8":
        job.log(f"The table is not UTF-8; it is read as {form.encoding}. Letters with accents may be wrong.", "warning")
    return lines + (last not in (b"", b"\n")), form


def profile(job: Job, path: Path, form: Form, lines: int, *, header: bool = True) -> tuple[Table, list[ColumnProfile]]:
    """Read the file again and profile its columns. `lines` is the expected number of rows, header included."""
    job.step("Profiling", total=max(lines - header, 0), unit="rows")
    with path.open("rb") as raw, open_stream(raw) as stream:
        table = Table(stream, form, header=header, check=job.raise_if_cancelled)
        profiled = columns(table.names)
        for batch in table.batches(min(max(CELLS_PER_BATCH // len(profiled), 10), MAX_BATCH_ROWS)):
            job.raise_if_cancelled()
            _add(profiled, batch)
            job.update(done=table.rows + table.bad_count)
    job.update(total=table.rows + table.bad_count)  # lines within quotes, and empty ones, were no rows
    return table, [column.profile() for column in profiled]


def _add(profiled: list[Column], batch: list[list[str]]) -> None:
    for column, cells in zip(profiled, zip(*batch, strict=True), strict=False):  # an empty batch has no columns
        column.add(cells)
