"""Root tasks: the first to end ends the others, within a bound, and no error is lost."""

import asyncio
from contextlib import suppress

import pytest

from headway.service.supervisor import cancel_and_wait, run_until_first_ends

pytestmark = pytest.mark.looptime


class Root:
    """A root task that ends after `seconds`, or `stop_seconds` after it was cancelled."""

    def __init__(self, seconds=1000.0, *, error=None, stop_seconds=0.0):
        self.seconds = seconds
        self.error = error
        self.stop_seconds = stop_seconds
        self.state = "new"
        self.name = ""
        self.asked = asyncio.Event()

    async def run(self):
        self.name = asyncio.current_task().get_name()
        self.state = "running"
        try:
            async with asyncio.timeout(self.seconds):
                await self.asked.wait()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            await asyncio.sleep(self.stop_seconds)
            self.state = "cancelled"
            raise
        self.state = "ended"
        if self.error is not None:
            raise self.error


def time():
    return asyncio.get_running_loop().time()


async def test_first_to_end_ends_the_others_and_is_returned():
    first, second = Root(1.0), Root()
    assert await run_until_first_ends({"first": first.run(), "second": second.run()}) == "first"
    assert (first.state, second.state) == ("ended", "cancelled")
    assert (first.name, second.name) == ("first", "second")


async def test_error_of_the_first_is_raised_after_the_others_have_ended():
    failing, other = Root(1.0, error=ValueError("broken")), Root()
    with pytest.raises(ValueError, match="broken"):
        await run_until_first_ends({"other": other.run(), "failing": failing.run()})
    assert other.state == "cancelled"


async def test_of_two_that_end_together_no_error_is_lost():
    good, failing = Root(1.0), Root(1.0, error=ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        await run_until_first_ends({"good": good.run(), "failing": failing.run()})


async def test_of_two_that_end_together_the_earlier_name_is_returned():
    first, second = Root(1.0), Root(1.0)
    assert await run_until_first_ends({"first": first.run(), "second": second.run()}) == "first"


async def test_root_that_does_not_stop_is_waited_for_at_most_the_bound():
    first, stubborn = Root(1.0), Root(stop_seconds=100.0)
    began = time()
    roots = {"first": first.run(), "stubborn": stubborn.run()}
    assert await run_until_first_ends(roots, end_seconds=5.0) == "first"
    assert time() - began == pytest.approx(6.0, abs=0.1)
    assert stubborn.state == "running"
    await asyncio.sleep(100.0)


async def test_all_others_share_one_bound():
    roots = {"first": Root(1.0).run(), "slow": Root(stop_seconds=3.0).run(), "slower": Root(stop_seconds=4.0).run()}
    began = time()
    await run_until_first_ends(roots)
    assert time() - began == pytest.approx(5.0, abs=0.1)


async def test_root_with_a_stop_function_is_asked_and_not_cancelled():
    first, server = Root(1.0), Root()
    roots = {"first": first.run(), "server": server.run()}
    await run_until_first_ends(roots, stops={"server": server.asked.set})
    assert server.state == "ended"


async def test_cancellation_of_the_caller_ends_all_roots():
    roots = [Root(), Root()]
    task = asyncio.create_task(run_until_first_ends({str(n): root.run() for n, root in enumerate(roots)}))
    await asyncio.sleep(1.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [root.state for root in roots] == ["cancelled", "cancelled"]


async def ignore(cancellations):
    """Continue after that many cancellations, as nats-py's requests do after one."""
    for _ in range(cancellations):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(1000.0)
    await asyncio.sleep(1000.0)


async def test_cancel_and_wait_returns_with_the_end_of_the_task():
    root = Root(stop_seconds=0.05)
    task = asyncio.create_task(root.run())
    await asyncio.sleep(1.0)
    await cancel_and_wait(task)
    assert root.state == "cancelled"


@pytest.mark.parametrize(("ignored", "seconds"), [(0, 0.0), (1, 0.1)])
async def test_a_swallowed_cancellation_is_repeated(ignored, seconds):
    task = asyncio.create_task(ignore(ignored))
    await asyncio.sleep(1.0)
    began = time()
    await cancel_and_wait(task)
    assert task.cancelled()
    assert time() - began == pytest.approx(seconds, abs=0.01)


async def test_cancel_and_wait_gives_up_on_a_task_that_does_not_end():
    task = asyncio.create_task(ignore(2))
    await asyncio.sleep(1.0)
    began = time()
    await cancel_and_wait(task, 2.0)
    assert time() - began == pytest.approx(2.1, abs=0.01)
    assert not task.done()
    task.cancel()
