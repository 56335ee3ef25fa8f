"""A streamer process: its servers and its root tasks."""

from __future__ import annotations

import asyncio
import gc
import logging
from socket import gethostname

import msgspec
import uvicorn

from headway.errors import SettingsError
from headway.jetstream.connection import Connection, NatsSettings
from headway.service.logging_setup import setup
from headway.service.supervisor import run_until_first_ends
from headway_streamer.access.access import static_keys
from headway_streamer.access.settings import AccessSettings
from headway_streamer.components import Components
from headway_streamer.process.bounded_protocol import BoundedProtocol, bounded
from headway_streamer.process.detachable_protocol import DetachableProtocol
from headway_streamer.process.exposure import check_exposure, log_exposure
from headway_streamer.process.server import DrainingServer, QuietServer, config, listen
from headway_streamer.process.unfinished_requests import UnfinishedRequests
from headway_streamer.process.workers import run_workers
from headway_streamer.settings import Settings

END_SECONDS = 10.0
"""How long the root tasks may take to end. The servers wait 5 s for their connections."""

logger = logging.getLogger(__name__)


def run(settings: Settings, access: AccessSettings, nats: NatsSettings) -> int:
    """Run one process, or `workers` of them. Returns the exit code. Raises SettingsError, and OSError for a port."""
    check_exposure(settings.host, access)
    static_keys(access)  # before any process starts: keys that cannot be read are an error of the settings
    if settings.workers == 1:
        return run_one((settings, access, nats))
    each = [
        msgspec.structs.replace(
            settings, name=f"{settings.name or gethostname()}-{n}", ops_port=settings.ops_port and settings.ops_port + n
        )
        for n in range(settings.workers)
    ]
    return run_workers(run_one, [(one, access, nats) for one in each])


def run_one(given: tuple[Settings, AccessSettings, NatsSettings]) -> int:
    """Run on the loop that uvicorn prefers (uvloop where it is installed)."""
    settings, access, nats = given
    setup(settings.log_level, secrets=(*nats.secrets, *access.secrets))
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # both servers log the same of their start and end
    # The objects that a streamer has by the thousand form no cycles; collections would walk through them in vain.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    factory = uvicorn.Config(lambda: None, log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        try:
            return runner.run(serve(settings, access, nats))
        except (SettingsError, OSError):
            raise  # for the command to report
        except Exception:
            logger.exception("the streamer has failed", extra={"action": "failed"})
            return 1


async def serve(settings: Settings, access: AccessSettings, nats: NatsSettings) -> int:
    """Run a streamer until a signal or the permanent loss of NATS. Returns the exit code."""
    components = Components(settings, Connection(nats, "headway-streamer"), access)
    deadline = settings.write_deadline_seconds
    public = listen(settings.host, settings.port, write_deadline_seconds=deadline, shared=settings.workers > 1)
    private = listen(settings.ops_host, settings.ops_port, write_deadline_seconds=deadline)
    protocols = [
        bounded(type, UnfinishedRequests(settings, components.idle_timer, components.metrics))
        for type in (DetachableProtocol, BoundedProtocol)
    ]
    server = DrainingServer(config(components.public_app(), protocols[0], timeout_keep_alive=65), components.drain)
    ops = QuietServer(config(components.ops_app(lambda: server.started), protocols[1]))
    port, ops_port = public.getsockname()[1], private.getsockname()[1]
    logger.info("the streamer starts", extra={"action": "start", "port": port, "ops_port": ops_port})
    log_exposure(public.getsockname()[0], access)
    roots = {
        "server": server.serve([public]),
        "ops": ops.serve([private]),
        "nats": components.keep_connected(),
        "probe": components.tails.probe.run(),
        "presence": components.presence.keep_published(),
        "offers": components.offers.keep_announced(),
        "processors": components.processor_meter.keep_counted(),
        "index": components.task_states.keep_known(),
        "tenant_sums": components.tenant_sums.keep_summed(),
        "limits": components.exchange.keep_shared(),
        "capacity": components.capacity.keep_measured(),
        **components.access.roots(),
        "idle_timer": components.idle_timer.run(),
    }

    def stop_serving() -> None:
        server.should_exit = ops.should_exit = True

    try:
        # The first root to end ends the process: orderly here, by Kubernetes if that hangs.
        first = await run_until_first_ends(
            roots, stops={"server": stop_serving, "ops": stop_serving}, end_seconds=END_SECONDS
        )
    finally:
        await components.close()
    return 0 if first == "server" else 1
