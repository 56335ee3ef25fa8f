"""The numbered lines of a text file, in bounded memory. Lines that cannot be read are reported and skipped."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from headway_kinds.bulk.charset import ERRORS, UNDECODABLE
from headway_kinds.bulk.records import MAX_RECORD_CHARS, NumberedLine, OnSkipped


def read_lines(
    stream: BinaryIO, encoding: str, report: OnSkipped, check: Callable[[], None] = lambda: None
) -> Iterator[NumberedLine]:
    """Yield lines, from 1, with their line ends: CR, LF or both; not undecodable or too long ones, or ones with NUL.

    Args:
        report: called with the number and the reason of each line that is skipped.
        check: called regularly while a long line is skipped; what it raises ends the reading.
    """
    text_stream = io.TextIOWrapper(stream, encoding=encoding, errors=ERRORS, newline="")
    number = 0
    try:
        while text := text_stream.readline(MAX_RECORD_CHARS):
            number += 1
            if number == 1:
                text = text.removeprefix("\ufeff")
            if len(text) >= MAX_RECORD_CHARS and not text.endswith(("\n", "\r")):
                report(number, f"longer than {MAX_RECORD_CHARS:,} characters")
                _skip_line(text_stream, check)
            elif "\0" in text:
                report(number, "contains NUL")
            elif UNDECODABLE in text:
                report(number, f"not {encoding}")
            else:
                yield number, text
    finally:
        if not stream.closed:
            text_stream.detach()  # the caller closes the stream


def _skip_line(text_stream: io.TextIOWrapper, check: Callable[[], None]) -> None:
    while (rest := text_stream.readline(MAX_RECORD_CHARS)) and not rest.endswith(("\n", "\r")):
        check()
