"""What a child writes to."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from pathlib import Path

import pytest

from headway.cli.child.channels import STDERR, STDOUT, Channels


def size(terminal: int) -> tuple[int, int]:
    rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(terminal, termios.TIOCGWINSZ, b"\0" * 8))
    return rows, columns


def set_size(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@pytest.fixture
def terminal():
    """The two ends of a terminal of this test."""
    outer, inner = pty.openpty()
    yield outer, inner
    os.close(outer)
    os.close(inner)


def test_pipes_stay_pipes_and_apart() -> None:
    seen: list[tuple[int, bytes]] = []
    (out, out_target), (err, err_target) = os.pipe(), os.pipe()
    channels = Channels(lambda stream, piece: seen.append((stream, piece)), (out_target, err_target))
    stdout, stderr = os.dup(channels.stdout), os.dup(channels.stderr)
    assert not os.isatty(stdout)
    channels.start()
    os.write(stdout, b"out\n")
    os.write(stderr, b"err\n")
    os.close(stdout)
    os.close(stderr)
    channels.finish()
    assert (os.read(out, 10), os.read(err, 10)) == (b"out\n", b"err\n")
    assert sorted(seen) == [(STDOUT, b"out\n"), (STDERR, b"err\n")]
    for descriptor in (out, out_target, err, err_target):
        os.close(descriptor)


def test_streams_that_go_to_one_place_keep_their_order() -> None:
    seen: list[tuple[int, bytes]] = []
    out, target = os.pipe()
    channels = Channels(lambda stream, piece: seen.append((stream, piece)), (target, os.dup(target)))
    assert channels.stdout == channels.stderr
    channels.close()
    os.close(out)
    os.close(target)


def test_a_terminal_stays_a_terminal_of_the_same_size(terminal: tuple[int, int]) -> None:
    outer, inner = terminal
    set_size(inner, 30, 100)
    channels = Channels(lambda stream, piece: None, (inner, inner))
    child = os.dup(channels.stdout)
    assert os.isatty(child)
    assert size(child) == (30, 100)
    set_size(inner, 40, 120)
    channels.resize()
    assert size(child) == (40, 120)
    channels.start()
    os.write(child, b"one\ntwo\x1b[0m")
    os.close(child)
    channels.finish()
    assert os.read(outer, 100) == b"one\r\ntwo\x1b[0m"  # the line feed was converted once


def test_after_a_command_that_was_not_found_nothing_is_open() -> None:
    before = set(Path("/proc/self/fd").iterdir())
    (out, out_target), (err, err_target) = os.pipe(), os.pipe()
    Channels(lambda stream, piece: None, (out_target, err_target)).close()
    for descriptor in (out, out_target, err, err_target):
        os.close(descriptor)
    assert set(Path("/proc/self/fd").iterdir()) == before
