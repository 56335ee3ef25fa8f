"""Recognise files that are not tables by their beginning, and say what to do. No I/O."""

from __future__ import annotations

import re

from headway import TaskError

EXPORT = "Open it in the program that it comes from, export the table as CSV, and try again."
UNPACK = "Extract it, and try again with the CSV file in it."
CHECK = "Check that it is the right file."

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive", UNPACK),
    (b"PK\x05\x06", "an empty zip archive", CHECK),
    (b"\x1f\x8b", "a gzip file in a gzip file", UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (xls, for instance)", EXPORT),
    (b"BZh", "a bzip2 file", UNPACK),
    (b"\xfd7zXZ\x00", "an xz file", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    (b"PAR1", "a Parquet file", EXPORT),
    (b"ARROW1\x00\x00", "an Arrow file", EXPORT),
    (b"Obj\x01", "an Avro file", EXPORT),
    (b"SQLite format 3\x00", "an SQLite database", EXPORT),
    (b"%PDF-", "a PDF document", EXPORT),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", CHECK),
    (b"\xff\xd8\xff", "a JPEG picture", CHECK),
    (b"\x7fELF", "a program", CHECK),
)
_OFFICE = {b"xl/": "an Excel workbook (xlsx)", b"word/": "a Word document (docx)"}
_OPEN_DOCUMENT = b"mimetypeapplication/vnd.oasis.opendocument"
_MARKUP = (
    (
        re.compile(r"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE),
        "an HTML page",
        "Perhaps the address leads to a sign-in page: open it in a browser.",
    ),
    (re.compile(r"\s*<\?xml\b", re.IGNORECASE), "an XML document", "Convert it to CSV, and try again."),
    (re.compile(r"\s*(\[\s*)?\{\s*\"\w"), "JSON", "Convert it to CSV, and try again."),
)
_CONTROLS = re.compile(r"[\x01-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
MAX_CONTROL_SHARE = 0.01
MAX_NUL_SHARE = 0.3


class ContentError(TaskError):
    """The file is not a text table; not retryable."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"The file is {what}, not a CSV table. {advice}", type="NotATable", retryable=False)


def reject_binary(sample: bytes) -> None:
    """Raise ContentError for a file in another format, known by its signature."""
    for signature, what, advice in _SIGNATURES:
        if sample.startswith(signature):
            raise ContentError(*(_office(sample) or (what, advice)))


def reject_other_text(text: str) -> None:
    """Raise ContentError for HTML, XML and JSON, and for what is not text at all."""
    for pattern, what, advice in _MARKUP:
        if pattern.match(text):
            raise ContentError(what, advice)
    controls = len(_CONTROLS.findall(text))
    if controls > 3 + MAX_CONTROL_SHARE * len(text) or text.count("\0") > MAX_NUL_SHARE * len(text):
        raise ContentError("binary data", CHECK)


def _office(sample: bytes) -> tuple[str, str] | None:
    if sample[30:].startswith(_OPEN_DOCUMENT):
        return "an OpenDocument file (ods, for instance)", EXPORT
    if not sample.startswith(b"PK\x03\x04"):
        return None
    return next(((what, EXPORT) for folder, what in _OFFICE.items() if folder in sample), None)
