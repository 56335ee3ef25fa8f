"""`headway nats-adapt`: change the streams in NATS to what the settings ask for."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from headway.cli.errors import CommandError
from headway.jetstream.adapt import Outcome, adapt_patiently
from headway.jetstream.connection import NatsSettings
from headway.service.settings import load


@click.command(name="nats-adapt")
@click.option("--dry-run", is_flag=True, help="Only print what would be changed.")
@click.option("--allow-deletion", is_flag=True, help="Also lower limits that delete what is stored, such as ages.")
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long to wait for NATS."
)
def nats_adapt(*, dry_run: bool, allow_deletion: bool, seconds: float) -> None:
    """Change the streams in NATS to what the settings ask for: replicas, limits, how long they keep.

    Reads HEADWAY_NATS_… as the services do; the user is that of the account that `headway nats-config --operator`
    adds, or an administrator. The exit code is 1 when a stream is left as it is.
    """
    settings = load(NatsSettings, "HEADWAY_NATS_", os.environ)
    with quiet():
        found = asyncio.run(adapt_patiently(settings, seconds=seconds, dry_run=dry_run, allow_deletion=allow_deletion))
    for line in lines(found, dry_run=dry_run):
        click.echo(line)
    refused = [outcome.stream for outcome in found if outcome.refused]
    if refused:
        raise CommandError(f"{len(refused)} of {len(found)} streams are left as they are: {', '.join(refused)}")


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing of the connection: the error at the end tells the reason."""
    log = logging.getLogger("headway")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def lines(found: Sequence[Outcome], *, dry_run: bool) -> list[str]:
    """A line per stream."""
    width = max(len(outcome.stream) for outcome in found)
    would = {"changed": "would be changed"} if dry_run else {}
    return [
        f"{outcome.stream:<{width}}  {would.get(outcome.state, outcome.state)}  {outcome.detail}".rstrip()
        for outcome in found
    ]
