"""What the installed services do without a setting: where they listen, what they offer, what they say of it."""

import json
import os
import sys
from functools import partial

import httpx
import pytest

from tests.fixtures.condition import holds_blocking, until
from tests.fixtures.process import listening_addresses, start_process

pytestmark = pytest.mark.security

STREAMER, PROCESSOR = "headway_streamer", "headway_processor"
PORTS = {"HEADWAY_STREAMER_PORT": "0", "HEADWAY_STREAMER_OPS_PORT": "0", "HEADWAY_PROCESSOR_OPS_PORT": "0"}
ALL = {f"HEADWAY_{name}_HOST": "0.0.0.0" for name in ("STREAMER", "STREAMER_OPS", "PROCESSOR_OPS")}
ALL["HEADWAY_STREAMER_ALLOW_ANONYMOUS"] = "true"


@pytest.fixture
def launch(services, tmp_path):
    """Start a service on free ports, without any other setting than those given."""
    started = []

    def launch(module, **environ):
        log = tmp_path / f"{module}{len(started)}.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWAY_")}
        environ = clean | PORTS | {"HEADWAY_NATS_URL": services.nats.url} | environ
        with log.open("wb") as file:
            process = start_process([sys.executable, "-m", module], cwd=tmp_path, env=environ, stderr=file)
        started.append(process)
        return process, log

    yield launch
    for process in started:
        process.kill()
        process.wait()


def listening(launch, module, count, **environ):
    """The addresses on which a started service listens, and its log."""
    process, log = launch(module, **environ)
    assert holds_blocking(lambda: len(listening_addresses(process.pid)) == count, 30), log.read_text()
    return set(listening_addresses(process.pid)), log


def test_services_listen_on_loopback_unless_told(launch, security_figures):
    offered = {"HEADWAY_PROCESSOR_BUILTIN_KINDS": "check"}
    streamer, _ = listening(launch, STREAMER, 2)
    processor, _ = listening(launch, PROCESSOR, 1, **offered)
    told = listening(launch, STREAMER, 2, **ALL)[0] | listening(launch, PROCESSOR, 1, **offered, **ALL)[0]
    assert told == {"0.0.0.0"}  # the control: other addresses would be found
    assert streamer | processor == {"127.0.0.1"}
    security_figures(9, "addresses of services without settings", services=2, ports=3, beyond_loopback=0)


def test_log_warns_once_when_the_streamer_listens_beyond_loopback(launch):
    for environ, level in (({}, "info"), (ALL, "warning")):
        _, log = listening(launch, STREAMER, 2, **environ)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        (said,) = [line for line in lines if line.get("action") == "access_control"]
        assert said["level"] == level


def test_processor_without_kinds_says_what_to_set(launch):
    process, log = launch(PROCESSOR)
    assert process.wait(30) == 2
    assert "HEADWAY_TASKS" in log.read_text()
    assert "HEADWAY_PROCESSOR_BUILTIN_KINDS" in log.read_text()


async def test_kinds_that_fetch_are_offered_only_when_they_are_named(launch, services, http, security_figures):
    streamer = services.streamer("s1")
    streamer.wait_ready()

    async def offered():
        reply = await http.get(f"{streamer.url}/api/v1/kinds")
        return {kind["kind"] for kind in reply.json()["kinds"] if kind["live"]}

    async def offers(*kinds):
        return await offered() == set(kinds)

    listening(launch, PROCESSOR, 1, HEADWAY_TASKS="headway_kinds.script")
    await until(partial(offers, "script"), 30)
    reply = await http.post(f"{streamer.url}/api/v1/tasks", json={"kind": "crawl", "params": {"url": "http://a.test/"}})
    assert reply.status_code == httpx.codes.NOT_FOUND
    listening(launch, PROCESSOR, 1, HEADWAY_PROCESSOR_BUILTIN_KINDS="crawl,bulk")
    await until(partial(offers, "script", "crawl", "bulk"), 30)  # the control
    security_figures(9, "kinds that fetch, without a setting", offered=0, submits_accepted=0)


@pytest.mark.browser
async def test_page_says_that_there_is_no_access_control(services, page):
    streamer = services.streamer("s1")
    streamer.wait_ready()
    await page.goto(streamer.url)
    assert await page.get_by_text("No access control: whoever reaches this address may").is_visible()
