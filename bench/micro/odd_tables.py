"""Results of the kind `bulk`, DuckDB, polars and pyarrow for malformed tables: `rows+bad rows`, or an error.

python -m bench.micro.odd_tables
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.micro.tables import FakeJob
from tests.fixtures.odd_tables import odd_tables


def odd_headway(path: Path) -> tuple[int, int]:
    from headway_kinds.bulk import kind as bulk

    table, _ = bulk.profile(FakeJob(None), path, bulk.detect_format(bulk.read_sample(path)))  # type: ignore[arg-type]
    bulk.check_bad_rows(table, 50)
    return table.rows, table.bad_count


def odd_duckdb(path: Path) -> tuple[int, int]:
    """With the quote given: its detection takes a file with an unclosed quote for one without quotes."""
    import duckdb

    link = duckdb.connect(config={"threads": 1})
    options = "all_varchar = true, store_rejects = true, quote = '\"', escape = '\"', strict_mode = true"
    try:
        link.execute(f"create table t as select * from read_csv('{path}', {options})")
    except duckdb.Error:  # its detection finds no columns; give them, too
        width = len(path.read_bytes().split(b"\n")[0].split(b","))
        columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(width))
        given = f"auto_detect = false, columns = {{{columns}}}, header = true, delim = ','"
        link.execute(f"create table t as select * from read_csv('{path}', {options}, {given})")
    counts = link.execute(
        "select (select count(*) from t), (select count(distinct line) from reject_errors)"
    ).fetchone()
    return counts[0], counts[1]


def odd_polars(path: Path) -> tuple[int, int]:
    import polars

    return polars.read_csv(path, infer_schema=False, ignore_errors=True, truncate_ragged_lines=True).height, 0


def odd_pyarrow(path: Path) -> tuple[int, int]:
    from pyarrow import csv

    bad: list[Any] = []
    options = csv.ParseOptions(
        newlines_in_values=True, invalid_row_handler=lambda row: "skip" if bad.append(row) is None else ""
    )
    table = csv.read_csv(path, read_options=csv.ReadOptions(use_threads=False), parse_options=options)
    return table.num_rows, len(bad)


def main() -> None:
    """Print a line per table: `rows+bad`, or the name of the error."""
    readers = {"headway": odd_headway, "DuckDB": odd_duckdb, "polars": odd_polars, "pyarrow": odd_pyarrow}
    print(f"{'':40}" + "".join(f"{name:>24}" for name in readers))
    with tempfile.TemporaryDirectory(prefix="headway-tables-") as folder:
        for name, content in odd_tables():
            path = Path(folder) / ("table.csv.gz" if content.startswith(b"\x1f\x8b") else "table.csv")
            path.write_bytes(content)
            print(f"{name:40}" + "".join(f"{_outcome(read, path):>24}" for read in readers.values()), flush=True)


def _outcome(read: Callable[[Path], tuple[int, int]], path: Path) -> str:
    try:
        return "{}+{}".format(*read(path))
    except Exception as error:  # noqa: BLE001 - of any library
        return getattr(error, "type", type(error).__name__)


ENCODED = {
    "German, Latin-1": ("id,stadt\n" + "".join(f"{number},München {number}\n" for number in range(50)), "latin-1"),
    "prices in euros, Windows-1252": ("preis\n" + "1,5 €\n“7 €”\n" * 20, "cp1252"),
    "Russian, Windows-1251": ("имя,город\n" + "Анна Иванова,Санкт-Петербург\n" * 30, "cp1251"),
    "Japanese, Shift JIS": ("名前,都市\n" + "山田太郎,東京都渋谷区\n" * 30, "shift_jis"),
    "Chinese, GB 18030": ("姓名,城市\n" + "王小明,北京市海淀区\n" * 30, "gb18030"),
    "Greek, Windows-1253": ("όνομα,πόλη\n" + "Γιώργος,Αθήνα\n" * 30, "cp1253"),
}


def detectors() -> None:
    """Print detected encodings and delimiters, and the cost of the detection."""
    import chardet
    import charset_normalizer
    import clevercsv

    from headway_kinds.bulk.charset import encoding_of

    for name, (text, codec) in ENCODED.items():
        sample = text.encode(codec)
        best = charset_normalizer.from_bytes(sample).best()
        others = f"charset-normalizer {best and best.encoding}, chardet {chardet.detect(sample)['encoding']}"
        print(f"{name:30} headway {encoding_of(sample)[0]}, {others}")
    sample = dict(odd_tables())["a field of 2 MB"].decode()[:20_000]
    began = time.process_time()
    found = clevercsv.Sniffer().sniff(sample, delimiters=",;\t|").delimiter
    print(f"clevercsv: {found!r} in {time.process_time() - began:.1f} CPU s for 20,000 characters of a long field")


if __name__ == "__main__":
    main()
    try:
        detectors()
    except ImportError as error:
        print(f"detection of encodings skipped: {error}")
