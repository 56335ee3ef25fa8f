"""The pipe as the process of a handler sees it, with a test in the place of the processor."""

import asyncio
import signal
import socket
from queue import SimpleQueue

import pytest

from headway.errors import UnavailableError
from headway.events import Chunk
from headway_processor.processes import link as link_module
from headway_processor.processes.frames import (
    Begun,
    Idle,
    Report,
    Run,
    Save,
    Stop,
    Stored,
    decode_answer,
    encode,
    read_frame,
)
from headway_processor.processes.link import Link, LinkAppender, LinkCheckpoints
from tests.fixtures.condition import until

IDLE = Idle(resident_bytes=0)
RUN = Run(kind="k", task="t1", attempt=1, failed=0, params=b"{}")


class Processor:
    """The other end of the pipe."""

    def __init__(self, reader, writer, link):
        self._reader, self.writer, self.link = reader, writer, link

    async def send(self, frame):
        self.writer.write(encode(frame))
        await self.writer.drain()

    async def receive(self):
        return decode_answer(await read_frame(self._reader))


@pytest.fixture
def killed(monkeypatch):
    """The groups that are killed, in place of that of the tests."""
    groups = SimpleQueue()
    monkeypatch.setattr(link_module.os, "killpg", lambda *call: groups.put(call))
    return groups


@pytest.fixture
async def processor(killed):
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    link = await asyncio.to_thread(Link, theirs)
    yield Processor(reader, writer, link)
    writer.close()
    assert await asyncio.to_thread(link.next_run) is None
    await asyncio.to_thread(link.close)
    assert killed.empty()


async def test_an_attempt_is_handed_to_the_thread_of_the_handler(processor):
    await processor.send(RUN)
    assert await asyncio.to_thread(processor.link.next_run) == RUN
    await asyncio.to_thread(processor.link.send, Begun())
    assert await processor.receive() == Begun()
    await asyncio.to_thread(processor.link.send, IDLE)


async def test_a_report_waits_until_it_is_stored(processor):
    appender = LinkAppender(processor.link, "t1", 1)
    chunk = Chunk(text="x", offset=0)
    appending = asyncio.create_task(asyncio.to_thread(processor.link.call, appender.append(chunk)))
    assert await processor.receive() == Report(event=chunk)
    assert not appending.done()
    await processor.send(Stored())
    await appending


async def test_a_checkpoint_has_the_number_that_the_processor_gives_it(processor):
    store = LinkCheckpoints(processor.link)
    for stored, number in ((Stored(checkpoint=7), 7), (Stored(), None)):
        storing = asyncio.create_task(asyncio.to_thread(processor.link.call, store.put("t1", b"packed")))
        assert await processor.receive() == Save(packed=b"packed")
        await processor.send(stored)
        if number is None:
            with pytest.raises(UnavailableError):
                await storing
        else:
            assert await storing == number


async def test_a_stop_reaches_the_attempt_also_when_it_came_first(processor):
    link, stops = processor.link, []
    await processor.send(RUN)
    await processor.send(Stop(text="early", cancelled=False))
    await until(lambda: link._stop is not None)
    await asyncio.to_thread(link.call, link.attach(stops.append))
    await processor.send(Stop(text="late", cancelled=True))
    await until(lambda: len(stops) == 2)
    assert [stop.text for stop in stops] == ["early", "late"]
    await asyncio.to_thread(link.call, link.detach())
    await processor.send(Stop(text="too late", cancelled=True))
    assert await asyncio.to_thread(link.next_run) == RUN
    await asyncio.to_thread(link.send, IDLE)
    assert len(stops) == 2


async def test_when_the_processor_has_gone_a_busy_process_ends_with_all_that_it_started(processor, killed):
    await processor.send(RUN)
    await asyncio.to_thread(processor.link.next_run)
    processor.writer.close()
    assert await asyncio.to_thread(killed.get, timeout=20) == (0, signal.SIGKILL)
