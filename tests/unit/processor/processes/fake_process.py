"""A process of handlers in memory, whose answers a test gives."""

import asyncio

from headway_processor.processes.errors import PipeClosedError
from headway_processor.processes.frames import Idle, Stop


class FakeProcess:
    """Answers an order with what `answers` returns for it; each answer is a frame, or an exception that is raised."""

    pid = 7

    def __init__(self, answers, *, exit_code=0):
        self.tasks = 0
        self.orders = []
        self.killed = self.closed = False
        self._answers = answers
        self._code = exit_code
        self._waiting = asyncio.Queue()

    @property
    def alive(self):
        return not (self.killed or self.closed)

    async def send(self, frame):
        self.orders.append(frame)
        self.answer(*(self._answers(frame) or ()))

    def answer(self, *answers):
        for answer in answers:
            self._waiting.put_nowait(answer)

    async def receive(self):
        answer = await self._waiting.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def exit_code(self):
        self.kill()
        return self._code

    def kill(self):
        self.killed = True
        self.answer(PipeClosedError("killed"))

    async def close(self):
        self.closed = True

    @property
    def stops(self):
        return [order for order in self.orders if isinstance(order, Stop)]


def script(**answers):
    """Answers by the tag of the order: lists of frames."""

    def of(order):
        return answers.get(order.__struct_config__.tag, [])

    return of


def idle(resident_bytes=0, *, worn=False):
    return Idle(resident_bytes=resident_bytes, worn=worn)
