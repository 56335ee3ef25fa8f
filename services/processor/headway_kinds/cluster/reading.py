"""Where the texts are from: the parameters, a table, or the pages of a crawl."""

from __future__ import annotations

import asyncio

from headway import Job
from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream.connection import NatsSettings, connected
from headway.jetstream.kv import Bucket
from headway.jetstream.results import ResultStore
from headway_kinds.bulk.source import open_source
from headway_kinds.cluster.crawl_pages import Crawls
from headway_kinds.cluster.params import ClusterParams
from headway_kinds.cluster.table_column import read_column
from headway_kinds.cluster.texts import Material, Texts
from headway_kinds.settings import Settings

NATS_SECONDS = 10.0


def read_texts(job: Job, params: ClusterParams, settings: Settings, nats: NatsSettings) -> Material:
    """Read the texts that the parameters name. In a thread without an event loop.

    Args:
        nats: where the results of crawls are.

    Raises TaskError when they cannot be read, and UnavailableError.
    """
    texts = Texts(params.max_texts)
    if params.crawl:
        return asyncio.run(_read_crawl(job, params.crawl, nats, texts))
    if params.source:
        return asyncio.run(_read_table(job, params, settings, texts))
    job.step("Reading", upto=20)
    for text in params.texts:
        if not texts.add(text):
            break
    return Material(texts, f"{len(params.texts):,} given texts", [])


async def _read_crawl(job: Job, crawl: str, nats: NatsSettings, texts: Texts) -> Material:
    # A connection of its own: the handler may run in another process than the processor.
    async with connected(nats, "processor", seconds=NATS_SECONDS) as connection:
        client, names = connection.client, connection.names
        stores = JetStreamLog(client, names), Bucket(client, names.tasks_bucket), ResultStore(client, names)
        return await Crawls(*stores).read(job, crawl, texts)


async def _read_table(job: Job, params: ClusterParams, settings: Settings, texts: Texts) -> Material:
    async with open_source(job, params.source, settings) as file:
        # The loop is this thread's own: nothing else waits.
        return read_column(
            job, file.path, params.source, params.column, texts, delimiter=params.delimiter, encoding=params.encoding
        )
