"""The open streams of authenticated callers, which end when their token is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headway_streamer.watch.session import Session

GRACE_SECONDS = 2.0
"""How long a client may take to accept what ends its stream; then the connection is closed."""
SLICE = 256
"""How many streams are examined before others run."""


class OpenStreams:
    """Ends the streams of revoked tokens.

    Args:
        revoked: whether a token was revoked, by its mark, see `Revocations`.
    """

    def __init__(self, revoked: Callable[[bytes], bool]) -> None:
        self._revoked = revoked
        self._marks: dict[Session, bytes] = {}
        """Of ten thousand streams a dict takes half of what a set takes."""

    def add(self, session: Session, mark: bytes) -> None:
        """A stream was opened. It ends at once if the token was revoked since the request was authenticated."""
        self._marks[session] = mark
        self._end_if_revoked(session, mark)

    def remove(self, session: Session) -> None:
        """A stream has ended."""
        self._marks.pop(session, None)

    async def end_revoked(self) -> None:
        """End all streams whose token was revoked."""
        for number, (session, mark) in enumerate(list(self._marks.items())):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            self._end_if_revoked(session, mark)

    def _end_if_revoked(self, session: Session, mark: bytes) -> None:
        if session.watcher is not None and not session.closed and self._revoked(mark):
            session.watcher.revoke()
            asyncio.get_running_loop().call_later(GRACE_SECONDS, _abort, session)


def _abort(session: Session) -> None:
    if not session.closed:
        session.abort()
