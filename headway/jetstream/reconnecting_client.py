"""nats-py's client, made to reconnect after every error.

nats-py reconnects in a task that expects certain errors and ends with any other; then nothing reconnects, and no
callback is called. That happens when a connection is cut inside the first line of a handshake (ValueError), and on
uvloop, which raises RuntimeError where asyncio ignores a write to a closed connection. A read loop of the previous
connection can also take bytes of the new one. So here an unexpected error is one more failed try, each connection
begins without the tasks of the previous one, and a read loop that ends with an error ends the connection. A login that
the server ends, because a password was changed or a JWT has expired, ends the connection and not the client: the files
of the credentials may hold others by now.

This relies on private APIs of nats-py 2.11 to 2.16; `tests/unit/jetstream/test_reconnecting_client.py` pins them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import nats.errors
from nats.aio.client import Client

STUBBORN_SECONDS = 0.1
LOGIN_ENDED = ("authorization violation", "authentication expired", "authentication revoked")
"""What the server says in lower case of a login that held so far."""

logger = logging.getLogger(__name__)


class ReconnectingClient(Client):
    """A client that is closed, connected or about to be, and nothing else."""

    async def _attempt_reconnect(self) -> None:
        while True:
            try:
                await super()._attempt_reconnect()
            except Exception as error:  # noqa: BLE001 - nats-py expects only some of them
                if self.is_closed or asyncio.current_task() is not self._reconnection_task:
                    return
                self._status = Client.RECONNECTING
                logger.warning("nats error", extra={"action": "nats_error", "error": repr(error)})
                await asyncio.sleep(self.options["reconnect_time_wait"])
            else:
                return

    async def _connect_to_server(self, s: Any) -> None:
        if self._transport:
            # That of a failed try: otherwise it stays open until it is garbage collected.
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

    def _connect_command(self) -> bytes:
        """Older versions of nats-py do not call what is given as user and password."""
        given = {name: self.options[name] for name in ("user", "password")}
        self.options |= {name: value() if callable(value) else value for name, value in given.items()}
        try:
            return super()._connect_command()
        finally:
            self.options |= given

    async def _process_err(self, err_msg: str) -> None:
        if any(reason in err_msg.lower() for reason in LOGIN_ENDED):
            await self._process_op_err(nats.errors.AuthorizationError())
        else:
            await super()._process_err(err_msg)

    async def _read_loop(self) -> None:
        await super()._read_loop()
        task = asyncio.current_task()
        if self.is_connected and task is not None and task is self._reading_task and not task.cancelling():
            # nats-py only logs such an error: it would stay connected without a reader.
            await self._process_op_err(nats.errors.UnexpectedEOF())

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        try:
            return await super()._flush_pending(force_flush)
        except (OSError, RuntimeError) as error:
            # The connection has just ended: what is pending is sent on the next one.
            await self._process_op_err(error)


async def _ended(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel the tasks until they are done. Some swallow a cancellation."""
    while rest := [task for task in tasks if task is not None and not task.done()]:
        for task in rest:
            task.cancel()
        await asyncio.wait(rest, timeout=STUBBORN_SECONDS)
