"""Repeat a call until it succeeds, with a growing delay between the tries."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from headway.errors import UnavailableError
from headway.retry_delay import RetryDelay

T = TypeVar("T")
Errors = type[Exception] | tuple[type[Exception], ...]
OnRefused = Callable[[Any], object]
"""Called with the error of each refused try, before the delay."""

DELAY = RetryDelay(first_seconds=0.05, backoff=2.0, max_seconds=1.6, jitter=0.0)
"""For calls to NATS: 0.05 s, doubling, at most 1.6 s."""


class Retries:
    """The tries of one caller: the delay grows with each refusal in a row, until `succeeded`.

    Args:
        delay: the delay after each refusal (default `DELAY`).
        errors: what `run` takes for a refusal (default UnavailableError); anything else is raised.
        on_refused: called with the error of each refused try.
    """

    def __init__(
        self, *, delay: RetryDelay = DELAY, errors: Errors = UnavailableError, on_refused: OnRefused | None = None
    ) -> None:
        self._delay = delay
        self._errors = errors
        self._on_refused = on_refused
        self._refused = 0

    async def wait(self, error: Exception) -> None:
        """Wait after a try that was refused with `error`."""
        if self._on_refused is not None:
            self._on_refused(error)
        seconds = self._delay.seconds(self._refused, roll=random.random())  # noqa: S311 - no secret
        self._refused += 1
        await asyncio.sleep(seconds)

    def succeeded(self) -> None:
        """Begin with the shortest delay again."""
        self._refused = 0

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Repeat `call` until it is not refused. Return its result."""
        while True:
            try:
                result = await call()
            except self._errors as error:
                await self.wait(error)
            else:
                self.succeeded()
                return result


async def retry(
    call: Callable[[], Awaitable[T]],
    *,
    delay: RetryDelay = DELAY,
    errors: Errors = UnavailableError,
    on_refused: OnRefused | None = None,
) -> T:
    """Repeat `call` until it is not refused. Return its result. The arguments are those of `Retries`."""
    return await Retries(delay=delay, errors=errors, on_refused=on_refused).run(call)
