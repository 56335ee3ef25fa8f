"""The processor as a process: reads the settings from the environment, and runs until a signal."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping

from headway.errors import InvalidNameError, SettingsError
from headway.jetstream.connection import NatsSettings
from headway.kind import Registry
from headway.service import logging_setup
from headway.service.settings import load
from headway.values.redaction import redact
from headway_processor.app import Processor
from headway_processor.deletion.retention import set_retentions
from headway_processor.registration import VARIABLE, declared_settings, load_kinds, module_names
from headway_processor.settings import PREFIX, Settings

COLLECTIONS = (5_000, 20, 20)
"""Thresholds of the garbage collector: rarer than by default, but a handler's large objects in cycles go in time."""
END_SECONDS = 3.0
"""How long after the shutdown asyncio tasks that a handler has left may delay the end of the process."""

logger = logging.getLogger(__name__)


def run(environ: Mapping[str, str]) -> int:
    """Run the processor until a signal. Return the exit code: 0, 1 after a failure, 2 for a wrong setting."""
    try:
        beside = [group.type for group in declared_settings() if group.prefix == PREFIX]
        settings = load(Settings, PREFIX, environ, beside=beside)
        nats = load(NatsSettings, "HEADWAY_NATS_", environ)
        logging_setup.setup(settings.log_level, secrets=nats.secrets)
        kinds = load_kinds(module_names(environ.get(VARIABLE, "")), environ, builtin=settings.builtin_kinds)
        set_retentions(kinds, settings.retentions, nats.retention_seconds)
        # What was imported stays, and jobs leave few cycles: full collections would walk through all of it in vain.
        gc.freeze()
        gc.set_threshold(*COLLECTIONS)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(settings, nats, kinds, environ))
    except (SettingsError, InvalidNameError) as error:
        sys.stderr.write(redact(f"headway-processor: {error}\n"))
        return 2
    except Exception:
        logger.exception("the processor has failed", extra={"action": "failed"})
        return 1


async def _serve(settings: Settings, nats: NatsSettings, kinds: Registry, environ: Mapping[str, str]) -> int:
    processor = Processor(settings, nats, kinds, environ)
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        processor.stop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _force)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    code = 0 if await processor.run() else 1
    cut = threading.Timer(END_SECONDS, os._exit, [code])
    cut.daemon = True
    cut.start()
    return code


def _force() -> None:
    os._exit(1)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
