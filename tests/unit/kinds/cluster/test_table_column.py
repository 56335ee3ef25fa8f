"""The texts in a column of a table."""

import gzip

import pytest

from headway import TaskError
from headway.testing import MemoryLog, start_job
from headway_kinds.cluster.table_column import read_column
from headway_kinds.cluster.texts import Texts


@pytest.fixture
async def read(tmp_path):
    job = start_job(MemoryLog(), interval_seconds=0)

    def call(content, column="text", texts=None, **given):
        path = tmp_path / "table.csv"
        path.write_bytes(content)
        return read_column(job, path, "table.csv", column, Texts() if texts is None else texts, **given)

    yield call
    await job.abort()


async def test_the_texts_of_the_column_are_read(read):
    texts, source, warnings = read(b'id,text\n1,red door\n2,\n3,"green,\nroof"\n')
    assert [texts[number] for number in range(len(texts))] == ["red door", "green, roof"]
    assert (texts.empty, source, warnings) == (1, "column “text” of table.csv", [])


async def test_a_table_of_one_column_needs_no_name_and_gzip_is_read(read):
    assert len(read(gzip.compress(b"note\nred\ngreen\n"), "").texts) == 2


async def test_delimiter_and_encoding_can_be_given(read):
    found = read("a\ttext\n1\tété\n".encode("windows-1252"), delimiter="tab", encoding="windows-1252")
    assert found.texts[0] == "été"


async def test_reading_ends_when_the_texts_are_full(read):
    found = read(b"text\n" + b"one more\n" * 5000, texts=Texts(limit=3))
    assert (len(found.texts), found.texts.full) == (3, True)


@pytest.mark.parametrize(
    ("content", "column", "problem"),
    [
        (b"id,name\n1,a\n", "text", "no column 'text'. It has: id, name."),
        (b"id,name\n1,a\n", "", "Name the column with the texts: column is one of id, name."),
        (b"", "text", "empty"),
        (b"id,text\n1\n2\n3,a\n", "text", "2 of 3 rows are bad"),
    ],
)
async def test_a_table_without_the_column_says_what_to_do(read, content, column, problem):
    with pytest.raises(TaskError, match=problem):
        read(content, column)


async def test_a_damaged_gzip_file_is_an_error(read):
    with pytest.raises(TaskError, match="damaged or truncated"):
        read(gzip.compress(b"text\n" + bytes(range(48, 58)) * 9000)[:-20])
