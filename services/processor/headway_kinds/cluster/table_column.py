"""The texts in one column of a table, which is read as `bulk` reads it."""

from __future__ import annotations

import zlib
from pathlib import Path

from headway import Job, TaskError
from headway_kinds.bulk.charset import Encoding
from headway_kinds.bulk.kind import check_bad_rows, read_sample
from headway_kinds.bulk.source import open_stream
from headway_kinds.bulk.table import Table, TableError, detect_format
from headway_kinds.cluster.texts import Material, Texts

BATCH_ROWS = 1_000
MAX_NAMED = 20
MAX_BAD_PERCENT = 50.0


def read_column(
    job: Job, path: Path, source: str, column: str, texts: Texts, *, delimiter: str = "", encoding: Encoding = ""
) -> Material:
    """Add the texts of a column to `texts`, until they are full. Progress is the number of stored bytes read.

    Args:
        column: its name, or empty if there is only one.

    Raises TableError for a table that cannot be read, or has no such column, and TaskError for a damaged gzip file.
    """
    try:
        format = detect_format(read_sample(path), "\t" if delimiter == "tab" else delimiter, encoding)
        size_bytes = path.stat().st_size
        job.step("Reading", total=size_bytes, unit="bytes", upto=20)
        with path.open("rb") as raw, open_stream(raw, job.raise_if_cancelled) as stream:
            table = Table(stream, format, check=job.raise_if_cancelled)
            place = _place(column, table.names)
            for batch in table.batches(BATCH_ROWS):
                job.raise_if_cancelled()
                if not all(texts.add(row[place]) for row in batch):
                    break
                job.update(done=raw.tell(), message=f"{len(texts):,} texts")
    except (EOFError, zlib.error) as error:
        raise TaskError(
            f"The gzip file {source!r} is damaged or truncated: {error}.", type="BadGzip", retryable=False
        ) from error
    job.update(done=size_bytes)
    check_bad_rows(table, MAX_BAD_PERCENT)
    return Material(texts, f"column “{table.names[place]}” of {source}", table.warnings)


def _place(column: str, names: list[str]) -> int:
    if column in names:
        return names.index(column)
    if not column and len(names) == 1:
        return 0
    listed = ", ".join(names[:MAX_NAMED]) + (" …" if len(names) > MAX_NAMED else "")
    if column:
        raise TableError(f"The table has no column {column!r}. It has: {listed}.")
    raise TableError(f"Name the column with the texts: column is one of {listed}.")
