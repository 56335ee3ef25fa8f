"""The names by which a rendered streamer is asked: those that lead to it, and no others."""

import re

import pytest

from tests.charts.helm import one, render
from tests.charts.pods import run_pods

pytestmark = pytest.mark.security
GIVEN = {
    "ingress": {"enabled": True, "hosts": ["progress.example.org"]},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": ["*.apps.example.org"]},
    "config": {
        "allowedHosts": ["internal.lan"],
        "access": "forward",
        "forwardPeers": ["127.0.0.1"],
        "defaultScopes": ["tasks:read"],
    },
}
LEAD_HERE = [
    "demo-streamer", "demo-streamer.default", "demo-streamer.default.svc", "demo-streamer.default.svc.cluster.local",
    "demo-streamer:80", "progress.example.org", "a.apps.example.org", "internal.lan", "localhost:80", "127.0.0.1:80",
]  # fmt: skip
FOREIGN = [
    "attacker.example",
    "demo-streamer.attacker.example",
    "10.1.2.3:8000",
    "other.default.svc",
    "apps.example.org",
]
OF_PODS = ["10.1.2.3:9000", "[fd00::17]:9000", "192.168.7.8"]
"""By which the kubelet and Prometheus ask."""


async def test_requests_are_answered_under_the_names_that_lead_to_the_pod(http, tmp_path, security_figures):
    objects = render(given={"streamer": GIVEN})

    async def statuses(port, path, hosts):
        replies = [
            await http.get(f"http://127.0.0.1:{port}{path}", headers={"Host": host, "X-Forwarded-User": "ann"})
            for host in hosts
        ]
        return {host: reply.status_code for host, reply in zip(hosts, replies, strict=True)}

    with run_pods(objects, tmp_path, streamers=1) as (_, _, (pod,)):
        known = await statuses(pod.service.port, "/api/v1/tasks", LEAD_HERE)
        foreign = await statuses(pod.service.port, "/api/v1/tasks", FOREIGN)
        probes = await statuses(pod.service.ops_port, "/readyz", OF_PODS)
        scrapes = await statuses(pod.service.ops_port, "/metrics", OF_PODS)
    answered = sum(status == 200 for status in foreign.values())
    security_figures(
        4,
        "names under which a pod answers",
        names=sum(status == 200 for status in known.values()),
        foreign=len(foreign),
        foreign_answered=answered,
        probes_and_scrapes=len(probes) + len(scrapes),
    )
    assert set(known.values()) == {200}, known
    assert not answered, foreign
    assert {*probes.values(), *scrapes.values()} == {200}


def test_the_pod_of_helm_test_asks_by_the_name_of_the_service():
    objects = render()
    (pod,) = [item for item in objects if item["kind"] == "Pod"]
    (url,) = [word for word in pod["spec"]["containers"][0]["command"] if word.startswith("http://")]
    host = re.fullmatch(r"http://([^:]+):80", url)[1]
    (container,) = one(objects, "Deployment", "demo-streamer")["spec"]["template"]["spec"]["containers"]
    known = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert host in known["HEADWAY_STREAMER_ALLOWED_HOSTS"].split(",")
