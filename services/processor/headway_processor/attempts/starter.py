"""Whether the client that started a task is connected to some streamer (`cancel_on_disconnect`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from headway import codec
from headway.errors import MalformedEventError, UnavailableError
from headway.eventlog.log import Log, Subscription
from headway.service.retry import retry

GONE = "the client that started it has gone"


class Grace:
    """The time that a starter may be absent. All times are seconds of one clock."""

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._until = now + seconds

    def restart(self, now: float) -> None:
        """Begin again at `now`: the starter is present, or its absence could not be noticed until then."""
        self._until = now + self._seconds

    def left(self, now: float) -> float:
        """Return the seconds until the starter counts as gone; 0 or less when it does."""
        return self._until - now


class Starter:
    """Receives the presence beats of one task, while it is entered.

    Absence counts only while beats can be received: the grace period begins again with each reconnection, and it ends
    only after a read of the log on the same connection, which shows that the connection works and has no unread beat.

    Args:
        connected: returns whether NATS is connected now.
        on_reconnect: called after each reconnection; this object adds itself while it is entered.
    """

    def __init__(
        self,
        log: Log,
        task: str,
        grace_seconds: float,
        *,
        connected: Callable[[], bool],
        on_reconnect: list[Callable[[], None]],
    ) -> None:
        self.heard = asyncio.Event()
        """Set by the first presence beat."""
        self._log = log
        self._task = task
        self._connected = connected
        self._on_reconnect = on_reconnect
        self._time = asyncio.get_running_loop().time
        self._grace = Grace(grace_seconds, self._time())
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> Self:
        self._on_reconnect.append(self.restart)
        self._subscription = await retry(lambda: self._log.subscribe_beats(self._task, self._on_beat))
        self.restart()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on_reconnect.remove(self.restart)
        if self._subscription is not None:
            await self._subscription.close()

    def restart(self) -> None:
        """Begin the grace period again."""
        self._grace.restart(self._time())

    async def gone(self) -> None:
        """Return when no presence beat was received for the grace period."""
        while True:
            await asyncio.sleep(max(self._grace.left(self._time()), 0.0))
            if self._grace.left(self._time()) <= 0 and await self._would_be_heard():
                return

    async def _would_be_heard(self) -> bool:
        """Return whether the grace period has ended although beats could be received; if not, begin it again."""
        if self._connected():
            try:
                await self._log.last(self._task)
            except UnavailableError:
                pass
            else:
                return self._grace.left(self._time()) <= 0
        self.restart()
        return False

    def _on_beat(self, payload: bytes) -> None:
        try:
            beat = codec.decode_beat(payload)
        except MalformedEventError:
            return
        if beat.presence:
            self.restart()
            self.heard.set()
