"""Documents of an issuer are read within bounds."""

import httpx
import pytest

from headway_streamer.access import fetch as module
from headway_streamer.access.jwks import FetchError

pytestmark = pytest.mark.security


@pytest.fixture
def answering(monkeypatch):
    """Answer all requests with a response, or by raising an error."""
    real = httpx.AsyncClient

    def answer(response):
        def handle(request):
            if isinstance(response, Exception):
                raise response
            return response

        monkeypatch.setattr(module.httpx, "AsyncClient", lambda: real(transport=httpx.MockTransport(handle)))

    return answer


async def test_a_document_is_read(answering):
    answering(httpx.Response(200, json={"keys": []}))
    assert await module.fetch_json("https://i/keys") == {"keys": []}


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404),
        httpx.Response(302, headers={"Location": "https://evil.example"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b"\xff"),
        httpx.Response(200, content=b" " * (module.MAX_BYTES + 1)),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout(""),
    ],
    ids=["missing", "redirect", "page", "bytes", "large", "deep", "refused", "timeout"],
)
async def test_anything_else_is_an_error_that_names_the_url(answering, response):
    answering(response)
    with pytest.raises(FetchError, match="https://i/keys"):
        await module.fetch_json("https://i/keys")


async def test_a_form_is_sent_and_no_error_quotes_it(answering):
    answering(httpx.Response(200, json={"access_token": "t"}))
    assert await module.post_form("https://i/token", {"code": "c"}, ("id", "secret")) == {"access_token": "t"}
    answering(httpx.Response(400, json={"error": "invalid_grant", "code": "c0de"}))
    with pytest.raises(FetchError) as caught:
        await module.post_form("https://i/token", {"code": "c0de"}, ("id", "5ecret"))
    assert "https://i/token" in str(caught.value)
    assert "c0de" not in str(caught.value)
    assert "5ecret" not in str(caught.value)


async def test_a_url_that_is_none_is_an_error():
    with pytest.raises(FetchError):
        await module.fetch_json("http://[")
