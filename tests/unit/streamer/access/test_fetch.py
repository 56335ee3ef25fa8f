"""Documents of an issuer are read within bounds."""

import gzip
import threading

import httpx
import pytest

from headway_streamer.access import fetch as module
from headway_streamer.access.jwks import FetchError

pytestmark = pytest.mark.security


@pytest.fixture
def answering(monkeypatch):
    """Answer all requests with a status, a body and headers, or by raising an error."""
    real = httpx.AsyncClient

    def answer(response):
        def handle(request):
            if isinstance(response, Exception):
                raise response
            status, body, *given = response
            return httpx.Response(status, headers=dict(given), stream=httpx.ByteStream(body))

        monkeypatch.setattr(httpx, "AsyncClient", lambda verify: real(transport=httpx.MockTransport(handle)))

    return answer


async def test_a_document_is_read(answering):
    answering((200, b'{"keys": []}'))
    assert await module.fetch_json("https://i/keys") == {"keys": []}


async def test_authorities_are_read_in_a_thread_and_nothing_compressed_is_asked_for(answering, monkeypatch):
    """It takes 50 ms, in which no stream would be served."""
    threads, make = [], httpx.create_ssl_context
    monkeypatch.setattr(httpx, "create_ssl_context", lambda: threads.append(threading.current_thread()) or make())
    answering((200, b"{}"))
    await module.fetch_json("https://i/keys")
    assert len(threads) == 1
    assert threading.main_thread() not in threads
    assert module.HEADERS["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "response",
    [
        (404, b""),
        (302, b"", ("Location", "https://evil.example")),
        (200, b"<html>"),
        (200, b"\xff"),
        (200, b" " * (module.MAX_BYTES + 1)),
        (200, b"[" * 100_000),
        (200, gzip.compress(b"{}"), ("Content-Encoding", "gzip")),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout(""),
    ],
    ids=["missing", "redirect", "page", "bytes", "large", "deep", "compressed", "refused", "timeout"],
)
async def test_anything_else_is_an_error_that_names_the_url(answering, response):
    answering(response)
    with pytest.raises(FetchError, match="https://i/keys"):
        await module.fetch_json("https://i/keys")


async def test_a_form_is_sent_and_no_error_quotes_it(answering):
    answering((200, b'{"access_token": "t"}'))
    assert await module.post_form("https://i/token", {"code": "c"}, ("id", "secret")) == {"access_token": "t"}
    answering((400, b'{"error": "invalid_grant", "code": "c0de"}'))
    with pytest.raises(FetchError) as caught:
        await module.post_form("https://i/token", {"code": "c0de"}, ("id", "5ecret"))
    assert "https://i/token" in str(caught.value)
    assert "c0de" not in str(caught.value)
    assert "5ecret" not in str(caught.value)


async def test_a_url_that_is_none_is_an_error():
    with pytest.raises(FetchError):
        await module.fetch_json("http://[")
