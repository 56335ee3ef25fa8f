"""`headway nats-restore`: create all streams of a namespace as a backup holds them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from headway.cli.commands.nats_backup import CONNECT_SECONDS, show
from headway.jetstream.backup import restore
from headway.jetstream.connection import NatsSettings, connected
from headway.service.settings import load


@click.command(name="nats-restore")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replicas", type=click.IntRange(1, 5), help="Copies of each stream, if not as many as there were.")
@click.option("--replace", is_flag=True, help="Delete the streams that exist before. What they hold is lost.")
def nats_restore(*, directory: Path, replicas: int | None, replace: bool) -> None:
    """Create all streams of a namespace as DIRECTORY holds them, while no service runs.

    Reads HEADWAY_NATS_… as the services do; the user is the administrator that `headway nats-config --admin` adds.
    """
    settings = load(NatsSettings, "HEADWAY_NATS_", os.environ)
    asyncio.run(_restore(settings, directory, replicas or 0, replace=replace))


async def _restore(settings: NatsSettings, directory: Path, replicas: int, *, replace: bool) -> None:
    async with connected(settings, "backup", seconds=CONNECT_SECONDS) as connection:
        names = connection.names
        await show(restore(connection.client, names, directory, replicas=replicas, replace=replace))
