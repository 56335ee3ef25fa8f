"""A processor is killed in the middle of a task: the next attempt continues where the last one was."""

import asyncio
import itertools
import os
import random
import threading
import time
from collections import Counter
from contextlib import asynccontextmanager, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headway import codec
from headway.eventlog.jetstream_log import JetStreamLog
from headway.eventlog.log_end import read_log_end
from headway.events import Progress
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.records import JobMessage
from headway.service.retry import retry
from tests.fixtures.condition import until
from tests.fixtures.services import KILL

TIMES = {"seconds", "rows_per_second", "pages_per_second", "median_page_seconds", "slowest"}
LARGE = (pytest.mark.faults, pytest.mark.timeout(1800))


class Site(ThreadingHTTPServer):
    """A site of `size` pages, each of which links to others. A page takes `seconds`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, size, seconds):
        super().__init__(("127.0.0.1", 0), Page)
        self.size, self.seconds = size, seconds
        self.asked = Counter()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Page(BaseHTTPRequestHandler):
    """The page with a number, or the empty rules of robots.txt."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        site = self.server
        site.asked[self.path] += 1
        if self.path == "/robots.txt":
            self.answer(b"")
            return
        time.sleep(site.seconds)  # a site that is slower than the crawl
        number = int(self.path[1:] or 0)
        links = (number * 10 + digit for digit in range(1, 11))
        text = f"<title>Page {number % 97}</title>" + "railway " * (number % 50)
        text += "".join(f'<a href="/{link}">x</a>' for link in links if link < site.size)
        self.answer(text.encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

    def handle(self):
        with suppress(ConnectionError):  # the processor is killed
            super().handle()


@contextmanager
def site(size, seconds):
    with Site(size, seconds) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def write_table(path, size_bytes, ids):
    """A table of numbers, dates, words and texts of about that size, with so many different ids; always the same."""
    rng = random.Random(1)
    block = [
        f"{rng.randrange(2000) / 8},20{n % 25:02}-03-1{n % 9},word{rng.randrange(900)},text {n % 100}"
        for n in range(10_000)
    ]
    with path.open("w") as file:
        file.write("id,value,day,word,note\n")
        for number in itertools.count():
            file.write("".join(f"{(number * 10_000 + place) % ids},{row}\n" for place, row in enumerate(block)))
            if file.tell() >= size_bytes:
                file.flush()
                os.fsync(file.fileno())  # else NATS waits for the disk as long as that takes
                return


class Bench:
    """Runs tasks in processors that may be killed."""

    def __init__(self, services, connection, settings):
        self.services, self._settings = services, settings
        self._connection = connection
        self._jobs = JetStreamJobQueue(connection.client, connection.names)
        self.log = JetStreamLog(connection.client, connection.names)

    async def processor(self, name):
        settings = {"BUILTIN_KINDS": "crawl,bulk", "CHECKPOINT_SECONDS": "0.2"} | self._settings
        service = self.services.processor(name, "", **settings)
        await asyncio.to_thread(service.wait_ready)
        return service

    async def submit(self, kind, params):
        job = JobMessage(
            task=f"{kind}-{random.randrange(10**9)}", kind=kind, params=codec.raw(codec.encode_json(params))
        )
        await retry(lambda: self._jobs.put(job))
        return job.task

    async def progress(self, task):
        return (await retry(lambda: read_log_end(self.log, task))).latest

    async def until(self, task, condition, seconds):
        async def holds():
            latest = await self.progress(task)
            return latest is not None and (condition(latest) or latest.terminal)

        await until(holds, seconds)
        return await self.progress(task)

    async def completed(self, task, seconds):
        latest = await self.until(task, lambda _: False, seconds)
        assert latest.status == "completed", latest
        data = latest.data
        return latest, {name: value for name, value in data.items() if name not in TIMES}

    async def events(self, task):
        found, start = [], 1
        while page := await retry(lambda at=start: self.log.read(task, at)):
            found += [codec.decode(stored.payload) for stored in page]
            start = page[-1].seq + 1
        return found

    async def stored(self):
        name = f"OBJ_{self._connection.names.results_bucket}"
        return (await self._connection.client.jetstream(timeout=60).stream_info(name)).state


@asynccontextmanager
async def opened(services, **settings):
    """A bench whose processors have these settings."""
    connection = Connection(NatsSettings(url=services.nats.url), "test")
    await connection.open()
    await provision.ensure_patiently(connection.client.jetstream(), connection.names)
    try:
        yield Bench(services, connection, settings)
    finally:
        await connection.close()


async def kill_in_the_middle(bench, kind, params, seconds):
    """The log of a task whose processor is killed when it is halfway, and its result."""
    first = await bench.processor("p1")
    task = await bench.submit(kind, params)
    halfway = await bench.until(task, lambda latest: latest.checkpoint and latest.progress > 45, seconds)
    assert not halfway.terminal
    first.signal(KILL)
    first.wait()
    size = (await bench.stored()).bytes
    at_kill = await bench.progress(task)
    await bench.processor("p2")
    last, result = await bench.completed(task, seconds)
    events = [event for event in await bench.events(task) if isinstance(event, Progress)]
    second = [event for event in events if event.attempt == 2]
    assert (second[0].done, second[0].step) != (None, "")
    assert min(event.progress for event in second) == second[0].progress > 0  # the bar never begins again
    assert last.attempt == 2
    assert (await bench.stored()).bytes == 0  # completed: no state is left
    return result, at_kill, second[0], size


def without_estimates(result):
    return result | {"columns": [{**column, "distinct": None} for column in result["columns"]]}


@pytest.mark.parametrize(
    ("pages", "page_seconds", "seconds"), [(120, 0.1, 60), pytest.param(10_000, 0.01, 600, marks=LARGE)]
)
async def test_crawl_continues_after_its_processor_was_killed(services, figures, pages, page_seconds, seconds):
    with site(pages, page_seconds) as whole, site(pages, page_seconds) as killed:
        netlocs = ",".join(one.url.split("/")[2] for one in (whole, killed))
        async with opened(services, CRAWL_ALLOW=netlocs) as running:
            params = {"url": killed.url, "max_pages": pages}
            result, at_kill, first, size = await kill_in_the_middle(running, "crawl", params, seconds)
            task = await running.submit("crawl", params | {"url": whole.url})
            _, undisturbed = await running.completed(task, seconds)
    twice = sum(killed.asked.values()) - len(killed.asked)
    port = str(killed.server_address[1]), str(whole.server_address[1])
    assert repr(result).replace(port[0], port[1]) == repr(undisturbed)
    assert result["pages"] == pages == len(killed.asked) - 1
    assert twice <= at_kill.done - first.done + 16  # what came after the checkpoint, and what was open
    figures("crawl killed at half", pages=pages, pages_twice=twice, bytes_of_the_state=size)


@pytest.fixture
def table(tmp_path, request):
    """A table of so many megabytes. It is made before the connection to NATS, which would not be answered meanwhile."""
    megabytes = request.param
    write_table(tmp_path / "table.csv", megabytes * 1_000_000, ids=1000 if megabytes < 10 else 10**9)
    return megabytes


@pytest.mark.parametrize(("table", "seconds"), [(5, 60), pytest.param(1000, 1500, marks=LARGE)], indirect=["table"])
async def test_bulk_continues_after_its_processor_was_killed(services, table, figures, tmp_path, seconds):
    every = "0.1" if table < 10 else "2"
    async with opened(services, DATA_DIR=str(tmp_path), CHECKPOINT_SECONDS=every) as running:
        params = {"source": "table.csv"}
        result, at_kill, first, size = await kill_in_the_middle(running, "bulk", params, seconds)
        _, undisturbed = await running.completed(await running.submit("bulk", params), seconds)
    assert without_estimates(result) == without_estimates(undisturbed)
    estimates = [column["distinct"] for column in result["columns"]]
    assert estimates == pytest.approx([column["distinct"] for column in undisturbed["columns"]], rel=0.05)
    twice = at_kill.done - first.done
    assert 0 <= twice <= (0.2 if table > 10 else 0.6) * at_kill.total  # a run of a second stores one or two states
    figures("bulk killed at half", megabytes=table, bytes_twice=int(twice), bytes_of_the_state=size)
