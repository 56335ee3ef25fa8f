"""Where the texts are from: the parameters, a table, an uploaded one, or the pages of a crawl."""

from __future__ import annotations

import asyncio
from pathlib import Path

from headway import Job
from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.connection import NatsSettings, connected
from headway.jetstream.file_store import FileStore
from headway.jetstream.kv import Bucket
from headway.jetstream.results import ResultStore
from headway.opened_file import TaskFiles
from headway_kinds.bulk.source import open_source
from headway_kinds.bulk.uploaded import open_uploaded
from headway_kinds.cluster.crawl_pages import Crawls, ownership_of
from headway_kinds.cluster.params import ClusterParams
from headway_kinds.cluster.table_column import read_column
from headway_kinds.cluster.texts import Material, Texts
from headway_kinds.settings import Settings

NATS_SECONDS = 10.0


def read_texts(job: Job, params: ClusterParams, settings: Settings, nats: NatsSettings) -> Material:
    """Read the texts that the parameters name. In a thread without an event loop.

    Args:
        nats: where uploaded files and the results of crawls are.

    Raises TaskError when they cannot be read, and UnavailableError.
    """
    texts = Texts(params.max_texts)
    if params.crawl:
        return asyncio.run(_read_crawl(job, params.crawl, nats, texts))
    if params.file:
        return asyncio.run(_read_upload(job, params, nats, texts))
    if params.source:
        return asyncio.run(_read_table(job, params, settings, texts))
    job.step("Reading", upto=20)
    for text in params.texts:
        if not texts.add(text):
            break
    return Material(texts, f"{len(params.texts):,} given texts", [])


# A connection of its own: the handler runs in another process than the processor.


async def _read_crawl(job: Job, crawl: str, nats: NatsSettings, texts: Texts) -> Material:
    async with connected(nats, "processor", seconds=NATS_SECONDS) as connection:
        client, names = connection.client, connection.names
        stores = JetStreamLog(client, names), Bucket(client, names.tasks_bucket), ResultStore(client, names)
        return await Crawls(*stores).read(job, crawl, texts)


async def _read_upload(job: Job, params: ClusterParams, nats: NatsSettings, texts: Texts) -> Material:
    async with connected(nats, "processor", seconds=NATS_SECONDS) as connection:
        client, names = connection.client, connection.names
        owner = await ownership_of(job.task, Bucket(client, names.tasks_bucket))
        job.allow_files(TaskFiles(FileStore(client, names), owner))
        async with open_uploaded(job, params.file) as uploaded:
            return _read(job, uploaded.source.path, uploaded.name, params, texts)


async def _read_table(job: Job, params: ClusterParams, settings: Settings, texts: Texts) -> Material:
    async with open_source(job, params.source, settings) as file:
        return _read(job, file.path, params.source, params, texts)


def _read(job: Job, path: Path, name: str, params: ClusterParams, texts: Texts) -> Material:
    # On the loop, which is this thread's own: nothing else waits.
    return read_column(job, path, name, params.column, texts, delimiter=params.delimiter, encoding=params.encoding)
