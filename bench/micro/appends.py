"""Cost of an append through the accounts of NATS, beside one account: `python -m bench.micro.appends`.

One server has both: the streams of one namespace in an account whose users use them directly, and those of another one
behind the imports of its processors. One append is in flight at a time, as in the log of a task; rounds alternate.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import nats
from nats.aio.client import Client

from bench.harness import machine, payload
from bench.harness.nats_server import NatsServer
from headway.eventlog.jetstream_log import JetStreamLog
from headway.jetstream import provision
from headway.jetstream.accounts import Literal, User, accounts
from headway.jetstream.nats_config import render
from headway.subjects import Names

DIRECT, IMPORTED = Names("direct"), Names("imported")
PASSWORD = "secret"
ROUND_APPENDS = 500


def _config() -> str:
    users = {role: (User(role, Literal(PASSWORD)),) for role in ("streamer", "processor", "reporter")}
    one = {"ONE": {"jetstream": "enabled", "users": [{"user": "one", "password": PASSWORD}]}}
    return render({"accounts": one | accounts(IMPORTED, users, max_file="1GB")})


class Writer:
    """Appends to the log of one task."""

    def __init__(self, client: Client, names: Names) -> None:
        self._log = JetStreamLog(client, names)
        self._seq = self._count = 0

    async def round(self) -> float:
        """Append for a round. Return the microseconds per append."""
        begin = time.perf_counter()
        for _ in range(ROUND_APPENDS):
            self._count += 1
            event = payload.event(b"t1", self._count, 1)
            ack = await self._log.put("t1", event, expected=self._seq, msg_id=f"t1.{self._count}")
            self._seq = ack.seq
        return (time.perf_counter() - begin) / ROUND_APPENDS * 1e6


async def _open(port: int, user: str, names: Names) -> Client:
    client = await nats.connect(
        f"nats://127.0.0.1:{port}", user=user, password=PASSWORD, inbox_prefix="_INBOX_processor"
    )
    await provision.ensure_patiently(client.jetstream(), names)
    return client


async def run(port: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds per append of each round."""
    clients = [await _open(port, "one", DIRECT), await _open(port, "processor", IMPORTED)]
    writers = {"one account": Writer(clients[0], DIRECT), "imports": Writer(clients[1], IMPORTED)}
    found: dict[str, list[float]] = {name: [] for name in writers}
    for number in range(rounds + 1):
        for name, writer in writers.items():
            microseconds = await writer.round()
            if number:  # the first round warms up
                found[name].append(microseconds)
    for client in clients:
        await client.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.micro.appends", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    machine.pin_client()
    with tempfile.TemporaryDirectory(prefix="headway-bench-") as directory:
        server = NatsServer(Path(directory), _config())
        try:
            found = asyncio.run(run(server.port, options.rounds))
        finally:
            server.stop()
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, median in medians.items():
        print(f"{name:<12} {median:6.0f} µs per append, {min(found[name]):.0f} to {max(found[name]):.0f}")
    ratios = [imported / direct for direct, imported in zip(*found.values(), strict=True)]
    print(f"ratio        {statistics.median(ratios):6.2f}")


if __name__ == "__main__":
    main()
