"""The ports of the bundled NATS: who may ask its monitor, and what its probes tell."""

import json
import socket
import urllib.request
from contextlib import closing

import pytest

from tests.charts.browsers import submit
from tests.charts.helm import one, render
from tests.charts.pods import container_of, run_pods
from tests.fixtures.condition import holds

STEPS = [{"name": "long", "seconds": 60, "ticks": 60}]
GIVEN = {"processor": {"config": {"builtinKinds": ["script"]}}}


def answers(address, port):
    """Whether somebody listens there."""
    with closing(socket.socket()) as client:
        return client.connect_ex((address, port)) == 0


@pytest.mark.security
async def test_the_monitor_that_lists_watched_tasks_answers_within_the_pod_alone(http, tmp_path, security_figures):
    objects = render(given=GIVEN)
    with run_pods(objects, tmp_path, streamers=1) as (nats, _, (streamer,)):
        task = await submit(http, streamer, "script", {"steps": STEPS})
        async with http.stream("GET", f"{streamer.service.url}/api/v1/tasks/{task}/stream"):
            listed = f"http://127.0.0.1:{nats.monitor}/subsz?subs=1"

            def shown():
                with urllib.request.urlopen(listed, timeout=5) as reply:
                    return task in reply.read().decode()

            assert await holds(shown, 10)
        addresses = [f"127.0.0.{last}" for last in range(2, 12)]
        reached = [address for address in addresses if answers(address, nats.monitor)]
    exposed = [
        port for item in objects if item["kind"] == "Service" for port in item["spec"]["ports"] if port["port"] == 8222
    ]
    exposed += [
        port for port in container_of(objects, "StatefulSet", "demo-nats")["ports"] if port["name"] == "monitor"
    ]
    security_figures(
        2,
        "the monitor of NATS, which lists watched tasks",
        addresses=len(addresses),
        reached=len(reached),
        exposed=len(exposed),
    )
    assert (reached, exposed) == ([], [])


async def test_the_port_of_the_probes_opens_when_jetstream_has_recovered(http, tmp_path, rung):
    objects = render(given=GIVEN)
    container = container_of(objects, "StatefulSet", "demo-nats")
    (port,) = container["ports"]
    assert (port["name"], port["containerPort"]) == ("client", 4222)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["tcpSocket"] == {"port": "client"}
    assert "listen: 0.0.0.0:4222" in one(objects, "ConfigMap", "demo-nats")["data"]["nats.conf"]
    with run_pods(objects, tmp_path, streamers=1) as (nats, _, (streamer,)):
        await submit(http, streamer, "script", {"steps": STEPS})
        streams = nats.ask("/jsz?acc=1")["streams"]
        before = len(nats.log.read_text())
        nats.kill()
        assert not answers("127.0.0.1", nats.port)
        nats.restart()
        nats.wait_ready()
        assert answers("127.0.0.1", nats.port)
        lines = nats.log.read_text()[before:].splitlines()
    restored = [place for place, line in enumerate(lines) if "Restored" in line and "stream" in line]
    (opened,) = [place for place, line in enumerate(lines) if "Listening for client connections" in line]
    assert len(restored) == streams > 0, json.dumps(lines)
    assert max(restored) < opened
    rung("pods: NATS opens its port after recovery", streams=streams)
