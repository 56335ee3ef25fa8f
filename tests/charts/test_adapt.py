"""The job that adapts the streams after an upgrade: with the operator's password, and nothing that it does not need."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.charts.helm import merged, one, render, values
from tests.charts.pods import container_of, environment_of, mount_secrets, path_of_the_image, run_pods

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
    assert (
        "annotations" not in one(render(), "NetworkPolicy", "demo-adapt")["metadata"]
    )  # no hook: it goes with the rest


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


def run_job(objects, server, directory):
    """The command of the job, with its rendered environment and secrets: exit code and lines."""
    container = container_of(objects, "Job", "demo-adapt")
    spec = one(objects, "Job", "demo-adapt")["spec"]["template"]["spec"]
    environ = environment_of(objects, container) | {"HEADWAY_NATS_URL": server.url}
    for path, here in mount_secrets(objects, spec, container, directory).items():
        environ = {name: value.replace(path, str(here)) for name, value in environ.items()}
    command = [str(Path(sys.executable).with_name(container["command"][0])), *container["command"][1:]]
    options = {"env": path_of_the_image() | environ, "capture_output": True, "text": True, "timeout": 60}
    done = subprocess.run(command, check=False, **options)
    return done.returncode, (done.stdout + done.stderr).splitlines()


async def test_an_upgrade_adapts_what_processors_have_created(tmp_path, chart_figures):
    objects = render()
    with run_pods(objects, tmp_path, streamers=0) as (server, _, _):
        code, lines = run_job(objects, server, tmp_path / "first")
        assert (code, {line.split()[1] for line in lines}) == (0, {"unchanged"})
        later = render(given={"processor": {"nats": {"maxJobs": 5}}})
        code, lines = run_job(later, server, tmp_path / "later")
        changed = [line.split() for line in lines if " changed " in line]
        assert (code, changed) == (0, [["HW_JOBS", "changed", "max_msgs", "1000000", "→", "5"]])
        code, lines = run_job(render(given={"processor": {"nats": {"replicas": 3}}}), server, tmp_path / "refused")
        assert code == 1
        assert "streams are left as they are" in lines[-1]
        assert server.violations() == []
        chart_figures(22, "streams adapted by the rendered job", streams=len(lines) - 1, changed=1, violations=0)
