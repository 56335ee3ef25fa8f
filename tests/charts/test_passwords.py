"""The passwords of the bundled NATS: random, kept in the cluster, and never made where none would keep them."""

import hashlib

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
    assert {contents[f"{role}-user"] for role in ROLES} == set(ROLES)
    return {role: contents[f"{role}-password"] for role in ROLES}


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
    first, sum_of_first = passwords(server), checksum(server)
    helm.upgrade(CHART, "demo", {"nats": {"auth": {"passwords": {"reporter": "a-password-by-hand"}}}})
    assert passwords(server) == first | {"reporter": "a-password-by-hand"}
    assert checksum(server) != sum_of_first  # NATS starts again with it
    helm.upgrade(CHART, "demo", {}, reset_values=True)
    assert passwords(server) == first | {"reporter": "a-password-by-hand"}


def test_a_secret_of_ones_own_is_neither_read_nor_made(cluster):
    server, helm = cluster
    auth = {"nats": {"auth": {"existingSecret": "mine"}}, "global": {"nats": {"existingSecret": "mine"}}}
    helm.install(CHART, "demo", auth)
    assert [name for kind, name in server.objects if kind == "secrets"] == []
    assert render(given=merged(NONE, auth)) == render(given=merged(NONE, auth), at=path_of("headway"))


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
