"""What a GET must show to start a task."""

import pytest

from tests.fixtures.sse import ACCEPT

pytestmark = pytest.mark.security

PATHS = ["/api/v1/process/k/stream", "/api/v1/process/stream?kind=k"]
BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 406),
        ("*/*", 406),
        ("text/*", 406),
        ("text/html,application/xhtml+xml,image/avif,*/*;q=0.8", 406),
        ("application/json", 406),
        ("text/event-stream;q=0", 406),
        ("text/event-stream; q=0.00 ", 406),
        ("x-text/event-stream", 406),
        ("text/event-stream", 404),
        ("Text/Event-Stream;q=0.5", 404),
        ("application/json, text/event-stream; charset=utf-8", 404),
    ],
)
async def test_a_stream_must_be_asked_for_by_name(client, path, accept, status):
    assert (await client.get(path, headers={"Accept": accept})).status_code == status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Referer": "http://evil.example/"}, 403),
        ({"Referer": "http://localhost.evil.example/"}, 403),
        ({"Referer": "http://localhost/page"}, 404),
        ({"Origin": "http://localhost"}, 404),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"User-Agent": "curl/8.14"}, 404),
        ({"User-Agent": ""}, 404),
    ],
)
async def test_a_browser_must_show_whose_page_asks(client, path, headers, status):
    """A no-cors fetch over plain http has neither Origin nor Sec-Fetch-Site, and may name any Accept."""
    assert (await client.get(path, headers=ACCEPT | BROWSER | headers)).status_code == status
