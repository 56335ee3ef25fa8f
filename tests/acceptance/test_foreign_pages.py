"""Pages of other sites in a real Chromium: they start, repeat, cancel and read nothing, in whatever way they ask."""

import json
from types import SimpleNamespace

import msgspec
import pytest
import pytest_asyncio

from headway.eventlog.chain import Chain, read_head
from headway.jetstream import provision
from headway.jetstream.connection import Connection, NatsSettings
from headway.records import KindRecord
from headway.testing import progress
from tests.acceptance.conftest import CHROMIUM_OPTIONS
from tests.fixtures import foreign_pages
from tests.fixtures.http import run_streamer
from tests.fixtures.nats import run_nats

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.security, pytest.mark.needs("chromium")]

NAME = "app.example"
"""A name of the streamer over plain http: there, browsers send no `Sec-Fetch-Site`."""
FRIEND = "http://friend.test:{}"
"""The page of a listed origin."""
STARTS = ["/api/v1/process/stream?kind=echo", "/api/v1/process/echo/stream"]


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path):
    """A streamer with a task that waits and one that has ended, pages of all origins, and a browser."""
    with run_nats(tmp_path) as server:
        connection = Connection(NatsSettings(url=server.url), "test")
        await connection.open()
        await provision.ensure(connection.client.jetstream(), connection.names)
        bucket = await connection.client.jetstream().key_value(connection.names.kinds_bucket)
        await bucket.put("echo", msgspec.json.encode(KindRecord(kind="echo", params={"type": "object"})))
        async with foreign_pages.run_pages() as (ports, secure_port):
            options = {"cors_origins": (FRIEND.format(ports[0]),), "allowed_hosts": (NAME,)}
            async with (
                run_streamer(server.url, connection.names.namespace, **options) as streamer,
                foreign_pages.run_chromium(CHROMIUM_OPTIONS) as browser,
            ):
                waiting, ended = [(await streamer.submit()).json()["task"] for _ in range(2)]
                log = streamer.components.log
                await Chain(log, ended, await read_head(log, ended), attempt=1).append(progress("completed", 100.0))
                yield SimpleNamespace(
                    ports=ports,
                    pages=foreign_pages.origins(NAME, ports, secure_port, tmp_path),
                    port=int(streamer.url.rpartition(":")[2]),
                    browser=browser,
                    request=request_of(waiting, ended),
                    js=connection.client.jetstream(),
                    names=connection.names,
                )
        await connection.close()


def request_of(waiting, ended):
    """What pages send, apart from the targets: every route."""
    reads = [
        *("/", "/page/favicon.svg", "/schema", "/nope", "/api/v1/kinds", "/api/v1/tasks", f"/api/v1/tasks/{waiting}"),
        *(f"/api/v1/tasks/{waiting}/stream", f"/api/v1/stream?task={waiting}", f"/tasks/{waiting}/stream"),
        *(f"/api/v1/tasks/{ended}/result", *STARTS),
    ]
    writes = [
        ("/api/v1/tasks", {"kind": "echo", "params": {}}),
        (f"/api/v1/tasks/{waiting}/cancel", {}),
        (f"/api/v1/tasks/{ended}/retry", {}),
    ]
    return {"reads": reads, "starts": STARTS, "writes": writes}


async def stored(site):
    """How much was ever stored: events, jobs and records."""
    streams = (site.names.events_stream, site.names.jobs_stream, f"KV_{site.names.tasks_bucket}")
    return [(await site.js.stream_info(stream)).state.last_seq for stream in streams]


async def effects(site, call):
    """What `call` returns, and how many events, jobs and records were stored meanwhile."""
    before = await stored(site)
    result = await call
    return result, sum(await stored(site)) - sum(before)


@pytest.mark.timeout(300)
async def test_no_page_of_another_origin_has_an_effect(site, security_figures):
    pages = site.pages
    assert len(set(pages)) == 40
    # On loopback browsers also send Sec-Fetch-Site: a fourth of the origins is enough there.
    for host, asking in ((NAME, pages), ("localhost", pages[::4])):
        request = {**site.request, "targets": [f"http://{host}:{site.port}"]}
        found, stored = await effects(site, foreign_pages.send_from_all(site.browser, asking, site.ports[0], request))
        counts = {"origins": len(asking), "requests": found["tried"], "effects": stored, "read": found["seen"]}
        security_figures(3, f"pages of Chromium, {'loopback' if host == 'localhost' else 'plain http'}", **counts)
        assert (stored, found["seen"]) == (0, 0)


async def test_own_pages_and_those_of_a_listed_origin_have_all_effects(site, security_figures):
    """The same requests: the test above would see what it counts."""
    target = f"http://{NAME}:{site.port}"
    request = {**site.request, "targets": [target]}
    for origin in (target, FRIEND.format(site.ports[0])):
        sending = foreign_pages.send_all(site.browser, origin + "/", site.ports[0], request)
        found, stored = await effects(site, sending)
        security_figures(3, f"control: {'own page' if origin == target else 'listed origin'}", effects=stored)
        assert stored > 3 * len(STARTS)
        assert found["seen"] > len(site.request["reads"])


REBOUND = """async ({ task }) => {
    const options = { method: "POST", headers: { "Content-Type": "application/json" } };
    const ask = async (path, more) => (await fetch(path, more)).text().catch(() => "");
    return [
        await ask("/api/v1/tasks"),
        await ask(`/api/v1/tasks/${task}`),
        await ask("/api/v1/tasks", { ...options, body: '{"kind": "echo", "params": {}}' }),
        await ask(`/api/v1/tasks/${task}/cancel`, { ...options, body: "{}" }),
        await ask("/api/v1/process/echo/stream", { headers: { Accept: "text/event-stream" } }),
    ];
}"""


async def test_a_name_that_was_bound_to_the_streamer_reads_and_submits_nothing(site, security_figures):
    page = await site.browser.new_page()
    task = site.request["reads"][6].rpartition("/")[2]
    read = 0
    await page.route("**/own", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    before = await stored(site)
    for name in ("rebind.test", "localhost.rebind.test", "127.0.0.1.rebind.test", f"{NAME}.rebind.test"):
        reply = await page.goto(f"http://{name}:{site.port}/")
        assert reply.status == 421
        await page.goto(f"http://{name}:{site.port}/own")  # what its own server had sent
        answers = await page.evaluate(REBOUND, {"task": task})
        assert all(json.loads(answer)["status"] == 421 for answer in answers)
        read += sum(task in answer for answer in answers)
    stored_by_it = sum(await stored(site)) - sum(before)
    security_figures(4, "Chromium on a rebound name", names=4, read=read, effects=stored_by_it)
    assert (read, stored_by_it) == (0, 0)


async def test_a_link_of_another_site_leads_to_the_page(site):
    page = await site.browser.new_page()
    await page.goto(f"http://evil.test:{site.ports[0]}/")
    for host in (NAME, "localhost"):
        url = f"http://{host}:{site.port}/"
        await page.evaluate("(url) => { location.href = url; }", url)
        await page.wait_for_url(url)
        assert await page.title() != "A page"
        await page.go_back()
