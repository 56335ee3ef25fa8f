"""Copies bytes from one file descriptor to another as they come."""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

CHUNK_BYTES = 64 * 1024
POLL_SECONDS = 0.5


class CopyEnd(Enum):
    """Why a copy has ended."""

    SOURCE = "the source has ended"
    TARGET = "nobody reads the target any more"
    STOPPED = "it was to stop"


class Copying:
    """Copies `source` to `target` in a thread, and hands each piece to `seen` after it was written.

    Args:
        seen: must not block. An empty piece says that nothing came for a moment.
        closes: whether the source is closed at the end, so that its writer learns that nobody reads.
    """

    def __init__(self, source: int, target: int, seen: Callable[[bytes], object], *, closes: bool = True) -> None:
        self.end = CopyEnd.SOURCE
        self._source, self._target, self._seen, self._closes = source, target, seen, closes
        self._stop = threading.Event()
        self._last = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copy of output", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Close the source of a copy that was not started."""
        os.close(self._source)

    def finish(self) -> None:
        """Wait for the end, after the program has ended: what is left is copied, however slow the target is.

        A process that the program left behind may keep the source open: when nothing comes for a moment, that is all.
        """
        self._last.set()
        self._thread.join()

    def join(self) -> None:
        """Wait for the end of the source."""
        self._thread.join()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Copy nothing more; the thread ends within half a second unless the target is blocked."""
        self._stop.set()

    def _run(self) -> None:
        try:
            while piece := self._read():
                _write(self._target, piece)
                self._show(piece)
        except OSError:
            self.end = CopyEnd.TARGET
        finally:
            if self._closes:
                os.close(self._source)

    def _read(self) -> bytes:
        while not self._stop.is_set():
            last = self._last.is_set()
            if select.select([self._source], [], [], POLL_SECONDS)[0]:
                return read(self._source)
            self._show(b"")
            if last:
                return b""
        self.end = CopyEnd.STOPPED
        return b""

    def _show(self, piece: bytes) -> None:
        with suppress(Exception):  # whatever looks at the output, the copy continues
            self._seen(piece)


def read(source: int) -> bytes:
    """What can be read now; empty at the end of a file, and when the last program has closed a terminal."""
    try:
        return os.read(source, CHUNK_BYTES)
    except OSError as error:
        if error.errno == errno.EIO:
            return b""
        raise


def _write(target: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        try:
            view = view[os.write(target, view) :]
        except BlockingIOError:  # another program has made the description non-blocking
            select.select([], [target], [])
