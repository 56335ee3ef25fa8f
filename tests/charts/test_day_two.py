"""What operators do on the second day: drain nodes, scale, read logs."""

import helm_python
import pytest

from tests.charts.api_server import run_api_server
from tests.charts.helm import merged, one, path_of, pod_labels, render, render_files


def test_a_second_pod_of_the_bundled_nats_gets_no_connection(chart_figures):
    objects = render()
    labels = pod_labels(objects)["demo-nats"]
    second = labels | {"statefulset.kubernetes.io/pod-name": "demo-nats-1"}
    services = [one(objects, "Service", f"demo-nats{suffix}")["spec"]["selector"] for suffix in ("", "-headless")]
    assert all(selector.items() <= labels.items() for selector in services)
    reached = sum(selector.items() <= second.items() for selector in services)
    stopped = one(render(given={"nats": {"replicaCount": 0}}), "StatefulSet", "demo-nats")["spec"]["replicas"]
    chart_figures(14, "a second pod of the bundled NATS", services=len(services), reach_it=reached)
    assert (reached, stopped) == (0, 0)


def test_pods_that_are_not_ready_block_no_drain(chart_figures):
    objects = render(given={"processor": {"pdb": {"enabled": True}}})
    budgets = [item["spec"] for item in objects if item["kind"] == "PodDisruptionBudget"]
    blocking = [budget for budget in budgets if budget.get("unhealthyPodEvictionPolicy") != "AlwaysAllow"]
    chart_figures(7, "budgets that an unready pod uses up", budgets=len(budgets), blocking=len(blocking))
    assert (len(budgets), blocking) == (2, [])


def test_the_pod_of_helm_test_stays_until_its_log_was_read(chart_figures):
    (pod,) = [item for item in render() if item["kind"] == "Pod"]
    policy = pod["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    chart_figures(20, "policy of the pod of `helm test`", policy=policy)
    assert policy == "before-hook-creation"


@pytest.fixture
def cluster():
    with run_api_server() as (server, helm):
        yield server, helm


CHART = str(path_of("headway"))
HPA = {"streamer": {"autoscaling": {"enabled": True}}, "processor": {"autoscaling": {"hpa": {"enabled": True}}}}
KEDA = {
    "streamer": {"autoscaling": {"enabled": True, "minReplicas": 3}},
    "processor": {"autoscaling": {"keda": {"enabled": True, "minReplicas": 2, "kinds": ["check"], "prometheus": "p"}}},
}


def numbers(server):
    """Number of pods of both services."""
    return {
        name: server.objects["deployments", f"demo-{name}"]["spec"].get("replicas", 1)
        for name in ("processor", "streamer")
    }


@pytest.mark.parametrize(("by", "given"), [("HPA", HPA), ("KEDA", KEDA)])
def test_autoscaling_begins_with_the_pods_that_are_there(by, given, cluster, chart_figures):
    server, helm = cluster
    helm.install(CHART, "demo", {"processor": {"replicaCount": 6}, "streamer": {"replicaCount": 6}})
    helm.upgrade(CHART, "demo", given)
    switched = numbers(server)
    server.objects["deployments", "demo-streamer"]["spec"]["replicas"] = 9  # by the autoscaler
    helm.upgrade(CHART, "demo", given)
    scaled = numbers(server)["streamer"]
    server.objects["deployments", "demo-streamer"]["spec"]["replicas"] = 1  # by hand
    helm.upgrade(CHART, "demo", given)
    raised = numbers(server)["streamer"]
    helm.uninstall("demo")
    helm.install(CHART, "demo", given)
    first = numbers(server)
    chart_figures(3, f"{by} is switched on with 6 pods", kept=min(switched.values()), scaled_to=9, after_upgrade=scaled)
    assert switched == {"processor": 6, "streamer": 6}
    assert scaled == 9
    minimum = given["streamer"]["autoscaling"].get("minReplicas", 2)
    assert raised == minimum
    assert first == {"processor": 1 if by == "HPA" else 2, "streamer": minimum}


def test_a_number_that_is_left_empty_is_that_of_the_cluster(cluster):
    server, helm = cluster
    given = {"streamer": {"replicaCount": None}}
    helm.install(CHART, "demo", given)
    assert numbers(server)["streamer"] == 1
    server.objects["deployments", "demo-streamer"]["spec"]["replicas"] = 4  # by `kubectl scale`
    helm.upgrade(CHART, "demo", given)
    assert numbers(server)["streamer"] == 4


def storage_class(name, *, default):
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
    }


def test_a_missing_default_storage_class_is_found_before(cluster, chart_figures):
    server, helm = cluster
    server.objects["storageclasses", "gp3"] = storage_class("gp3", default=False)
    ask = {"global": {"preflight": True}}
    with pytest.raises(helm_python.HelmError, match=r"no default storage class.*set jetstream.storageClass.*\[gp3\]"):
        helm.install(CHART, "demo", ask)
    assert not [name for kind, name in server.objects if kind == "statefulsets"]
    chosen = merged(ask, {"nats": {"jetstream": {"storageClass": "gp3"}}})
    for given in (chosen, merged(ask, {"nats": {"jetstream": {"persistent": False}}}), {}):
        helm.install(CHART, "demo", given, dry_run="server")
    server.objects["storageclasses", "gp2"] = storage_class("gp2", default=True)
    helm.install(CHART, "demo", ask)
    (notes,) = (text for name, text in render_files("headway").items() if "NOTES" in name)
    (quiet,) = (text for name, text in render_files("headway", chosen).items() if "NOTES" in name)
    assert "get pvc data-demo-nats-0" in notes
    assert "get pvc" not in quiet
    chart_figures(9, "no default storage class: found by the preflight", refused=1, installed=4, in_notes=1)
