"""A child as its parent's handler sees it."""

import pytest

from headway.children.child import Child
from headway.errors import ChildFailedError
from headway.events import ErrorInfo
from headway.testing import progress

pytestmark = pytest.mark.looptime


@pytest.fixture
async def child():
    requests = []

    async def wait(one):
        await one.ended()

    async def load(event):
        return event.data

    async def cancel(task, reason):
        requests.append((task, reason))

    made = Child("c1", "resize", wait=wait, load=load, cancel=cancel)
    made.requests = requests
    return made


async def test_its_result_is_awaited(child):
    child.note(progress("processing", 40.0))
    assert (child.progress, child.status, child.done(), child.failure()) == (40.0, "processing", False, None)
    child.note(progress("completed", 100.0, data={"a": 1}))
    assert (await child, child.done(), child.observed) == ({"a": 1}, True, True)
    assert repr(child) == "<Child c1 of kind resize: completed>"


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (progress("error", error=ErrorInfo("ValueError", "no")), "child c1 (resize) failed: ValueError: no"),
        (progress("cancelled", message="not needed"), "child c1 (resize) was cancelled: not needed"),
    ],
    ids=["error", "cancelled"],
)
async def test_another_end_is_an_error_with_its_id_and_its_reason(child, end, message):
    child.note(end)
    with pytest.raises(ChildFailedError) as caught:
        await child.result()
    assert (str(caught.value), caught.value.child, caught.value.status) == (message, "c1", end.status)
    assert not caught.value.retryable


async def test_only_one_that_runs_is_cancelled(child):
    await child.cancel("why")
    child.note(progress("cancelled"))
    await child.cancel("again")
    assert child.requests == [("c1", "why")]


async def test_callbacks_are_called_also_for_one_that_has_ended(child):
    called = []
    child.on_end(called.append)
    child.note(progress("completed"))
    await child
    child.on_end(called.append)
    await child.ended()
    assert called[0] is child
