"""`headway nats-backup`: copy all streams of a namespace into a directory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import click

from headway.jetstream.backup import Copied, back_up
from headway.jetstream.connection import NatsSettings, connected
from headway.service.settings import load

CONNECT_SECONDS = 30.0


@click.command(name="nats-backup")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def nats_backup(*, directory: Path) -> None:
    """Copy all streams of a namespace, with their consumers, into DIRECTORY, while they are used.

    Reads HEADWAY_NATS_… as the services do; the user is the administrator that `headway nats-config --admin` adds.
    """
    settings = load(NatsSettings, "HEADWAY_NATS_", os.environ)
    asyncio.run(_back_up(settings, directory))


async def _back_up(settings: NatsSettings, directory: Path) -> None:
    async with connected(settings, "backup", seconds=CONNECT_SECONDS) as connection:
        await show(back_up(connection.client, connection.names, directory))


async def show(streams: AsyncIterator[Copied]) -> None:
    """Print a line for each stream."""
    async for copied in streams:
        click.echo(f"{copied.stream}  {copied.messages} messages  {copied.size} bytes")
