"""Readiness probes."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from headway.cli.local.readiness import is_ready


class Handler(BaseHTTPRequestHandler):
    """Responds with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
async def test_http_service_is_ready_when_its_status_is_200(status: int, ready: bool) -> None:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert await is_ready(f"http://127.0.0.1:{server.server_port}/{status}") is ready
        thread.join()


async def test_tcp_service_is_ready_when_it_accepts_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert await is_ready(f"tcp://127.0.0.1:{port}")
    assert not await is_ready(f"tcp://127.0.0.1:{port}")
    assert not await is_ready(f"http://127.0.0.1:{port}")
