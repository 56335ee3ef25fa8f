"""Children for handlers in threads: the same calls, which block the thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

from headway.children.child import Child
from headway.children.children import Children, OnFailure
from headway.errors import ChildFailedError, ChildrenError, TaskCancelledError
from headway.events import Status

T = TypeVar("T")


class BlockingChild:
    """A task that a handler in a thread has submitted as a part of its own."""

    def __init__(self, child: Child, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self.child = child
        self._run = run

    def __repr__(self) -> str:
        return repr(self.child)

    @property
    def task(self) -> str:
        """The id of the task."""
        return self.child.task

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.child.kind

    @property
    def status(self) -> Status:
        """Its status, as far as that is known here."""
        return self.child.status

    @property
    def progress(self) -> float:
        """How far it is, 0 to 100, as far as that is known here."""
        return self.child.progress

    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.child.done()

    def failure(self) -> ChildFailedError | None:
        """Why it was not successful; None while it runs, and if it was."""
        return self.child.failure()

    def result(self) -> Any:
        """Wait for its end, and return its result. Raises ChildFailedError, and TaskCancelledError."""
        return self._run(self.child.result())

    def cancel(self, reason: str = "its parent does not need it any more") -> None:
        """Request that it ends. No effect if it has ended."""
        self._run(self.child.cancel(reason))


class BlockingChildren:
    """The children of a task whose handler runs in a thread. A call that waits raises TaskCancelledError when the
    handler should end.
    """

    def __init__(self, children: Children) -> None:
        self._children = children
        self._calls: set[concurrent.futures.Future[Any]] = set()
        self._stopped = False

    def submit(
        self,
        kind: str,
        params: object = None,
        *,
        weight: float = 1.0,
        title: str = "",
        tags: Iterable[str] = (),
        key: str | None = None,
    ) -> BlockingChild:
        """Submit a task as a child. Return when it is stored. See `headway.Job.submit`."""
        submitting = self._children.submit(kind, params, weight=weight, title=title, tags=tags, key=key)
        return BlockingChild(self._run(submitting), self._run)

    def gather(self, *children: BlockingChild, on_failure: OnFailure = "cancel") -> list[Any]:
        """Wait for all of them, and return their results in this order. See `headway.Job.gather`."""
        return self._run(self._children.gather(*(one.child for one in children), on_failure=on_failure))

    def as_completed(self, *children: BlockingChild) -> Iterator[BlockingChild]:
        """Yield them as they end. See `headway.Job.as_completed`."""
        by_child = {one.child: one for one in children}
        ended = self._children.as_completed(*by_child)
        while True:
            try:
                child = self._run(_next(ended.__anext__))
            except StopAsyncIteration:
                return
            yield by_child[child]

    def stop(self) -> None:
        """End all calls that wait, as the handler should end."""
        self._stopped = True
        for call in list(self._calls):
            call.cancel()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        loop = self._children.loop
        if _running_loop() is not None:
            work.close()
            raise ChildrenError("job.blocking is for threads: on an event loop write `await job.submit(…)`")
        call = asyncio.run_coroutine_threadsafe(work, loop)
        self._calls.add(call)
        if self._stopped:
            call.cancel()
        try:
            return call.result()
        except concurrent.futures.CancelledError:
            raise TaskCancelledError("the task ends while its handler waits for children") from None
        finally:
            self._calls.discard(call)


async def _next(following: Callable[[], Any]) -> Child:
    child: Child = await following()
    return child


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
