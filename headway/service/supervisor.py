"""Run the root tasks of a process until the first of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

END_SECONDS = 5.0
AGAIN_SECONDS = 0.1
"""After this time a task that continues is cancelled again."""

Stop = Callable[[], object]


async def run_until_first_ends(
    roots: Mapping[str, Coroutine[Any, Any, object]],
    *,
    stops: Mapping[str, Stop] | None = None,
    end_seconds: float = END_SECONDS,
) -> str:
    """Run `roots` until one of them ends, then stop the others. Return the name of the first to end.

    Raises what the first one raised: no root task may fail unnoticed. A cancellation of the caller stops all of them.

    Args:
        roots: coroutines by name, which becomes the name of the asyncio task.
        stops: functions that ask a root to end, by its name; the other roots are cancelled.
        end_seconds: how long the others may take to end; what still runs then is left running.
    """
    tasks = {name: asyncio.create_task(root, name=name) for name, root in roots.items()}
    try:
        done, _ = await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _stop_all(tasks, stops or {}, end_seconds)
    ended = [task for task in tasks.values() if task in done]
    for task in ended:
        task.result()
    return ended[0].get_name()


async def cancel_and_wait(task: asyncio.Task[Any], wait_seconds: float = 1.0) -> None:
    """Cancel `task` and wait for its end, at most `wait_seconds`.

    It is cancelled again when it continues for a while: `asyncio.wait_for` of Python 3.11, which nats-py uses, swallows
    a cancellation that meets an answer.
    """
    task.cancel()
    await asyncio.sleep(0)  # most tasks need no more, and it costs a fraction of a wait
    if not task.done():
        await asyncio.wait({task}, timeout=min(AGAIN_SECONDS, wait_seconds))
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=wait_seconds)


async def _stop_all(tasks: Mapping[str, asyncio.Task[Any]], stops: Mapping[str, Stop], end_seconds: float) -> None:
    for name, task in tasks.items():
        stops.get(name, task.cancel)()
    await asyncio.wait(tasks.values(), timeout=end_seconds)
