"""Show the bars of tqdm as the progress of tasks, also those within libraries: `headway.tqdm.connect()`.

Every bar that is made in the context of a task becomes a count of that task. It gets a class of its own for it, derived
from the one it has, so that bars outside of tasks stay as they are: connected or not, they cost the same.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from headway.hook import Hook
from headway.job import Job, current
from headway.tqdm.captured import capture

__all__ = ["connect"]

logger = logging.getLogger(__name__)


def connect() -> ExitStack:
    """Show from now on all bars of tqdm that are made within tasks: in handlers, and in blocks of `headway.report`.

    The outermost bar is the count of the task and its description the message; a bar within it is shown below. The
    terminal shows them as before. A bar with ``disable=True`` is not shown, one with ``disable=None`` is. When the task
    is to be cancelled, the loop over a bar raises TaskCancelledError, as loops of `headway.track` do.

    Returns what undoes it, by ``close()`` or as a context manager. Raises ImportError when tqdm is not installed.
    """
    try:
        from tqdm import std
    except ImportError as error:
        raise ImportError("headway.tqdm shows the bars of tqdm, which is not installed: pip install tqdm") from error
    return HOOK.connect(std.tqdm)


def _constructor(own: Any) -> Callable[..., None]:
    signature = inspect.signature(getattr(own, "func", own))  # without the defaults of the environment

    def init(self: Any, *args: Any, **options: Any) -> None:
        own.__get__(self, type(self))(*args, **options)
        if HOOK.active and (job := current.get()) is not None:
            _begin(self, job, signature, args, options)

    return init


def _begin(bar: Any, job: Job, signature: inspect.Signature, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    try:
        given = signature.bind(bar, *args, **options).arguments
        del given["self"]  # the count of a bar must not keep it
        if not given.get("disable"):  # by the code itself, not for want of a terminal or by TQDM_DISABLE
            capture(bar, job, given)
    except Exception:
        logger.exception("a bar of tqdm is not shown", extra={"action": "bar_not_shown"})


HOOK = Hook("__init__", _constructor)
