"""The scripted server of the tests of commands."""

from __future__ import annotations

from functools import partial

import httpx
import pytest

from headway.cli import reporting
from headway.cli import server as server_module
from headway.client import Client
from tests.fixtures.scripted_reports import ScriptedReports
from tests.fixtures.scripted_server import ScriptedServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """The server that the commands talk to."""
    made = ScriptedServer()
    monkeypatch.setattr(server_module, "Client", partial(Client, transport=httpx.MockTransport(made.handle)))
    monkeypatch.delenv("HEADWAY_SERVER", raising=False)
    return made


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> ScriptedReports:
    """The server that commands report to."""
    made = ScriptedReports()
    monkeypatch.setattr(reporting, "Client", partial(Client, transport=httpx.MockTransport(made.handle)))
    monkeypatch.delenv("HEADWAY_SERVER", raising=False)
    return made
