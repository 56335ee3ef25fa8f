"""What a file is declared as, and what it begins with."""

import gzip

import pytest

from headway_streamer.files.content import misfit

TABLE = "a;b\n1;ü\n"


@pytest.mark.parametrize(
    ("content_type", "begin"),
    [
        ("text/csv", TABLE.encode()),
        ("text/csv", TABLE.encode("latin-1")),
        ("text/csv", TABLE.encode("utf-16")),
        ("text/csv", TABLE.encode("utf-16-le")),
        ("text/csv", TABLE.encode("utf-16-be")),
        ("text/csv", gzip.compress(TABLE.encode(), mtime=0)),
        ("application/gzip", gzip.compress(TABLE.encode(), mtime=0)),
        ("application/octet-stream", bytes(9)),
    ],
)
def test_what_may_be_of_its_type_is_taken(content_type, begin):
    assert misfit(content_type, begin) == ""


@pytest.mark.parametrize(
    ("content_type", "begin", "why"),
    [
        ("text/csv", b"PK\3\4\x14\0\0\0\x08\0", "binary"),
        ("application/json", b'{"a":\0}', "binary"),
        ("text/plain", bytes(100), "binary"),
        ("application/gzip", b"a;b", "not compressed"),
    ],
)
def test_what_cannot_be_of_its_type_is_named(content_type, begin, why):
    assert why in misfit(content_type, begin)
