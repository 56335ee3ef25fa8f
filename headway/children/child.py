"""A child as its parent's handler sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from headway.errors import ChildFailedError
from headway.events import Progress, Status


class Child:
    """A task that a handler has submitted as a part of its own. ``await child`` waits for its result.

    Args:
        wait: waits for the end of these children.
        load: the result in a last event.
        cancel: requests the end of a task, for a reason.
    """

    def __init__(
        self,
        task: str,
        kind: str,
        *,
        wait: Callable[[Child], Awaitable[None]],
        load: Callable[[Progress], Awaitable[Any]],
        cancel: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self.task = task
        """The id of the task."""
        self.kind = kind
        self.progress = 0.0
        """How far it is, 0 to 100, as far as that is known here."""
        self.status: Status = "queued"
        self.observed = False
        """Whether the handler has asked for its end."""
        self._wait = wait
        self._load = load
        self._cancel = cancel
        self._end: asyncio.Future[Progress] = asyncio.get_running_loop().create_future()

    def __repr__(self) -> str:
        return f"<Child {self.task} of kind {self.kind}: {self.status}>"

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result().__await__()

    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._end.done()

    async def result(self) -> Any:
        """Wait for its end, and return its result as JSON decodes it. The slot of the parent is free meanwhile.

        Raises ChildFailedError if it has failed or was cancelled.
        """
        await self._wait(self)
        self.observed = True
        end = self._end.result()
        if (error := self.failure()) is not None:
            raise error
        return await self._load(end)

    async def cancel(self, reason: str = "its parent does not need it any more") -> None:
        """Request that it ends. No effect if it has ended."""
        if not self.done():
            await self._cancel(self.task, reason)

    def failure(self) -> ChildFailedError | None:
        """Why it was not successful; None while it runs, and if it was."""
        if not self.done() or (end := self._end.result()).status == "completed":
            return None
        kind, message = (end.error.type, end.error.message) if end.error else ("", end.message)
        return ChildFailedError(self.task, self.kind, end.status, kind, message)

    # For who submits it

    def note(self, event: Progress) -> None:
        """Note a progress of the task."""
        self.progress, self.status = event.progress, event.status
        if event.terminal and not self._end.done():
            self._end.set_result(event)

    def on_end(self, callback: Callable[[Child], object]) -> None:
        """Call `callback` when it has ended, also if it has already."""
        self._end.add_done_callback(lambda _: callback(self))

    async def ended(self) -> None:
        """Return when it has ended."""
        await asyncio.wait({self._end})
