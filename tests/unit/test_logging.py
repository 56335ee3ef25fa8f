"""Log records as log lines of tasks, outside of processors."""

import gc
import logging
import logging.config
import threading
from contextvars import copy_context

import pytest

import headway.logging
from headway import log_capture
from headway.events import LogLine
from headway.testing import MemoryLog, start_job
from headway.track import current

log = logging.getLogger("shop.images")


@pytest.fixture(autouse=True)
def level():
    log.setLevel(logging.DEBUG)
    yield
    log.setLevel(logging.NOTSET)
    log.handlers.clear()


@pytest.fixture
async def lines():
    """The lines of the task that the test is, after its end."""
    store = MemoryLog()
    job = start_job(store)
    token = current.set(job)

    async def ended():
        current.set(None)
        await job.finish("completed")
        return [(e.level, e.logger, e.message) for e in store.events("t1") if isinstance(e, LogLine)]

    yield ended
    current.reset(token)
    await job.abort()


def divide():
    secret = 0
    try:
        1 / secret
    except ZeroDivisionError:
        log.exception("no %s", "share")


async def test_a_record_of_any_logger_is_a_line(lines):
    with headway.logging.connect("DEBUG"):
        log.debug("read %d of %d", 3, 4)
        log.critical("out of disk")
        logging.getLogger("headway.outbox").error("own")
    log.error("after the undo")
    assert await lines() == [("debug", "shop.images", "read 3 of 4"), ("error", "shop.images", "out of disk")]


async def test_a_connection_lasts_without_being_kept(lines):
    headway.logging.connect()  # as in the docs
    gc.collect()
    log.info("still")
    log_capture._undo(log_capture._wanted[0])
    assert await lines() == [("info", "shop.images", "still")]


async def test_an_exception_has_its_traceback_without_values(lines):
    with headway.logging.connect():
        divide()
    with headway.logging.connect(tracebacks=False):
        divide()
    (_, _, long), (_, _, short) = await lines()
    assert short == "no share: ZeroDivisionError: division by zero"
    first, *trace = long.splitlines()
    assert (first, trace[0], trace[-1]) == (short, "Traceback (most recent call last):", "ZeroDivisionError")
    assert trace[1].endswith("in divide")
    assert "secret" not in long


async def test_threads_with_the_context_are_heard(lines):
    with headway.logging.connect():
        for target in (copy_context().run, lambda call, text: call(text)):
            thread = threading.Thread(target=target, args=(log.info, "thread"))
            thread.start()
            thread.join()
    assert [message for *_, message in await lines()] == ["thread"]


def test_a_level_that_is_none_is_refused():
    with pytest.raises(ValueError, match="LOUD"):
        headway.logging.connect("LOUD")


async def test_a_handler_copies_the_records_of_its_logger(lines):
    log.addHandler(headway.logging.TaskHandler("INFO"))
    log.debug("too fine")
    log.info("read %d", 3)
    logging.getLogger("shop.orders").error("not here")
    divide()
    infos, (_, _, text) = (found := await lines())[:1], found[1]
    assert infos == [("info", "shop.images", "read 3")]
    assert "Traceback" in text
    log.info("outside of a task")


async def test_a_handler_copies_nothing_that_is_copied_anyway(lines):
    log.addHandler(headway.logging.TaskHandler())
    with headway.logging.connect("WARNING"):
        log.info("by the handler")
        log.warning("by the connection")
    assert [message for *_, message in await lines()] == ["by the handler", "by the connection"]


async def test_a_handler_is_configured_by_a_dict(lines):
    handlers = {"task": {"class": "headway.logging.TaskHandler", "level": "INFO", "tracebacks": False}}
    loggers = {"shop.images": {"handlers": ["task"]}}
    logging.config.dictConfig(
        {
            "version": 1,
            "incremental": False,
            "disable_existing_loggers": False,
            "handlers": handlers,
            "loggers": loggers,
        }
    )
    divide()
    assert [message for *_, message in await lines()] == ["no share: ZeroDivisionError: division by zero"]
