"""The names of objects: the services follow those of NATS, and no name of a release makes an invalid one."""

from itertools import product

import helm_python
import pytest

from tests.charts.helm import one, pod_labels, render, values

NATS_NAMES = [
    ({"nats": {"fullnameOverride": "bus"}}, "bus", "bus-accounts"),
    ({"nats": {"nameOverride": "queue"}}, "demo-queue", "demo-queue-accounts"),
    ({"nats": {"auth": {"existingSecret": "mine"}}}, "demo-nats", "mine"),
    ({"global": {"nats": {"existingSecret": "mine"}}}, "demo-nats", "mine"),
    ({"nats": {"fullnameOverride": "bus"}, "global": {"nats": {"existingSecret": "mine"}}}, "bus", "mine"),
    ({"global": {"nats": {"service": "demo-nats"}}}, "demo-nats", "demo-nats-accounts"),
]
"""Values, the name of the Service, and that of the secret."""


@pytest.mark.parametrize("number", [2, 6])
def test_both_services_follow_the_bundled_nats(number, chart_figures):
    cases = [case for case in NATS_NAMES if (2 if case[2] == "mine" else 6) == number]
    for given, service, secret in cases:
        follow(given, service, secret)
    what = {2: "a secret of one's own, named once", 6: "other names of the bundled NATS"}[number]
    chart_figures(number, what, installations=len(cases), services=2, astray=0)


def follow(given, service, secret):
    """Both services use that Service and secret, as the bundled NATS does."""
    objects = render(given=given)
    for name in ("processor", "streamer"):
        spec = one(objects, "Deployment", f"demo-{name}")["spec"]["template"]["spec"]
        env = {entry["name"]: entry for entry in spec["containers"][0]["env"]}
        assert env["HEADWAY_NATS_URL"]["value"] == f"nats://{service}:4222"
        assert {volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume} == {secret}
    assert one(objects, "Service", service)
    nats = one(objects, "StatefulSet", service)["spec"]["template"]["spec"]["containers"][0]
    operator = f"{service}-operator"
    assert {entry["valueFrom"]["secretKeyRef"]["name"] for entry in nats["env"]} == {secret, operator}
    made = {item["metadata"]["name"] for item in objects if item["kind"] == "Secret"}
    assert made == ({secret, operator} if secret != "mine" else {operator})


@pytest.mark.parametrize("tls", [{"global": {"nats": {"tls": {"enabled": True, "secretName": "t"}}}},
                                 {"nats": {"tls": {"enabled": True, "secretName": "t"}}}])  # fmt: skip
def test_both_services_follow_the_tls_of_the_bundled_nats(tls):
    objects = render(given=tls)
    for name in ("processor", "streamer"):
        spec = one(objects, "Deployment", f"demo-{name}")["spec"]["template"]["spec"]
        assert spec["containers"][0]["env"][0] == {"name": "HEADWAY_NATS_URL", "value": "tls://demo-nats:4222"}
        assert "t" in {volume.get("secret", {}).get("secretName") for volume in spec["volumes"]}


RELEASES = ["demo", "1234", "on", "n", "y", "null", "1e3", "0x1f", "nats", "nats-processor", "my-streamer-nats",
            "streamer-1", "a-release-with-a-very-long-name-of-fifty-characters"]  # fmt: skip


SCENARIOS = ["default", "monitoring", "ingress", "gateway", "hpa", "keda"]


def test_any_release_name_gives_names_and_labels_that_kubernetes_takes(chart_figures):
    objects = []
    for release, scenario in [*product(RELEASES, ["default"]), *product(["1234", "nats-processor"], SCENARIOS)]:
        rendered = render(given=values(scenario), release=release)
        keys = [(item["kind"], item["metadata"]["name"]) for item in rendered]
        assert len(set(keys)) == len(keys), release
        for kind, name in keys:
            assert isinstance(name, str)
            assert kind != "Service" or name[0].isalpha(), f"{name}: a Service begins with a letter"
        for item in rendered:
            assert all(isinstance(text, str) for text in item["metadata"]["labels"].values()), item
        labels = pod_labels(rendered)
        assert {its["app.kubernetes.io/instance"] for its in labels.values()} == {release}
        assert len({tuple(sorted(its.items())) for its in labels.values()}) == len(labels)
        objects += rendered
    chart_figures(12, "names of releases", names=len(RELEASES), objects=len(objects), clashes=0)


def test_a_name_that_two_charts_would_have_is_refused():
    given = {"nats": {"fullnameOverride": "x"}, "streamer": {"fullnameOverride": "x"}}
    with pytest.raises(helm_python.HelmError, match="both be called x: set streamer"):
        render(given=given)
