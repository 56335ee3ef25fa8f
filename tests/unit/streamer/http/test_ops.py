"""The ops port."""

import httpx
import pytest

from headway_streamer.http.ops import Ops


@pytest.fixture
def state():
    return {"listening": True, "prepared": True}


@pytest.fixture
async def ops(parts, state):
    app = Ops(
        parts.metrics,
        parts.drain,
        listening=lambda: state["listening"],
        prepared=lambda: state["prepared"],
        nats_state=lambda: "yes, since ever",
        streams=lambda: 3,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ops") as client:
        yield client


async def readiness(ops):
    reply = await ops.get("/readyz")
    return reply.status_code, reply.text


async def test_a_streamer_is_ready_while_it_listens_has_found_its_log_and_does_not_drain(parts, ops, state):
    assert await readiness(ops) == (200, "ok\n")
    state["prepared"] = False
    assert await readiness(ops) == (503, "preparing: no connection to NATS yet\n")
    state["prepared"], state["listening"] = True, False
    assert (await readiness(ops))[0] == 503
    state["listening"] = True
    parts.drain.begin()
    assert await readiness(ops) == (503, "draining\n")
    assert (await ops.get("/livez")).status_code == 200


async def test_the_details_name_what_readiness_depends_on(ops):
    text = (await ops.get("/readyz?verbose")).text
    assert text == "nats connected: yes, since ever\nprepared: yes\ndraining: no\nstreams: 3\n"


async def test_metrics_are_exposed_and_other_paths_are_not_found(ops):
    assert "headway_watchers 0" in (await ops.get("/metrics")).text
    reply = await ops.get("/")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


async def test_other_methods_are_not_allowed(ops):
    reply = await ops.post("/metrics")
    assert (reply.status_code, reply.headers["allow"], reply.json()["status"]) == (405, "GET, OPTIONS", 405)
    assert ((await ops.options("/livez")).status_code, (await ops.options("/nope")).status_code) == (204, 404)
