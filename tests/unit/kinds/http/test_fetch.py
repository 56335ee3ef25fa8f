"""One request, with every bound on it."""

import asyncio

import httpx
import pytest

from headway import TaskError
from headway_kinds.http.body import ContentCodingError
from headway_kinds.http.fetch import UnreachableError, fetch, open_client

URL = "http://site.test/a/b"


async def fetched(answer, url=URL, **options):
    async with open_client((), user_agent="Test/1", transport=httpx.MockTransport(answer)) as client:
        return await fetch(client, url, **({"max_bytes": 1000} | options))


async def drip(*parts):
    for part in parts:
        yield part


async def test_an_answer_is_read_with_its_type_and_charset():
    answer = await fetched(
        lambda request: httpx.Response(200, headers={"Content-Type": 'Text/HTML; charset="latin-1"'}, content=b"hi")
    )
    assert (answer.status, answer.reason, answer.body, answer.size_bytes) == (200, "200 OK", b"hi", 2)
    assert (answer.content_type, answer.charset, answer.redirected) == ("text/html", "latin-1", False)


async def test_a_body_is_read_up_to_the_limit():
    answer = await fetched(lambda request: httpx.Response(200, content=drip(b"12345", b"67890", b"x")), max_bytes=7)
    assert (answer.body, answer.cut) == (b"1234567", True)


async def test_a_body_as_long_as_the_limit_is_whole():
    answer = await fetched(lambda request: httpx.Response(200, content=b"1234567"), max_bytes=7)
    assert (answer.body, answer.cut) == (b"1234567", False)


async def test_a_body_that_is_not_wanted_is_not_read():
    async def endless():
        raise AssertionError("read")
        yield b""

    answer = await fetched(
        lambda request: httpx.Response(
            200, headers={"Content-Type": "video/mp4", "Content-Length": "123456"}, content=endless()
        ),
        wants=lambda content_type: content_type == "text/html",
    )
    assert (answer.body, answer.size_bytes) == (b"", 123456)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("c", "http://site.test/a/c"),
        ("https://other.test", "https://other.test/"),
        ("ftp://x/", None),
        ("mailto:x", None),
        ("http://[", None),
        (None, None),
    ],
)
async def test_the_target_of_a_redirect_is_resolved(location, target):
    headers = {} if location is None else {"Location": location}
    answer = await fetched(lambda request: httpx.Response(301, headers=headers))
    assert (answer.redirected, answer.target) == (True, target)


async def test_another_answer_with_a_location_is_no_redirect():
    answer = await fetched(lambda request: httpx.Response(201, headers={"Location": "/x"}))
    assert (answer.redirected, answer.target) == (False, None)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (httpx.ConnectTimeout("x"), "timed out"),
        (httpx.ReadTimeout("x"), "timed out"),
        (httpx.ConnectError("refused"), "no connection (refused)"),
        (httpx.RemoteProtocolError("x"), "the response was cut off or is not HTTP (RemoteProtocolError)"),
        (ContentCodingError("the compressed response is damaged"), "the compressed response is damaged"),
    ],
)
async def test_a_failure_has_a_reason_for_people(error, reason):
    def fail(request):
        raise error

    with pytest.raises(UnreachableError) as raised:
        await fetched(fail)
    assert raised.value.reason == reason
    assert isinstance(raised.value, TaskError)
    assert raised.value.retryable


async def test_an_answer_that_breaks_off_is_asked_for_once_more():
    answers = [httpx.RemoteProtocolError("closed"), httpx.Response(200, content=b"hi")]

    def answer(request):
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    assert (await fetched(answer)).body == b"hi"


async def test_a_damaged_compressed_body_is_a_failure():
    with pytest.raises(UnreachableError):
        await fetched(
            lambda request: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=drip(b"no gzip"))
        )


@pytest.mark.looptime
async def test_a_server_that_drips_for_ever_times_out():
    async def dripping():
        while True:
            await asyncio.sleep(1)
            yield b"x"

    with pytest.raises(UnreachableError) as raised:
        await fetched(lambda request: httpx.Response(200, content=dripping()), timeout_seconds=30)
    assert raised.value.reason == "timed out"


@pytest.mark.parametrize("length", ["-1", "x", "9" * 400, "²"])
async def test_an_absurd_length_counts_as_unknown(length):
    answer = await fetched(
        lambda request: httpx.Response(200, headers=[(b"Content-Length", length.encode())], content=drip()),
        wants=lambda content_type: False,
    )
    assert answer.size_bytes == 0


async def test_cookies_are_neither_kept_nor_sent():
    sent = []

    def answer(request):
        sent.append(request.headers.get("Cookie"))
        return httpx.Response(200, headers={"Set-Cookie": f"c{len(sent)}=x; Path=/"})

    async with open_client((), user_agent="Test/1", transport=httpx.MockTransport(answer)) as client:
        await fetch(client, URL, max_bytes=1)
        await fetch(client, URL, max_bytes=1)
        assert len(client.cookies) == 0
    assert sent == [None, None]
