"""aiohttp, which nats-py needs for ws:// and wss:// alone and imports wherever it is installed: 0.2 s and 13 MB.

This relies on a private API of nats-py 2.11 to 2.16, the name `aiohttp` in `nats.aio.transport`;
`tests/unit/jetstream/test_websocket.py` pins it.
"""

from __future__ import annotations

import importlib
import sys
import threading
from typing import Any

from headway.errors import SettingsError

AIOHTTP = "aiohttp"


def import_nats() -> None:
    """Import nats-py without aiohttp, where nobody else can be importing that: in a process of one thread."""
    if "nats" in sys.modules or AIOHTTP in sys.modules or threading.active_count() > 1:
        return
    modules: dict[str, Any] = sys.modules
    modules[AIOHTTP] = None  # an import of it fails, as if it was not installed
    try:
        importlib.import_module("nats")
    finally:
        del modules[AIOHTTP]


def enable() -> None:
    """Let nats-py connect over WebSocket. Raises SettingsError where aiohttp is not installed."""
    transport: Any = importlib.import_module("nats.aio.transport")
    if transport.aiohttp is None:
        try:
            transport.aiohttp = importlib.import_module(AIOHTTP)
        except ImportError as error:
            raise SettingsError("HEADWAY_NATS_URL: ws:// and wss:// need the package aiohttp") from error
