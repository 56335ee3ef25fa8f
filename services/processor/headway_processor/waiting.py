"""Waiting: for a NATS that is away, and for tasks to end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from headway.errors import UnavailableError
from headway.eventlog.retry import OnRefused, Patience, pause

T = TypeVar("T")
LONGEST_PAUSE = 6
"""The try from which on pauses are the longest, 2 s."""

logger = logging.getLogger(__name__)


async def rest(refused: int) -> None:
    """The pause after so many refusals in a row."""
    await pause(min(refused, LONGEST_PAUSE))


async def patiently(
    call: Callable[[], Awaitable[T]], *, task: str = "", what: str = "", on_refused: OnRefused | None = None
) -> T:
    """What `call` returns, as soon as NATS answers it and has space. `what` of `task` is stored by it."""
    patience = Patience(task, what, on_refused)
    while True:
        try:
            result = await call()
        except UnavailableError as error:
            await patience.wait(error)
        else:
            patience.succeeded()
            return result


async def end(task: asyncio.Task[Any], wait_seconds: float = 1.0) -> None:
    """Cancel `task` and wait for its end: not for ever, as nats-py can swallow a cancellation under back-pressure."""
    task.cancel()
    await asyncio.wait({task}, timeout=wait_seconds)


async def first_to_end(roots: Mapping[str, Coroutine[Any, Any, object]]) -> str:
    """Run named root tasks until one of them ends; end the others. The name of the first.

    Raises what it raised: no root task may fail unseen.
    """
    tasks = [asyncio.create_task(root, name=name) for name, root in roots.items()]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await asyncio.gather(*(end(task, 5.0) for task in tasks))
    first = next(task for task in tasks if task in done)
    first.result()
    return first.get_name()
