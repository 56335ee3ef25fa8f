"""The checkpoints of one attempt on their way to the store: the latest one waits until it is due."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from headway.checkpoint import Checkpoint, pack
from headway.errors import HeadwayError, LogError, UnavailableError

CHECKPOINT_SECONDS = 2.0
"""Shortest time between two checkpoints of a task, unless the settings or the handler say otherwise."""
SHARE = 20.0
"""Storing takes at most one part in this many of the time of a task: checkpoints that take long become rare."""
INLINE_BYTES = 64 * 1024
"""A larger state is compressed in a thread."""

logger = logging.getLogger(__name__)


class Checkpoints(Protocol):
    """The store of checkpoints. Methods raise UnavailableError; they may be repeated."""

    async def put(self, task: str, packed: bytes) -> int:
        """Store a checkpoint and return its number, which is above those of earlier ones. Raises TooLargeError."""

    async def drop_before(self, task: str, seq: int) -> None:
        """Remove the checkpoints of the task below the number `seq`."""

    async def remove(self, task: str) -> None:
        """Remove all checkpoints of the task."""


class SavedState(NamedTuple):
    """A checkpoint that is stored, and that events may name."""

    seq: int
    """Its number."""
    size: int
    """Bytes that it takes in the store."""


class Saver:
    """Keeps the latest checkpoint until it is due. `note` and `wants` may be called from any thread.

    Args:
        store: where checkpoints go; None when the task has no store, and they are dropped.
        task: the task's id.
        clock: seconds, monotonic.
        every: shortest time between two checkpoints in seconds, unless the handler says otherwise.
    """

    def __init__(
        self,
        store: Checkpoints | None,
        task: str,
        clock: Callable[[], float] = time.monotonic,
        every: float = CHECKPOINT_SECONDS,
    ) -> None:
        self.every = every
        self.named = 0
        """Number of the checkpoint that events name; 0 for none."""
        self._size = 0
        self._store = store
        self._task = task
        self._clock = clock
        self._noted: Checkpoint | None = None
        self._every = 0.0
        self._free_at = self._stored_at = clock()
        self._busy = False
        self._refused = False

    def wants(self, every: float) -> bool:
        """Whether a checkpoint of this moment would be stored now."""
        if self._store is None or self._busy or self._noted is not None:
            return False
        now = self._clock()
        return now >= self._free_at and now - self._stored_at >= every

    def note(self, checkpoint: Checkpoint, every: float, took_seconds: float = 0.0) -> bool:
        """Keep `checkpoint` in place of an earlier one that waits. Returns whether it is the first one to wait."""
        if self._store is None:
            return False
        first = self._noted is None
        self._every, self._noted = every, checkpoint
        self._free_at = max(self._free_at, self._clock() + took_seconds * (SHARE - 1))
        return first

    @property
    def stores(self) -> bool:
        """Whether there is a store."""
        return self._store is not None

    def hurry(self) -> None:
        """What waits is due now."""
        self._every = self._free_at = 0.0

    def drop(self) -> None:
        """Forget what waits."""
        self._noted = None

    def wait_seconds(self, *, hurry: bool = False) -> float | None:
        """Seconds until what waits is due; 0 for now, None when nothing waits."""
        if self._noted is None:
            return None
        due = max(self._free_at, self._stored_at + self._every)
        return 0.0 if hurry else max(due - self._clock(), 0.0)

    async def store(self) -> SavedState | None:
        """Store what waits, and return it; the log does not name it yet. None when the store refuses: it waits on."""
        checkpoint, self._noted = self._noted, None
        if checkpoint is None or self._store is None:
            return None
        began = self._clock()
        self._busy = True
        try:
            small = len(checkpoint.state) < INLINE_BYTES
            packed = pack(checkpoint) if small else await asyncio.to_thread(pack, checkpoint)
            stored = await self.put(packed)
        except HeadwayError as error:  # unreachable, full or too large
            self._note_refused(error, checkpoint)
            return None
        finally:
            self._busy = False
            self._stored_at = self._clock()
            self._free_at = self._stored_at + (self._stored_at - began) * (SHARE - 1)
        return stored

    async def put(self, packed: bytes) -> SavedState:
        """Store a checkpoint that is packed. Raises what the store raises."""
        assert self._store is not None
        saved = SavedState(await self._store.put(self._task, packed), len(packed))
        self._refused = False
        return saved

    def name(self, saved: SavedState) -> int:
        """Have events name `saved` from now on. Returns how many bytes it takes more than the one before it."""
        more, self._size = saved.size - self._size, saved.size
        self.named = saved.seq
        return more

    async def drop_before(self, seq: int) -> None:
        """Remove the checkpoints before the one with the number `seq`, which the log names now."""
        if self._store is not None:
            try:
                await self._store.drop_before(self._task, seq)
            except LogError as error:  # the next one removes it too
                extra = {"action": "checkpoint_kept", "task": self._task, "error": str(error)}
                logger.info("an old checkpoint could not be removed", extra=extra)

    def _note_refused(self, error: HeadwayError, checkpoint: Checkpoint) -> None:
        if self._noted is None and isinstance(error, UnavailableError):
            self._noted = checkpoint
        if not self._refused:
            self._refused = True
            extra = {"action": "checkpoint_refused", "task": self._task, "error": str(error)}
            logger.warning("a checkpoint could not be stored", extra=extra)
