"""Sites that grow when they are decompressed, or never end, and a processor that fetches from them."""

import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from headway_kinds.bulk.kind import CONCURRENCY
from tests.fixtures.condition import until
from tests.fixtures.hostile_site import CSV, HTML, bombs, hostile_site
from tests.fixtures.process import resident_bytes

pytestmark = pytest.mark.security

MEBIBYTE = 1024 * 1024
BOMB_MEBIBYTES = 192
MAX_GROWTH_MEBIBYTES = 100
ENDED = {"completed", "error", "cancelled"}
DRIPS = 4
ROUNDS = 4
KINDS = {"BUILTIN_KINDS": "crawl,bulk"}


@pytest.fixture(scope="module")
def site():
    html, text = {"Content-Type": "text/html"}, {"Content-Type": "text/plain"}
    pages = {"/robots.txt": (text, b""), "/drip": (html, None), "/drip.csv": (text, None)}
    pages |= {"/ok": (html, HTML), "/ok.csv": (text, CSV)}
    pages |= {f"/csv{path}": page for path, page in bombs(BOMB_MEBIBYTES, CSV, "text/csv").items()}
    pages |= bombs(BOMB_MEBIBYTES, HTML, "text/html")
    with hostile_site(pages) as site:
        yield site


class Lab:
    """A processor that may fetch from `site`, a streamer, and the tasks that were submitted."""

    def __init__(self, services, http, site, **settings):
        self.streamer = services.streamer("s1")
        self.processor = services.processor("p1", "", **KINDS, CRAWL_ALLOW=site.netloc, **settings)
        self._http = http
        self.site = site
        for service in (self.streamer, self.processor):
            service.wait_ready()

    async def submit(self, kind, path):
        params = {"url" if kind == "crawl" else "source": f"{self.site.url}{path}"}
        reply = await self._http.post(f"{self.streamer.url}/api/v1/tasks", json={"kind": kind, "params": params})
        assert reply.status_code == 202, reply.text
        return reply.json()["task"]

    async def state(self, task):
        return (await self._http.get(f"{self.streamer.url}/api/v1/tasks/{task}")).json()["state"]

    async def end(self, task, seconds=60.0):
        async def ended():
            return (await self.state(task) or {}).get("status") in ENDED

        await until(ended, seconds)
        return await self.state(task)

    async def cancel(self, task):
        reply = await self._http.post(f"{self.streamer.url}/api/v1/tasks/{task}/cancel", json={})
        assert reply.status_code < 300, reply.text

    async def dripping(self, count):
        await until(lambda: self.site.dripping == count, 30)

    def threads(self):
        return sum(1 for _ in Path(f"/proc/{self.processor.pid}/task").iterdir())


@contextmanager
def peak_of(pid):
    """Yield a list whose only item is the largest resident size of a process, in bytes, while the block runs."""
    peak, ended = [resident_bytes(pid)], threading.Event()

    def watch():
        while not ended.wait(0.002):
            peak[0] = max(peak[0], resident_bytes(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("kind", ["crawl", "bulk"])
async def test_pages_that_grow_take_little_memory(services, http, site, kind, security_figures):
    lab = Lab(services, http, site)
    await lab.end(await lab.submit(kind, "/ok" if kind == "crawl" else "/ok.csv"))  # loads what it needs
    paths = [f"{'/csv' if kind == 'bulk' else ''}{path}" for path in bombs(0, b"", "")]
    before = resident_bytes(lab.processor.pid)
    with peak_of(lab.processor.pid) as peak:
        tasks = [await lab.submit(kind, path) for path in paths * 2]
        ends = [await lab.end(task) for task in tasks]
    growth = (peak[0] - before) // MEBIBYTE
    assert growth < MAX_GROWTH_MEBIBYTES
    refused = [end for end in ends if "compressed several times" in str(end.get("error"))]
    assert len(refused) == 6  # double, triple and mixed, twice each
    security_figures(
        6, f"{kind}: pages of {BOMB_MEBIBYTES} MiB, packed", at_once=len(tasks), growth_mib=growth, processors_lost=0
    )


@pytest.mark.parametrize("kind", ["crawl", "bulk"])
async def test_sources_that_drip_keep_no_other_waiting(services, http, site, kind, security_figures):
    lab = Lab(services, http, site)
    drip, good = ("/drip", "/ok") if kind == "crawl" else ("/drip.csv", "/ok.csv")
    slow = [await lab.submit(kind, path) for path in [drip, "/slow-head"] * (DRIPS // 2)]
    await lab.dripping(DRIPS)
    assert (await lab.end(await lab.submit(kind, good)))["status"] == "completed"
    assert site.dripping == DRIPS  # the control: they still drip
    for task in slow:
        await lab.cancel(task)
    assert {(await lab.end(task))["status"] for task in slow} == {"cancelled"}
    await lab.dripping(0)
    security_figures(6, f"{kind}: a healthy source beside drips", drips=DRIPS, completed=1, sockets_after_cancel=0)


async def test_cancelled_sources_leave_no_threads_and_no_sockets(services, http, site, security_figures):
    lab = Lab(services, http, site)
    await lab.end(await lab.submit("bulk", "/ok.csv"))
    before = lab.threads()
    for _ in range(ROUNDS):
        slow = [await lab.submit("bulk", "/slow-head") for _ in range(CONCURRENCY)]
        await lab.dripping(CONCURRENCY)
        for task in slow:
            await lab.cancel(task)
        for task in slow:
            await lab.end(task)
        await lab.dripping(0)
    left = lab.threads() - before
    assert left <= 6  # of the pool of look-ups and the like, which is bounded
    assert (await lab.end(await lab.submit("bulk", "/ok.csv")))["status"] == "completed"
    security_figures(6, "bulk: cancelled while a head drips", tasks=ROUNDS * CONCURRENCY, threads_left=max(left, 0))


@pytest.mark.parametrize(("kind", "path"), [("bulk", "/drip.csv"), ("bulk", "/slow-head"), ("crawl", "/drip")])
async def test_a_source_ends_at_its_deadline(services, http, site, kind, path):
    lab = Lab(services, http, site, DOWNLOAD_SECONDS="1", PAGE_SECONDS="1", CRAWL_SECONDS="1")
    end = await lab.end(await lab.submit(kind, path))
    assert end["status"] == "error"
    assert end["error"]["type"] in ("TooSlow", "Unreachable")
    await lab.dripping(0)
