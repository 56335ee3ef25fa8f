"""What a child writes its output to: terminals where this process writes to one, so that colours stay, else pipes.

The child stays in this session and process group. Its input and its controlling terminal are those of this process, so
Ctrl-C and Ctrl-Z reach it as they would without this process, and passwords are read from the terminal.
"""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from collections.abc import Callable
from contextlib import suppress

from headway.cli.child.copying import Copying

STDOUT, STDERR = 1, 2


class Channels:
    """The output of one child. Where both streams go to the same place they share a channel, which keeps their order.

    Args:
        seen: called with the number of the stream and each piece of output, in a thread for each channel.
    """

    def __init__(self, seen: Callable[[int, bytes], object], targets: tuple[int, int] = (STDOUT, STDERR)) -> None:
        self._seen = seen
        self._terminals: list[tuple[int, int]] = []
        """Each with the terminal whose size it takes."""
        self._given: list[int] = []
        self._copies: list[Copying] = []
        out, err = targets
        self.stdout = self._open(out, STDERR if _same(out, err) else STDOUT)
        self.stderr = self.stdout if _same(out, err) else self._open(err, STDERR)

    def start(self) -> None:
        """Copy what the child writes, after it was started with `stdout` and `stderr`."""
        self._close_given()
        for copy in self._copies:
            copy.start()

    def finish(self) -> None:
        """Copy what is left, after the child has ended."""
        for copy in self._copies:
            copy.finish()

    def close(self) -> None:
        """Close all of them: the child was not started."""
        self._close_given()
        for copy in self._copies:
            copy.close()
        self._copies.clear()

    def resize(self) -> None:
        """Give the child's terminals the size of this process's."""
        for terminal, like in self._terminals:
            with suppress(OSError):  # it is closed
                _copy_size(like, terminal)

    def _open(self, target: int, stream: int) -> int:
        if os.isatty(target):
            source, given = pty.openpty()
            _pass_through(given)
            self._terminals.append((source, target))
            _copy_size(target, source)
        else:
            source, given = os.pipe()
        self._given.append(given)
        self._copies.append(Copying(source, target, lambda piece: self._seen(stream, piece)))
        return given

    def _close_given(self) -> None:
        for given in self._given:
            os.close(given)
        self._given.clear()


def _same(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:  # one of them is closed
        return False


def _pass_through(terminal: int) -> None:
    """Leave line feeds as they are, which the real terminal converts, and echo nothing."""
    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG)
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


def _copy_size(source: int, target: int) -> None:
    size = fcntl.ioctl(source, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    fcntl.ioctl(target, termios.TIOCSWINSZ, size)
