"""What is sent to NATS for a backup and its way back, and what its answers mean."""

import json
from types import SimpleNamespace

import pytest

from headway.errors import LogError, UnavailableError
from headway.jetstream.backup import back_up, in_order, restore
from headway.jetstream.grants import created_streams
from headway.subjects import Names

NAMES = Names("hw")
ABOUT = {"config": {"name": "x", "num_replicas": 3}, "state": {"messages": 7}}
PIECES = [b"one", b"two"]


class Server:
    """Answers requests as a server does, and keeps them."""

    def __init__(self, error=None, status="204"):
        self.sent, self.acknowledged = [], []
        self._error, self._status = error, status

    def new_inbox(self):
        return "inbox"

    async def subscribe(self, inbox, cb):
        self._deliver = cb
        return SimpleNamespace(unsubscribe=self._unsubscribe)

    async def _unsubscribe(self):
        self._deliver = None

    async def publish(self, subject):
        self.acknowledged.append(subject)

    async def request(self, subject, data, timeout):
        assert timeout > 10
        self.sent.append((subject, data))
        if self._error and "$JS.API" in subject:
            return SimpleNamespace(data=json.dumps({"error": self._error}).encode())
        if ".SNAPSHOT." in subject:
            for number, piece in enumerate(PIECES):
                await self._deliver(SimpleNamespace(data=piece, reply="ack" * (number == 0), headers=None))
            await self._deliver(SimpleNamespace(data=b"", reply="", headers={"Status": self._status}))
            return SimpleNamespace(data=json.dumps(ABOUT).encode())
        if ".RESTORE." in subject:
            return SimpleNamespace(data=b'{"deliver_subject":"to"}')
        return SimpleNamespace(data=b"" if subject == "to" and data else b"{}")


async def collect(streams):
    return [copied async for copied in streams]


def test_what_a_task_needs_is_copied_after_it():
    order = in_order(NAMES)
    assert set(order) == set(created_streams(NAMES))
    assert len(order) == len(set(order))
    assert order[:5] == ("KV_hw_scheduled", "HW_JOBS", "KV_hw_tasks", "HW_EVENTS", "OBJ_hw_results")


async def test_all_pieces_of_all_streams_go_and_come_back(tmp_path):
    server = Server()
    copied = await collect(back_up(server, NAMES, tmp_path))
    assert {(one.messages, one.size) for one in copied} == {(7, 6)}
    assert len(server.acknowledged) == len(copied) == len(created_streams(NAMES))
    server.sent.clear()
    await collect(restore(server, NAMES, tmp_path, replicas=1))
    first = server.sent[:3]
    assert first[0] == (
        "$JS.API.STREAM.RESTORE.KV_hw_scheduled",
        json.dumps(ABOUT | {"config": {"name": "x", "num_replicas": 1}}).encode(),
    )
    assert first[1:] == [("to", b"onetwo"), ("to", b"")]
    assert not any("DELETE" in subject for subject, _ in server.sent)


async def test_streams_are_deleted_only_when_asked_for(tmp_path):
    await collect(back_up(Server(), NAMES, tmp_path))
    server = Server()
    await collect(restore(server, NAMES, tmp_path, replace=True))
    deleted = [subject for subject, _ in server.sent if "DELETE" in subject]
    assert deleted == [f"$JS.API.STREAM.DELETE.{stream}" for stream in in_order(NAMES)]


async def test_a_refusal_is_told_with_what_helps(tmp_path):
    await collect(back_up(Server(), NAMES, tmp_path))
    exists = {"err_code": 10130, "description": "stream name already in use, cannot restore"}
    with pytest.raises(LogError, match=r"KV_hw_scheduled: stream name already in use.*use --replace"):
        await collect(restore(Server(exists), NAMES, tmp_path))
    with pytest.raises(LogError, match="KV_hw_scheduled: no space"):
        await collect(restore(Server({"err_code": 1, "description": "no space"}), NAMES, tmp_path))


async def test_a_copy_that_ends_early_is_no_copy(tmp_path):
    with pytest.raises(LogError, match="KV_hw_scheduled was not copied: 408"):
        await collect(back_up(Server(status="408"), NAMES, tmp_path))
    with pytest.raises(LogError, match="does not hold a whole copy of KV_hw_scheduled"):
        await collect(restore(Server(), NAMES, tmp_path))


async def test_an_answer_that_does_not_come_says_that_nats_is_unreachable(tmp_path):
    class Silent(Server):
        async def request(self, subject, data, timeout):
            raise TimeoutError

    with pytest.raises(UnavailableError):
        await collect(back_up(Silent(), NAMES, tmp_path))
