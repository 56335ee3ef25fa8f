"""Records of a CSV file; an unclosed quote loses its own line alone."""

import io

import pytest

from headway_kinds.bulk.records import MAX_RECORD_CHARS, OPEN_QUOTE, Records


def records_of(text, *, width=0, delimiter=","):
    skipped = []
    lines = enumerate(io.StringIO(text, newline=""), 1)
    records = Records(lines, delimiter, lambda number, reason: skipped.append((number, reason)))
    records.width = width
    return list(records), skipped, records


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("a,b\n1,2\n", [(1, ["a", "b"]), (2, ["1", "2"])]),
        ('a,"x\ny"\n1,2\n', [(1, ["a", "x\ny"]), (3, ["1", "2"])]),
        ('a, "b"\n', [(1, ["a", "b"])]),
        ("a\n\nb\n", [(1, ["a"]), (2, []), (3, ["b"])]),
    ],
)
def test_records_have_the_numbers_of_their_first_lines(text, records):
    assert records_of(text)[:2] == (records, [])


def test_an_unclosed_quote_loses_its_line():
    assert records_of('a,b\n1,"2\n3,4\n')[:2] == ([(1, ["a", "b"]), (3, ["3", "4"])], [(2, OPEN_QUOTE)])


def test_text_behind_a_closing_quote_is_reported():
    assert records_of('"a"b,c\n1,2\n')[:2] == ([(2, ["1", "2"])], [(1, "text behind a closing quote")])


def test_rows_within_a_quoted_field_are_rows():
    text = '1,"2\n3,4\n5,6\n7,8\n9,"0\n'
    records, skipped, _ = records_of(text, width=2)
    assert ([number for number, _ in records], [number for number, _ in skipped]) == ([2, 3, 4], [1, 5])


def test_a_few_lines_that_look_like_rows_are_counted():
    *_, records = records_of('1,"2\n3,4\n5"\n6,7\n', width=2)
    assert (records.suspicious, records.first_suspicious) == (1, 1)


def test_a_record_is_bounded():
    _, skipped, records = records_of('a,"' + "x\n" * MAX_RECORD_CHARS)
    assert skipped[0] == (1, OPEN_QUOTE)
    assert records.chars > MAX_RECORD_CHARS


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("\na,b\n", (2, ["a", "b"], True)),
        ('a,"b\n1,2\n', (1, ["a", "b"], False)),
        ("", None),
        ("\n\n", None),
    ],
)
def test_the_header_is_the_first_record_that_is_not_empty(text, header):
    lines = enumerate(io.StringIO(text, newline=""), 1)
    assert Records(lines, ",", lambda *line: None).header() == header
