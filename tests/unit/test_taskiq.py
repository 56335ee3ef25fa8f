"""The middleware for Taskiq, with its hooks called as a broker and a receiver call them."""

import asyncio

import pytest
from taskiq import TaskiqMessage, TaskiqResult
from taskiq.depends.progress_tracker import TaskProgress, TaskState
from taskiq.exceptions import NoResultError

from headway import current_job
from headway.errors import CancelRequestedError, TaskCancelledError
from headway.taskiq import Headway
from tests.fixtures.noted_reports import reports as reports


class Backend:
    """Notes the progress that is set."""

    def __init__(self):
        self.progress = []

    async def set_progress(self, task_id, progress):
        self.progress.append(progress)


class Function:
    """A task of a broker."""

    @staticmethod
    async def original_func(): ...


class Broker:
    """What the middleware asks a broker for."""

    def __init__(self):
        self.result_backend = Backend()

    def find_task(self, name):
        return Function


@pytest.fixture
def middleware():
    middleware = Headway()
    middleware.set_broker(Broker())
    return middleware


def message(task_id="t1", **labels):
    return TaskiqMessage(task_id=task_id, task_name="shop:count", labels=labels, args=[], kwargs={"a": 1})


def result_of(error=None):
    return TaskiqResult(is_err=error is not None, return_value=3, execution_time=0.1, error=error)


async def execute(middleware, sent, error=None, before_end=None):
    """What a receiver does with a message."""
    sent, result = await middleware.pre_execute(sent), result_of(error)
    if error is not None:
        await middleware.on_error(sent, result, error)
    if before_end is not None:
        await before_end(sent, result)
    await middleware.post_execute(sent, result)
    assert current_job() is None
    return result


async def alone(call):
    """In a task of its own, as each execution has."""
    return await asyncio.create_task(call)


async def test_a_task_is_submitted_when_it_is_sent(reports, middleware):
    await middleware.pre_send(message(title="Count", tags="a,b"))
    ((task, what),) = reports.submitted
    assert (task, what["kind"], what["title"], what["tags"]) == ("t1", "count", "Count", ["a", "b"])


async def test_a_result_and_an_error_are_reported(reports, middleware):
    await alone(execute(middleware, message()))
    assert reports.end == ("completed", 3)
    error = ValueError()
    await alone(execute(middleware, message(), error))
    assert reports.end == ("error", error)


async def test_a_task_that_is_sent_again_is_retried_and_another_one_is_a_part_of_it(reports, middleware):
    error = ValueError()

    async def send(sent, result):
        await middleware.pre_send(message("t2"))
        await middleware.pre_send(message(_retries=1))

    await alone(execute(middleware, message(), error, send))
    assert reports.end == ("retrying", error)
    assert [(task, what["parent"]) for task, what in reports.submitted] == [("t2", "t1")]


async def test_a_task_whose_retry_is_scheduled_is_retried(reports, middleware):
    async def schedule(sent, result):
        result.error = NoResultError()

    await alone(execute(middleware, message(), ValueError(), schedule))
    assert reports.end[0] == "retrying"


async def test_a_retry_that_is_sent_before_the_error_is_known_is_one(reports, middleware):
    async def run():
        sent = await middleware.pre_execute(message())
        await middleware.pre_send(sent)
        await middleware.on_error(sent, result_of(), ValueError())
        await middleware.post_execute(sent, result_of())

    await alone(run())
    assert reports.end[0] == "retrying"


async def test_a_task_without_a_result_completes_unless_it_has_sent_itself_again(reports, middleware):
    async def requeue(sent, result):
        sent.labels["X-Taskiq-requeue"] = "1"

    await alone(execute(middleware, message(), NoResultError()))
    assert reports.end == ("completed", None)
    await alone(execute(middleware, message(), NoResultError(), requeue))
    assert reports.end == ("handed on", "the task sent itself again")


async def test_a_coroutine_whose_task_is_cancelled_is_interrupted_and_not_retried(reports, middleware):
    async def run():
        sent = await middleware.pre_execute(message(retry_on_error=True))
        reports.attempts[0].on_stop(CancelRequestedError("t1", "enough"))
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(600)
        result = result_of(asyncio.CancelledError())
        await middleware.on_error(sent, result, result.error)
        await middleware.post_execute(sent, result)
        return sent, result, asyncio.current_task().cancelling()

    sent, result, cancelling = await alone(run())
    assert (type(result.error), sent.labels["retry_on_error"], cancelling) == (TaskCancelledError, False, 0)
    assert reports.end == ("cancelled", "enough")


async def test_a_task_that_was_cancelled_while_it_waited_is_not_called(reports, middleware):
    reports.refusals = ["cancelled"]
    sent = await alone(middleware.pre_execute(message(retry_on_error=True)))
    with pytest.raises(TaskCancelledError):
        {}.update(sent.kwargs)
    assert sent.labels["retry_on_error"] is False


async def test_progress_that_a_task_sets_is_stored_and_reported(reports, middleware):
    backend = middleware.broker.result_backend
    states = [TaskState.STARTED, "STARTED", "CRUNCHING"]

    async def run():
        await middleware.pre_execute(message())
        for state in states:
            await backend.set_progress("t1", TaskProgress(state=state, meta={"percent": 50}))
        await backend.set_progress("another", TaskProgress(state="CRUNCHING", meta=None))

    await alone(run())
    await backend.set_progress("t1", TaskProgress(state="CRUNCHING", meta=None))
    assert [progress.state for progress in backend.progress] == [*states, "CRUNCHING", "CRUNCHING"]
    words = [call[1] for call in reports.attempts[0].job.calls if call[0] == "set_state"]
    assert words == ["", "", "CRUNCHING"]
