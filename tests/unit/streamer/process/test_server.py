"""Shutdown of the servers, and their sockets."""

import asyncio
import signal
import socket

import pytest

from headway_streamer.process.bounded_protocol import BoundedProtocol
from headway_streamer.process.server import DrainingServer, QuietServer, backstop_ms, config, listen
from headway_streamer.watch.drain import Drain


@pytest.mark.parametrize("deadline", [0.5, 30.0])
def test_the_kernel_times_out_a_peer_later_than_any_writer_does(deadline):
    assert backstop_ms(deadline) > 2 * deadline * 1000


def test_a_socket_listens_on_a_free_port_with_a_backstop_and_can_be_shared():
    with listen("127.0.0.1", 0, write_deadline_seconds=30, shared=True) as first:
        port = first.getsockname()[1]
        assert first.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == backstop_ms(30)
        with listen("127.0.0.1", port, shared=True) as second:
            assert second.getsockname()[1] == port
        first.listen()
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port)


async def app(scope, receive, send):
    raise NotImplementedError


async def test_the_first_signal_drains_and_the_second_stops_at_once():
    drain = Drain(10)
    drain.enter("stream", lambda: None)
    server = DrainingServer(config(app, BoundedProtocol), drain)
    server._loop = asyncio.get_running_loop()
    server.handle_exit(signal.SIGTERM, None)
    await asyncio.sleep(0)
    assert (drain.draining, server.should_exit) == (True, False)
    drain.leave("stream")
    for _ in range(5):
        await asyncio.sleep(0)
    assert (server.should_exit, server.force_exit) == (True, False)
    server.handle_exit(signal.SIGTERM, None)
    assert server.force_exit


def test_a_signal_before_the_start_stops_at_once():
    server = DrainingServer(config(app, BoundedProtocol), Drain(10))
    server.handle_exit(signal.SIGTERM, None)
    assert server.should_exit


def test_the_second_server_leaves_the_signals():
    handler = signal.getsignal(signal.SIGTERM)
    with QuietServer(config(app, BoundedProtocol)).capture_signals():
        assert signal.getsignal(signal.SIGTERM) is handler
