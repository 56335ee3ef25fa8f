"""`headway nats-backup`."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from headway.cli.commands import nats_backup as module
from headway.jetstream.backup import Copied
from tests.fixtures.scripted_server import headway


@pytest.fixture
def calls(monkeypatch):
    """What was asked of NATS, which has two streams."""
    made = []

    @asynccontextmanager
    async def connected(settings, name, *, seconds):
        made.append((settings.user, name, seconds))
        yield SimpleNamespace(client="client", names="names")

    async def back_up(*arguments):
        made.append(arguments)
        for stream in (Copied("HW_JOBS", 3, 400), Copied("HW_EVENTS", 5, 6000)):
            yield stream

    monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr(module, "back_up", back_up)
    monkeypatch.setenv("HEADWAY_NATS_USER", "hw_admin")
    return made


def test_a_line_tells_of_each_stream(calls, tmp_path):
    result = headway("nats-backup", str(tmp_path / "backup"))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == ["HW_JOBS  3 messages  400 bytes", "HW_EVENTS  5 messages  6000 bytes"]
    assert calls == [("hw_admin", "backup", 30.0), ("client", "names", tmp_path / "backup")]
