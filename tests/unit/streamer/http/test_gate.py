"""Which requests an application takes, and the headers of every answer."""

import json

import pytest

from headway_streamer.access.hosts import AllowedHosts
from headway_streamer.access.origins import Origins
from headway_streamer.http.gate import Gate, Sender

pytestmark = pytest.mark.security

LISTED = "https://other.example"
LOCAL = (b"host", b"localhost:8000")
COMMON = {"x-content-type-options", "x-frame-options", "referrer-policy", "content-security-policy"}


def gate(app=None, **options):
    return Gate(app, AllowedHosts(), Origins([LISTED]), **options)


async def exchange(*headers, method="GET", version="1.1", **options):
    """Status, headers and body of an answer; the application answers 200."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"vary", b"Accept")]})
        await send({"type": "http.response.body", "body": b"body"})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "http_version": version, "path": "/", "headers": list(headers)}
    await gate(app, **options)(scope, None, send)
    start, body = sent
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([LOCAL], 200),
        ([], 400),
        ([(b"host", b"")], 400),
        ([LOCAL, LOCAL], 400),
        ([(b"host", b"local host")], 400),
        ([(b"host", b"\xff")], 400),
        ([(b"host", b"rebind.example")], 421),
        ([LOCAL, (b"origin", b"http://localhost:8000")], 200),
        ([LOCAL, (b"origin", b"null")], 403),
        ([LOCAL, (b"origin", b"http://localhost:8001")], 403),
        ([LOCAL, (b"origin", b"http://localhost:8000"), (b"origin", b"http://localhost:8000")], 403),
        ([LOCAL, (b"origin", LISTED.encode()), (b"sec-fetch-site", b"cross-site")], 200),
        ([LOCAL, (b"sec-fetch-site", b"same-origin")], 200),
        ([LOCAL, (b"sec-fetch-site", b"none"), (b"sec-fetch-mode", b"navigate")], 200),
        ([LOCAL, (b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"no-cors")], 403),
        ([LOCAL, (b"sec-fetch-site", b"same-site")], 403),
    ],
)
async def test_a_request_is_taken_by_its_host_and_its_page(headers, status):
    got, fields, body = await exchange(*headers)
    assert got == status
    assert set(fields) >= COMMON
    if status != 200:
        assert (json.loads(body)["status"], fields["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("method", "destination", "status"),
    [("GET", b"document", 200), ("POST", b"document", 403), ("GET", b"iframe", 403), ("GET", b"", 403)],
)
async def test_a_link_of_another_site_may_be_followed(method, destination, status):
    fetch = [(b"sec-fetch-site", b"cross-site"), (b"sec-fetch-mode", b"navigate"), (b"sec-fetch-dest", destination)]
    assert (await exchange(LOCAL, *fetch, method=method))[0] == status


async def test_a_refusal_says_which_setting_would_allow_it():
    assert b"HEADWAY_STREAMER_ALLOWED_HOSTS" in (await exchange((b"host", b"a.example")))[2]
    assert b"HEADWAY_STREAMER_CORS_ORIGINS" in (await exchange(LOCAL, (b"origin", b"https://a.example")))[2]


async def test_only_pages_of_listed_origins_get_permission():
    asks = [LOCAL, (b"access-control-request-method", b"POST")]
    status, fields, _ = await exchange(*asks, (b"origin", LISTED.encode()), method="OPTIONS")
    assert (status, fields["access-control-allow-origin"]) == (204, LISTED)
    for origin in (b"null", b"https://evil.example"):
        status, fields, _ = await exchange(*asks, (b"origin", origin), method="OPTIONS")
        assert (status, [name for name in fields if name.startswith("access-")]) == (403, [])
    status, fields, _ = await exchange(*asks, (b"origin", b"http://localhost:8000"), method="OPTIONS")
    assert (status, "access-control-allow-origin" in fields) == (200, False)


async def test_a_probe_without_host_is_taken_where_that_is_meant():
    for version, bare, status in (("1.0", True, 200), ("1.0", False, 400), ("1.1", True, 400)):
        assert (await exchange(version=version, bare=bare))[0] == status
    assert (await exchange((b"host", b"a.example"), version="1.0", bare=True))[0] == 421


def test_what_was_decided_is_kept_for_the_next_request():
    one = gate()
    for _ in range(3):
        one._decide(Sender("GET", b"localhost"))
    assert one._decide.cache_info()[:2] == (2, 1)
