"""What looks like a secret is hidden, and what is known to be one."""

import json

import pytest

from headway.values.redaction import HIDDEN, is_secret_name, redact, redact_url, redact_value, written_forms

pytestmark = pytest.mark.security

ODD = [f"ab{odd}c-d" for odd in ("#", "@", ":", "/", "?", "%", "%23", "ä✓", " ", "'\"", ",", "[", "\\", "\n")]
SEED = "SUAMQU6PI2RVQCVGCZMZSOUKDCGCWVR4H3UPKT3RW7S7PUCU75FBMDPJ2E"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nats://u:s3cret@h:4222", "nats://***@h:4222"),
        ("nats://s3cret@h", "nats://***@h"),
        ("tls://u:s#3@cret@h:1 is down", "tls://***@h:1 is down"),
        ("nats://u:s3@a,nats://u:s3@b", "nats://***@a,nats://***@b"),
        ("GET http://u:s3cret@h/x", "GET http://***@h/x"),
        ("https://h/@user and a@b", "https://h/@user and a@b"),
        ("http://h:1/x?a=1&token=s3cret&b=2", "http://h:1/x?a=1&token=***&b=2"),
        ("/s?stream_token=s3cret#x", "/s?stream_token=***#x"),
        ("?access_token=s3 rest", "?access_token=*** rest"),
        ('{"pass":"s3\\"cret","user":"u"}', '{"pass":\'***\',"user":"u"}'),
        ("{'password': 's3cret'}", "{'password': '***'}"),
        ("Authorization: Bearer s3cret", "Authorization: Bearer ***"),
        ("'authorization': 'Basic czNjcmV0'", "'authorization': '***'"),
        ("(b'Authorization', b'Basic czNjcmV0')", "(b'Authorization', b'Basic ***')"),
        ("sent Bearer abcdefgh.ijk", "sent Bearer ***"),
        (f"seed {SEED}.", "seed ***."),
        (f"jwt {TOKEN} x", "jwt *** x"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/api/v1/tasks?limit=5",
        "HEADWAY_NATS_PASSWORD is not a setting",
        "the token of the task is unknown",
        "basic facts, bearer of news",
        "mail me@example.org",
        "task 06gvo8jheds2j05omsig89n1qg",
        '{"kind": "crawl", "params": {"url": "https://example.org/"}}',
    ],
)
def test_other_text_stays_as_it_is(text):
    assert redact(text) == text
    assert redact_value({"a": [text, 1, None]}) == {"a": [text, 1, None]}


@pytest.mark.parametrize("secret", ODD)
def test_a_known_secret_is_hidden_in_every_form_in_which_it_is_written(secret):
    forms = [secret, repr(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret.encode())]
    forms += [f"x={form}." for form in written_forms([secret])]
    for form in forms:
        shown = redact(f"before {form} after", [secret])
        assert HIDDEN in shown
        assert not any(part in shown for part in written_forms([secret]))
        assert shown.startswith("before ")
        assert shown.endswith(" after")


def test_a_known_secret_that_is_a_part_of_another_does_not_leave_the_rest():
    assert redact("secret1secret2", ["secret1", "secret1secret2"]) == HIDDEN


def test_a_short_secret_is_not_searched_for_within_words():
    assert redact("hw.ev.x of hw", ["hw"]) == "hw.ev.x of hw"


@pytest.mark.parametrize("secret", ODD)
@pytest.mark.parametrize("url", ["nats://u:{}@h:4222", "http://u:{}@h:4222", "u:{}@h:4222", "http://{}@h:4222"])
def test_a_url_is_shown_without_its_user_however_malformed(secret, url):
    shown = redact_url(url.format(secret))
    assert shown.endswith("***@h:4222")
    assert secret not in shown


def test_a_url_without_a_user_is_shown_whole():
    for url in ("http://127.0.0.1:8000", "nats://a:1,nats://b:2", "localhost", ""):
        assert redact_url(url) == url


def test_values_are_searched_through_all_levels():
    value = {"a": ["x?token=abc", {"nats://u:p@h": ("y",)}], "b": ValueError("nats://u:p@h"), "c": True, "d": 1.5}
    assert redact_value(value) == {
        "a": ["x?token=***", {"nats://***@h": ["y"]}],
        "b": "nats://***@h",
        "c": True,
        "d": 1.5,
    }


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("HEADWAY_NATS_PASSWORD", True),
        ("MYAPP_API_KEY", True),
        ("TOKEN", True),
        ("MYAPP_CLIENT_SECRET", True),
        ("HEADWAY_NATS_USER", False),
        ("HEADWAY_NATS_CREDS_FILE", False),
        ("MYAPP_MONKEY", False),
        ("MYAPP_MAX_TOKENS", False),
    ],
)
def test_the_name_of_a_variable_tells_whether_it_holds_a_secret(name, secret):
    assert is_secret_name(name) == secret
