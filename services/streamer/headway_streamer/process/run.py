"""A streamer as a process: its servers and its root tasks."""

from __future__ import annotations

import asyncio
import gc
import logging
from socket import gethostname

import msgspec
import uvicorn

from headway.jetstream.connection import Connection, NatsSettings
from headway.service.logging_setup import setup
from headway_streamer.components import Components
from headway_streamer.http.app import create_app
from headway_streamer.http.ops import Ops
from headway_streamer.process.detachable_protocol import DetachableProtocol
from headway_streamer.process.server import DrainingServer, QuietServer, config, listen
from headway_streamer.process.workers import run_workers
from headway_streamer.settings import Settings

logger = logging.getLogger(__name__)


def run(settings: Settings, nats: NatsSettings) -> int:
    """Run one process, or as many as `workers` says."""
    if settings.workers == 1:
        return run_one((settings, nats))
    each = [
        msgspec.structs.replace(
            settings, name=f"{settings.name or gethostname()}-{n}", ops_port=settings.ops_port and settings.ops_port + n
        )
        for n in range(settings.workers)
    ]
    return run_workers(run_one, [(one, nats) for one in each])


def run_one(given: tuple[Settings, NatsSettings]) -> int:
    """Run on the loop that uvicorn prefers (uvloop where it is installed)."""
    settings, nats = given
    setup(settings.log_level)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # both servers say the same of their start and end
    # Nothing of what a streamer makes by the thousand is a cycle; collections walk through all of it for nothing.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    factory = uvicorn.Config(lambda: None, log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(serve(settings, nats))


async def serve(settings: Settings, nats: NatsSettings) -> int:
    """Everything a streamer does, until it is told to end or NATS is gone for good."""
    core = Components(settings, Connection(nats, "headway-streamer"))
    deadline = settings.write_deadline_seconds
    public = listen(settings.host, settings.port, write_deadline_seconds=deadline, shared=settings.workers > 1)
    private = listen(settings.ops_host, settings.ops_port)
    server = DrainingServer(config(create_app(core), http=DetachableProtocol, timeout_keep_alive=65), core.drain)
    ops = QuietServer(config(Ops(core, lambda: server.started)))
    port, ops_port = public.getsockname()[1], private.getsockname()[1]
    logger.info("the streamer starts", extra={"action": "start", "port": port, "ops_port": ops_port})
    roots = [
        asyncio.create_task(server.serve([public]), name="server"),
        asyncio.create_task(ops.serve([private]), name="ops"),
        asyncio.create_task(core.keep_connected(), name="nats"),
        asyncio.create_task(core.live.probe_for_ever(), name="probe"),
        asyncio.create_task(core.presence.keep_published(), name="presence"),
        asyncio.create_task(core.offers.keep_announced(), name="offers"),
        asyncio.create_task(core.storage.keep_measured(), name="storage"),
        asyncio.create_task(core.idle_timer.run(), name="idle_timer"),
    ]
    # The first root to end ends the process: orderly here, by Kubernetes if that hangs.
    done, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
    failed = [root for root in done if root is not roots[0]]
    server.should_exit = ops.should_exit = True
    for root in roots[2:]:
        root.cancel()
    await asyncio.wait(roots, timeout=10)
    await core.close()
    for root in failed:
        if not root.cancelled() and root.exception() is not None:
            raise root.exception()  # type: ignore[misc]
    return 1 if failed else 0
