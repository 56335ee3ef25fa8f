"""Repeating a call that is refused: the delays, what counts as a refusal, and what is notified."""

import asyncio
import itertools

import pytest

from headway.errors import TooLargeError, UnavailableError
from headway.retry_delay import RetryDelay
from headway.service.retry import DELAY, Retries, retry


class Flaky:
    """Raises `errors` one after the other, then returns "done". Keeps the loop times of its calls."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.called_at = []

    async def __call__(self):
        self.called_at.append(asyncio.get_running_loop().time())
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    @property
    def delays(self):
        return [later - earlier for earlier, later in itertools.pairwise(self.called_at)]


def refusals(count):
    return [UnavailableError("no answer")] * count


@pytest.mark.looptime
async def test_result_of_a_call_that_succeeds_is_returned_without_delay():
    call = Flaky()
    assert await retry(call) == "done"
    assert call.delays == []


@pytest.mark.looptime
async def test_delays_double_up_to_a_limit():
    call = Flaky(*refusals(8))
    assert await retry(call) == "done"
    assert call.delays == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6], abs=0.01)


def test_thousands_of_refusals_do_not_overflow():
    assert DELAY.seconds(5000) == 1.6


@pytest.mark.looptime
async def test_delay_begins_again_after_a_success():
    retries = Retries()
    call = Flaky(*refusals(3))
    await retries.run(call)
    call.errors = refusals(1)
    await retries.run(call)
    assert call.delays == pytest.approx([0.05, 0.1, 0.2, 0.0, 0.05], abs=0.01)


@pytest.mark.looptime
async def test_call_that_never_returns_can_report_success_itself():
    retries = Retries()
    errors = refusals(3)
    called_at = []

    async def serve():
        called_at.append(asyncio.get_running_loop().time())
        retries.succeeded()
        await asyncio.sleep(10.0)
        if errors:
            raise errors.pop()

    await retries.run(serve)
    gaps = [later - earlier for earlier, later in itertools.pairwise(called_at)]
    assert gaps == pytest.approx([10.05] * 3, abs=0.01)


@pytest.mark.looptime
async def test_delay_is_the_policy_of_the_caller():
    call = Flaky(*refusals(3))
    await retry(call, delay=RetryDelay(first_seconds=2.0, backoff=1.0, jitter=0.0))
    assert call.delays == pytest.approx([2.0] * 3, abs=0.01)


@pytest.mark.looptime
async def test_jitter_spreads_the_delays():
    call = Flaky(*refusals(50))
    await retry(call, delay=RetryDelay(first_seconds=1.0, backoff=1.0, jitter=0.5))
    assert all(0.49 <= delay <= 1.51 for delay in call.delays)
    assert max(call.delays) - min(call.delays) > 0.2


@pytest.mark.looptime
async def test_each_refusal_is_notified_before_its_delay():
    notified = []

    def on_refused(error):
        notified.append((str(error), asyncio.get_running_loop().time()))

    call = Flaky(UnavailableError("first"), UnavailableError("second"))
    await retry(call, on_refused=on_refused)
    assert [text for text, _ in notified] == ["first", "second"]
    assert [at for _, at in notified] == pytest.approx(call.called_at[:2], abs=0.01)


@pytest.mark.looptime
async def test_error_that_is_no_refusal_is_raised():
    call = Flaky(TooLargeError("a result"))
    with pytest.raises(TooLargeError):
        await retry(call)
    assert len(call.called_at) == 1


@pytest.mark.looptime
async def test_caller_names_the_errors_that_are_refusals():
    call = Flaky(TooLargeError("a result"), UnavailableError("no answer"))
    assert await retry(call, errors=(TooLargeError, UnavailableError)) == "done"


@pytest.mark.looptime
async def test_cancellation_ends_the_retries():
    call = Flaky(*refusals(1000))
    task = asyncio.create_task(retry(call))
    await asyncio.sleep(1.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
