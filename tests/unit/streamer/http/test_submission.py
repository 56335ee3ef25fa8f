"""The checks before a task is stored, and the counters after it."""

import pytest

from headway.errors import NestedTooDeepError, StoreFullError, TooLargeError, UnavailableError
from headway_streamer.access.principal import EVERYBODY
from headway_streamer.http.callers import Callers
from headway_streamer.http.submission import Submissions
from headway_streamer.limits.caller import NOBODY, Caller
from headway_streamer.limits.limits import LimitedError
from headway_streamer.problems import Problem
from tests.fixtures.access import memory_access
from tests.unit.streamer.conftest import RETENTION_SECONDS


@pytest.fixture
def submissions(parts):
    parts.offer(params={"type": "object", "properties": {"a": {"type": "integer"}}})
    access, callers = memory_access(), Callers(parts.settings)
    return Submissions(
        access,
        parts.kinds,
        parts.task_store,
        parts.drain,
        parts.metrics,
        parts.limits,
        callers,
        parts.file_use,
        retention_seconds=RETENTION_SECONDS,
    )


async def test_an_accepted_task_has_the_number_of_processors(parts, submissions):
    submitted = await submissions.submit(EVERYBODY, "k", {"a": 1}, retry_of="t0", caller=NOBODY)
    assert (submitted.processors, submitted.record.retry_of) == (1, "t0")


@pytest.mark.parametrize(("kind", "params", "status"), [("k", {"a": "x"}, 422), ("other", {}, 404)])
async def test_a_task_that_does_not_fit_is_a_problem(submissions, kind, params, status):
    with pytest.raises(Problem) as caught:
        await submissions.submit(EVERYBODY, kind, params, caller=NOBODY)
    assert caught.value.status == status


async def test_a_streamer_that_drains_accepts_nothing(parts, submissions):
    parts.drain.begin()
    with pytest.raises(Problem) as caught:
        await submissions.check(EVERYBODY, "k", {})
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})


async def test_parameters_that_are_nested_too_deeply_are_rejected(submissions):
    deep = {}
    for _ in range(100):
        deep = {"b": deep}
    with pytest.raises(NestedTooDeepError):
        await submissions.submit(EVERYBODY, "k", deep, caller=NOBODY)


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        ({"away": True}, UnavailableError, "unavailable"),
        ({"full": True}, StoreFullError, "store_full"),
        ({"limit_bytes": 10}, TooLargeError, "too_large"),
    ],
)
async def test_a_rejection_is_counted_by_its_reason(parts, submissions, fault, error, reason):
    for name, value in fault.items():
        setattr(parts.jobs, name, value)
    with pytest.raises(error):
        await submissions.submit(EVERYBODY, "k", {}, caller=NOBODY)
    assert parts.counted("submissions_rejected_total", reason=reason) == 1


@pytest.mark.security
@pytest.mark.looptime
async def test_tasks_that_are_refused_count_against_the_limit_too(parts, submissions):
    for _ in range(parts.settings.max_submit_burst):
        with pytest.raises(Problem):
            await submissions.submit(EVERYBODY, "other", {}, caller=Caller("ada"))
    with pytest.raises(LimitedError):
        await submissions.submit(EVERYBODY, "k", {}, caller=Caller("ada"))
    await submissions.submit(EVERYBODY, "k", {}, caller=Caller("grace"))
