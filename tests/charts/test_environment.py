"""Every setting can be reached from values, and every variable that is rendered is a setting."""

import msgspec
import pytest

from headway.jetstream.connection import NatsSettings
from headway.service.settings import load
from headway_processor.settings import Settings as Processor
from headway_streamer.settings import Settings as Streamer
from tests.charts.helm import one, render

FULL = {
    "processor": {"opsHost": "127.0.0.1", "dataDir": "/data", "crawlAllow": ["a:1", "b"], "builtinKinds": False},
    "streamer": {"ringsBytes": 268435456, "corsOrigins": ["https://a", "https://b"], "flushMs": 0.5, "page": False},
}


def environment(objects, name):
    (container,) = one(objects, "Deployment", f"demo-{name}")["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", "from-secret") for entry in container["env"]}


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@pytest.mark.parametrize(("chart", "settings"), [("processor", Processor), ("streamer", Streamer)])
def test_the_services_take_what_is_rendered(chart, settings, rung):
    prefix = f"HEADWAY_{chart.upper()}_"
    given = {camel(field.name): field.default for field in msgspec.structs.fields(settings)}
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    given = {name: value for name, value in given.items() if name not in ("graceSeconds", "drainSeconds")}
    variables = environment(render(given={chart: {"config": given}}), chart)
    assert load(settings, prefix, variables) == settings()
    assert {name for name in variables if name.startswith(prefix)} == {
        prefix + field.name.upper() for field in msgspec.structs.fields(settings)
    }
    rung(f"settings of the {chart}", variables=len(variables))


@pytest.mark.parametrize("chart", ["processor", "streamer"])
def test_values_arrive_as_they_were_given(chart):
    settings = {"processor": Processor, "streamer": Streamer}[chart]
    variables = environment(render(given={chart: {"config": FULL[chart]}}), chart)
    loaded = load(settings, f"HEADWAY_{chart.upper()}_", variables)
    for name, value in FULL[chart].items():
        field = next(field.name for field in msgspec.structs.fields(settings) if camel(field.name) == name)
        got = getattr(loaded, field)
        assert (list(got) if isinstance(got, tuple) else got) == value


def test_all_settings_of_nats_can_be_reached():
    tls = {"existingSecret": "t", "clientCertificate": True}
    reached = set()
    for auth in ("user", "creds", "nkey"):
        given = {"streamer": {"nats": {"auth": auth, "existingSecret": "s", "tls": tls}}}
        variables = environment(render(given=given), "streamer")
        load(NatsSettings, "HEADWAY_NATS_", variables)
        reached |= {name for name in variables if name.startswith("HEADWAY_NATS_")}
    assert reached == {"HEADWAY_NATS_" + field.name.upper() for field in msgspec.structs.fields(NatsSettings)}
