"""Requests reach public addresses, and what the operator allows."""

import httpx
import pytest

from headway import TaskError
from headway_kinds.http.fetch import open_client
from headway_kinds.http.guard import (
    CACHE_SECONDS,
    ForbiddenAddressError,
    ForbiddenSchemeError,
    GuardedTransport,
    is_allowed,
    is_public,
    resolve,
)

pytestmark = pytest.mark.security

PUBLIC, OTHER = "93.184.215.14", "2606:2800:21f::1"


@pytest.mark.parametrize("address", [PUBLIC, OTHER, "1.1.1.1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::"])
def test_a_public_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1.1.1.1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "not an address",
        "",
    ],
)
def test_an_address_that_is_not_plainly_public_is_not(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("docs", "docs", 80, True),
        ("docs", "DOCS.", 8080, True),
        ("docs:8080", "docs", 8080, True),
        ("docs:8080", "docs", 80, False),
        ("docs", "docs.evil.org", 80, False),
        ("docs", "mydocs", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("::1:2", "::1", 2, False),
        ("", "", 80, True),
    ],
)
def test_the_allow_list_names_hosts_exactly(entry, host, port, allowed):
    assert is_allowed(host, port, [entry]) is allowed


class Net:
    """Names and servers, without a socket."""

    def __init__(self, names, dead=()):
        self.names = names
        self.dead = dead
        self.lookups = []
        self.requests = []
        self.transports = 0

    async def resolve(self, host, port):
        self.lookups.append(host)
        return self.names[host]

    def connect(self):
        self.transports += 1
        return httpx.MockTransport(self.answer)

    def answer(self, request):
        self.requests.append(request)
        if request.url.host in self.dead:
            raise httpx.ConnectError("no route", request=request)
        return httpx.Response(200, text="hello")

    def client(self, *allow, clock=lambda: 0.0):
        transport = GuardedTransport(allow, resolve=self.resolve, connect=self.connect, clock=clock)
        return open_client(allow, user_agent="Test/1", transport=transport)


async def test_the_connection_goes_to_the_address_that_was_checked():
    net = Net({"example.org": [PUBLIC]})
    async with net.client() as client:
        response = await client.get("https://example.org:8443/x?y=1")
    (request,) = net.requests
    assert str(request.url) == f"https://{PUBLIC}:8443/x?y=1"
    assert request.headers["Host"] == "example.org:8443"
    assert request.headers["User-Agent"] == "Test/1"
    assert request.extensions["sni_hostname"] == "example.org"
    assert str(response.request.url) == "https://example.org:8443/x?y=1"


async def test_an_ipv6_address_is_put_in_brackets():
    net = Net({"example.org": [OTHER]})
    async with net.client() as client:
        await client.get("http://example.org/")
    assert str(net.requests[0].url) == f"http://[{OTHER}]/"


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC], ["::ffff:10.0.0.1"]])
async def test_a_host_with_any_address_inside_is_refused_without_a_request(addresses):
    net = Net({"inside.test": addresses})
    async with net.client() as client:
        with pytest.raises(ForbiddenAddressError) as raised:
            await client.get("http://inside.test:8080/")
    assert net.requests == []
    error = raised.value
    assert isinstance(error, TaskError)
    assert (error.type, error.retryable) == ("ForbiddenAddress", False)
    assert "inside.test:8080" in error.message
    assert "HEADWAY_PROCESSOR_CRAWL_ALLOW" in error.message


async def test_the_refusal_does_not_tell_the_address():
    net = Net({"inside.test": ["10.7.7.7"]})
    async with net.client() as client:
        with pytest.raises(ForbiddenAddressError) as raised:
            await client.get("http://inside.test/")
    assert "10.7.7.7" not in str(raised.value)


async def test_an_allowed_host_is_reached_by_its_name():
    net = Net({})
    async with net.client("inside.test:8080") as client:
        await client.get("http://inside.test:8080/")
    assert str(net.requests[0].url) == "http://inside.test:8080/"
    assert net.lookups == []


async def test_a_redirect_is_not_followed_by_the_client():
    net = Net({"example.org": [PUBLIC]})
    net.answer = lambda request: httpx.Response(302, headers={"Location": "http://127.0.0.1/"})
    async with net.client() as client:
        assert (await client.get("http://example.org/")).status_code == 302


async def test_the_next_address_is_tried_when_one_does_not_answer():
    net = Net({"example.org": [OTHER, PUBLIC]}, dead=[OTHER])
    async with net.client() as client:
        assert (await client.get("http://example.org/")).text == "hello"
    assert [request.url.host for request in net.requests] == [OTHER, PUBLIC]


async def test_when_no_address_answers_the_request_fails():
    net = Net({"example.org": [OTHER, PUBLIC]}, dead=[OTHER, PUBLIC])
    async with net.client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://example.org/")


async def test_a_host_is_looked_up_again_after_a_while():
    now = [0.0]
    net = Net({"example.org": [PUBLIC]})
    async with net.client(clock=lambda: now[0]) as client:
        await client.get("http://example.org/")
        await client.get("http://example.org/")
        assert net.lookups == ["example.org"]
        now[0] = CACHE_SECONDS
        net.names["example.org"] = ["127.0.0.1"]
        with pytest.raises(ForbiddenAddressError):
            await client.get("http://example.org/")


async def test_hosts_at_one_address_do_not_share_connections():
    net = Net({"a.test": [PUBLIC], "b.test": [PUBLIC]})
    async with net.client() as client:
        await client.get("https://a.test/")
        await client.get("https://b.test/")
        await client.get("https://a.test/2")
    assert net.transports == 2


async def test_a_host_without_an_address_cannot_be_connected():
    net = Net({"empty.test": []})
    async with net.client() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://empty.test/")


async def test_another_scheme_is_refused():
    transport = GuardedTransport(["x"])
    with pytest.raises(ForbiddenSchemeError):
        await transport.handle_async_request(httpx.Request("GET", "file://x/etc/passwd"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "::1"])
async def test_every_spelling_of_a_local_address_is_seen_through(host):
    assert not any(is_public(address) for address in await resolve(host, 80))


async def test_a_name_that_cannot_be_one_has_no_address():
    with pytest.raises(httpx.ConnectError):
        await resolve("x" * 70 + ".test", 80)
