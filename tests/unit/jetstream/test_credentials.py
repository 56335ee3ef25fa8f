"""How to log in to NATS, as far as it can be told without reaching it."""

import ssl
import sys

import nkeys
import pytest

from headway.errors import SettingsError
from headway.jetstream.connection import NatsSettings
from headway.jetstream.credentials import FILES, credentials

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


def test_without_settings_there_are_nocredentials():
    assert credentials(NatsSettings()) == {}


def test_a_user_has_a_password():
    assert credentials(NatsSettings(user="u", password="p")) == {"user": "u", "password": "p"}


def test_a_password_in_a_file_is_read_at_each_connection(tmp_path):
    for name, text in (("user", "u\n"), ("password", "p q\r\n")):
        (tmp_path / name).write_text(text)
    options = credentials(NatsSettings(user_file=str(tmp_path / "user"), password_file=str(tmp_path / "password")))
    assert (options["user"](), options["password"]()) == ("u", "p q")
    (tmp_path / "user").write_text("u_2")
    (tmp_path / "password").write_text("r")
    assert (options["user"](), options["password"]()) == ("u_2", "r")


def test_a_password_in_a_file_needs_a_user(tmp_path):
    (tmp_path / "password").write_text("p")
    with pytest.raises(SettingsError, match="HEADWAY_NATS_PASSWORD_FILE needs"):
        credentials(NatsSettings(password_file=str(tmp_path / "password")))
    options = credentials(NatsSettings(user="u", password_file=str(tmp_path / "password"), password="old"))
    assert (options["user"], options["password"]()) == ("u", "p")


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
    assert credentials(NatsSettings(**{field: str(path)})) == {option: str(path)}


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
        credentials(NatsSettings(**{field: str(path)}))


@pytest.mark.parametrize("field", ["creds_file", "nkey_file"])
def test_a_seed_without_the_package_that_signs_says_what_to_install(tmp_path, monkeypatch, field):
    path = tmp_path / "file"
    path.write_text(CREDS)
    monkeypatch.setitem(sys.modules, "nkeys", None)
    with pytest.raises(SettingsError, match="pip install"):
        credentials(NatsSettings(**{field: str(path)}))


def test_a_certificate_that_is_none_is_refused_before_connecting(tmp_path):
    path = tmp_path / "file"
    path.write_text("no certificate")
    for field in ("tls_ca_file", "tls_cert_file"):
        with pytest.raises(SettingsError, match="in PEM"):
            credentials(NatsSettings(**{field: str(path)}))


@pytest.mark.parametrize("field", FILES)
def test_a_file_that_is_not_there_is_named_at_once(tmp_path, field):
    path = str(tmp_path / "absent")
    with pytest.raises(SettingsError, match="absent: no such file"):
        credentials(NatsSettings(**{field: path}))
    with pytest.raises(SettingsError):
        credentials(NatsSettings(**{field: str(tmp_path)}))


def test_an_authority_sets_tls_on_and_only_it_is_trusted(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text(CA)
    context = credentials(NatsSettings(tls_ca_file=str(path)))["tls"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) == 1


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
    assert credentials(NatsSettings(url=url, **given)) == options
