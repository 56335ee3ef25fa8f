"""Report the messages of Dramatiq as tasks:

.. code-block:: python

    broker.add_middleware(headway.dramatiq.Headway())

The task has the id of the message. It is opened when the message is sent, by processes whose broker has the middleware,
and else when a worker takes it. Within an actor `headway.current_job()` and `headway.track` are those of its task.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

from dramatiq.broker import Broker, MessageProxy
from dramatiq.message import Message
from dramatiq.middleware import Middleware, SkipMessage
from dramatiq.threading import Interrupt, is_gevent_active, raise_thread_exception

from headway import log_capture
from headway.events import ErrorInfo
from headway.reporting.queue_job import QueueJob
from headway.reporting.queue_run import Run, begin

__all__ = ["Cancelled", "Headway"]

log_capture.leave_out("dramatiq")

_SUBMITTED = "headway_submitted"
"""Option of a message that is reported: sent again, as for a retry, it is the same task."""
_THROWS = "throws"
"""Option with the exceptions after which a message is not retried. It has no JSON form."""


class Cancelled(Interrupt):
    """Raised in an actor when somebody cancels its task: between two lines of Python, as other interrupts."""


class Headway(Middleware):
    """Reports all messages of a broker. Add it after `Retries`, as `Broker.add_middleware` does.

    Actors and `send_with_options` take ``title``, what people see instead of the actor's name, and ``tags``.
    """

    def __init__(self) -> None:
        self._here = _Here()

    @property
    def actor_options(self) -> set[str]:
        """The options that actors may have."""
        return {"title", "tags"}

    def before_enqueue(self, broker: Broker, message: Message[Any], delay: int | None) -> None:
        """Open the task of a new message; within an actor, as a part of the actor's task."""
        processing = self._here.processing
        if processing is not None and processing.message_id == message.message_id:
            message.options.pop(_THROWS, None)
            processing.retry()
        elif not message.options.get(_SUBMITTED):
            message.options[_SUBMITTED] = True
            parent = processing.run.task if processing is not None else ""
            _job(broker, message)._replace(parent=parent).submit()

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """Begin an attempt. A message that was cancelled while it waited is skipped."""
        processing = _Processing(broker, message)
        if processing.run.cancelled_before:
            raise SkipMessage("cancelled")
        self._here.processing = processing
        processing.run.enter()  # the last line: an interrupt may come from now on

    def after_process_message(
        self, broker: Broker, message: MessageProxy, *, result: Any = None, exception: BaseException | None = None
    ) -> None:
        """Keep how the attempt went. Whether it is retried turns out later."""
        if (processing := self._here.processing) is not None:
            processing.done(result, exception)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """Another middleware has skipped the message."""
        processing, self._here.processing = self._here.processing, None
        skipped = ErrorInfo("Skipped", "a middleware of the worker skipped the message")
        if processing is not None:
            processing.done(None, None)
            processing.run.end(skipped)
        elif message.failed:
            _job(broker, message).ended(skipped)

    def before_ack(self, broker: Broker, message: MessageProxy) -> None:
        """The message is done with."""
        self._end()

    def before_nack(self, broker: Broker, message: MessageProxy) -> None:
        """The message is dead-lettered."""
        self._end()

    def _end(self) -> None:
        processing, self._here.processing = self._here.processing, None
        if processing is not None:
            processing.end()


class _Here(threading.local):
    """What this thread processes."""

    processing: _Processing | None = None


class _Processing:
    """One message in the thread that processes it."""

    def __init__(self, broker: Broker, message: MessageProxy) -> None:
        self.message_id = message.message_id
        self._message = message
        self._interrupts = _Interrupts()
        self._result: Any = None
        self._error: BaseException | None = None
        self.run: Run = begin(_job(broker, message), self._cancel)

    def done(self, result: Any, error: BaseException | None) -> None:
        """The actor has returned or raised."""
        self._interrupts.close()
        self._result, self._error = result, error
        self.run.leave()
        if self.run.reason is not None:
            self._not_retried()

    def retry(self) -> None:
        """The message is sent again."""
        self.run.end(self._error or ErrorInfo("Requeued", "the message was sent again"), will_retry=True)

    def end(self) -> None:
        """Report how the attempt went."""
        if isinstance(self._error, Cancelled):
            self.run.end(cancelled=self.run.reason or "")
        else:
            self.run.end(self._error, result=self._result)

    def _cancel(self, reason: str) -> None:
        self._not_retried()
        self._interrupts.interrupt()

    def _not_retried(self) -> None:
        """Dramatiq does not retry what an actor is declared to throw."""
        self._message.options[_THROWS] = BaseException


class _Interrupts:
    """Interrupts the thread that made it, until it is closed."""

    def __init__(self) -> None:
        self._thread: int | None = threading.get_ident()
        self._lock = threading.Lock()

    def interrupt(self) -> None:
        """Raise `Cancelled` in the thread. With gevent nothing can: actors look at `headway.current_job()`."""
        with self._lock:
            if self._thread is not None and not is_gevent_active():  # type: ignore[no-untyped-call]
                raise_thread_exception(self._thread, Cancelled)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Nothing is raised after this returns."""
        thread = threading.get_ident()
        while self._thread is not None:
            try:
                with self._lock:
                    self._thread = None
                # One that was raised while this waited for the lock is taken back.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
            except Cancelled:
                continue


def _job(broker: Broker, message: Message[Any] | MessageProxy) -> QueueJob:
    options = broker.actors[message.actor_name].options if message.actor_name in broker.actors else {}
    title = message.options.get("title") or options.get("title") or ""
    tags = message.options.get("tags") or options.get("tags") or ()
    return QueueJob(message.message_id, message.actor_name, str(title), tags)
