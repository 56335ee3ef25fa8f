"""Copies of output."""

from __future__ import annotations

import os
import pty

import pytest

from headway.cli.child.copying import CopyEnd, Copying
from tests.fixtures.condition import holds_blocking

SECONDS = 20.0


def ended(copy: Copying) -> bool:
    return holds_blocking(lambda: not copy.running, SECONDS)


def test_all_bytes_are_copied_and_shown() -> None:
    source, given = os.pipe()
    out, target = os.pipe()
    seen: list[bytes] = []
    copy = Copying(source, target, seen.append)
    copy.start()
    os.write(given, b"\x00\xff\x1b[1m")
    os.write(given, b"rest")
    os.close(given)
    copy.join()
    assert os.read(out, 100) == b"".join(seen) == b"\x00\xff\x1b[1mrest"
    assert copy.end is CopyEnd.SOURCE
    os.close(out)
    os.close(target)


def test_the_writer_learns_that_nobody_reads() -> None:
    source, given = os.pipe()
    out, target = os.pipe()
    os.close(out)
    copy = Copying(source, target, lambda piece: None)
    copy.start()
    os.write(given, b"lost")
    assert ended(copy)
    assert copy.end is CopyEnd.TARGET
    with pytest.raises(BrokenPipeError):
        os.write(given, b"more")
    os.close(given)
    os.close(target)


def test_what_a_reader_of_the_output_raises_does_not_stop_the_copy() -> None:
    source, given = os.pipe()
    out, target = os.pipe()

    def fail(piece: bytes) -> None:
        raise OSError("cannot look at that")

    copy = Copying(source, target, fail)
    copy.start()
    os.write(given, b"text")
    os.close(given)
    copy.join()
    assert os.read(out, 100) == b"text"
    os.close(out)
    os.close(target)


def test_a_process_that_holds_the_source_does_not_hold_the_end() -> None:
    source, given = os.pipe()
    out, target = os.pipe()
    copy = Copying(source, target, lambda piece: None)
    copy.start()
    os.write(given, b"text")
    copy.finish()
    assert os.read(out, 100) == b"text"
    for descriptor in (given, out, target):
        os.close(descriptor)


def test_a_copy_that_is_stopped_ends_while_its_source_is_open() -> None:
    source, given = os.pipe()
    out, target = os.pipe()
    copy = Copying(source, target, lambda piece: None)
    copy.start()
    copy.stop()
    assert ended(copy)
    assert copy.end is CopyEnd.STOPPED
    for descriptor in (given, out, target):
        os.close(descriptor)


def test_a_terminal_ends_when_its_last_writer_closes_it() -> None:
    source, given = pty.openpty()
    out, target = os.pipe()
    copy = Copying(source, target, lambda piece: None)
    copy.start()
    os.write(given, b"text")
    os.close(given)
    assert ended(copy)
    assert (copy.end, os.read(out, 100)) == (CopyEnd.SOURCE, b"text")
    os.close(out)
    os.close(target)
