"""Every setting can be reached from values, and every variable that is rendered is a setting."""

import msgspec
import pytest
from helm_python import HelmError

from headway.jetstream.connection import NatsSettings
from headway.service.settings import load
from headway_kinds.settings import Settings as Kinds
from headway_kinds.settings import read as read_kinds
from headway_processor.settings import Settings as Processor
from headway_streamer.access.settings import AccessSettings as Access
from headway_streamer.settings import Settings as Streamer
from tests.charts.helm import PASSWORDS, merged, one, render

FULL = {
    "processor": {
        "opsHost": "127.0.0.1",
        "dataDir": "/data",
        "crawlAllow": ["a:1", "b"],
        "builtinKinds": ["check", "crawl"],
    },
    "streamer": {"ringsBytes": 268435456, "corsOrigins": ["https://a", "https://b"], "flushMs": 0.5, "page": False},
}


def environment(objects, name):
    (container,) = one(objects, "Deployment", f"demo-{name}")["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "from-secret") for entry in container["env"]}


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


SETTINGS = {"processor": (Processor, Kinds), "streamer": (Streamer, Access)}
SECRETS = {name for name in Access.__struct_fields__ if name.endswith(("_secret", "_secrets"))}
"""Settings that are not among the values, which objects in the cluster show: they come from a Secret."""
KEYS = {"generate_api_key"}
"""A setting that comes from another Secret."""


def read(settings, variables, chart):
    """The settings as the service reads them."""
    if settings is Kinds:
        return read_kinds(variables)
    beside = [other for other in SETTINGS[chart] if other is not settings]
    return load(settings, f"HEADWAY_{chart.upper()}_", variables, beside=beside)


@pytest.mark.parametrize("chart", SETTINGS)
def test_the_services_take_what_is_rendered(chart, chart_figures):
    prefix = f"HEADWAY_{chart.upper()}_"
    every = [field for settings in SETTINGS[chart] for field in msgspec.structs.fields(settings)]
    fields = [field for field in every if field.name not in SECRETS | KEYS]
    given = {camel(field.name): field.default for field in fields}
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    given = {name: value for name, value in given.items() if name not in ("graceSeconds", "drainSeconds")}
    variables = environment(render(given={chart: {"config": given}}), chart)
    for settings in SETTINGS[chart]:
        names = {"allowed_hosts": hosts} if (hosts := read_hosts(variables)) and settings is Streamer else {}
        assert read(settings, variables, chart) == settings(**names)
    assert {name for name in variables if name.startswith(prefix)} == {prefix + field.name.upper() for field in fields}
    missing = {prefix + field.name.upper() for field in fields} - variables.keys()
    chart_figures(17, f"settings of the {chart} that values set", settings=len(fields), missing=len(missing))


def read_hosts(variables):
    """The names that the chart allows by itself."""
    return tuple(filter(None, variables.get("HEADWAY_STREAMER_ALLOWED_HOSTS", "").split(",")))


@pytest.mark.security
def test_the_names_that_lead_to_a_streamer_are_allowed():
    routes = {
        "ingress": {"enabled": True, "hosts": ["a.example.org"]},
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}], "hostnames": ["*.example.com"]},
        "config": {"allowedHosts": ["internal.lan"], "access": "jwt"},
        "clusterDomain": "k8s.lan",
    }
    plain, full = (read_hosts(environment(render(given={"streamer": given}), "streamer")) for given in ({}, routes))
    assert plain[0] == "demo-streamer"
    assert all(name.startswith("demo-streamer.") for name in plain[1:])
    assert plain[-1].endswith(".svc.cluster.local")
    assert {"a.example.org", "*.example.com", "internal.lan", plain[-1].replace("cluster.local", "k8s.lan")} < set(full)


@pytest.mark.parametrize("chart", SETTINGS)
def test_values_arrive_as_they_were_given(chart):
    variables = environment(render(given={chart: {"config": FULL[chart]}}), chart)
    got = {}
    for settings in SETTINGS[chart]:
        loaded = msgspec.structs.asdict(read(settings, variables, chart))
        got |= {camel(name): list(value) if isinstance(value, tuple) else value for name, value in loaded.items()}
    assert {name: got[name] for name in FULL[chart]} == FULL[chart]


