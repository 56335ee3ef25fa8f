"""aiohttp is imported when a URL asks for it, and not before."""

import subprocess
import sys

import nats.aio.transport
import pytest

from headway.errors import SettingsError
from headway.jetstream import websocket
from headway.jetstream.connection import Connection, NatsSettings

LOADED = "; import sys; print(sorted({'aiohttp', 'nats'} & set(sys.modules)))"


def printed(code):
    return subprocess.run(
        [sys.executable, "-c", code + LOADED], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_nats_py_has_the_name_that_is_set():
    assert hasattr(nats.aio.transport, "aiohttp")


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("from headway.jetstream.websocket import import_nats; import_nats()", "['nats']"),
        ("import headway_streamer.components", "['nats']"),
        ("import headway_processor.app", "['nats']"),
        ("from headway.jetstream.websocket import enable, import_nats; import_nats(); enable()", "['aiohttp', 'nats']"),
        ("import aiohttp; from headway.jetstream.websocket import import_nats; import_nats()", "['aiohttp']"),
    ],
)
def test_what_is_loaded(code, loaded):
    pytest.importorskip("aiohttp")
    assert printed(code) == loaded


def test_beside_other_threads_nothing_is_hidden_from_them():
    code = (
        "import threading; from headway.jetstream.websocket import import_nats; done = threading.Event();"
        "threading.Thread(target=done.wait).start(); import_nats(); done.set()"
    )
    assert printed(code) == "[]"


async def test_without_aiohttp_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(nats.aio.transport, "aiohttp", None)
    monkeypatch.setattr(websocket, "AIOHTTP", "a_package_that_is_not_installed")
    with pytest.raises(SettingsError, match="need the package aiohttp"):
        Connection(NatsSettings(url="ws://h"), "test")
    assert Connection(NatsSettings(url="nats://h"), "test")
