"""Show the bars of tqdm as the progress of tasks, also those within libraries: `headway.tqdm.connect()`.

Every bar that is made in the context of a task becomes a count of that task. It gets a class of its own for it, derived
from the one it has, so that bars outside of tasks stay as they are: connected or not, they cost the same.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from headway.current import current
from headway.hook import Hook
from headway.tqdm.captured import capture

if TYPE_CHECKING:
    from headway.tqdm.own_tasks import OwnTasks

__all__ = ["connect"]

logger = logging.getLogger(__name__)


_own_tasks: list[OwnTasks] = []


def connect(*, report: bool | str = False) -> ExitStack:
    """Show from now on all bars of tqdm that are made within tasks: in handlers, and in blocks of `headway.report`.

    The outermost bar is the count of the task and its description the message; a bar within it is shown below. The
    terminal shows them as before. A bar with ``disable=True`` is not shown, one with ``disable=None`` is. When the task
    is to be cancelled, the loop over a bar raises TaskCancelledError, as loops of `headway.track` do.

    Args:
        report: whether a bar outside of any task is a task of its own, to which the bars within it belong. A text is
            the kind of these tasks (default: the name of the script); their title is the description of the bar.

    Returns what undoes it, by ``close()`` or as a context manager. Raises ImportError when tqdm is not installed, and
    InvalidNameError for a kind that is none.
    """
    try:
        from tqdm import std
    except ImportError as error:
        raise ImportError("headway.tqdm shows the bars of tqdm, which is not installed: pip install tqdm") from error
    if not report:
        return HOOK.connect(std.tqdm)
    from headway.tqdm.own_tasks import OwnTasks  # which loads what reports need

    tasks = OwnTasks("" if report is True else report)
    undo = HOOK.connect(std.tqdm)
    _own_tasks.append(tasks)
    undo.callback(_own_tasks.remove, tasks)
    undo.callback(tasks.settle)
    return undo


def _constructor(own: Any) -> Callable[..., None]:
    signature = inspect.signature(getattr(own, "func", own))  # without the defaults of the environment

    def init(self: Any, *args: Any, **options: Any) -> None:
        own.__get__(self, type(self))(*args, **options)
        if HOOK.active and (_own_tasks or current.get() is not None):
            _begin(self, signature, args, options)

    return init


def _begin(bar: Any, signature: inspect.Signature, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    try:
        given = signature.bind(bar, *args, **options).arguments
        del given["self"]  # the count of a bar must not keep it
        if given.get("disable"):  # by the code itself, not for want of a terminal or by TQDM_DISABLE
            return
        job, end = current.get(), None
        if _own_tasks and (own := _own_tasks[-1].begin(job, given)) is not None:
            job, end = own.job, own.end
        if job is not None:
            capture(bar, job, given, end)
    except Exception:
        logger.exception("a bar of tqdm is not shown", extra={"action": "bar_not_shown"})


HOOK = Hook("__init__", _constructor)