def test_every_secret_of_access_control_comes_from_the_secret_that_values_name():
    objects = render(given={"streamer": {"access": {"existingSecret": "mine"}}})
    (container,) = one(objects, "Deployment", "demo-streamer")["spec"]["template"]["spec"]["containers"]
    keys = {e["name"]: e["valueFrom"]["secretKeyRef"] for e in container["env"] if "valueFrom" in e}
    own = {name: key for name, key in keys.items() if key["name"] == "mine"}
    assert own == {
        f"HEADWAY_STREAMER_{name.upper()}": {"name": "mine", "key": name.replace("_", "-"), "optional": True}
        for name in SECRETS
    }


@pytest.mark.security
@pytest.mark.parametrize("tls", [False, True])
def test_workers_that_are_not_processors_have_a_secret_with_their_own_password_alone(tls, chart_figures):
    given = {"nats": {"reporter": {"secret": True}, "tls": {"enabled": tls, "secretName": "c"}}}
    found = one(render(given=given), "Secret", "demo-nats-reporter")["stringData"]
    loaded = load(NatsSettings, "HEADWAY_NATS_", found)
    assert loaded.url == f"{'tls' if tls else 'nats'}://demo-nats.default:4222"
    assert (loaded.user, loaded.password, loaded.namespace) == ("reporter", PASSWORDS["reporter"], "hw")
    others = [password for role, password in PASSWORDS.items() if role != "reporter" and password in str(found)]
    chart_figures(17, f"secret of reporters, TLS {tls}", variables=len(found), passwords_of_others=len(others))
    assert others == []
    with pytest.raises(HelmError, match="reporter-user and reporter-password"):
        render(given=merged(given, {"global": {"nats": {"existingSecret": "mine"}}}))


def test_all_settings_of_nats_can_be_reached():
    tls = {"existingSecret": "t", "clientCertificate": True}
    reached = set()
    for auth in ("user", "creds", "nkey"):
        given = {"streamer": {"nats": {"auth": auth, "existingSecret": "s", "tls": tls}}}
        variables = environment(render(given=given), "streamer")
        load(NatsSettings, "HEADWAY_NATS_", variables)
        reached |= {name for name in variables if name.startswith("HEADWAY_NATS_")}
    by_file = {"HEADWAY_NATS_USER", "HEADWAY_NATS_PASSWORD"}
    known = {"HEADWAY_NATS_" + field.name.upper() for field in msgspec.structs.fields(NatsSettings)}
    assert reached == known - by_file


@pytest.mark.security
@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_pods_listen_where_the_cluster_reaches_them(address):
    given = {} if address == "0.0.0.0" else {"host": address, "opsHost": address}
    processor = {name: value for name, value in given.items() if name == "opsHost"}
    nats = {"host": address, "metrics": {"enabled": True}}
    objects = render(given={"streamer": {"config": given}, "processor": {"config": processor}, "nats": nats})
    listen = {"0.0.0.0": "listen: 0.0.0.0:4222\n", "::": 'listen: "[::]:4222"\n'}[address]
    assert listen in one(objects, "ConfigMap", "demo-nats")["data"]["nats.conf"]
    *_, exporter = one(objects, "StatefulSet", "demo-nats")["spec"]["template"]["spec"]["containers"]
    assert f"-addr={address}" in exporter["args"]
    variables = environment(objects, "streamer") | environment(objects, "processor")
    hosts = {name: value for name, value in variables.items() if name.endswith("HOST")}
    assert hosts == dict.fromkeys(
        ["HEADWAY_STREAMER_HOST", "HEADWAY_STREAMER_OPS_HOST", "HEADWAY_PROCESSOR_OPS_HOST"], address
    )


@pytest.mark.security
def test_the_key_of_a_model_server_comes_from_a_secret():
    name = "HEADWAY_PROCESSOR_GENERATE_API_KEY"
    assert name not in environment(render(), "processor")
    given = {"generate": {"existingSecret": "openai"}, "config": {"generateBaseUrl": "http://models/v1"}}
    (container,) = one(render(given={"processor": given}), "Deployment", "demo-processor")["spec"]["template"]["spec"][
        "containers"
    ]
    (entry,) = [entry for entry in container["env"] if entry["name"] == name]
    assert entry["valueFrom"] == {"secretKeyRef": {"name": "openai", "key": "generate-api-key"}}
