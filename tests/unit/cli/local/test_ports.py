"""TCP ports of this machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from headway.cli.local.ports import LAST_PORT, PortError, check_free, free_ports, is_free, next_free


@pytest.fixture
def used() -> Iterator[int]:
    """A port on which a server listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_port_in_use_is_named_with_the_option_to_change_it(used: int) -> None:
    assert not is_free(used)
    with pytest.raises(PortError, match=rf"port {used} is in use.*--port"):
        check_free(used, 1)


def test_port_in_use_by_the_second_streamer_is_named(used: int) -> None:
    if not is_free(used - 1):
        pytest.skip("the port below is in use too")
    with pytest.raises(PortError, match=f"port {used} is in use"):
        check_free(used - 1, 2)


def test_next_free_ports_are_consecutive_and_exclude_those_in_use(used: int) -> None:
    found = next_free(used, 2)
    assert used not in found
    assert found[1] == found[0] + 1
    assert check_free(found[0], 2) == found


def test_there_is_no_port_above_the_last_one() -> None:
    with pytest.raises(PortError):
        check_free(LAST_PORT, 2)
    with pytest.raises(PortError, match="no 2 consecutive free ports from 65534"):
        next_free(LAST_PORT - 1, 2)


def test_free_ports_are_all_different() -> None:
    assert len(set(free_ports(20))) == 20
