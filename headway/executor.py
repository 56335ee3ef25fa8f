"""A thread pool whose workers know the current task, for handlers that call `headway.track` or log in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ContextThreadPoolExecutor(ThreadPoolExecutor):
    """A ThreadPoolExecutor whose calls run in the context of the code that submits them, as `asyncio.to_thread` does.

    >>> with ContextThreadPoolExecutor(2) as pool:
    ...     list(pool.map(abs, [-1, -2]))
    [1, 2]
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As in the standard library; `map` calls it too."""
        return super().submit(partial(copy_context().run, fn, *args, **kwargs))
