"""What handlers log, as log lines of their tasks."""

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from headway.events import LogLine
from headway.log_capture import captured_logging
from headway.testing import MemoryLog, start_job
from headway.track import current

log = logging.getLogger("shop.images")


@pytest.fixture
def capture():
    with captured_logging("INFO"):
        yield


@pytest.fixture(autouse=True)
def level():
    log.setLevel(logging.DEBUG)
    yield
    log.setLevel(logging.NOTSET)


def lines(bench):
    return [(e.level, e.logger, e.message) for e in bench.events if isinstance(e, LogLine)]


async def test_record_of_any_logger_becomes_a_line_with_its_level(bench, capture):
    async def handler(job):
        log.debug("too fine")
        log.info("read %d of %d", 3, 4)
        logging.getLogger("urllib3").error("cannot reach %s", "a")
        log.critical("out of disk")

    logging.getLogger("urllib3").setLevel(logging.NOTSET)
    assert await bench.run(handler) == ["ack"]
    assert lines(bench) == [
        ("info", "shop.images", "read 3 of 4"),
        ("error", "urllib3", "cannot reach a"),
        ("error", "shop.images", "out of disk"),
    ]


async def test_level_says_what_is_taken(bench):
    async def handler(job):
        log.info("fine")
        log.warning("not so fine")

    with captured_logging("WARNING"):
        await bench.run(handler)
    assert lines(bench) == [("warning", "shop.images", "not so fine")]


@pytest.mark.parametrize(
    ("least", "taken"), [(None, ["warning"]), ("INFO", ["info", "warning"]), ("ERROR", []), ("OFF", [])]
)
async def test_kind_has_a_level_of_its_own(bench, least, taken):
    async def handler(job):
        log.info("fine")
        log.warning("not so fine")

    with captured_logging("WARNING"):
        await bench.run(handler, log_level=least)
    assert [line[0] for line in lines(bench)] == taken


async def test_off_takes_nothing_and_changes_nothing(bench):
    real = logging.Logger.callHandlers
    with captured_logging("OFF"):
        assert logging.Logger.callHandlers is real
        await bench.run(lambda job: log.error("x"))
    assert lines(bench) == []


async def test_handler_in_a_thread_and_its_own_threads_are_heard(bench, capture):
    def handler(job):
        log.info("handler")
        thread = threading.Thread(target=copy_context().run, args=(log.info, "thread"))
        thread.start()
        thread.join()

    await bench.run(handler)
    assert [message for *_, message in lines(bench)] == ["handler", "thread"]


async def test_thread_of_an_async_handler_is_heard(bench, capture):
    async def handler(job):
        await asyncio.to_thread(log.info, "thread")

    await bench.run(handler)
    assert [message for *_, message in lines(bench)] == ["thread"]


async def test_logger_that_does_not_propagate_is_heard(bench, capture, monkeypatch):
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "handlers", [logging.NullHandler()])
    await bench.run(lambda job: log.info("quiet"))
    assert lines(bench) == [("info", "shop.images", "quiet")]


async def test_process_logs_as_before(bench, capture, caplog):
    await bench.run(lambda job: log.info("once"))
    assert [record.message for record in caplog.records if record.name == "shop.images"] == ["once"]
    assert not any("headway" in type(handler).__module__ for handler in logging.root.handlers)


@pytest.mark.security
async def test_filter_of_the_logger_keeps_secrets_from_the_line(bench, capture, monkeypatch):
    def redact(record):
        record.msg = record.msg.replace("hunter2", "***")
        return True

    monkeypatch.setattr(log, "filters", [redact])
    await bench.run(lambda job: log.info("password hunter2"))
    assert lines(bench) == [("info", "shop.images", "password ***")]


async def test_lines_of_headway_itself_are_left_out(bench, capture):
    def handler(job):
        for name in ("headway", "headway.job", "headway_processor.attempts.attempt"):
            logging.getLogger(name).error("own")
        logging.getLogger("headways").error("another's")

    await bench.run(handler)
    assert lines(bench) == [("error", "headways", "another's")]


async def test_exception_is_shown_in_one_line(bench, capture):
    def handler(job):
        try:
            raise KeyError("k")
        except KeyError:
            log.exception("cannot read")

    await bench.run(handler)
    assert lines(bench) == [("error", "shop.images", "cannot read: KeyError: 'k'")]


async def test_record_that_cannot_be_formatted_is_shown_as_it_is(bench, capture, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    await bench.run(lambda job: log.info("%d of %d", "a"))
    assert lines(bench) == [("info", "shop.images", "%d of %d")]


async def test_argument_that_logs_when_it_is_formatted_does_not_recur(bench, capture):
    class Chatty:
        def __str__(self):
            log.info("while formatting")
            return "chatty"

    await bench.run(lambda job: log.info("%s", Chatty()))
    assert ("info", "shop.images", "chatty") in lines(bench)


async def test_flood_is_bounded_and_counted(bench, capture):
    async def handler(job):  # it does not await: one round
        for number in range(1000):
            log.info("line %d", number)

    await bench.run(handler)
    assert len(lines(bench)) == 201
    assert lines(bench)[-1] == ("warning", "", "800 more lines left out")


async def test_what_is_logged_outside_of_a_task_is_nobodys(capture):
    log.info("nobody")
    assert current.get() is None


async def test_two_tasks_at_once_never_mix(capture):
    store = MemoryLog()
    rounds = 50

    async def run(name):
        job = start_job(store, name, interval_seconds=0.01)
        current.set(job)
        for number in range(rounds):
            log.info("%s %d", name, number)
            await asyncio.sleep(0)
            if number % 10 == 0:
                await asyncio.to_thread(log.info, "%s thread", name)
        await job.finish("completed")

    names = [f"t{number}" for number in range(8)]
    await asyncio.gather(*(asyncio.create_task(run(name)) for name in names))
    for name in names:
        said = [event.message for event in store.events(name) if isinstance(event, LogLine)]
        assert len(said) == rounds + 5
        assert all(message.startswith(f"{name} ") for message in said)


async def test_two_processors_in_one_process_take_a_record_once(bench):
    real = logging.Logger.callHandlers
    with captured_logging("INFO"), captured_logging("ERROR"):
        assert logging.Logger.callHandlers is not real
        await bench.run(lambda job: log.info("once"))
    assert lines(bench) == [("info", "shop.images", "once")]
    assert logging.Logger.callHandlers is real


async def test_another_library_may_replace_the_same_method_meanwhile(bench, monkeypatch):
    """Sentry does."""
    seen = []
    with captured_logging("INFO"):
        ours = logging.Logger.callHandlers
        monkeypatch.setattr(
            logging.Logger, "callHandlers", lambda self, record: (seen.append(record.name), ours(self, record))
        )
        await bench.run(lambda job: log.info("twice heard, once taken"))
    log.info("after the end")
    with captured_logging("INFO"):
        log.info("again")
    assert seen.count("shop.images") == 3
    assert len(lines(bench)) == 1
    monkeypatch.undo()
    with captured_logging("INFO"):  # leaves the class as it was
        pass


async def test_threads_of_the_how_to_are_heard(bench, capture, printed):
    def work(picture):
        log.info(picture)
        done.release()

    def handler(job):
        with ThreadPoolExecutor() as pool:
            names = {"threading": threading, "pool": pool, "work": work, "picture": "a.jpg"}
            for block in printed:
                exec(compile(block.text, str(block), "exec"), names)
        assert all(done.acquire(timeout=5) for _ in range(2))

    done = threading.Semaphore(0)
    await bench.run(handler)
    assert [message for *_, message in lines(bench)] == ["a.jpg", "a.jpg"]
