"""`headway-streamer`: one streamer, until SIGTERM."""

from __future__ import annotations

import asyncio
import os
import sys

import uvicorn

from headway.connection import Connection, NatsSettings
from headway.errors import SettingsError
from headway.logs import setup
from headway.settings import load
from headway_streamer.app import create_app
from headway_streamer.core import Core
from headway_streamer.ops import Ops
from headway_streamer.server import DrainingServer, QuietServer, config, listen
from headway_streamer.settings import PREFIX, Settings
from headway_streamer.wire import WireProtocol


def main() -> None:
    """Run a streamer. Exit code 0 after a drain, 1 when NATS is gone for good, 2 for a wrong setting."""
    try:
        settings = load(Settings, PREFIX, os.environ)
        nats = load(NatsSettings, "HEADWAY_NATS_", os.environ)
        setup(settings.log_level)
        code = uvicorn_run(settings, nats)
    except SettingsError as error:
        sys.stderr.write(f"headway-streamer: {error}\n")
        code = 2
    except OSError as error:
        sys.stderr.write(f"headway-streamer: cannot listen: {error}; is another one running? Set {PREFIX}PORT.\n")
        code = 2
    sys.exit(code)


def uvicorn_run(settings: Settings, nats: NatsSettings) -> int:
    """Run on the loop that uvicorn prefers (uvloop where it is installed)."""
    factory = uvicorn.Config(lambda: None, log_config=None).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(serve(settings, nats))


async def serve(settings: Settings, nats: NatsSettings) -> int:
    """Everything a streamer does, until it is told to end or NATS is gone for good."""
    core = Core(settings, Connection(nats, "headway-streamer"))
    public = listen(settings.host, settings.port, write_deadline_seconds=settings.write_deadline_seconds)
    private = listen(settings.ops_host, settings.ops_port)
    server = DrainingServer(config(create_app(core), http=WireProtocol, timeout_keep_alive=65), core.drain)
    ops = QuietServer(config(Ops(core)))
    roots = [
        asyncio.create_task(server.serve([public]), name="server"),
        asyncio.create_task(ops.serve([private]), name="ops"),
        asyncio.create_task(core.keep_connected(), name="nats"),
        asyncio.create_task(core.live.probe_for_ever(), name="probe"),
        asyncio.create_task(core.starters.beat_for_ever(), name="starters"),
        asyncio.create_task(core.sweeper.sweep_for_ever(), name="sweeper"),
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


if __name__ == "__main__":
    main()
