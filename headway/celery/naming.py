"""What the tasks of Celery are called in Headway. No I/O."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Title: TypeAlias = Mapping[str, str] | Callable[[str, Sequence[Any], Mapping[str, Any]], str]
"""Titles by the tasks' names, formatted with the arguments of the call by name or position; or a function of name,
positional and keyword arguments. Neither is asked for tasks that the mapping lacks: arguments may be secret."""

logger = logging.getLogger(__name__)


def short(name: str) -> str:
    """The last part of the name of a task, which is its kind.

    >>> short("shop.tasks.import_users")
    'import_users'
    """
    return name.rpartition(".")[2] or name


def title_of(
    name: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    title: Title | None,
    run: Callable[..., Any] | None = None,
) -> str:
    """The title of a call: by default the task's short name, without arguments.

    Args:
        run: the function of the task, where it is known: it names the positional arguments.
    """
    try:
        if callable(title):
            return title(name, args, kwargs) or short(name)
        template = None if title is None else title.get(name) or title.get(short(name))
        return template.format(*args, **_named(run, args, kwargs)) if template else short(name)
    except Exception:
        logger.warning("a title was not made", extra={"action": "celery_title", "task_name": name}, exc_info=True)
        return short(name)


def _named(run: Callable[..., Any] | None, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    if run is None:
        return dict(kwargs)
    try:
        bound = inspect.signature(run).bind_partial(*args, **kwargs)
    except (TypeError, ValueError):
        return dict(kwargs)
    bound.apply_defaults()
    return {**bound.arguments, **kwargs}
