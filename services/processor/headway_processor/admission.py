"""Admits jobs to this processor: the clock and the waiting around the rule of `headway_processor.suspects`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from headway.service.supervisor import run_until_first_ends
from headway_processor.suspects import ALONE_FROM, Neighbour, Suspect, may_begin, settling_seconds, trial_seconds

MAX_PAUSE_SECONDS = 1.0
FORGET_SECONDS = 60.0
"""After this long without a suspect, suspects that have passed their trial say nothing about the next ones."""
ACQUIT_SECONDS = 300.0
"""How long the suspects that may have vanished with a task that is given up run like others that vanished once."""


class Place:
    """The place of a running task in this processor."""

    def __init__(self, admission: Admission, suspect: Suspect, began: float, hand_back: Callable[[], None]) -> None:
        self.lost = suspect.lost
        self.alone = suspect.alone
        """Whether its trial is alone."""
        self.on_trial = suspect.lost > 0
        self.began = began
        self.hand_back = hand_back
        self._admission = admission

    @property
    def trial_seconds(self) -> float:
        """How long its trial takes."""
        return trial_seconds(self.lost)

    def pass_trial(self) -> None:
        """Let others begin: the task has not ended the processor."""
        if self.on_trial:
            self.on_trial = False
            self._admission.passed()

    def leave(self) -> None:
        """Free the place: the attempt has ended."""
        self.pass_trial()
        self._admission.left(self)


class Admission:
    """Which tasks run in this processor, and which may begin."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: list[Place] = []
        self._waiting = False
        """Whether a suspect waits here for its trial."""
        self._passed = 0
        self._latest_suspect = 0.0
        self._acquitted_until = 0.0
        self._changed = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether nothing may begin now, because a suspect is alone or waits for that."""
        return self._waiting or any(place.on_trial and place.alone for place in self._places)

    async def opened(self) -> None:
        """Return when something may begin."""
        while self.closed:
            await self._next_change()

    async def enter(
        self, suspect: Suspect, hand_back: Callable[[], None], leaving: asyncio.Event | None = None
    ) -> Place | None:
        """Return a place, or None when the job is to be returned to the queue: it may not begin now.

        A suspect whose trial is alone waits for it here, one at a time, and nothing begins meanwhile. That takes
        some seconds, after which all that runs has proved itself. For the last chance of a task the
        others are handed back then. One that is blamed for an earlier loss is the next, before others vanish with it.

        Args:
            hand_back: called when the task has to make room.
            leaving: set when the processor shuts down.
        """
        leaving = leaving or asyncio.Event()
        while self.closed:
            if not suspect.blamed or leaving.is_set():
                return None
            await run_until_first_ends({"leaving": leaving.wait(), "change": self._next_change()})
        self._note(suspect)
        if suspect.alone and not suspect.last_chance and self._clock() < self._acquitted_until:
            suspect = Suspect(ALONE_FROM - 1)  # as if it had vanished once
        if suspect.alone and not await self._wait(suspect, leaving):
            return None
        if not suspect.alone and not self._may_begin(suspect):
            return None
        place = Place(self, suspect, self._clock(), hand_back)
        self._places.append(place)
        return place

    def passed(self) -> None:
        """Note that a suspect has passed its trial."""
        self._passed += 1
        self._change()

    def acquit(self) -> None:
        """Note that a task is given up as lost: for some time other suspects are taken for what vanished with it.

        If one of them ends this processor, too, the next one knows nothing of this.
        """
        self._acquitted_until = self._clock() + ACQUIT_SECONDS

    def left(self, place: Place) -> None:
        """Note that a task no longer runs here."""
        self._places.remove(place)
        self._change()

    def _note(self, suspect: Suspect) -> None:
        if suspect.lost:
            now = self._clock()
            if now - self._latest_suspect > FORGET_SECONDS:
                self._passed = 0
            self._latest_suspect = now

    async def _wait(self, suspect: Suspect, leaving: asyncio.Event) -> bool:
        """Wait until the suspect may begin; False at a shutdown."""
        self._waiting = True
        patience_until = self._clock() + settling_seconds(suspect.lost)
        try:
            while not self._may_begin(suspect):
                if self._clock() >= patience_until and suspect.last_chance:
                    for place in list(self._places):
                        place.hand_back()
                first = await run_until_first_ends(
                    {"leaving": leaving.wait(), "change": self._next_change(), "time": self._pause(patience_until)}
                )
                if first == "leaving":
                    return False
            return True
        finally:
            self._waiting = False
            self._change()

    async def _pause(self, until: float) -> None:
        left = until - self._clock()
        # Afterwards only a change can help. The margin makes up for the rounding of clocks.
        await asyncio.sleep(left + 0.001 if left > 0 else MAX_PAUSE_SECONDS)

    def _may_begin(self, suspect: Suspect) -> bool:
        now = self._clock()
        running = (Neighbour(place.lost, now - place.began, place.on_trial) for place in self._places)
        return may_begin(suspect, running, self._passed)

    async def _next_change(self) -> None:
        await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
