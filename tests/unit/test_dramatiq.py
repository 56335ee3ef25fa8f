"""The middleware for Dramatiq, with its hooks called as a broker and a worker call them."""

import threading

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import SkipMessage
from dramatiq.threading import raise_thread_exception

from headway.dramatiq import Cancelled, Headway, _Interrupts
from headway.errors import CancelRequestedError
from tests.fixtures.noted_reports import reports as reports


@pytest.fixture
def middleware():
    return Headway()


@pytest.fixture
def broker(middleware):
    broker = StubBroker()
    broker.add_middleware(middleware)
    yield broker
    broker.close()


@pytest.fixture
def message(broker):
    @dramatiq.actor(broker=broker, title="Count", tags=["a"])
    def count(): ...

    return count.message()


def process(middleware, broker, message, error=None):
    middleware.before_process_message(broker, message)
    middleware.after_process_message(broker, message, result=None if error else 3, exception=error)


def cancel_here(attempt):
    attempt.on_stop(CancelRequestedError("1", "enough"))
    for _ in range(1000):  # the interrupt comes between two lines
        pass


def test_a_message_is_submitted_once(reports, broker, message):
    delayed = broker.enqueue(message, delay=10)
    broker.enqueue(delayed)
    ((task, what),) = reports.submitted
    assert (task, what["kind"], what["title"], what["tags"]) == (message.message_id, "count", "Count", ["a"])


def test_a_message_that_is_acknowledged_has_completed(reports, middleware, broker, message):
    process(middleware, broker, message)
    assert reports.end is None
    middleware.before_ack(broker, message)
    middleware.before_ack(broker, message)
    assert reports.end == ("completed", 3)


def test_a_message_that_is_sent_again_is_retried_and_another_one_is_not(reports, middleware, broker, message):
    error = ValueError()
    process(middleware, broker, message, error)
    other = broker.get_actor("count").send()
    assert reports.end is None
    assert reports.submitted[0][1]["parent"] == message.message_id
    broker.enqueue(message, delay=10)
    middleware.before_ack(broker, message)
    assert (reports.end, len(reports.submitted), other.message_id == message.message_id) == (
        ("retrying", error),
        1,
        False,
    )


def test_a_message_that_fails_after_it_was_cancelled_is_not_retried(reports, middleware, broker, message):
    middleware.before_process_message(broker, message)
    with pytest.raises(Cancelled):
        cancel_here(reports.attempts[0])
    middleware.after_process_message(broker, message, exception=Cancelled())
    assert isinstance(Cancelled(), message.options["throws"])
    middleware.before_nack(broker, message)
    assert reports.end == ("cancelled", "enough")


def test_options_that_have_no_json_form_are_not_sent(reports, middleware, broker, message):
    process(middleware, broker, message, ValueError())
    message.options["throws"] = BaseException
    broker.enqueue(message)
    assert "throws" not in message.options


def test_a_message_that_was_cancelled_while_it_waited_is_skipped(reports, middleware, broker, message):
    reports.refusals = ["cancelled"]
    with pytest.raises(SkipMessage):
        middleware.before_process_message(broker, message)
    proxy = dramatiq.broker.MessageProxy(message)
    middleware.after_skip_message(broker, proxy)
    assert (reports.ends, reports.attempts[0].active) == ([], False)


def test_a_message_that_others_skip_has_ended(reports, middleware, broker, message):
    proxy = dramatiq.broker.MessageProxy(message)
    proxy.fail()
    middleware.after_skip_message(broker, proxy)
    assert reports.ends[0][:2] == (message.message_id, "error")
    middleware.before_process_message(broker, proxy)
    middleware.after_skip_message(broker, proxy)
    assert (reports.end[0], reports.attempts[0].active) == ("error", False)


def test_an_interrupt_that_comes_as_the_actor_returns_is_taken_back():
    interrupts, raised = _Interrupts(), []

    class Lock:
        def __enter__(self):
            if not raised:
                raised.append(True)
                raise_thread_exception(threading.get_ident(), Cancelled)

        def __exit__(self, *error): ...

    interrupts._lock = Lock()
    interrupts.close()
    interrupts.interrupt()
    assert raised
