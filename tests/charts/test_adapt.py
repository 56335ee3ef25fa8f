"""The job that adapts the streams after an upgrade: with the operator's password, and nothing that it does not need."""

import pytest

from tests.charts.helm import merged, one, render, values

EXISTING = {"adapt": {"existingSecret": "operator"}}


def job(given=None, release="demo"):
    """The pod of the job and its environment."""
    spec = one(render(given=given, release=release), "Job", f"{release}-adapt")["spec"]["template"]["spec"]
    return spec, {entry["name"]: entry for entry in spec["containers"][0]["env"]}


def names(given):
    return {(item["kind"], item["metadata"]["name"]) for item in render(given=given)}


def test_it_runs_after_upgrades_and_rollbacks_and_not_at_an_installation():
    found = one(render(), "Job", "demo-adapt")
    assert found["metadata"]["annotations"] == {
        "helm.sh/hook": "post-upgrade,post-rollback",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    assert found["spec"]["template"]["spec"]["restartPolicy"] == "Never"


@pytest.mark.security
def test_it_has_the_password_of_the_operator_alone():
    for given, secret in (({}, "demo-nats-operator"), (EXISTING, "operator")):
        spec, env = job(given)
        assert {volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume} == {secret}
        assert not any("valueFrom" in entry for entry in env.values())
        assert env["HEADWAY_NATS_PASSWORD_FILE"]["value"].endswith("/operator-password")
        assert "serviceAccountName" not in spec
    objects = render()
    for name in ("processor", "streamer"):
        assert "demo-nats-operator" not in str(one(objects, "Deployment", f"demo-{name}"))


def test_its_settings_are_those_of_the_processors():
    given = {"processor": {"nats": {"maxJobs": 5, "replicas": 3}, "networkPolicy": {"egress": [{}]}}}
    objects = render(given=given)
    _, env = job(given)
    (container,) = one(objects, "Deployment", "demo-processor")["spec"]["template"]["spec"]["containers"]
    wanted = {e["name"]: e for e in container["env"] if e["name"].startswith("HEADWAY_NATS_") and "value" in e}
    assert {name: env[name] for name in wanted if not name.endswith("_FILE")} == {
        name: entry for name, entry in wanted.items() if not name.endswith("_FILE")
    }
    assert env["HEADWAY_NATS_MAX_JOBS"]["value"] == "5"
    assert {} not in one(objects, "NetworkPolicy", "demo-adapt")["spec"]["egress"]


def test_an_external_nats_is_reached_as_the_processors_reach_it():
    spec, env = job(values("external-nats"))
    assert env["HEADWAY_NATS_URL"]["value"] == "nats://nats.messaging:4222"
    assert env["HEADWAY_NATS_TLS_CA_FILE"]["value"].startswith("/etc/headway/nats/tls/")
    assert {volume["name"] for volume in spec["volumes"]} == {"tmp", "nats-tls", "nats-auth"}


@pytest.mark.parametrize(
    "given",
    [
        {"adapt": {"enabled": False}},
        {"processor": {"enabled": False}},
        {"nats": {"operator": {"password": ""}}},  # no cluster that would keep a random one
        merged(values("ha"), {"adapt": {"existingSecret": ""}}),
    ],
    ids=["off", "no processor", "no password", "external"],
)
def test_without_an_operator_there_is_no_job(given):
    assert ("Job", "demo-adapt") not in names(given)


def test_a_server_without_an_operator_has_no_user_for_one():
    (config,) = [
        one(render(given=given), "ConfigMap", "demo-nats")["data"]["nats.conf"]
        for given in ({"nats": {"operator": {"password": ""}}},)
    ]
    assert "OPERATOR_PASSWORD" not in config
    assert "HW_OPERATOR" in config  # an account that nobody logs in to


def test_deletion_is_allowed_only_on_request():
    spec, _ = job()
    assert "--allow-deletion" not in spec["containers"][0]["command"]
    spec, _ = job({"adapt": {"allowDeletion": True, "seconds": 30}})
    assert spec["containers"][0]["command"] == ["headway", "nats-adapt", "--seconds", "30", "--allow-deletion"]
