"""What `bulk` makes of tables as they come in real life. `python -m pytest -s` on this file prints the whole table."""

import pytest

from headway import TaskError
from headway.testing import MemoryLog, start_job
from headway_kinds.bulk.kind import BulkParams, bulk
from headway_kinds.settings import Settings
from tests.fixtures.odd_tables import odd_tables

OPEN_QUOTE = "a quote is opened and never closed"

# name: (rows, bad rows, columns, words of the warnings) or (type of the error, its words)
EXPECTED = {
    "plain": (50, 0, 3),
    "empty": ("BadTable", "The table is empty: it has no first row."),
    "only line ends": ("BadTable", "The table is empty: it has no first row."),
    "header only": (0, 0, 3, "a header and no rows"),
    "header only, no line end": (0, 0, 3, "a header and no rows"),
    "no line end at the end": (2, 0, 2),
    "CRLF": (50, 0, 3),
    "CR alone": (50, 0, 3),
    "mixed line ends": (3, 0, 2),
    "empty lines between": (2, 0, 2),
    "UTF-8 with BOM": (50, 0, 2),
    "UTF-16 LE with BOM": (50, 0, 2),
    "UTF-16 BE with BOM": (50, 0, 2),
    "UTF-16 LE without BOM": (50, 0, 2, "read as utf-16-le"),
    "UTF-16 BE without BOM": (50, 0, 2, "read as utf-16-be"),
    "UTF-32 with BOM": (50, 0, 2),
    "Latin-1": (50, 0, 2, "read as windows-1252, which is a guess"),
    "Windows-1252": (2, 0, 2, "read as windows-1252, which is a guess"),
    "Cyrillic, Windows-1251": (30, 0, 2, "read as windows-1251, which is a guess"),
    "Japanese, Shift JIS": (30, 0, 2, "read as shift_jis, which is a guess"),
    "UTF-8, then a Latin-1 line": (40_001, 1, 2, "1 of 40,002 rows skipped as bad: not utf-8 (line 40002)"),
    "half UTF-8, half Latin-1": (50, 50, 2, "50 of 100 rows skipped as bad: not utf-8 (line 52 and 49 more)"),
    "emoji": (2, 0, 2),
    "semicolons, decimal commas": (3, 0, 2, "Numbers with a decimal comma are profiled as text: price"),
    "tabs": (2, 0, 2),
    "pipes": (2, 0, 2),
    "sep=;": (2, 0, 2, "Numbers with a decimal comma are profiled as text: b"),
    "sep=tab, with BOM": (1, 0, 2),
    "unclosed quote in row 30 of 3,000": (2999, 1, 3, f"{OPEN_QUOTE} (line 31)"),
    "unclosed quote in the header": (3000, 0, 3, "Line 1: a quote in the header is never closed"),
    "unclosed quote in row 100 of 40,000": (39_999, 1, 3, f"{OPEN_QUOTE} (line 101)"),
    "unclosed quote in the last row": (49, 1, 3, f"{OPEN_QUOTE} (line 51)"),
    "two unclosed quotes": (48, 2, 3, f"{OPEN_QUOTE} (line 11 and 1 more)"),
    "unclosed quote, no other quotes": (2020, 1, 2, f"{OPEN_QUOTE} (line 22)"),
    "inches": (2, 0, 2),
    "text behind a closing quote": (1, 1, 2, "text behind a closing quote (line 2)"),
    "backslash before quotes": (1, 1, 2, "text behind a closing quote (line 2)"),
    "blank before quotes": (2, 0, 2),
    "line breaks and semicolons in quotes": (60, 0, 3),
    "a few short rows": (98, 2, 3, "1 field instead of 3 (line 100); 2 fields instead of 3 (line 101)"),
    "every row has a field too many": ("BadTable", "All 2 rows are bad: 3 fields instead of 2 (line 2 and 1 more)"),
    "most rows have a field too many": ("BadTable", "60 of 100 rows are bad, more than the allowed 50 %"),
    "a title above the header": ("BadTable", "Perhaps there are lines above the header"),
    "lines of two tables": (60, 41, 2, "41 of 101 rows skipped as bad: 3 fields instead of 2 (line 62 and 40 more)"),
    "a trailing delimiter everywhere": (2, 0, 3, "Columns without a name are called “column 3”"),
    "duplicate and empty names": (1, 0, 4, "The header names several columns “a”"),
    "one column": (3, 0, 1),
    "NUL in one row": (2, 1, 2, "contains NUL (line 3)"),
    "NUL in every row": ("BadTable", "All 50 rows are bad: contains NUL (line 2 and 49 more)"),
    "a field of 2 MB": (1, 1, 2, "longer than 1,048,576 characters (line 2)"),
    "a line of 5 MB": (2, 1, 2, "longer than 1,048,576 characters (line 3)"),
    "2,001 columns": ("BadTable", "at most 2000 are profiled"),
    "gzip": (50, 0, 3),
    "gzip, cut off": ("BadGzip", "is damaged or truncated"),
    "zip": ("NotATable", "a zip archive, not a CSV table. Extract it"),
    "xlsx": ("NotATable", "an Excel workbook (xlsx), not a CSV table. Open it in the program that it comes from"),
    "zip in gzip": ("NotATable", "a zip archive"),
    "xls": ("NotATable", "an old Office file"),
    "bzip2": ("NotATable", "a bzip2 file"),
    "xz": ("NotATable", "an xz file"),
    "zstd": ("NotATable", "a Zstandard file"),
    "Parquet": ("NotATable", "a Parquet file"),
    "SQLite": ("NotATable", "an SQLite database"),
    "PDF": ("NotATable", "a PDF document"),
    "PNG": ("NotATable", "a PNG picture"),
    "bytes of chance": ("NotATable", "binary data"),
    "an HTML page": ("NotATable", "an HTML page, not a CSV table. Perhaps the address leads to a sign-in page"),
    "JSON": ("NotATable", "JSON, not a CSV table"),
}
TABLES = dict(odd_tables())


def test_every_odd_table_is_expected_to_give_something():
    assert list(TABLES) == list(EXPECTED)


@pytest.fixture
async def job():
    job = start_job(MemoryLog(), interval_seconds=0)
    yield job
    await job.abort()


async def outcome(job, path):
    try:
        report = await bulk(job, BulkParams(source=path.name), Settings(data_dir=str(path.parent)))
    except TaskError as error:
        return error.type, error.message if not error.retryable else "may be tried again"
    assert report.bad_rows == len(report.bad) or len(report.bad) == 100
    counts = (report.rows, report.bad_rows, len(report.columns))
    return (*counts, " ".join(report.warnings)) if report.warnings else counts


@pytest.mark.parametrize("name", EXPECTED)
async def test_an_odd_table_gives_what_is_right_or_says_what_is_wrong(name, job, tmp_path):
    (tmp_path / "table.csv").write_bytes(TABLES[name])
    found, expected = await outcome(job, tmp_path / "table.csv"), EXPECTED[name]
    print(f"\n{name:38} {' · '.join(map(str, found))}")
    words = expected[-1] if isinstance(expected[-1], str) else None
    if words is None:
        assert found == expected
    else:
        assert found[:-1] == expected[:-1]
        assert words in found[-1]
