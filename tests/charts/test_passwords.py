"""The passwords of the bundled NATS: random, kept in the cluster, and never made where none would keep them."""

import hashlib
import re

import helm_python
import pytest

from tests.charts.api_server import run_api_server
from tests.charts.helm import CHARTS, PASSWORDS, merged, one, path_of, render

pytestmark = pytest.mark.security
CHART = str(CHARTS / "headway")
SECRET = "demo-nats-accounts"
ROLES = sorted(PASSWORDS)
NONE = {"nats": {"auth": {"passwords": dict.fromkeys(ROLES, "")}}}
"""The values of somebody who gives no passwords."""


@pytest.fixture
def cluster():
    with run_api_server() as (server, helm):
        yield server, helm


def passwords(server, name=SECRET):
    contents = server.secret(name)
    return {role: contents[f"{role}-password"] for role in ROLES}


def users(server, which=""):
    """User and password of each role, or with ``-previous`` those before."""
    contents = server.secret(SECRET)
    return {role: (contents[f"{role}{which}-user"], contents[f"{role}{which}-password"]) for role in ROLES}


def accepted(server):
    """The users that the configuration of the server names, as roles with and without -previous."""
    template = server.objects["statefulsets", "demo-nats"]["spec"]["template"]["spec"]["containers"][0]
    keys = {entry["name"]: entry["valueFrom"]["secretKeyRef"]["key"] for entry in template["env"]}
    text = server.objects["configmaps", "demo-nats"]["data"]["nats.conf"]
    return sorted(keys[variable].removesuffix("-user") for variable in re.findall(r"\buser: \$(\w+)", text))


def checksum(server):
    template = server.objects["statefulsets", "demo-nats"]["spec"]["template"]
    return template["metadata"]["annotations"]["checksum/auth"]


def test_a_cluster_keeps_random_passwords(cluster, security_figures):
    server, helm = cluster
    helm.install(CHART, "demo")
    first, sum_of_first = passwords(server), checksum(server)
    assert all(len(password) == 40 and password[0].isalpha() for password in first.values())
    assert len(set(first.values())) == len(ROLES)
    upgrades = [
        ({}, {}),
        ({"streamer": {"replicaCount": 3}}, {}),
        ({"processor": {"replicaCount": 2}}, {"reuse_values": True}),
        ({}, {"reset_values": True}),
        ({}, {"dry_run": "server"}),
    ]
    for given, options in upgrades:
        helm.upgrade(CHART, "demo", given, **options)
        assert (passwords(server), checksum(server)) == (first, sum_of_first)
    helm.uninstall("demo")
    assert server.objects == {}
    helm.install(CHART, "demo")
    again = passwords(server)
    assert not set(again.values()) & set(first.values())
    computable = {
        hashlib.sha256(f"{seed}/default/{name}/{role}".encode()).hexdigest()[:40]
        for seed in ("", "demo")
        for name in ("demo-nats", "demo", SECRET)
        for role in ROLES
    }
    found = computable & {*first.values(), *again.values()}
    security_figures(
        2,
        "passwords of a chart computed from names",
        installs=2,
        upgrades=len(upgrades),
        changed=0,
        computed=len(found),
    )
    assert not found


def test_a_given_password_wins_and_the_others_are_kept(cluster):
    server, helm = cluster
    helm.install(CHART, "demo")
    first, sum_of_first = users(server), checksum(server)
    assert {user for user, _ in first.values()} == set(ROLES)
    helm.upgrade(CHART, "demo", {"nats": {"auth": {"passwords": {"reporter": "a-password-by-hand"}}}})
    assert users(server) == first | {"reporter": ("reporter_2", "a-password-by-hand")}
    assert users(server, "-previous")["reporter"] == first["reporter"]
    assert accepted(server) == ["processor", "reporter", "reporter-previous", "streamer"]
    assert checksum(server) != sum_of_first  # NATS starts again with it
    helm.upgrade(CHART, "demo", {}, reset_values=True)
    assert users(server) == first | {"reporter": ("reporter_2", "a-password-by-hand")}


def auth(**values):
    return {"nats": {"auth": values}}


