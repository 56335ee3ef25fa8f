"""Rows of a CSV file; what is bad is left out and named."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway import TaskError
from headway_kinds.bulk.records import MAX_RECORD_CHARS, OPEN_QUOTE
from headway_kinds.bulk.table import MAX_BAD_ROWS, MAX_COLUMNS, SAMPLE_BYTES, Table, TableFormat, detect_format

UTF8 = TableFormat("utf-8", ",")


def read(content, *, format=UTF8, size=100, **options):
    table = Table(io.BytesIO(content), format, **options)
    return table, [row for batch in table.batches(size) for row in batch]


def bad(content, **options):
    table, rows = read(content, **options)
    return rows, [(entry.line, entry.reason) for entry in table.bad]


def test_the_first_row_names_the_columns():
    table, rows = read(b"a,b\r\n1,2\r\n3,4")
    assert (table.names, rows, table.rows, table.bad_count) == (["a", "b"], [["1", "2"], ["3", "4"]], 2, 0)


def test_without_a_header_the_first_row_is_a_row():
    table, rows = read(b"1,2\n3,4\n", header=False)
    assert (table.names, rows, table.rows) == (["column 1", "column 2"], [["1", "2"], ["3", "4"]], 2)


def test_columns_without_a_name_or_with_the_same_name_are_told_apart():
    assert read(b"a, ,a\n")[0].names == ["a", "column 2", "a (2)"]
    assert read(b"a,a (2),a,a\n")[0].names == ["a", "a (2)", "a (3)", "a (4)"]


def test_a_byte_order_mark_is_no_part_of_a_name():
    assert read("\ufeffa,b\n".encode())[0].names == ["a", "b"]


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_ends():
    assert read(b'a,b\n"x, ""y""\nz",2\n')[1] == [['x, "y"\nz', "2"]]


def test_a_blank_before_a_quote_is_no_part_of_the_field():
    assert read(b'a, "b"\n1, "x, y"\n')[1] == [["1", "x, y"]]
    assert read(b"a  b\n1  2\n", format=TableFormat("utf-8", " "))[1] == [["1", "", "2"]]


def test_empty_lines_are_no_rows():
    table, rows = read(b"\n\na,b\n\n1,2\n\n")
    assert (table.names, rows, table.bad_count) == (["a", "b"], [["1", "2"]], 0)


def test_a_row_with_another_number_of_fields_is_bad():
    rows, entries = bad(b"a,b\n1,2\n1\n1,2,3\n3,4\n")
    assert rows == [["1", "2"], ["3", "4"]]
    assert entries == [(3, "1 field instead of 2"), (4, "3 fields instead of 2")]


def test_a_bad_row_is_named_by_the_line_where_it_begins():
    assert bad(b'a,b\n"x\ny",2\n"x\ny"\n3,4\n')[1] == [(4, "1 field instead of 2")]


def test_a_line_with_nul_is_bad():
    assert bad(b"a,b\n1,\x002\n3,4\n") == ([["3", "4"]], [(2, "contains NUL")])


def test_a_line_that_is_not_utf8_is_bad():
    assert bad(b"a,b\n1,\xff\n3,4\n") == ([["3", "4"]], [(2, "not utf-8")])


def test_an_overlong_line_is_bad_and_the_next_is_read():
    content = b"a,b\n1," + b"x" * (3 * MAX_RECORD_CHARS) + b"\n3,4\n"
    assert bad(content) == ([["3", "4"]], [(2, "longer than 1,048,576 characters")])


def test_a_quote_without_an_end_costs_one_line_however_long_the_file_is():
    lines = MAX_RECORD_CHARS // 4 + 10_000  # more than one record may hold
    content = b'a,b\n1,"' + b"3,4\n" * lines
    rows, entries = bad(content)
    assert (len(rows), rows[0]) == (lines - 1, ["3", "4"])
    assert entries == [(2, OPEN_QUOTE)]


def test_a_long_overlong_line_can_be_cancelled():
    class Cancelled(Exception):
        pass

    def check():
        raise Cancelled

    table = Table(io.BytesIO(b"a\n" + b"x" * (3 * MAX_RECORD_CHARS)), UTF8, check=check)
    with pytest.raises(Cancelled):
        list(table.batches(10))


@pytest.mark.parametrize("line", [b"\0\n", b"\xff\n", b'"x" y\n'])
def test_a_run_of_lines_that_cannot_be_read_can_be_cancelled(line):
    class Cancelled(Exception):
        pass

    def check():
        raise Cancelled

    table = Table(io.BytesIO(b"a\n" + line * 2000), UTF8, check=check)
    with pytest.raises(Cancelled):
        list(table.batches(10))


def test_a_batch_ends_after_some_thousand_bad_rows():
    table = Table(io.BytesIO(b"a,b\n" + b"1\n" * 50_000), UTF8)
    assert [len(batch) for batch in table.batches(1000)] == [0, 0, 0]


def test_bad_rows_are_counted_and_the_first_100_kept():
    table, rows = read(b"a,b\n" + b"x\n" * 250)
    assert (rows, table.bad_count, len(table.bad)) == ([], 250, MAX_BAD_ROWS)


def test_batches_are_no_longer_than_asked_for():
    table = Table(io.BytesIO(b"a\n" + b"1\n" * 25), UTF8)
    assert [len(batch) for batch in table.batches(10)] == [10, 10, 5]
    assert table.rows == 25


def test_batches_end_after_some_megabytes_whatever_their_rows():
    table = Table(io.BytesIO(b"a\n" + (b"x" * 900_000 + b"\n") * 20), UTF8)
    assert max(len(batch) for batch in table.batches(1000)) <= 6
    assert table.rows == 20


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\n", b"\xef\xbb\xbf"])
def test_a_table_without_a_first_row_is_refused(content):
    with pytest.raises(TaskError, match="empty"):
        Table(io.BytesIO(content), UTF8)


def test_a_table_with_too_many_columns_is_refused():
    with pytest.raises(TaskError, match="2001 columns"):
        Table(io.BytesIO(b"," * MAX_COLUMNS + b"\n"), UTF8)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b;c\n1,5;2;3\n", ";"),
        ("a\tb\n1 2\t3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('a;b\n"x,y,z";1\n"x,y";2\n', ";"),
        ('name,text\nx,"a; b; c"\ny,"d; e"\n', ","),
        ("a\n1\n2\n", ","),
        ("", ","),
        ("title\na,b\nc,d\ne,f\n", ","),
        ('a,b\n1,"x;\ny; z"\n' * 3, ","),  # the lines within quotes look like two columns
        ('a,b\n"x,1\n' + "x,1\n" * 50, ","),  # a quote that is never closed
    ],
)
def test_the_delimiter_is_found_out(text, delimiter):
    assert detect_format(text.encode()) == TableFormat("utf-8", delimiter)


def test_the_delimiter_is_found_out_in_the_beginning_of_a_long_file():
    text = 'a,b\n1,"x;\ny; z"\n' * SAMPLE_BYTES
    assert detect_format(text.encode()[:SAMPLE_BYTES]).delimiter == ","


@pytest.mark.parametrize("first", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_a_line_that_names_the_delimiter_is_obeyed_and_is_not_the_header(first):
    content = f"{first}a,x;b\n1,5;2\n".encode()
    format = detect_format(content)
    table, rows = read(content, format=format)
    assert (format.delimiter, table.names, rows) == (";", ["a,x", "b"], [["1,5", "2"]])
    assert (detect_format(content, "|").delimiter, detect_format(content, "|").sep_line) == ("|", True)


def test_a_given_delimiter_is_used():
    assert detect_format(b"a,b\n", ";").delimiter == ";"


def test_a_given_encoding_is_used_without_a_warning():
    assert detect_format("a,b\nü,1\n".encode("cp850"), encoding="ibm850") == TableFormat("ibm850", ",")


def test_every_quote_that_is_left_open_costs_one_row():
    content = b"a,b\n" + b'1,"x\n2,y\n' * 3 + b'3,"z"\n' * 5
    rows, entries = bad(content)
    assert rows == [["2", "y"]] * 3 + [["3", "z"]] * 5
    assert entries == [(2, OPEN_QUOTE), (4, OPEN_QUOTE), (6, OPEN_QUOTE)]


def test_rows_between_two_stray_quotes_are_rows():
    content = b'a,b\n1,"x\n2,y\n3,y\n4,y\n5,z"\n6,w\n'
    rows, entries = bad(content)
    assert [row[0] for row in rows] == ["2", "3", "4", "5", "6"]
    assert entries == [(2, OPEN_QUOTE)]


@pytest.mark.parametrize("rows", [b'1,x,"a\n2,y,b"\n', b'1,x,"a\n2,y,b\n3,z,c"\n'])
def test_a_field_that_may_hold_rows_is_a_warning(rows):
    table, found = read(b"a,b,c\n" + rows + b"9,x,y\n")
    assert len(found) == 2
    assert table.warnings == ["1 quoted field holds lines that look like rows, from line 2: is a quote not closed?"]


@pytest.mark.parametrize("text", ["Dear Ann,\nthank you", "one\ntwo\nthree", "a, b\nc, d"])
def test_a_text_of_some_lines_is_no_warning(text):
    assert read(f'a,b,c\n1,2,"{text}"\n'.encode())[0].warnings == []


def test_a_quoted_text_of_many_lines_is_one_field():
    text = "Dear Ann,\nthank you, and bye\nBob\n\nPS: one, two"
    assert read(f'a,b\n1,"{text}"\n'.encode())[1] == [["1", text]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "shift_jis", "gb18030"])
def test_lines_end_with_cr_or_lf_or_both_in_every_encoding(end, encoding):
    content = f"名前,b{end}山田,2{end}太郎,3".encode(encoding)
    table, rows = read(content, format=TableFormat(encoding, ","))
    assert (table.names, rows) == (["名前", "b"], [["山田", "2"], ["太郎", "3"]])


@given(st.binary(max_size=300) | st.text('a,"\n\r\0é', max_size=100).map(str.encode))
def test_no_bytes_break_the_reader(content):
    try:
        table, rows = read(content, format=detect_format(content))
    except TaskError:
        return
    assert all(len(row) == len(table.names) for row in rows)
    assert table.rows == len(rows)


FIELD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(FIELD, min_size=width, max_size=width), min_size=1)))
def test_what_csv_writes_is_read_back(rows):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    table, found = read(text.getvalue().encode(), header=False)
    assert (found, table.rows, table.bad_count) == (rows, len(rows), 0)
