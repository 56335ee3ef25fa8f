"""The bundled NATS over TLS: what is rendered serves it, and nothing else."""

import asyncio
import json
import ssl

import helm_python
import pytest

from tests.charts.browsers import end_of, submit
from tests.charts.external import Certificates, secret
from tests.charts.helm import merged, one, render
from tests.charts.pods import run_pods

pytestmark = pytest.mark.security
GIVEN = {"global": {"nats": {"tls": {"enabled": True, "secretName": "nats-cert"}}}}
OWN = {"nats": {"tls": {"existingSecret": "service-cert", "clientCertificate": True}}}
MUTUAL = {"nats": {"tls": {"verifyClients": True}}, "processor": OWN, "streamer": OWN}
CONNECT = b'CONNECT {"verbose":false,"user":"streamer","pass":"password-of-the-streamer"}\r\nPING\r\n'


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


def installed(certificates, given):
    return [
        *render(given=merged(GIVEN, given)),
        secret("nats-cert", certificates.server_secret),
        secret("service-cert", certificates.secret),
    ]


async def answer(port, context=None):
    """What NATS answers to a client with the right password: in plain text, or by TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        info = json.loads((await reader.readline()).removeprefix(b"INFO "))
        if context:
            await writer.start_tls(context, server_hostname="127.0.0.1")
        writer.write(CONNECT)
        return info, await asyncio.wait_for(reader.readline(), 10)
    except (ssl.SSLError, ConnectionError) as error:
        return {}, repr(error).encode()
    finally:
        writer.close()


@pytest.mark.parametrize(("given", "verify"), [({}, False), (MUTUAL, True)], ids=["server", "mutual"])
async def test_nats_serves_tls_and_refuses_the_rest(certificates, given, verify, http, tmp_path, security_figures):
    with run_pods(installed(certificates, given), tmp_path, streamers=1) as (nats, processor, (streamer,)):
        task = await submit(http, streamer, "check", {})
        assert (await end_of(http, streamer, task))["status"] == "completed"
        info, plain = await answer(nats.port)
        assert info["tls_required"]
        assert b"PONG" not in plain
        trusted = ssl.create_default_context(cadata=certificates.server_secret["ca.crt"])
        _, without_certificate = await answer(nats.port, trusted)
        _, unknown_authority = await answer(nats.port, ssl.create_default_context())
        assert b"CERTIFICATE_VERIFY_FAILED" in unknown_authority
        assert (b"PONG" in without_certificate) is not verify
        security_figures(
            2,
            "clients of a NATS with TLS" + (" and client certificates" if verify else ""),
            services=2,
            tasks=1,
            plaintext_accepted=0,
            other_authority_accepted=0,
        )
        for pod in (processor, streamer):
            place = pod.mounted["/etc/headway/nats/tls"]
            files = {path.name: path.read_text() for path in place.iterdir()}
            assert certificates.server_secret["tls.key"] not in files.values()
            assert set(files) == ({"ca.crt", "tls.crt", "tls.key"} if verify else {"ca.crt"})


def test_both_services_use_tls_as_soon_as_nats_serves_it_alone():
    objects = render(given=GIVEN)
    assert "tls {" in one(objects, "ConfigMap", "demo-nats")["data"]["nats.conf"]
    for service in ("processor", "streamer"):
        (container,) = one(objects, "Deployment", f"demo-{service}")["spec"]["template"]["spec"]["containers"]
        known = {entry["name"]: entry.get("value") for entry in container["env"]}
        assert known["HEADWAY_NATS_URL"] == "tls://demo-nats:4222"
        assert known["HEADWAY_NATS_TLS_CA_FILE"] == "/etc/headway/nats/tls/ca.crt"
    assert "tls {" not in one(render(), "ConfigMap", "demo-nats")["data"]["nats.conf"]
    alone = render("nats", {"tls": {"enabled": True, "secretName": "c"}})
    assert "tls {" in one(alone, "ConfigMap", "demo-nats")["data"]["nats.conf"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nats": {"tls": {"enabled": True}}}, "names the secret with the"),
        ({"global": {"nats": {"tls": {"enabled": True}}}}, "names the secret with the"),
        (
            {"nats": {"enabled": False}, "global": {"nats": {"url": "nats://n:4222", "tls": {"enabled": True}}}},
            "processor.nats.tls.existingSecret",
        ),
        ({"streamer": {"nats": {"tls": {"clientCertificate": True}}}}, "nats.tls.clientCertificate needs"),
    ],
)
def test_half_of_the_values_is_refused_with_what_is_missing(given, message):
    with pytest.raises(helm_python.HelmError, match=message):
        render(given=given)
