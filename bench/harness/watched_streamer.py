"""A streamer that writes down how long its event loop stood still: `python watched_streamer.py FILE`, by its own path.

It imports the services alone, so that PYTHONPATH decides which version of them is measured. Each line of the file is
about the time since the one before.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from headway.jetstream.connection import NatsSettings
from headway.service.settings import load
from headway_streamer.access.settings import AccessSettings
from headway_streamer.process import run
from headway_streamer.settings import PREFIX, Settings

TICK_SECONDS = 0.001
LINE_SECONDS = 0.1


class _Components(run.Components):
    made: list[_Components] = []  # noqa: RUF012 - of the process

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.made.append(self)


def _line(stall: float, cpu: float) -> str:
    index = next((getattr(components, "index", None) for components in _Components.made), None)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return json.dumps(
        {
            "at": time.monotonic(),
            "stall_ms": round(stall * 1e3, 2),
            "cpu_stall_ms": round(cpu * 1e3, 2),
            "rss_mib": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
            "cpu_seconds": time.process_time(),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "indexed": index.count if index is not None else None,
            "complete": bool(index is not None and index.complete),
        }
    )


async def _watch(file: Path) -> None:
    stall = cpu = 0.0
    with file.open("a", buffering=1) as lines:
        written = time.monotonic()
        while True:
            at, used = time.monotonic(), time.thread_time()
            await asyncio.sleep(TICK_SECONDS)
            stall = max(stall, time.monotonic() - at - TICK_SECONDS)
            cpu = max(cpu, time.thread_time() - used)
            if time.monotonic() > written + LINE_SECONDS:
                lines.write(_line(stall, cpu) + "\n")
                written, stall, cpu = time.monotonic(), 0.0, 0.0


def main(file: Path) -> None:
    """Run a streamer as its command does."""
    serve = run.serve

    async def watched(*given: Any) -> int:
        watching = asyncio.create_task(_watch(file))
        try:
            return await serve(*given)
        finally:
            watching.cancel()

    run.Components, run.serve = _Components, watched  # type: ignore[misc]
    settings = load(Settings, PREFIX, os.environ, beside=(AccessSettings,))
    run.run_one((settings, AccessSettings(), load(NatsSettings, "HEADWAY_NATS_", os.environ)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
