"""What the charts render, for every scenario and Kubernetes that is promised."""

import re
import warnings
from functools import cache
from itertools import product

import helm_python
import pytest

from tests.charts.helm import CHARTS, KUBERNETES, one, path_of, render, render_files, values

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kubernetes_validate

kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)

SCENARIOS = sorted(path.name.removesuffix("-values.yaml") for path in (CHARTS / "headway" / "ci").iterdir())
NEED_CRDS = {"full": "HTTPRoute", "gateway": "HTTPRoute", "keda": "ScaledObject", "monitoring": "PodMonitor"}
CUSTOM = {*NEED_CRDS.values(), "PrometheusRule"}


@pytest.mark.parametrize("chart", ["nats", "processor", "streamer", "headway", "common"])
def test_lint_finds_nothing(chart, rung):
    given = {"nats": {"url": "nats://nats:4222"}} if chart in ("processor", "streamer") else {}
    report = helm_python.lint(path_of(chart), given, strict=True)
    findings = [message for message in report["messages"] if message["severity"] > 1]
    assert not findings
    assert not report["errors"]
    rung(f"lint of {chart}", findings=len(findings))


def test_every_scenario_renders_valid_objects_on_every_kubernetes(rung):
    renders = checked = 0
    seen = set()
    for scenario, version, upgrade, crds in product(SCENARIOS, KUBERNETES, (False, True), (False, True)):
        if scenario in NEED_CRDS and not crds:
            continue  # a clear error: see below
        if (upgrade or not crds) and version != KUBERNETES[-1]:
            continue  # no template asks for these and the version
        objects = render(given=values(scenario), kubernetes=version, upgrade=upgrade, crds=crds)
        renders += 1
        names = [(item["kind"], item["metadata"]["name"]) for item in objects]
        assert len(names) == len(set(names)), f"{scenario}: the same object twice"
        for item in objects:
            key = (version, repr(item))
            if item["kind"] in CUSTOM or key in seen:
                continue
            seen.add(key)
            kubernetes_validate.validate(item, version, strict=True)
            checked += 1
    rung("scenarios × Kubernetes 1.29–1.37 × install × CRDs", renders=renders, objects=checked)


def test_a_second_render_is_identical(rung):
    for scenario in SCENARIOS:
        assert render(given=values(scenario)) == render(given=values(scenario), at=path_of("headway")), scenario
    rung("a second render", scenarios=len(SCENARIOS), differences=0)


@pytest.mark.parametrize("scenario", NEED_CRDS)
def test_a_missing_crd_is_a_clear_error(scenario):
    kinds = {item["kind"] for item in render(given=values(scenario))}
    assert NEED_CRDS[scenario] in kinds
    with pytest.raises(helm_python.HelmError, match="are not in this cluster"):
        render(given=values(scenario), crds=False)


def test_a_plain_install_needs_no_crd():
    assert {item["kind"] for item in render(crds=False)} == {
        "ConfigMap", "Deployment", "Job", "NetworkPolicy", "Pod", "PodDisruptionBudget", "Secret", "Service",
        "ServiceAccount", "StatefulSet",
    }  # fmt: skip


@pytest.mark.parametrize(("release", "port"), [("demo", 80), ("my-streamer", 8080)])
def test_the_notes_name_what_was_installed(release, port):
    given = {"streamer": {"service": {"port": port}}}
    (notes,) = (text for name, text in render_files("headway", given, release=release).items() if "NOTES" in name)
    objects = render(given=given, release=release)
    for kind, name in re.findall(r"(service|deployment)/(\S+)", notes):
        one(objects, kind.capitalize(), name)
    assert f" 8000:{port}" in notes
    assert len(re.findall(r"^\d\. ", notes, re.MULTILINE)) == 3


