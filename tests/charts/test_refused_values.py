"""Values of a wrong kind are refused by their name, before an API server sees them."""

import helm_python
import pytest

from tests.charts.helm import merged, one, render, values

WRONG_KINDS = [
    (
        {"streamer": {"ingress": {"hosts": [{"host": "a.example.org", "paths": ["/"]}]}}},
        "ingress/hosts/0.*got object, want string",
    ),
    ({"streamer": {"ingress": {"hosts": ["https://a.example.org"]}}}, "ingress/hosts/0"),
    ({"streamer": {"ingress": {"hosts": ["a.example.org:443"]}}}, "ingress/hosts/0"),
    ({"streamer": {"ingress": {"paths": ["api"]}}}, "ingress/paths/0"),
    ({"streamer": {"httpRoute": {"hostnames": [{"name": "a"}]}}}, "httpRoute/hostnames/0.*got object, want string"),
    ({"streamer": {"imagePullSecrets": [{"name": "a"}]}}, "imagePullSecrets/0.*got object, want string"),
    ({"global": {"imagePullSecrets": [{"name": "a"}]}}, "imagePullSecrets/0.*got object, want string"),
    ({"streamer": {"tolerations": ["all"]}}, "tolerations/0.*got string, want object"),
    ({"streamer": {"extraEnv": ["A=b"]}}, "extraEnv/0.*got string, want object"),
    ({"processor": {"podAnnotations": {"a": True}}}, "podAnnotations/a.*got boolean"),
    ({"processor": {"podLabels": {"a": 1}}}, "podLabels/a.*got number"),
    ({"processor": {"pdb": {"maxUnavailable": "half"}}}, "pdb/maxUnavailable"),
    ({"processor": {"podLabels": {"a": "two words"}}}, "podLabels/a.*does not match pattern"),
    ({"streamer": {"fullnameOverride": "My_Streamer"}}, "fullnameOverride.*does not match pattern"),
    ({"streamer": {"service": {"port": 70000}}}, "service/port"),
    ({"streamer": {"service": {"nodePort": "http"}}}, "service/nodePort.*got string"),
    ({"streamer": {"httpRoute": {"requestTimeout": "never"}}}, "httpRoute/requestTimeout"),
    ({"streamer": {"podMonitor": {"interval": "often"}}}, "podMonitor/interval"),
    ({"streamer": {"autoscaling": {"minReplicas": 0}}}, "autoscaling/minReplicas"),
    ({"streamer": {"autoscaling": {"enabled": True, "minReplicas": 20}}}, "maxReplicas 10 is below minReplicas 20"),
    (
        merged(values("keda"), {"processor": {"autoscaling": {"keda": {"minReplicas": 20}}}}),
        "maxReplicas 10 is below minReplicas 20",
    ),
    ({"nats": {"jetstream": {"size": "ten"}}}, "jetstream.size: ten is not a size"),
    ({"nats": {"replicaCount": 2}}, "replicaCount of the chart nats is 0 or 1"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), WRONG_KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_the_api_server_would_refuse_is_refused_before(given, message):
    with pytest.raises(helm_python.HelmError, match=f"(?s){message}"):
        render(given=merged({"streamer": {"config": {"access": "jwt"}}}, given))


def test_no_list_of_texts_takes_objects(chart_figures):
    chart_figures(13, "values of a wrong kind, refused by name", values=len(WRONG_KINDS), rendered=0)


def test_a_field_of_newer_versions_is_refused_on_older_ones():
    given = {"streamer": {"service": {"trafficDistribution": "PreferClose"}}}
    assert one(render(given=given), "Service", "demo-streamer")["spec"]["trafficDistribution"] == "PreferClose"
    with pytest.raises(helm_python.HelmError, match="needs Kubernetes"):
        render(given=given, kubernetes="1.29")
