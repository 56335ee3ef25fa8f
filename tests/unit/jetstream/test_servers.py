"""The servers of NATS and how to log in, from the setting."""

import pytest

from headway.errors import SettingsError
from headway.jetstream.servers import NatsServers, parse_servers


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("nats://h:4222", NatsServers(("nats://h:4222",))),
        ("h", NatsServers(("nats://h:4222",))),
        ("h:1", NatsServers(("nats://h:1",))),
        ("tls://[::1]", NatsServers(("tls://[::1]:4222",))),
        ("nats://a:1, nats://b:2/", NatsServers(("nats://a:1", "nats://b:2"))),
        ("wss://h/nats?x=1", NatsServers(("wss://h/nats?x=1",))),
        ("nats://u:p@h", NatsServers(("nats://h:4222",), "u", "p")),
        ("u:p@h:1", NatsServers(("nats://h:1",), "u", "p")),
        ("nats://u%40x:p%23%2F%3F%20%25%2C%C3%A4@h", NatsServers(("nats://h:4222",), "u@x", "p#/? %,ä")),
        ("nats://u:p@ss@h", NatsServers(("nats://h:4222",), "u", "p@ss")),
        ("nats://t%23n@h", NatsServers(("nats://h:4222",), token="t#n")),
        ("nats://u:p@a,nats://u:p@b", NatsServers(("nats://a:4222", "nats://b:4222"), "u", "p")),
    ],
)
def test_urls_are_parsed_and_users_and_passwords_decoded(text, servers):
    assert parse_servers(text) == servers


@pytest.mark.security
@pytest.mark.parametrize(
    "text",
    [
        *(f"nats://u:zqleft{odd}zqright@h:4222" for odd in ("#", "/", "?", ",", "[", " ", "\n", "\t", "℀", "]#")),
        *(f"nats://u:12{odd}zqright@h:4222" for odd in ("#", "/", "?", ",")),
        "http://u:zqleft@h",
        "nats://u:zqleft@",
        "nats://u:zqleft@h:port",
        "ws://u:12/zqright@h",
        "ws://u:zqleft@a,nats://u:zqleft@b",
        "nats://u:zqleft@a,nats://u:zqright@b",
        "",
    ],
)
def test_a_url_that_is_not_one_is_refused_without_quoting_it(text):
    with pytest.raises(SettingsError, match="HEADWAY_NATS_URL") as raised:
        parse_servers(text)
    error: BaseException | None = raised.value
    assert "zqleft" not in str(error)
    assert "zqright" not in str(error)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    if "mixed" not in str(error):
        assert "%23 for #" in str(error)


def test_secrets_are_those_that_are_given():
    assert parse_servers("nats://u:p@h").secrets == ("p",)
    assert parse_servers("nats://t@h").secrets == ("t",)
    assert parse_servers("nats://h").secrets == ()
