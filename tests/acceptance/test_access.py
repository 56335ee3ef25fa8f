"""Access control as the how-to describes it, with the installed commands."""

import json
import subprocess

import httpx
import pytest

from tests.acceptance.test_docs import environment
from tests.fixtures.services import free_port

pytestmark = pytest.mark.security


def test_a_secret_of_ones_own_as_documented(printed, services):
    (block,) = printed
    services.processor("p1", BUILTIN_KINDS="check").wait_ready()
    port, ops = free_port(), free_port()
    given = {
        "HEADWAY_NATS_URL": services.nats.url,
        "HEADWAY_STREAMER_PORT": str(port),
        "HEADWAY_STREAMER_OPS_PORT": str(ops),
        "HEADWAY_STREAMER_DRAIN_SECONDS": "0.1",
        "HEADWAY_SERVER": f"http://127.0.0.1:{port}",
    }
    lines = block.text.strip().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("headway-streamer"))
    wait = (
        f"python3 -c \"import socket,time\nwhile socket.socket().connect_ex(('127.0.0.1', {port})): time.sleep(0.05)\""
    )
    script = "\n".join(
        ["set -e", *lines[: start + 1], "streamer=$!", "trap 'kill $streamer' EXIT", wait, *lines[start + 1 :]]
    )
    done = subprocess.run(
        ["sh", "-c", script.replace("--watch", "--json --watch")],
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.strip().splitlines()[-1])
    assert "completed" in json.dumps(last)


async def test_nobody_reads_without_a_token(services, streamers):
    settings = {"HEADWAY_STREAMER_ACCESS": "jwt", "HEADWAY_STREAMER_JWT_SECRET": "a secret of sufficient length, yes"}
    one = await streamers("s1", settings)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{one.port}") as http:
        assert (await http.get("/api/v1/tasks")).status_code == 401
        assert (await http.get("/")).status_code == 200
    assert "a secret of sufficient" not in one.log.read_text()