def test_a_rotation_makes_new_passwords_and_the_previous_ones_hold_until_they_are_revoked(cluster):
    server, helm = cluster
    helm.install(CHART, "demo")
    first, services = users(server), deployments(server)
    helm.upgrade(CHART, "demo", auth(rotation=2))
    second = users(server)
    assert {role: user for role, (user, _) in second.items()} == {role: f"{role}_2" for role in ROLES}
    assert not {password for _, password in second.values()} & {password for _, password in first.values()}
    assert users(server, "-previous") == first
    both = sorted([*ROLES, *(f"{role}-previous" for role in ROLES)])
    assert accepted(server) == both
    sum_of_second = checksum(server)
    helm.upgrade(CHART, "demo", {"streamer": {"replicaCount": 2}}, reuse_values=True)
    assert (users(server), users(server, "-previous"), checksum(server)) == (second, first, sum_of_second)
    helm.upgrade(CHART, "demo", auth(rotation=2, revocation=2))
    assert (users(server), accepted(server)) == (second, ROLES)
    assert set(users(server, "-previous").values()) == {("", "")}
    helm.upgrade(CHART, "demo", auth(rotation=2, revocation=2))
    assert (users(server), accepted(server)) == (second, ROLES)
    assert deployments(server) == services  # the services read files: no pod of theirs is replaced
    helm.upgrade(CHART, "demo", auth(rotation=3, revocation=2))
    assert {user for user, _ in users(server).values()} == set(ROLES)
    assert (users(server, "-previous"), accepted(server)) == (second, both)


def deployments(server):
    return {name: item["spec"] for (kind, name), item in server.objects.items() if kind == "deployments"}


def test_a_rotation_and_a_revocation_at_once_leave_nothing_that_was_accepted(cluster):
    server, helm = cluster
    helm.install(CHART, "demo")
    first = users(server)
    helm.upgrade(CHART, "demo", auth(rotation=2, revocation=2))
    assert not set(users(server).values()) & set(first.values())
    assert accepted(server) == ROLES


def test_a_rotation_that_would_keep_a_given_password_is_refused(cluster):
    _, helm = cluster
    helm.install(CHART, "demo", auth(passwords=PASSWORDS))
    with pytest.raises(helm_python.HelmError, match=r"auth.passwords.processor is still the password in use"):
        helm.upgrade(CHART, "demo", auth(passwords=PASSWORDS, rotation=2))


def test_a_secret_of_ones_own_may_hold_previous_passwords():
    own = auth(existingSecret="mine") | {"global": {"nats": {"existingSecret": "mine"}}}
    for more, lines in (({}, 3), ({"previousUsers": True}, 6)):
        objects = render(given=merged(merged(NONE, own), auth(**more)))
        text = one(objects, "ConfigMap", "demo-nats")["data"]["nats.conf"]
        assert len(re.findall(r"\buser: \$\w+", text)) == lines
        container = one(objects, "StatefulSet", "demo-nats")["spec"]["template"]["spec"]["containers"][0]
        assert {entry["name"] for entry in container["env"]} == set(re.findall(r"(?:user|password): \$(\w+)", text))


def test_a_secret_of_ones_own_is_neither_read_nor_made(cluster):
    server, helm = cluster
    given = auth(existingSecret="mine") | {"global": {"nats": {"existingSecret": "mine"}}}
    helm.install(CHART, "demo", given)
    assert [name for kind, name in server.objects if kind == "secrets"] == ["demo-nats-operator"]
    assert render(given=merged(NONE, given)) == render(given=merged(NONE, given), at=path_of("headway"))


@pytest.mark.parametrize("missing", ROLES)
def test_without_a_cluster_rendering_fails_and_says_what_to_set(missing):
    given = {"nats": {"auth": {"passwords": {missing: ""}}}}
    with pytest.raises(helm_python.HelmError) as failed:
        render(given=given)
    for named in (f"auth.passwords.{missing} of the chart nats is empty", "auth.existingSecret", "--dry-run=server"):
        assert named in str(failed.value)


def test_a_dry_run_on_the_client_asks_no_cluster_and_fails(cluster):
    server, helm = cluster
    with pytest.raises(helm_python.HelmError, match="Helm does not reach a cluster"):
        helm.install(CHART, "demo", dry_run="client")
    assert server.reached == 0


def test_with_given_passwords_a_second_render_is_identical(security_figures):
    first, second = render(), render(at=path_of("headway"))
    assert first == second
    assert (
        one(first, "Secret", SECRET)["stringData"].items() >= {f"{r}-password": p for r, p in PASSWORDS.items()}.items()
    )
    security_figures(2, "renders without a cluster", renders=2, differences=0)


@pytest.mark.parametrize(
    "password", ["short", "1234567890123456", "ends#at-the-number-sign", "two words of some length"]
)
def test_a_password_that_nats_would_misread_is_refused(password):
    with pytest.raises(helm_python.HelmError, match="passwords/streamer"):
        render(given={"nats": {"auth": {"passwords": {"streamer": password}}}})


@pytest.mark.parametrize("chart", ["headway", "nats"])
def test_the_seed_of_earlier_versions_is_refused_with_its_replacement(chart):
    auth = {"auth": {"seed": "s"}}
    with pytest.raises(
        helm_python.HelmError, match=r"auth.seed .* is gone.*auth.existingSecret.*auth.passwords.streamer"
    ):
        render(chart, {"nats": auth} if chart == "headway" else auth)
