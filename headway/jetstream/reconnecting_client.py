"""nats-py's client, which comes back whatever breaks while it reconnects.

nats-py reconnects in a task that knows what may go wrong, and dies of everything else; nobody then connects again, and
nobody is told. That happens when a connection is cut inside the first line of a handshake (ValueError), and on uvloop,
which raises RuntimeError where asyncio ignores a write to a closed connection. A loop that still reads for the
connection before takes bytes of the new one. So here: what is unforeseen is one more failed try, each connection begins
without the tasks of the one before, and a read loop that ends by an error ends the connection.

This leans on internals of nats-py 2.11 to 2.16; `tests/unit/test_lasting.py` pins them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import nats.errors
from nats.aio.client import Client

STUBBORN_SECONDS = 0.1

logger = logging.getLogger(__name__)


class ReconnectingClient(Client):
    """A client that is closed, connected or about to be, and nothing else."""

    async def _attempt_reconnect(self) -> None:
        while True:
            try:
                await super()._attempt_reconnect()
            except Exception as error:  # noqa: BLE001 - that it knows only some of them is the point
                if self.is_closed or asyncio.current_task() is not self._reconnection_task:
                    return
                self._status = Client.RECONNECTING
                logger.warning("nats error", extra={"action": "nats_error", "error": repr(error)})
                await asyncio.sleep(self.options["reconnect_time_wait"])
            else:
                return

    async def _connect_to_server(self, s: Any) -> None:
        if self._transport:
            # Of a try that failed: otherwise it is open until it is collected.
            self._transport.close()  # type: ignore[no-untyped-call]
        await super()._connect_to_server(s)

    async def _process_connect_init(self) -> None:
        await _ended(self._reading_task, self._ping_interval_task, self._flusher_task)
        self._ps.reset()
        try:
            await super()._process_connect_init()
        except (ValueError, RuntimeError) as error:  # not among what `connect` expects: it would give up
            raise nats.errors.Error(f"handshake: {error!r}") from error

    async def _close(self, status: int, do_cbs: bool = True) -> None:
        if status == Client.DISCONNECTED:
            # The first try has failed: what is pending cannot be written to a connection that has ended.
            self._pending.clear()
            self._pending_data_size = 0
        await super()._close(status, do_cbs)

    async def _read_loop(self) -> None:
        await super()._read_loop()
        task = asyncio.current_task()
        if self.is_connected and task is not None and task is self._reading_task and not task.cancelling():
            # It has met an error that nats-py only logs: connected, and nobody reads.
            await self._process_op_err(nats.errors.UnexpectedEOF())

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        try:
            return await super()._flush_pending(force_flush)
        except (OSError, RuntimeError) as error:
            # The connection has just ended: what is pending is sent when there is another one.
            await self._process_op_err(error)


async def _ended(*tasks: asyncio.Task[None] | None) -> None:
    """Return when the tasks are done. Some swallow a cancellation, so they get several."""
    while rest := [task for task in tasks if task is not None and not task.done()]:
        for task in rest:
            task.cancel()
        await asyncio.wait(rest, timeout=STUBBORN_SECONDS)
