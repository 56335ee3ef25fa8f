"""What operators do on the second day: drain nodes, scale, read logs."""

from tests.charts.helm import one, pod_labels, render


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
