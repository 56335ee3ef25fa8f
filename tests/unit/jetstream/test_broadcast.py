"""Messages to all that listen on a subject."""

import pytest

from headway.errors import UnavailableError
from headway.jetstream.broadcast import Broadcast


class Client:
    is_connected = True

    def __init__(self):
        self.calls, self.failing = {}, None

    async def publish(self, subject, payload):
        if self.failing:
            raise self.failing
        await self.calls[subject](type("Message", (), {"data": payload}))

    async def subscribe(self, subject, cb):
        if self.failing:
            raise self.failing
        self.calls[subject] = cb


async def test_messages_arrive():
    broadcast, heard = Broadcast(Client(), "hw.usage"), []
    await broadcast.subscribe(heard.append)
    await broadcast.publish(b"a")
    assert (heard, broadcast.connected) == ([b"a"], True)


async def test_errors_of_the_client_are_those_of_headway():
    client = Client()
    client.failing = TimeoutError()
    for call in (Broadcast(client, "s").publish(b""), Broadcast(client, "s").subscribe(print)):
        with pytest.raises(UnavailableError):
            await call
