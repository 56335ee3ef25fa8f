"""A file that was uploaded, as a source: copied to a temporary file, which can be read twice and from any place."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from headway import Job
from headway_kinds.bulk.source import WRITE_BYTES, SourceFile


class Uploaded(NamedTuple):
    """A copy of an uploaded file."""

    source: SourceFile
    name: str
    """What its owner calls it."""


@asynccontextmanager
async def open_uploaded(job: Job, file: str) -> AsyncIterator[Uploaded]:
    """Copy an uploaded file of the task's owner, for as long as the block runs. Raises TaskError."""
    async with job.open(file) as parts:
        job.step("Fetching", total=parts.bytes, unit="bytes", upto=10)
        job.update(message=parts.name)
        with tempfile.NamedTemporaryFile(prefix="headway-file-") as copy:
            waiting = bytearray()
            async for part in parts:
                waiting += part
                if len(waiting) >= WRITE_BYTES:
                    await asyncio.to_thread(copy.write, waiting)  # a busy disk would block all tasks
                    waiting = bytearray()
                job.advance(len(part))
            await asyncio.to_thread(copy.write, waiting)
            copy.flush()
            yield Uploaded(SourceFile(Path(copy.name), parts.sha256), parts.name or file)
