"""Key-value buckets of JetStream in memory."""

import asyncio
from types import SimpleNamespace

import nats.errors
from nats.js.errors import KeyNotFoundError

from headway.jetstream.connection import NatsSettings
from headway.subjects import Names


class Bucket:
    def __init__(self, connection):
        self.values = {}
        self.written = []
        self._connection = connection

    async def get(self, key):
        self._connection.check()
        if key not in self.values:
            raise KeyNotFoundError
        return SimpleNamespace(value=self.values[key])

    async def put(self, key, value):
        self._connection.check()
        self.values[key] = value
        self.written.append(key)

    async def delete(self, key):
        self._connection.check()
        self.values.pop(key, None)


class FakeConnection:
    """A connection whose JetStream has buckets alone; `connected` False makes every call fail."""

    def __init__(self, settings=None, name=""):
        self.settings = settings or NatsSettings()
        self.names = Names("hw")
        self.client = self
        self.connected = True
        self.closed = asyncio.Event()
        self.on_reconnect = []
        self.buckets = {}
        self.opened = False
        self.state = "yes"

    def check(self):
        if not self.connected:
            raise nats.errors.TimeoutError

    def jetstream(self, **options):
        return self

    async def key_value(self, name):
        self.check()
        return self.buckets.setdefault(name, Bucket(self))

    async def open(self):
        self.opened = True

    async def close(self):
        self.opened = False
