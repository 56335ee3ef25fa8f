"""The public application on stores in memory, without sockets."""

from contextlib import asynccontextmanager

import httpx
import pytest

from headway_streamer.http.app import create_app
from headway_streamer.http.callers import Callers
from headway_streamer.http.event_stream import EventStreams
from headway_streamer.http.process import StartAndStream
from headway_streamer.http.streams import TaskStreams
from headway_streamer.http.submission import Submissions
from tests.fixtures.access import memory_access, prepare
from tests.fixtures.http import HOOKS
from tests.unit.streamer.conftest import RETENTION_SECONDS, parts_on


def app_of(parts, access=None):
    """The application of these parts; without `access` everybody may do everything."""
    access = access or memory_access()
    parts.revoked = access.revocations.cover_mark
    access.revocations.on_added.append(parts.open_streams.end_revoked)
    callers = Callers(parts.settings)
    submissions = Submissions(
        access,
        parts.kinds,
        parts.task_store,
        parts.drain,
        parts.metrics,
        parts.limits,
        callers,
        parts.file_use,
        retention_seconds=RETENTION_SECONDS,
    )
    streams = EventStreams(parts.admission, parts.presence, parts.idle_timer, direct=True)
    return create_app(
        parts.settings,
        task_store=parts.task_store,
        kinds=parts.kinds,
        listing=parts.listing,
        history=parts.history,
        results=parts.results,
        letter_box=parts.letter_box,
        submissions=submissions,
        reports=parts.reports,
        user_files=parts.user_files,
        access=access,
        task_streams=TaskStreams(parts.settings, streams, parts.task_store, parts.listing),
        start_and_stream=StartAndStream(parts.settings, parts.kinds, submissions, streams, parts.drain),
    )


@asynccontextmanager
async def client_of(parts, access=None):
    """A client of these parts. A stream arrives when it has ended."""
    access = access or memory_access()
    await prepare(access)
    transport = httpx.ASGITransport(app_of(parts, access), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", event_hooks=HOOKS) as client:
        yield client


@pytest.fixture
async def client(parts):
    async with client_of(parts) as made:
        yield made


@asynccontextmanager
async def streamer(log, *, access=None, **settings):
    """Parts with these settings, and a client of them."""
    async with parts_on(log, **settings) as parts, client_of(parts, access) as made:
        yield parts, made
