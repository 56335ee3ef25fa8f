"""What network policies let through: what values open, and no more."""

import pytest
import yaml

from tests.charts.external import FILE
from tests.charts.helm import merged, render, values
from tests.charts.network import (
    DNS,
    IMITATOR,
    METADATA,
    OUTSIDE,
    PRIVATE,
    PUBLIC,
    SCRAPER,
    STRANGER,
    Connection,
    endpoints,
    let_through,
    needed,
    numbers,
)
from tests.charts.test_render import SCENARIOS

pytestmark = pytest.mark.security
DNS_PODS = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


def through(given, **more):
    return let_through(render(given=merged(given, more)))


def test_policies_are_on_unless_switched_off(security_figures):
    tried = allowed = missing = 0
    for scenario in SCENARIOS:
        objects = render(given=values(scenario))
        ends = endpoints(objects)
        found = let_through(objects)
        tried += len(ends) * (len(ends) - 1) * len(numbers(ends)) * 2
        allowed += len(found)
        missing += len(set(needed(objects)) - found)
    security_figures(
        2, "connections under the charts' network policies", tried=tried, allowed=allowed, needed_but_closed=missing
    )
    assert missing == 0
    off = {chart: {"networkPolicy": {"enabled": False}} for chart in ("nats", "processor", "streamer")}
    assert [item for item in render(given=off) if item["kind"] == "NetworkPolicy"] == []


def test_nobody_but_the_services_reaches_nats():
    found = through({})
    assert {one for one in found if one.target == "demo-nats"} == {
        Connection("demo-adapt", "demo-nats", 4222),
        Connection("demo-processor", "demo-nats", 4222),
        Connection("demo-streamer", "demo-nats", 4222),
    }
    peers = [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "other"}}}]
    more = through({"nats": {"networkPolicy": {"clients": peers}}})
    assert more - found == {Connection(STRANGER.name, "demo-nats", 4222)}


def test_ops_ports_are_open_to_scrapers_alone():
    def reached(given):
        return {one for one in through(given) if one.port in (9000, 9001) and one.target.startswith("demo-")}

    assert reached({}) == set()
    monitored = {"podMonitor": {"enabled": True}}
    every = {one.source for one in reached({"streamer": monitored, "processor": monitored})}
    assert {SCRAPER.name, STRANGER.name} <= every
    assert not {PUBLIC.name, PRIVATE.name} & every
    named = {"networkPolicy": {"scrapers": [MONITORING]}}
    assert reached({"streamer": monitored | named, "processor": named}) == {
        Connection(SCRAPER.name, "demo-streamer", 9000),
        Connection(SCRAPER.name, "demo-processor", 9001),
    }


def test_tasks_reach_the_web_only_with_kinds_or_values_that_need_it():
    def reached(given):
        return {
            one.target for one in through({"processor": given}) if one.source == "demo-processor" and one.port == 443
        }

    assert reached({}) == set()
    for given in ({"config": {"builtinKinds": ["crawl"]}}, {"networkPolicy": {"internet": True}}):
        assert reached(given) == {PUBLIC.name}
    egress = [{"ports": [{"port": 5432}], "to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]}]
    found = through({"processor": {"networkPolicy": {"egress": egress}}})
    assert found - through({}) == {Connection("demo-processor", PRIVATE.name, 5432)}


@pytest.mark.parametrize(
    ("url", "ports"),
    [
        ("nats://nats.messaging", {4222}),
        ("tls://nats.example.org:4333", {4333}),
        ("nats://a:4222, nats://user:1234@[fd00::1]:4333/", {4222, 4333}),
    ],
)
def test_an_external_nats_is_reached_on_the_ports_of_its_url(url, ports):
    outside = {"nats": {"enabled": False}, "global": {"nats": {"url": url, "existingSecret": "headway-nats"}}}
    found = through(outside)
    reached = {one.port for one in found if one.source == "demo-streamer" and one.target == PRIVATE.name}
    assert reached == ports | {53}
    narrow = {"networkPolicy": {"nats": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "dns": [DNS_PODS]}}
    found = through(outside, streamer=narrow)
    targets = {one.target for one in found if one.source == "demo-streamer" and one.port in ports}
    assert targets == {PRIVATE.name}
    assert {one.target for one in found if one.source == "demo-streamer" and one.port == 53} == {DNS.name}


def test_the_public_port_may_be_narrowed_and_the_metadata_service_is_never_reached():
    found = through({"streamer": {"networkPolicy": {"from": [MONITORING]}}})
    callers = {one.source for one in found if one.target == "demo-streamer" and one.port == 8000}
    assert callers == {SCRAPER.name, "demo-test"}
    every = {one for scenario in SCENARIOS for one in let_through(render(given=values(scenario)))}
    reached = {one.port for one in every if one.target == METADATA.name and one.source.startswith("demo-")}
    assert reached <= {53, 4222}  # of a resolver or a NATS that nobody has named
    assert len(OUTSIDE) == len({one.name for one in OUTSIDE})


def test_the_monitor_of_three_nodes_is_closed_too():
    (policy,) = yaml.safe_load(FILE.read_text())["extraResources"]
    labels = policy["spec"]["podSelector"]["matchLabels"]
    ports = [
        {"name": name, "containerPort": port} for name, port in (("nats", 4222), ("cluster", 6222), ("monitor", 8222))
    ]
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"ports": ports}]}}
    nodes = [
        {"kind": "StatefulSet", "metadata": {"name": name}, "spec": {"template": template}}
        for name in ("nats-0", "nats-1")
    ]
    found = {one for one in let_through([*render(given=values("ha")), policy, *nodes]) if one.target == "nats-0"}
    others = {Connection(IMITATOR.name, "nats-0", 4222)}  # a streamer of another release
    assert found - others == {
        Connection("demo-processor", "nats-0", 4222),
        Connection("demo-streamer", "nats-0", 4222),
        Connection("nats-1", "nats-0", 6222),
    }


def worker(instance, component):
    labels = {"app.kubernetes.io/instance": instance, "app.kubernetes.io/component": component}
    spec = {"restartPolicy": "Never", "containers": [{"name": "import"}]}
    return {"kind": "Pod", "metadata": {"name": "worker", "labels": labels}, "spec": spec}


@pytest.mark.parametrize(
    ("instance", "component", "reaches"),
    [("demo", "reporter", True), ("other", "reporter", False), ("demo", "other", False)],
)
def test_a_worker_reaches_nats_by_its_labels(instance, component, reaches, chart_figures):
    found = let_through([*render(), worker(instance, component)])
    assert (Connection("worker", "demo-nats", 4222) in found) == reaches
    assert not [one for one in found if one.source == "worker" and one.target == "demo-processor"]
