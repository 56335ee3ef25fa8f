"""How to reach NATS, as far as it can be told without reaching it."""

import ssl
import sys

import nkeys
import pytest

from headway.errors import InvalidNameError, SettingsError
from headway.jetstream.connection import Connection, NatsSettings, _credentials
from headway.service.settings import load

CA = """\
-----BEGIN CERTIFICATE-----
MIIBizCCATGgAwIBAgIUEGlGV/HjWEv4jVYyJGgrxCZnYd4wCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPaGVhZHdheSB0ZXN0IENBMCAXDTI2MTEyMTAzMTk0M1oYDzIx
MjYxMDI4MDMxOTQzWjAaMRgwFgYDVQQDDA9oZWFkd2F5IHRlc3QgQ0EwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAATZU6QUFsXpxVkCEnJveORGMZu+oU8HIgnYxLl8
uRfmxRYgv6yK3CakZOkSqsHpLDyl/3pxQQy5cr+kB4+tWehlo1MwUTAdBgNVHQ4E
FgQU9tiNj+gWAwzirB7pgtBVDo4kArswHwYDVR0jBBgwFoAU9tiNj+gWAwzirB7p
gtBVDo4kArswDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiB7lz+H
k20Suz1Ym4v2O3ljGQUGRQJfXgL0FwxMmteTxQIhANzCx8BHNO3Dd7EIihLs1GYq
llTU5z3RghEjbo1+C2XC
-----END CERTIFICATE-----
"""


class Unprintable(Exception):
    def __repr__(self):
        raise RuntimeError("no text for this one")


def test_without_variables_nats_is_on_this_machine_and_needs_no_credentials():
    settings = load(NatsSettings, "HEADWAY_NATS_", {})
    assert settings.url == "nats://127.0.0.1:4222"
    assert settings.namespace == "hw"
    assert _credentials(settings) == {}


def test_every_field_is_set_by_its_variable():
    environ = {
        "HEADWAY_NATS_URL": "nats://a:1,nats://b:2",
        "HEADWAY_NATS_NAMESPACE": "team",
        "HEADWAY_NATS_USER": "u",
        "HEADWAY_NATS_PASSWORD": "123",
        "HEADWAY_NATS_REPLICAS": "3",
    }
    assert load(NatsSettings, "HEADWAY_NATS_", environ) == NatsSettings(
        url="nats://a:1,nats://b:2", namespace="team", user="u", password="123", replicas=3
    )


def test_a_user_has_a_password():
    assert _credentials(NatsSettings(user="u", password="p")) == {"user": "u", "password": "p"}


SEED = nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_USER).decode()
CREDS = f"""\
-----BEGIN NATS USER JWT-----
eyJ0eXAiOiJKV1QifQ.e30.c2ln
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
{SEED}
------END USER NKEY SEED------
"""


@pytest.mark.parametrize(
    ("field", "text", "option"),
    [("creds_file", CREDS, "user_credentials"), ("nkey_file", f"{SEED}\n", "nkeys_seed")],
)
def test_a_credentials_file_is_handed_on_by_its_path(tmp_path, field, text, option):
    path = tmp_path / "file"
    path.write_text(text)
    assert _credentials(NatsSettings(**{field: str(path)})) == {option: str(path)}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("creds_file", ""),
        ("creds_file", SEED),
        ("creds_file", CREDS.replace(SEED, SEED[:-4])),
        ("creds_file", CREDS.replace("USER NKEY SEED", "SOMETHING")),
        ("nkey_file", ""),
        ("nkey_file", CREDS),
        ("nkey_file", SEED[:20]),
        ("nkey_file", SEED.lower()),
    ],
)
def test_a_file_that_holds_no_seed_is_refused_before_connecting(tmp_path, field, text):
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(SettingsError, match=f"HEADWAY_NATS_{field.upper()}=.*the form that"):
        _credentials(NatsSettings(**{field: str(path)}))


@pytest.mark.parametrize("field", ["creds_file", "nkey_file"])
def test_a_seed_without_the_package_that_signs_says_what_to_install(tmp_path, monkeypatch, field):
    path = tmp_path / "file"
    path.write_text(CREDS)
    monkeypatch.setitem(sys.modules, "nkeys", None)
    with pytest.raises(SettingsError, match="pip install"):
        _credentials(NatsSettings(**{field: str(path)}))


def test_a_certificate_that_is_none_is_refused_before_connecting(tmp_path):
    path = tmp_path / "file"
    path.write_text("no certificate")
    for field in ("tls_ca_file", "tls_cert_file"):
        with pytest.raises(SettingsError, match="in PEM"):
            _credentials(NatsSettings(**{field: str(path)}))


@pytest.mark.parametrize("field", ["creds_file", "nkey_file", "tls_ca_file", "tls_cert_file", "tls_key_file"])
def test_a_file_that_is_not_there_is_named_at_once(tmp_path, field):
    path = str(tmp_path / "absent")
    with pytest.raises(SettingsError, match="absent: no such file"):
        _credentials(NatsSettings(**{field: path}))
    with pytest.raises(SettingsError):
        _credentials(NatsSettings(**{field: str(tmp_path)}))


def test_an_authority_sets_tls_on_and_only_it_is_trusted(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(CA)
    context = _credentials(NatsSettings(tls_ca_file=str(path)))["tls"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize("namespace", ["", "HW", "hw.x", "hw*"])
async def test_a_namespace_that_cannot_stand_in_a_subject_is_refused_before_connecting(namespace):
    with pytest.raises(InvalidNameError):
        Connection(NatsSettings(namespace=namespace), "test")


async def test_the_error_callback_never_raises(caplog):
    connection = Connection(NatsSettings(), "test")
    await connection._on_error(OSError("gone"))
    await connection._on_error(Unprintable())
    assert [record.action for record in caplog.records] == ["nats_error"]


async def test_callbacks_are_called_after_a_reconnect():
    connection = Connection(NatsSettings(), "test")
    told = []
    connection.on_reconnect += [lambda: told.append(1), lambda: told.append(2)]
    await connection._on_reconnect()
    assert told == [1, 2]


async def test_a_client_that_has_ended_for_good_is_seen(caplog):
    connection = Connection(NatsSettings(), "test")
    assert not connection.connected
    assert not connection.closed.is_set()
    await connection._on_closed()
    assert connection.closed.is_set()
    assert [record.action for record in caplog.records] == ["nats_closed"]


async def test_closing_what_was_never_open_is_quiet(caplog):
    connection = Connection(NatsSettings(), "test")
    await connection.close()
    assert connection.closed.is_set()
    assert not caplog.records


@pytest.mark.security
@pytest.mark.parametrize(
    ("url", "given", "options"),
    [
        ("nats://u:p%23w@h", {}, {"user": "u", "password": "p#w"}),
        ("nats://t%23k@h", {}, {"token": "t#k"}),
        ("nats://u:p@h", {"user": "v", "password": "q"}, {"user": "v", "password": "q"}),
        ("nats://h", {}, {}),
    ],
)
def test_a_user_and_password_of_the_url_are_decoded_and_taken_out_of_it(url, given, options):
    assert _credentials(NatsSettings(url=url, **given)) == options


@pytest.mark.security
def test_settings_show_no_password():
    settings = NatsSettings(url="nats://u:zqsecret@h", user="u", password="zqother")
    assert "zq" not in repr(settings)
    assert settings.secrets == ("zqsecret", "zqother")
    with pytest.raises(SettingsError, match="URL 1 is not one of NATS"):
        load(NatsSettings, "HEADWAY_NATS_", {"HEADWAY_NATS_URL": "nats://u:zq#secret@h"})
