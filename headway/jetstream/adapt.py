"""Adapt the streams of a namespace that exist to the settings: replicas, limits, retention.

Processors create what is missing and change nothing (`headway.jetstream.provision`). An operator changes it: a role of
its own, as who may change a stream can also empty it.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.js.api import StreamConfig

from headway.errors import UnavailableError
from headway.jetstream.connection import Connection, NatsSettings
from headway.jetstream.errors import from_answer, mapped
from headway.jetstream.provision import EVERY_SECOND, JOBS_SHARE, MIN_JOBS_BYTES, streams
from headway.jetstream.stream_changes import change, jobs_bytes
from headway.service.retry import retry
from headway.subjects import Names

TIMEOUT_SECONDS = 5.0
"""How long one request of the API may take; a change of replicas moves data later."""
NO_STREAM = 10059
TEMPORARY = frozenset((10008, 10009, 10039))
"""No leader, no quorum, JetStream not ready: the same request succeeds later."""


class Outcome(NamedTuple):
    """What became of a stream."""

    stream: str
    state: str
    """unchanged, changed, missing or refused; with a dry run what it would be."""
    detail: str = ""

    @property
    def refused(self) -> bool:
        """Whether the stream is not as the settings ask for."""
        return self.state == "refused"


async def adapt_patiently(
    settings: NatsSettings, *, seconds: float, dry_run: bool = False, allow_deletion: bool = False
) -> list[Outcome]:
    """Connect and adapt, repeatedly until NATS answers. Raises UnavailableError if it does not within `seconds`."""
    connection = Connection(settings, "operator")
    last: list[UnavailableError] = []
    try:
        async with asyncio.timeout(seconds):
            await connection.open()
            return await retry(
                lambda: adapt(
                    connection.client, connection.names, settings, dry_run=dry_run, allow_deletion=allow_deletion
                ),
                delay=EVERY_SECOND,
                on_refused=last.append,
            )
    except TimeoutError:
        reason = last[-1] if last else connection.client.last_error
        raise UnavailableError(f"NATS did not answer within {seconds:g} s: {reason}") from None
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(connection.close(), TIMEOUT_SECONDS)


async def adapt(
    client: Client, names: Names, settings: NatsSettings, *, dry_run: bool = False, allow_deletion: bool = False
) -> list[Outcome]:
    """Adapt every stream of the namespace. Raises UnavailableError when NATS does not answer."""
    spare = await _spare_bytes(client)
    found = []
    for config in streams(names, settings):
        wanted: dict[str, Any] = config.as_dict()
        existing = await _existing(client, config)
        if existing is None:
            found.append(Outcome(str(config.name), "missing", "a processor creates it"))
            continue
        if config.name == names.jobs_stream:
            bounds = int(wanted.get("max_bytes", -1)), int(existing.get("max_bytes", -1))
            wanted["max_bytes"] = jobs_bytes(*bounds, spare)
        found.append(await _adapted(client, wanted, existing, dry_run=dry_run, allow_deletion=allow_deletion))
    return found


async def _adapted(
    client: Client, wanted: dict[str, Any], existing: dict[str, Any], *, dry_run: bool, allow_deletion: bool
) -> Outcome:
    name, planned = str(wanted["name"]), change(wanted, existing, allow_deletion=allow_deletion)
    if planned.refusal:
        return Outcome(name, "refused", planned.refusal)
    if not planned.differences:
        return Outcome(name, "unchanged")
    detail = ", ".join(map(str, planned.differences))
    if not dry_run:
        answer = await _ask(client, f"STREAM.UPDATE.{name}", planned.config)
        if error := answer.get("error"):
            return Outcome(name, "refused", f"{detail}: {from_answer(error, 'NATS refuses')}")
    return Outcome(name, "changed", detail)


async def _existing(client: Client, config: StreamConfig) -> dict[str, Any] | None:
    """The configuration that the stream has; None if there is none."""
    answer = await _ask(client, f"STREAM.INFO.{config.name}")
    error = answer.get("error")
    if error and error.get("err_code") != NO_STREAM:
        raise from_answer(error, f"ask for {config.name}")
    return None if error else dict(answer["config"])


async def _spare_bytes(client: Client) -> int | None:
    """The most that the stream of jobs may reserve of the account's limit: at least `MIN_JOBS_BYTES`, or 0.

    None where the account has no limit.
    """
    answer = await _ask(client, "INFO")
    if error := answer.get("error"):
        raise from_answer(error, "ask for the limits of the account")
    limit = int(answer.get("limits", {}).get("max_storage", -1))
    spare = (limit - int(answer.get("storage", 0))) // JOBS_SHARE
    return None if limit <= 0 else spare if spare >= MIN_JOBS_BYTES else 0


async def _ask(client: Client, call: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer of the JetStream API. Raises UnavailableError when there is none, or only a temporary one."""
    data = json.dumps(body).encode() if body is not None else b""
    with mapped(f"ask for {call}"):
        answer = await client.request(f"$JS.API.{call}", data, timeout=TIMEOUT_SECONDS)
    found: dict[str, Any] = json.loads(answer.data)
    error = found.get("error", {})
    if error.get("err_code") in TEMPORARY:
        raise from_answer(error, f"ask for {call}")
    return found
