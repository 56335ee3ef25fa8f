"""`connect`: one line that reports the tasks of a Celery app."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

import celery
from celery import signals

from headway.celery.naming import Title
from headway.celery.options import Options, Owner
from headway.celery.publishing import Publishing
from headway.celery.running import Runs
from headway.celery.working import Working

logger = logging.getLogger(__name__)

_connected: WeakKeyDictionary[celery.Celery[Any], Connected] = WeakKeyDictionary()


def connect(
    app: celery.Celery[Any],
    *,
    owner: Owner | None = None,
    title: Title | None = None,
    reported: Callable[[str], bool] | None = None,
    terminate: bool = False,
    log_level: str = "INFO",
) -> None:
    """Report the tasks of `app`, from when they are published, in the processes that publish and in the workers.

    .. code-block:: python

        app = Celery("shop", broker="redis://")
        headway.celery.connect(app)

    Put it where the app is made, so that all of these processes run it. A second call replaces the options.
    What a task reports by `update_state` is shown; `headway.track` and `headway.current_job` work in it as well.

    Args:
        owner: returns whose the tasks are that are published just now, as ``lambda: request.user.name``: the owner,
            or owner and tenant; None for `HEADWAY_REPORT_OWNER`. Tasks that a task publishes have its owner.
        title: titles by the tasks' names, formatted with the arguments of the call: ``{"shop.load": "Load {path}"}``;
            or a function of name, arguments and keyword arguments. By default titles hold no arguments.
        reported: whether tasks of a name are reported (default: all).
        terminate: whether a request to cancel terminates the process that runs the task, as
            ``app.control.revoke(…, terminate=True)`` does. Otherwise the task notices by itself: loops of
            `headway.track` end, and ``job.cancelled`` is true.
        log_level: from which level on what tasks write to `logging` is shown as their log lines; OFF for none.
    """
    app = getattr(app, "_get_current_object", lambda: app)()
    options = Options(owner, title, reported, terminate, log_level)
    if (earlier := _connected.pop(app, None)) is not None:
        earlier.disconnect()
    _connected[app] = Connected(app, options)


class Connected:
    """What receives the signals for one app."""

    def __init__(self, app: celery.Celery[Any], options: Options) -> None:
        runs = Runs()
        publishing, working = Publishing(app, options, runs), Working(app, options, runs)
        self._working, self._prepare = working, _safe(working.prepare)
        self._receivers = [
            (signal, _safe(receiver))
            for signal, receiver in (
                (signals.before_task_publish, publishing.before),
                (signals.after_task_publish, publishing.after),
                (signals.worker_init, working.worker_begins),
                (signals.worker_process_init, working.process_begins),
                (signals.worker_process_shutdown, working.process_ends),
                (signals.task_prerun, working.begins),
                (signals.task_success, working.succeeds),
                (signals.task_failure, working.fails),
                (signals.task_retry, working.is_retried),
                (signals.task_postrun, working.is_over),
                (signals.task_revoked, working.is_revoked),
                (signals.task_unknown, working.is_unknown),
            )
        ]
        for signal, receiver in self._receivers:
            signal.connect(receiver, weak=False)
        app.on_after_finalize.connect(self._prepare, weak=False)
        self._app, self._group_result = app, app.GroupResult
        _tap_groups(app, _safe(publishing.group))

    def disconnect(self) -> None:
        """Receive nothing any more."""
        for signal, receiver in self._receivers:
            signal.disconnect(receiver)
        self._working.close()
        self._app.on_after_finalize.disconnect(self._prepare)
        setattr(self._app, "GroupResult", self._group_result)  # noqa: B010 - a property to mypy


def _safe(receiver: Callable[..., None]) -> Callable[..., None]:
    """Nothing that goes wrong with reports reaches Celery, nor fills its log."""
    warned: list[bool] = []

    @functools.wraps(receiver)
    def safe(*args: Any, signal: object = None, **named: Any) -> None:
        try:
            receiver(*args, **named)
        except Exception:
            level = logging.DEBUG if warned else logging.WARNING
            warned.append(True)
            logger.log(level, "a task is not reported", extra={"action": "celery_report_failed"}, exc_info=True)

    return safe


def _tap_groups(app: celery.Celery[Any], published: Callable[[str, Iterable[str]], None]) -> None:
    """Celery has no signal for a group: it makes a GroupResult of the app when all members are published."""
    base: Any = app.GroupResult

    class GroupResult(base):  # type: ignore[misc]
        def __init__(self, id: str | None = None, results: Any = None, *args: Any, **kwargs: Any) -> None:
            super().__init__(id, results, *args, **kwargs)
            if self.id:
                published(self.id, (result.id for result in self.results or ()))

    GroupResult.__qualname__ = GroupResult.__name__
    setattr(app, "GroupResult", GroupResult)  # noqa: B010 - a property to mypy


class ProgressTask(celery.Task[Any, Any]):
    """The same by the class of tasks: ``Celery("shop", task_cls="headway.celery:ProgressTask")``."""

    abstract = True

    @classmethod
    def on_bound(cls, app: celery.Celery[Any]) -> None:
        """Connect the app with which a task is bound."""
        if app not in _connected:
            connect(app)
