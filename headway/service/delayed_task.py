"""A task that begins later, unless it is stopped before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from headway.service.supervisor import cancel_and_wait


class DelayedTask:
    """Runs `call` in a task of its own after `seconds`. What is stopped before costs a timer, and no task."""

    def __init__(self, seconds: float, call: Callable[[], Coroutine[Any, Any, object]], *, name: str) -> None:
        self._call = call
        self._name = name
        self._task: asyncio.Task[object] | None = None
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    async def stop(self) -> None:
        """Return when it has ended, or will not begin."""
        self._timer.cancel()
        if self._task is not None:
            await cancel_and_wait(self._task)

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._call(), name=self._name)