REFUSED = [
    ({"streamer": {"replicaCuont": 3}}, "replicaCuont"),
    ({"streamer": {"replicaCount": "three"}}, "replicaCount"),
    ({"streamer": {"config": {"flushMS": 20}}}, "flushMS"),
    ({"processor": {"config": {"concurrency": -1}}}, "concurrency"),
    ({"processor": {"nats": {"auth": "token"}}}, "auth"),
    ({"streamer": {"drain": {"terminationGracePeriodSeconds": 30}}}, "a drain takes up to 40"),
    ({"processor": {"shutdown": {"terminationGracePeriodSeconds": 20}}}, "a shutdown takes up to 30"),
    ({"streamer": {"autoscaling": {"enabled": True, "cpu": 0, "watchers": 0}}}, "needs something to go by"),
    ({"streamer": {"ingress": {"enabled": True}}}, "at least one host"),
    ({"streamer": {"ingress": {"enabled": True, "hosts": ["a"]}}}, "ingress.enabled would let everybody"),
    (
        {"streamer": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "a"}], "hostnames": ["a"]}}},
        "httpRoute.enabled would let everybody",
    ),
    ({"streamer": {"service": {"type": "LoadBalancer"}}}, "service.type=LoadBalancer would let everybody"),
    ({"streamer": {"service": {"type": "NodePort"}}}, "service.type=NodePort would let everybody"),
    ({"streamer": {"httpRoute": {"enabled": True}}}, "must name a gateway"),
    ({"streamer": {"httpRoute": {"enabled": True, "parentRefs": [{"name": "a"}]}}}, "config.allowedHosts"),
    ({"nats": {"podMonitor": {"enabled": True}}}, "podMonitor.enabled of the chart nats needs metrics.enabled"),
    ({"nats": {"prometheusRule": {"enabled": True}}}, "prometheusRule.enabled of the chart nats needs metrics.enabled"),
    (
        {"processor": {"autoscaling": {"keda": {"enabled": True, "kinds": ["a"]}}}},
        "autoscaling.keda.monitoringEndpoint",
    ),
    (
        {
            "processor": {
                "autoscaling": {"keda": {"enabled": True, "kinds": ["a"], "prometheus": "u", "minReplicas": 0}}
            }
        },
        "minReplicas must be at least 1",
    ),
    ({"nats": {"enabled": False}}, "global.nats.url"),
    (
        {
            "processor": {
                "autoscaling": {"hpa": {"enabled": True}, "keda": {"enabled": True, "kinds": ["a"], "prometheus": "u"}}
            }
        },
        "enable one of them",
    ),
    ({"processor": {"autoscaling": {"keda": {"enabled": True}}}}, "names the kinds whose waiting jobs are counted"),
    ({"streamer": {"config": {"workers": 2}}}, "Raise replicaCount instead"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_values_are_refused_with_what_is_wrong(given, message):
    with pytest.raises(helm_python.HelmError, match=message):
        render(given=given)


def test_the_grace_period_follows_the_drain():
    pod = one(render(given={"streamer": {"drain": {"windowSeconds": 60}}}), "Deployment", "demo-streamer")
    spec = pod["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == 75
    assert {"name": "HEADWAY_STREAMER_DRAIN_SECONDS", "value": "60"} in spec["containers"][0]["env"]


def test_both_services_use_the_nats_that_comes_along_under_any_release_name():
    for release in ("demo", "nats", "my-nats-release", "a-release-with-a-very-long-name-of-fifty-characters"):
        objects = render(release=release)
        names = {(item["kind"], item["metadata"]["name"]) for item in objects}
        for item in objects:
            if item["kind"] != "Deployment":
                continue
            env = {entry["name"]: entry for entry in item["spec"]["template"]["spec"]["containers"][0]["env"]}
            host = env["HEADWAY_NATS_URL"]["value"].removeprefix("nats://").removesuffix(":4222")
            volumes = {volume["name"]: volume for volume in item["spec"]["template"]["spec"]["volumes"]}
            secret = volumes["nats-auth"]["secret"]
            keys = {entry["key"] for entry in secret["items"]}
            files = {env[f"HEADWAY_NATS_{name}_FILE"]["value"].rpartition("/")[2] for name in ("USER", "PASSWORD")}
            assert ("Service", host) in names
            assert keys == files <= one(objects, "Secret", secret["secretName"])["stringData"].keys()
