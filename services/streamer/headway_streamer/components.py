"""The parts of a streamer, put together."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress

import msgspec

from headway.errors import UnavailableError
from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.connection import Connection
from headway.jetstream.kv import Bucket
from headway.jetstream.provision import ensure, ensure_patiently
from headway_streamer.metrics import Metrics
from headway_streamer.settings import Settings
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.registry import INCARNATION_SECONDS, TailRegistry
from headway_streamer.tasks.capacity import StoreCapacity
from headway_streamer.tasks.kinds import KindCatalogue
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.offers import Offers
from headway_streamer.tasks.presence import Presence
from headway_streamer.tasks.results import Results
from headway_streamer.tasks.store import TaskStore
from headway_streamer.watch.admission import Admission
from headway_streamer.watch.direct_writer import IdleTimer
from headway_streamer.watch.drain import Drain

logger = logging.getLogger(__name__)


class Components:
    """All that the routes need."""

    def __init__(self, settings: Settings, connection: Connection) -> None:
        if not settings.name:
            settings = msgspec.structs.replace(settings, name=socket.gethostname())
        self.settings = settings
        self.connection = connection
        self.ready = False
        """Whether the streams are there: NATS has been reached once."""
        self.metrics = Metrics()
        self.metrics.connected = lambda: connection.connected
        self.log = JetStreamLog(connection.client, connection.names)
        self.decoder = FrameDecoder(self.metrics)
        self.history = History(self.log, self.decoder, self.metrics)
        self.live = TailRegistry(
            self.log,
            self.history,
            self.decoder,
            self.metrics,
            ring_bytes=settings.ring_bytes,
            probe_seconds=settings.probe_seconds,
            rings_bytes=settings.rings_bytes,
            flush_ms=settings.flush_ms,
            linger_seconds=settings.linger_seconds,
        )
        self.storage = StoreCapacity(
            connection.client,
            connection.names,
            self.metrics,
            max_share=settings.max_store_share,
            store_bytes=settings.store_bytes,
        )
        self.intake = TaskStore(connection.client, connection.names, self.log, self.storage, self.decoder.malformed)
        self.catalogue = KindCatalogue(
            Bucket(connection.client, connection.names.kinds_bucket),
            Bucket(connection.client, connection.names.processors_bucket),
            self.decoder.malformed,
        )
        self.listing = Listing(self.intake.records, self.log, self.history, self.decoder)
        self.offers = Offers(self.catalogue, self.listing, self.log)
        self.results = Results(connection)
        self.drain = Drain(settings.drain_seconds)
        self.metrics.late = self.drain.late
        self.streams = Admission(settings, self.live, self.history, self.decoder, self.intake, self.drain, self.metrics)
        self.idle_timer = IdleTimer(
            self.metrics,
            heartbeat_seconds=settings.heartbeat_seconds,
            write_deadline_seconds=settings.write_deadline_seconds,
        )
        self.presence = Presence(self.log, lambda: connection.connected)
        self._checking = asyncio.Event()
        connection.on_reconnect += [self.live.probe_soon, self.presence.publish_soon, self._checking.set]

    @property
    def serving(self) -> bool:
        """Readiness: the log was found once, and this streamer does not drain.

        It does not depend on NATS afterwards. All replicas share it, so a proxy would reject the clients of all of
        them, and a native EventSource never returns after that; a streamer answers them with a `retry:`.
        """
        return self.ready and not self.drain.draining

    async def keep_connected(self) -> None:
        """A root task: connect, prepare the streams, notice when they are made anew. Ends when NATS is gone for
        good.
        """
        await self.connection.open()
        await ensure_patiently(self.connection.client.jetstream(), self.connection.names, self.connection.settings)
        while not self.connection.closed.is_set():
            found = await self._find_stream()
            await self._pause(INCARNATION_SECONDS if found else 0.5)

    async def _find_stream(self) -> bool:
        """Notice an event stream that was recreated, and recreate one that was lost. Whether it is there."""
        try:
            await self.live.check_incarnation(await self.log.incarnation())
        except UnavailableError as error:
            logger.info("cannot ask for the stream", extra={"action": "incarnation_failed", "error": str(error)})
            with suppress(UnavailableError):
                await ensure(self.connection.client.jetstream(), self.connection.names, self.connection.settings)
            return False
        self.ready = True
        return True

    async def _pause(self, seconds: float) -> None:
        """Until it is time to look at the stream again: soon after a reconnection, it may be another one."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._checking, self.connection.closed)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._checking.clear()

    async def close(self) -> None:
        """Leave everything and close the connection."""
        await self.live.close()
        await self.connection.close()
