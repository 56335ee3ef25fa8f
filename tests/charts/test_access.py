"""Access control of an installation: what the chart refuses, and the pods with each mode."""

import asyncio

import helm_python
import pytest

from tests.charts.access import MODES, TOKEN, secrets
from tests.charts.helm import merged, render
from tests.charts.pods import run_pods, run_to_end
from tests.fixtures.auth_service import User, run_auth_service
from tests.fixtures.gateways import run_nginx

pytestmark = pytest.mark.security
SERVICE = "http://demo-streamer:80"
SCOPES = "tasks:submit tasks:read tasks:cancel"
WAYS = {
    "ingress": {"ingress": {"enabled": True, "hosts": ["a.example.org"]}},
    "httpRoute": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": ["a.example.org"]}},
    "LoadBalancer": {"service": {"type": "LoadBalancer"}},
    "NodePort": {"service": {"type": "NodePort"}},
}
"""How a streamer can be reached from outside of the cluster."""


def installed(mode, test=None, **streamer):
    """The objects of an installation, with the secrets that it is given."""
    given = {"streamer": merged(MODES[mode], streamer), "processor": {"config": {"builtinKinds": ["check"]}}}
    return [*render(given=merged(given, {"test": test or {}})), *secrets()]


def test_no_way_in_from_outside_is_rendered_without_access_control(security_figures):
    refused = rendered = 0
    for chart in ("headway", "streamer"):
        for way in WAYS.values():
            for mode, given in MODES.items():
                values = merged(given, way)
                values = (
                    {"streamer": values} if chart == "headway" else merged(values, {"nats": {"url": "nats://n:4222"}})
                )
                if mode == "none":
                    with pytest.raises(helm_python.HelmError, match="would let everybody"):
                        render(chart, values)
                    refused += 1
                else:
                    rendered += bool(render(chart, values))
    security_figures(
        13, "ways in from outside that charts render", without_access=0, refused=refused, with_access=rendered
    )


async def checked(objects, directory, *addresses):
    """The output of `helm test`, which passes."""
    done = await asyncio.to_thread(run_to_end, objects, directory, *addresses)
    assert [one.returncode for one in done] == [0] * len(done), done[-1].stdout + done[-1].stderr
    return done[-1].stdout


async def test_helm_test_passes_with_tokens_and_without(tmp_path, rung, security_figures):
    """With a token that it signs or is given, it runs a task; without one it sees that the streamer refuses it."""
    objects = installed("jwt")
    with run_pods(objects, tmp_path, streamers=1) as (server, _, (pod,)):
        address = (SERVICE, pod.service.url)
        assert "completed" in await checked(objects, tmp_path / "signed", address)
        given = installed("jwt", {"existingSecret": "test-token"})
        assert "completed" in await checked(given, tmp_path / "given", address)
        without = installed("jwt", config={"jwtDiscovery": True})
        assert "answers 401" in await checked(without, tmp_path / "without", address)
        assert server.violations() == []
    rung("pods: helm test with jwt", passed=3)


@pytest.mark.needs("nginx")
async def test_helm_test_passes_with_a_gateway_and_without(tmp_path, rung):
    objects = installed("forward")
    with run_pods(objects, tmp_path, streamers=1) as (_, _, (pod,)), run_auth_service() as auth:
        auth.users = {TOKEN: User("ann", SCOPES)}
        assert "answers 401" in await checked(objects, tmp_path / "without", (SERVICE, pod.service.url))
        with run_nginx(pod.service.port, auth.port, tmp_path) as gateway:
            through = installed("forward", {"existingSecret": "test-token", "url": "http://gateway"})
            assert "completed" in await checked(through, tmp_path / "through", ("http://gateway", gateway.url))
    rung("pods: helm test with forward", passed=2)
