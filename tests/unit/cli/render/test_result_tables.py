"""Results as tables."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from headway.cli.render.result_tables import cell, result_tables


def text(kind: str, result: Any, width: int = 120) -> str:
    console = Console(record=True, width=width, file=io.StringIO())
    for part in result_tables(kind, result):
        console.print(part)
    return console.export_text()


def test_crawl_report_shows_counts_and_ranked_pages() -> None:
    """URLs without their host; empty fields are omitted."""
    pages = [{"url": f"http://h/{n}.html", "title": f"T{n}", "value": 1000.0 * n} for n in range(12)]
    shown = text("crawl", {"pages": 12, "statuses": {"200": 11, "404": 1}, "broken": [], "largest": pages, "new": 1})
    assert "200: 11, 404: 1" in shown
    assert "largest: 10 of 12" in shown
    assert "bytes" in shown
    assert "/3.html" in shown
    assert "http://h" not in shown
    assert "broken" not in shown


def test_bulk_report_shows_every_column_of_the_table() -> None:
    """With the frequent values in one cell."""
    columns = [{"name": f"c{n}", "type": "text", "values": n, "top": [{"value": "US", "count": 12}]} for n in range(30)]
    shown = text("bulk", {"rows": 28298, "columns": columns})
    assert "28,298" in shown
    assert "c29" in shown
    assert "US ×12" in shown


def test_cluster_report_shows_the_size_and_the_terms_of_every_cluster() -> None:
    """Without the points of its picture."""
    clusters = [
        {
            "cluster": n,
            "size": 100 - n,
            "share": 2.5,
            "silhouette": 0.25,
            "terms": ["rain\x1b[2J", f"w{n}"],
            "examples": [],
        }
        for n in range(1, 41)
    ]
    scores = [{"k": 40, "silhouette": 0.25}]
    points = [{"x": 0.5, "y": 0.5, "group": 1, "text": "a point"}]
    result = {"texts": 1234, "k": 40, "clusters": clusters, "scores": scores, "plot": {"points": points}}
    shown = text("cluster", result)
    assert "1,234" in shown
    assert shown.index("rain[2J, w1") < shown.index("rain[2J, w40") < shown.index("scores")
    assert "plot" not in shown
    assert "a point" not in shown


def test_warnings_come_first_and_whole() -> None:
    """For every kind; another type of value is shown like other fields."""
    warning = "2 of 100 rows skipped as bad: 1 field instead of 3 (line 100); 2 fields instead of 3 (line 101).\x1b[2J"
    for kind in ("bulk", "own"):
        lines = text(kind, {"rows": 98, "warnings": [warning, "another"]}, width=60).splitlines()
        assert " ".join(lines[:2]).split() == ["!", *warning.replace("\x1b", "").split()]
        assert lines[2].strip() == "! another"
        assert "warnings" not in " ".join(lines)
    assert "warnings  2" in text("own", {"warnings": 2})


def test_short_columns_stay_whole_on_a_narrow_terminal() -> None:
    """Long ones are truncated; no row is wrapped."""
    rows = [{"name": "elevation", "values": 28298, "top": "x" * 90}]
    lines = text("bulk", {"columns": rows}, width=50).splitlines()
    (row,) = [line for line in lines if "elevation" in line]
    assert "28,298" in row
    assert "…" in row


@pytest.mark.parametrize(("result", "shown"), [(None, ""), ("done\x1b[2J", "done[2J"), (42, "42"), ([], "[]")])
def test_result_that_is_not_an_object_is_shown_unchanged(result: object, shown: str) -> None:
    """null prints nothing."""
    assert text("own", result).strip() == shown


def test_all_fields_of_an_unknown_kind_are_shown() -> None:
    """In their order."""
    shown = text("own", {"slept_seconds": 3.0, "rows": [{"a": 1, "b": None}], "empty": {}})
    assert "slept seconds  3" in shown
    assert "rows" in shown
    assert "empty" not in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (0.06789, "0.06789"),
        (1234.5, "1,234.50"),
        ("http://h/a?b=1", "/a?b=1"),
        ("http://h", "/"),
        ("x" * 60, "x" * 47 + "…"),
        ({"a": 1}, "a: 1"),
        (["a", 2], "a, 2"),
    ],
)
def test_cell_is_short(value: object, shown: str) -> None:
    """One line of at most 48 characters."""
    assert cell(value) == shown


def test_list_of_objects_is_a_table() -> None:
    """Of all their fields, also those that the first one lacks."""
    shown = text("own", [{"name": "a"}, {"name": "b", "size": 2**53 + 1}])
    assert ["name", "size"] in [line.split() for line in shown.splitlines()]
    assert "9,007,199,254,740,993" in shown


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ([1, None, True, "é"], '[\n  1,\n  null,\n  true,\n  "é"\n]'),
        (True, "true"),
        ([{"a": 1}, 2], '[\n  {\n    "a": 1\n  },\n  2\n]'),
        ("two\nlines", "two\nlines"),
    ],
)
def test_value_that_is_not_a_table_is_shown_as_json(result: object, shown: str) -> None:
    """Text is unchanged."""
    assert text("own", result).strip() == shown


def test_long_list_ends_with_the_command_that_prints_all() -> None:
    """After a bounded number of lines."""
    lines = text("own", list(range(1000))).splitlines()
    assert len(lines) == 41
    assert lines[-1] == "… 962 more lines: `headway result` prints all"
