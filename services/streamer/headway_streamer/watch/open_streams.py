"""The open streams of authenticated callers, which end when their token is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from headway_streamer.access.principal import Principal
from headway_streamer.watch.session import Session

GRACE_SECONDS = 2.0
"""How long a client may take to accept what ends its stream; then the connection is closed."""
SLICE = 256
"""How many streams are examined before others run."""


class OpenStreams:
    """Ends the streams of revoked tokens.

    Args:
        revoked: whether the token of a principal was revoked.
    """

    def __init__(self, revoked: Callable[[Principal], bool]) -> None:
        self._revoked = revoked
        self._principals: dict[Session, Principal] = {}

    def add(self, session: Session, principal: Principal) -> None:
        """A stream was opened. It ends at once if the token was revoked since the request was authenticated."""
        self._principals[session] = principal
        session.on_close(lambda _: self._remove(session))
        if self._revoked(principal):
            self._end(session)

    async def end_revoked(self) -> None:
        """End all streams whose token was revoked."""
        for number, (session, principal) in enumerate(list(self._principals.items())):
            if number % SLICE == 0:
                await asyncio.sleep(0)
            if self._revoked(principal):
                self._end(session)

    def _remove(self, session: Session) -> None:
        self._principals.pop(session, None)

    def _end(self, session: Session) -> None:
        if session.watcher is not None and not session.closed:
            session.watcher.revoke()
            asyncio.get_running_loop().call_later(GRACE_SECONDS, _abort, session)


def _abort(session: Session) -> None:
    if not session.closed:
        session.abort()
