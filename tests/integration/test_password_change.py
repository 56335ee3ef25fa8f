"""Passwords that are changed in files while a connection is open, and a server that reads its users again."""

import os
import signal

import pytest

from headway.jetstream.connection import Connection, NatsSettings
from tests.fixtures.condition import holds
from tests.fixtures.nats import run_nats

pytestmark = pytest.mark.security


def configuration(*users):
    entries = "".join(f'{{ user: {user}, password: "{password}" }}\n' for user, password in users)
    return f"authorization {{ users: [\n{entries}] }}"


class Credentials:
    """The files that a kubelet writes again when their secret changes."""

    def __init__(self, directory):
        self.user, self.password = directory / "user", directory / "password"

    def write(self, user, password):
        self.user.write_text(user)
        self.password.write_text(password)


@pytest.mark.parametrize("direct", [True, False], ids=["direct", "queued"])
async def test_a_connection_whose_user_is_removed_comes_back_with_the_password_in_the_file(tmp_path, direct, caplog):
    files = Credentials(tmp_path)
    files.write("one", "old-password\n")
    with run_nats(tmp_path, configuration(("one", "old-password"), ("two", "new-password"))) as server:
        settings = NatsSettings(
            url=server.url, user_file=str(files.user), password_file=str(files.password), direct_dispatch=direct
        )
        connection = Connection(settings, "test")
        await connection.open()
        told = []
        connection.on_reconnect.append(lambda: told.append(1))
        files.write("two", "new-password")
        assert connection.connected  # the server does not know of files
        (tmp_path / "nats.conf").write_text(configuration(("two", "new-password")))
        os.kill(server.pid, signal.SIGHUP)
        assert await holds(lambda: told, 10), caplog.text
        await connection.client.flush(timeout=5)
        assert not connection.closed.is_set()
        await connection.close()


async def test_a_connection_that_is_refused_waits_for_the_password_in_the_file(tmp_path, caplog):
    files = Credentials(tmp_path)
    files.write("one", "old-password")
    with run_nats(tmp_path, configuration(("one", "old-password"))) as server:
        connection = Connection(
            NatsSettings(url=server.url, user_file=str(files.user), password_file=str(files.password)), "test"
        )
        await connection.open()
        told = []
        connection.on_reconnect.append(lambda: told.append(1))
        (tmp_path / "nats.conf").write_text(configuration(("two", "new-password")))
        os.kill(server.pid, signal.SIGHUP)
        assert await holds(lambda: any("uthorization" in getattr(line, "error", "") for line in caplog.records), 10)
        assert await holds(lambda: not connection.connected, 10)
        files.write("two", "new-password")
        assert await holds(lambda: told, 10)
        await connection.client.flush(timeout=5)
        await connection.close()
