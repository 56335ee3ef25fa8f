"""An open stream and what is released when it ends."""

from __future__ import annotations

from collections.abc import Callable

from headway_streamer.watch.watcher import Watcher


class Session:
    """A watcher and its tails, until `close`. Without a watcher: a stream of `farewell` that ends at once."""

    __slots__ = ("_on_close", "abort", "closed", "farewell", "watcher")

    def __init__(self, watcher: Watcher | None, *, farewell: bytes = b"") -> None:
        self.watcher = watcher
        self.farewell = farewell
        self.closed = False
        self.abort: Callable[[], object] = _no_connection
        """Closes the connection now, whatever is unsent. Set while it is open."""
        self._on_close: list[Callable[[str], None]] = []

    def on_close(self, call: Callable[[str], None]) -> None:
        """Call `call` at the end, with its reason: `left` if the client disconnected."""
        self._on_close.append(call)

    def close(self) -> None:
        """Release everything, once."""
        if self.closed:
            return
        self.closed = True
        reason = self.watcher.ended_by if self.watcher is not None else "rejected"
        calls, self._on_close = self._on_close, []  # they refer to the session
        for call in calls:
            call(reason)


def _no_connection() -> None:
    """There is no connection yet, or it closes by itself."""
