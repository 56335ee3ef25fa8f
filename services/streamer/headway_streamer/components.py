"""The parts of a streamer, wired together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import msgspec

from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.broadcast import Broadcast
from headway.jetstream.connection import Connection
from headway.jetstream.dead_letters import DeadLetterStream
from headway.jetstream.deletions import Deletions
from headway.jetstream.file_store import FileStore
from headway.jetstream.job_queue import JetStreamJobQueue
from headway.jetstream.kv import Bucket
from headway.jetstream.results import ResultStore
from headway.jetstream.store_meter import JetStreamStoreMeter
from headway_streamer.access.access import Access, Stores
from headway_streamer.access.hosts import AllowedHosts
from headway_streamer.access.origins import Origins
from headway_streamer.access.settings import AccessSettings
from headway_streamer.files.files import UserFiles
from headway_streamer.files.index import FileIndex
from headway_streamer.files.uploads import Uploads
from headway_streamer.files.use import FileUse
from headway_streamer.http.app import create_app
from headway_streamer.http.callers import Callers
from headway_streamer.http.event_stream import EventStreams
from headway_streamer.http.gate import Gate
from headway_streamer.http.ops import Ops
from headway_streamer.http.process import StartAndStream
from headway_streamer.http.streams import TaskStreams
from headway_streamer.http.submission import Submissions
from headway_streamer.limits.exchange import Exchange
from headway_streamer.limits.limits import Limits
from headway_streamer.metrics import Metrics
from headway_streamer.reports.leases import ReportLeases
from headway_streamer.reports.reports import Reports
from headway_streamer.settings import Settings
from headway_streamer.tail.frame_decoder import FrameDecoder
from headway_streamer.tail.history import History
from headway_streamer.tail.log_monitor import LogMonitor
from headway_streamer.tail.registry import TailRegistry
from headway_streamer.tasks.capacity import StoreCapacity
from headway_streamer.tasks.dead_letters import LetterBox
from headway_streamer.tasks.kinds import KindCatalogue
from headway_streamer.tasks.listing import Listing
from headway_streamer.tasks.offers import Offers
from headway_streamer.tasks.presence import Presence
from headway_streamer.tasks.processor_meter import ProcessorMeter
from headway_streamer.tasks.store import TaskStore
from headway_streamer.tasks.task_ids import TaskIds
from headway_streamer.tasks.task_index import TableThread, TaskIndex
from headway_streamer.tasks.task_states import TaskStates
from headway_streamer.tasks.tenant_sums import TenantSums
from headway_streamer.watch.admission import Admission
from headway_streamer.watch.drain import Drain
from headway_streamer.watch.idle_timer import IdleTimer
from headway_streamer.watch.open_streams import OpenStreams


class Components:
    """Makes the parts of one streamer, each with what it uses, and holds them."""

    def __init__(self, settings: Settings, connection: Connection, access: AccessSettings | None = None) -> None:
        if not settings.name:
            settings = msgspec.structs.replace(settings, name=socket.gethostname())
        self.settings = settings
        self.connection = connection
        client, names = connection.client, connection.names
        stores = Stores(Bucket(client, names.token_keys_bucket), Bucket(client, names.revocations_bucket))
        longest = connection.settings.max_token_seconds
        self.access = Access(access or AccessSettings(), stores, max_token_seconds=longest)
        self.metrics = Metrics()
        self.log = JetStreamLog(client, names)
        self.decoder = FrameDecoder(self.metrics)
        self.history = History(self.log, self.decoder, self.metrics)
        self.tails = TailRegistry(
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
        self.monitor = LogMonitor(self.log, self.tails)
        self.capacity = StoreCapacity(
            JetStreamStoreMeter(client, names, store_bytes=settings.store_bytes),
            self.metrics,
            max_share=settings.max_store_share,
        )
        self.limits = Limits(settings, self.metrics, has_tenants=not self.access.open)
        self.exchange = Exchange(self.limits, Broadcast(client, names.usage))
        self.metrics.unheard = lambda: self.exchange.unheard
        records = Bucket(client, names.tasks_bucket)
        self.task_ids = TaskIds(Bucket(client, names.secrets_bucket), records, lambda: self.decoder.incarnation)
        self.task_store = TaskStore(
            records,
            self.task_ids,
            JetStreamJobQueue(client, names),
            Deletions(client, names),
            self.log,
            self.capacity,
            self.limits.stored,
            self.decoder.malformed,
            Bucket(client, names.unique_bucket),
            Bucket(client, names.scheduled_bucket),
        )
        leases = ReportLeases(Bucket(client, names.reporters_bucket))
        self.reports = Reports(self.log, self.task_store, leases, self.metrics)
        self.kinds = KindCatalogue(
            Bucket(client, names.kinds_bucket), Bucket(client, names.processors_bucket), self.decoder.malformed
        )
        self.table_thread = TableThread()
        self.index = TaskIndex(records, self.decoder.malformed, lambda: self.decoder.incarnation, run=self.table_thread)
        self.task_states = TaskStates(self.index, self.log, self.history)
        self.listing = Listing(self.index, self.task_states, self.log, self.history, self.decoder)
        self.offers = Offers(self.kinds, self.listing, self.log)
        self.processor_meter = ProcessorMeter(self.kinds, self.listing, self.metrics)
        self.results = ResultStore(client, names)
        self.letter_box = LetterBox(DeadLetterStream(client, names))
        self.files = FileStore(client, names)
        self.file_index = FileIndex(self.files, lambda: self.decoder.incarnation)
        self.tenant_sums = TenantSums(records, self.log, self.limits.stored, self._sums_up, self._bytes_of_files)
        self.presence = Presence(self.log, lambda: connection.connected)
        self.drain = Drain(settings.drain_seconds)
        self.open_streams = OpenStreams(self.access.revocations.cover_mark)
        self.access.revocations.on_added.append(self.open_streams.end_revoked)
        self.admission = Admission(
            settings,
            self.tails,
            self.history,
            self.decoder,
            self.task_store,
            self.drain,
            self.metrics,
            self.open_streams,
            self.limits,
        )
        self.idle_timer = IdleTimer(self.metrics, write_deadline_seconds=settings.write_deadline_seconds)
        self.metrics.connected = lambda: connection.connected
        self.metrics.overdue = self.drain.overdue
        connection.on_reconnect += [self.tails.probe.run_soon, self.presence.publish_soon, self.monitor.check_soon]
        connection.on_reconnect.append(self.access.read_soon)

    def public_app(self) -> Gate:
        """The application of the public port."""
        retention_seconds = self.connection.settings.retention_seconds
        file_use = FileUse(self.files, file_seconds=self.settings.file_seconds, retention_seconds=retention_seconds)
        submissions = Submissions(
            self.access,
            self.kinds,
            self.task_store,
            self.drain,
            self.metrics,
            self.limits,
            Callers(self.settings),
            file_use,
            retention_seconds=retention_seconds,
        )
        uploads = Uploads(
            self.settings,
            self.files,
            self.file_index,
            self.task_store,
            self.capacity,
            self.limits,
            retention_seconds=retention_seconds,
        )
        streams = EventStreams(self.admission, self.presence, self.idle_timer, direct=self.settings.fast_path)
        return create_app(
            self.settings,
            task_store=self.task_store,
            kinds=self.kinds,
            listing=self.listing,
            history=self.history,
            results=self.results,
            letter_box=self.letter_box,
            submissions=submissions,
            reports=self.reports,
            user_files=UserFiles(self.files, self.file_index, uploads),
            access=self.access,
            task_streams=TaskStreams(self.settings, streams, self.task_store, self.listing),
            start_and_stream=StartAndStream(self.settings, self.kinds, submissions, streams, self.drain),
        )

    def ops_app(self, listening: Callable[[], bool]) -> Gate:
        """The application of the ops port; `listening` says whether the public port is open.

        Probes and scrapers address pods by IP; some proxies name no host.
        """
        hosts = AllowedHosts(self.settings.allowed_hosts, bound=self.settings.ops_host, any_address=True)
        return Gate(self._ops(listening), hosts, Origins(), bare=True)

    def _ops(self, listening: Callable[[], bool]) -> Ops:
        return Ops(
            self.metrics,
            self.drain,
            listening=listening,
            prepared=lambda: self.monitor.ready and self.access.ready,
            nats_state=lambda: self.connection.state,
            streams=lambda: self.admission.count,
        )

    async def _bytes_of_files(self) -> dict[str, int]:
        await self.file_index.refresh()
        return self.file_index.bytes_by_tenant()

    def _sums_up(self) -> bool:
        return self.connection.connected and self.exchange.first

    async def keep_connected(self) -> None:
        """Connect, and check the stream of events, until the connection is closed. A root task."""
        await self.connection.open()
        loading = asyncio.ensure_future(self.task_ids.load())
        try:
            await self.monitor.run(self.connection.closed)
        finally:
            loading.cancel()

    async def close(self) -> None:
        """Leave all tails and close the connection."""
        await self.tails.close()
        await self.connection.close()
        self.table_thread.close()
