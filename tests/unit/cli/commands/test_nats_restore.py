"""`headway nats-restore`."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from headway.cli.commands import nats_restore as module
from headway.jetstream.backup import Copied
from tests.fixtures.scripted_server import headway


@pytest.fixture
def calls(monkeypatch):
    """What was asked of NATS."""
    made = []

    @asynccontextmanager
    async def connected(settings, name, *, seconds):
        yield SimpleNamespace(client="client", names="names")

    async def restore(client, names, directory, **options):
        made.append((directory, options))
        yield Copied("HW_JOBS", 3, 400)

    monkeypatch.setattr(module, "connected", connected)
    monkeypatch.setattr(module, "restore", restore)
    return made


def test_nothing_is_deleted_unless_asked_for(calls, tmp_path):
    assert headway("nats-restore", str(tmp_path)).stdout == "HW_JOBS  3 messages  400 bytes\n"
    assert calls == [(tmp_path, {"replicas": 0, "replace": False})]
    headway("nats-restore", "--replace", "--replicas", "1", str(tmp_path))
    assert calls[1] == (tmp_path, {"replicas": 1, "replace": True})
