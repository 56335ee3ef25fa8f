"""A NATS client in memory, for the pull of jobs."""

import asyncio
from types import SimpleNamespace

import nats.errors
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError

from headway.jetstream.connection import NatsSettings
from headway.subjects import Names


class FakeNats:
    """Keeps what is published; `deliver` and `reply` are the server's side."""

    def __init__(self):
        self.is_connected = True
        self.published = []
        self.consumers = {}
        self.pending = 0
        self.lost = False
        self.drained = False
        self._callback = None

    def jetstream(self, **options):
        return self

    def new_inbox(self):
        return "_INBOX.p"

    async def subscribe(self, subject, cb):
        self._callback = cb
        return SimpleNamespace(drain=self._drain)

    async def _drain(self):
        self.drained = True

    async def publish(self, subject, payload=b"", *, reply="", headers=None):
        if self.lost:
            raise nats.errors.ConnectionClosedError
        self.published.append((subject, payload, reply))

    async def consumer_info(self, stream, name):
        if name not in self.consumers:
            raise NotFoundError
        return SimpleNamespace(config=self.consumers[name], num_pending=self.pending)

    async def add_consumer(self, stream, config):
        self.consumers[config.durable_name] = config

    async def request_made(self):
        """Wait for the next request, and return its reply subject."""
        count = len(self.requests)
        while len(self.requests) == count:
            await asyncio.sleep(0)
        return self.requests[-1]

    @property
    def requests(self):
        return [reply for _, _, reply in self.published if reply]

    @property
    def answers(self):
        return [payload for subject, payload, _ in self.published if subject.startswith("$JS.ACK.")]

    async def deliver(self, payload=b"{}", waiting=0):
        await self._callback(self.message(payload, waiting))

    async def reply(self, status, description=""):
        headers = {"Status": status, "Description": description}
        await self._callback(Msg(self, self.requests[-1], "", b"", headers))

    def message(self, payload=b"{}", waiting=0):
        return Msg(self, "hw.job.k.t1", f"$JS.ACK.JOBS.k.1.7.1.1700000000000000000.{waiting}", payload)


def connection(client):
    return SimpleNamespace(client=client, names=Names("hw"), settings=NatsSettings())
