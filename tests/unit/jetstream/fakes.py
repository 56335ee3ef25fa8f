"""A NATS client and a JetStream context in memory, as far as headway.jetstream calls them."""

import asyncio
from types import SimpleNamespace

import msgspec
import nats.errors
import nats.js.errors
from nats.js.api import PubAck

STORED = "1970-01-01T00:01:00.5Z"
"""When all messages were stored."""


class Message(SimpleNamespace):
    """A message as nats-py hands it to a callback."""


class FakeJetStream:
    """Streams by name. `free_bytes` is what can be reserved; `failing` is raised by the next calls.
    `limit_bytes` is the limit of the account, of which `used_bytes` are used.

    `states` holds the fields of a stream's state that a test sets.
    """

    def __init__(self):
        self.streams = {}
        self.states = {}
        self.published = []
        self.calls = []
        self.failing = []
        self.free_bytes = 1 << 62
        self.limit_bytes = -1
        self.used_bytes = 0
        self.answer = PubAck(stream="S", seq=1)

    def _called(self, name):
        self.calls.append(name)
        if self.failing:
            raise self.failing.pop(0)

    async def stream_info(self, name):
        self._called(f"info {name}")
        if name not in self.streams:
            raise nats.js.errors.NotFoundError(code=404, err_code=10059)
        state = SimpleNamespace(**{"last_seq": 7, "bytes": 0, "messages": 0} | self.states.get(name, {}))
        return SimpleNamespace(config=self.streams[name], created=None, state=state)

    async def add_stream(self, config):
        self._called(f"add {config.name}")
        if (config.max_bytes or 0) > self.free_bytes:
            raise nats.js.errors.APIError(code=500, err_code=10047, description="insufficient storage")
        taken = {subject for stream in self.streams.values() for subject in stream.subjects}
        if config.name.endswith("_PROBE") and taken:
            raise nats.js.errors.BadRequestError(code=400, err_code=10065, description="subjects overlap")
        self.streams[config.name] = config

    async def delete_stream(self, name):
        self._called(f"delete {name}")
        del self.streams[name]

    async def account_info(self):
        self._called("account")
        return SimpleNamespace(storage=self.used_bytes, limits=SimpleNamespace(max_storage=self.limit_bytes))

    async def publish(self, subject, payload, *, headers=None, stream=None):
        self._called(f"publish {subject}")
        self.published.append((subject, payload, headers, stream))
        return self.answer


class FakeClient:
    """A connected client. `on_publish` answers what is published; `reply` is what `request` returns: JSON or bytes."""

    def __init__(self):
        self.js = FakeJetStream()
        self.is_connected = True
        self.max_payload = 1024 * 1024
        self.subscriptions = {}
        self.published = []
        self.on_publish = None
        self.reply = None
        self._inboxes = 0

    def jetstream(self, **options):
        return self.js

    def new_inbox(self):
        self._inboxes += 1
        return f"_INBOX.{self._inboxes}"

    async def subscribe(self, subject, cb=None):
        self.subscriptions[subject] = cb

        async def unsubscribe():
            if self.subscriptions.pop(subject, None) is None:
                raise nats.errors.ConnectionClosedError

        return SimpleNamespace(unsubscribe=unsubscribe)

    async def publish(self, subject, payload, reply=""):
        self.published.append((subject, payload))
        if self.on_publish is not None:
            self.on_publish(msgspec.json.decode(payload), reply)

    async def request(self, subject, payload, timeout):
        if isinstance(self.reply, Exception):
            raise self.reply
        return Message(data=self.reply if isinstance(self.reply, bytes) else msgspec.json.encode(self.reply))

    async def deliver(self, subject, data=b"", **headers):
        """Call the callback of the subscription that matches `subject`."""
        found = self.subscriptions.get(subject) or self.subscriptions.get(subject.rpartition(".")[0] + ".*")
        shown = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        await found(Message(subject=subject, data=data, headers=shown or None))

    def answers(self, *messages, end="204", **headers):
        """Answer each direct get with `messages` of (seq, task, payload), then with the status `end`."""

        async def answer(reply):
            for seq, task, payload in messages:
                names = {"Nats_Sequence": seq, "Nats_Subject": f"x.{task}", "Nats_Msg_Id": f"m{seq}"}
                names["Nats_Time_Stamp"] = STORED
                await self.deliver(reply, payload, **names)
            await self.deliver(reply, Status=end, **headers)

        self.on_publish = lambda _, reply: self._tasks.append(asyncio.ensure_future(answer(reply)))
        self._tasks = []


def stored_in(client):
    """Answer the direct gets of `client` with what was published to JetStream."""
    tasks = []

    async def answer(request, reply):
        if "multi_last" in request:
            found = [(seq, *message) for seq, message in _numbered(client) if message[0] in request["multi_last"]][-1:]
        else:
            subject = request["next_by_subj"].removesuffix("*")
            wanted = [
                (seq, *message)
                for seq, message in _numbered(client)
                if message[0] == subject or (subject.endswith(".") and message[0].startswith(subject))
            ]
            found = [message for message in wanted if message[0] >= request["seq"]][:2]
        for seq, subject, payload, headers, _ in found:
            names = {"Nats_Sequence": seq, "Nats_Subject": subject}
            await client.deliver(reply, payload, **names, **(headers or {}))
        await client.deliver(reply, Status="204" if found else "404")

    client.on_publish = lambda request, reply: tasks.append(asyncio.ensure_future(answer(request, reply)))


def _numbered(client):
    return list(enumerate(client.js.published, 1))
