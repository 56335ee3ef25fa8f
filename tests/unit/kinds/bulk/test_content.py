"""Files that are not tables are recognised, and what to do is said."""

import pytest

from headway_kinds.bulk.content import CHECK, EXPORT, UNPACK, ContentError, reject_binary, reject_other_text

ZIP = b"PK\x03\x04" + b"\0" * 26


@pytest.mark.parametrize(
    ("sample", "what", "advice"),
    [
        (ZIP + b"data.csv", "a zip archive", UNPACK),
        (ZIP + b"xl/workbook.xml", "an Excel workbook (xlsx)", EXPORT),
        (ZIP + b"word/document.xml", "a Word document (docx)", EXPORT),
        (ZIP + b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "an OpenDocument file", EXPORT),
        (b"PK\x05\x06", "an empty zip archive", CHECK),
        (b"%PDF-1.7", "a PDF document", EXPORT),
        (b"\x1f\x8b", "a gzip file in a gzip file", UNPACK),
    ],
)
def test_other_formats_are_known_by_their_signatures(sample, what, advice):
    with pytest.raises(ContentError) as raised:
        reject_binary(sample)
    assert what in raised.value.message
    assert raised.value.message.endswith(advice)
    assert (raised.value.type, raised.value.retryable) == ("NotATable", False)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("  <!DOCTYPE html><p>", "an HTML page"),
        ("<?xml version='1.0'?>", "an XML document"),
        ('[{"a": 1}]', "JSON"),
        ("\x01\x02\x03\x04\x05", "binary data"),
        ("a\0b\0", "binary data"),
    ],
)
def test_other_text_is_recognised(text, what):
    with pytest.raises(ContentError, match=what):
        reject_other_text(text)


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "", "<b>,{x}\n", "a\x0b\n"])
def test_a_table_is_neither(text):
    reject_binary(text.encode())
    reject_other_text(text)
