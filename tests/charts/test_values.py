"""What values change in the objects, and that one value changes all objects that it concerns."""

import pytest

from tests.charts.helm import one, path_of, pods, render, values

OWN = {"own": "1"}, {"example.org/own": "1"}
COMMON = {"team": "platform"}, {"example.org/owner": "platform"}


@pytest.fixture(scope="module")
def full():
    return render(given=values("full"))


def test_every_object_takes_labels_and_annotations(full, chart_figures):
    made = [item for item in full if not item["metadata"]["name"].endswith("-extra")]
    for item in made:
        metadata = item["metadata"]
        assert OWN[0].items() <= metadata["labels"].items(), item
        assert OWN[1].items() <= metadata["annotations"].items(), item
        assert metadata["labels"]["everywhere"] == metadata["annotations"]["example.org/everywhere"] == "1", item
        if item["kind"] != "Pod" and not metadata["name"].endswith("-dashboard"):
            assert COMMON[0].items() <= metadata["labels"].items(), item
            assert COMMON[1].items() <= metadata["annotations"].items(), item
    workloads = [(name, pod) for name, pod in pods(full) if "restartPolicy" not in pod["spec"]]
    for name, pod in workloads:
        assert pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false", name
        assert pod["metadata"]["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "true", name
    kinds = {item["kind"] for item in made}
    chart_figures(16, "labels and annotations by values", objects=len(made), kinds=len(kinds), pods=len(workloads))


def test_every_pod_takes_what_pods_differ_in(full, chart_figures):
    given = values("full")
    names = ["initContainers", "priorityClassName", "runtimeClassName", "schedulerName", "dnsPolicy", "dnsConfig"]
    names += ["hostAliases", "nodeSelector", "tolerations", "affinity"]
    for chart, kind in (("nats", "StatefulSet"), ("processor", "Deployment"), ("streamer", "Deployment")):
        spec = one(full, kind, f"demo-{chart}")["spec"]["template"]["spec"]
        assert {name: spec[name] for name in names} == {name: given[chart][name] for name in names}
        first, *others = spec["containers"]
        assert given[chart]["extraContainers"][0] in others
        for container, field, value in (
            (first, "env", "extraEnv"), (first, "volumeMounts", "extraVolumeMounts"), (spec, "volumes", "extraVolumes"),
        ):  # fmt: skip
            assert given[chart][value][0] in container[field]
        assert first["startupProbe"]["failureThreshold"] == 200
        assert first["livenessProbe"]["timeoutSeconds"] == 9
        assert {"httpGet", "tcpSocket"} & first["livenessProbe"].keys(), "what the chart asks stays"
    chart_figures(16, "fields of pods by values", charts=3, fields=len(names) + 7)


def test_workloads_services_and_scaling_take_what_installations_differ_in(full):
    streamer, processor = (one(full, "Deployment", f"demo-{name}")["spec"] for name in ("streamer", "processor"))
    assert processor["strategy"] == {"type": "Recreate"}
    assert streamer["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}}
    assert streamer["revisionHistoryLimit"] == 3
    assert one(full, "StatefulSet", "demo-nats")["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert "volumeClaimTemplates" not in one(full, "StatefulSet", "demo-nats")["spec"]
    (probe,) = [c["readinessProbe"] for c in processor["template"]["spec"]["containers"] if c["name"] == "processor"]
    assert probe == {"exec": {"command": ["/probe"]}, "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 2}
    own, foreign = streamer["template"]["spec"]["topologySpreadConstraints"]
    assert own["labelSelector"] == streamer["selector"]
    assert foreign["labelSelector"] == {"matchLabels": {"team": "platform"}}
    service = one(full, "Service", "demo-streamer")["spec"]
    given = values("full")["streamer"]["service"]
    assert {name: service[name] for name in given.keys() & service.keys() - {"nodePort"}} == {
        name: given[name] for name in given.keys() & service.keys()
    }
    assert service["ports"][0]["nodePort"] == 30080
    paths = one(full, "Ingress", "demo-streamer")["spec"]["rules"][0]["http"]["paths"]
    assert [(path["path"], path["pathType"]) for path in paths] == [("/api", "Exact"), ("/", "Exact")]
    (rule,) = one(full, "HTTPRoute", "demo-streamer")["spec"]["rules"]
    assert {"matches", "filters"} < rule.keys()
    scaler = one(full, "HorizontalPodAutoscaler", "demo-streamer")["spec"]
    assert [metric["type"] for metric in scaler["metrics"]] == ["Pods", "Resource", "Resource"]
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 900
    assert [t["type"] for t in one(full, "ScaledObject", "demo-processor")["spec"]["triggers"]] == [
        "prometheus",
        "cron",
    ]
    budget = one(full, "PodDisruptionBudget", "demo-streamer")["spec"]
    assert (budget["minAvailable"], "maxUnavailable" in budget) == ("50%", False)
    for name in ("nats", "processor", "streamer"):
        (endpoint,) = one(full, "PodMonitor", f"demo-{name}")["spec"]["podMetricsEndpoints"]
        assert {"scrapeTimeout", "relabelings", "metricRelabelings"} < endpoint.keys()
        assert one(full, "PrometheusRule", f"demo-{name}")["spec"]["groups"][-1]["name"] == "mine"
        assert one(full, "ConfigMap", f"demo-{name}-extra")


def test_the_dashboard_is_a_config_map_that_the_sidecar_of_grafana_finds():
    found = one(render(given={"dashboard": {"enabled": True}}), "ConfigMap", "demo-headway-dashboard")
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    source = path_of("headway") / "files" / "dashboards" / "headway.json"
    assert found["data"] == {"headway.json": source.read_text()}
